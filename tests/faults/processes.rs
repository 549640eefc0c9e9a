//! Our own processes: frozen, killed, told to stop, or with a clock that moves.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::dns::{Question, Said};
use super::scene::Scene;
use super::setup::Setup;
use crate::support::eventually;
use crate::support::srvd::{Srvd, command};

/// How long `serve` is frozen.
const FROZEN: Duration = Duration::from_secs(20);
/// Large documents that fill the windows of HTTP/2 (2 MiB) and of TCP, and their size.
const BUFFERS_FULL: usize = 200;
/// See [`BUFFERS_FULL`].
const LARGE: usize = 50_000;
/// The lease of a `join`, in its argument and as a time.
const LEASE: (&str, Duration) = ("4s", Duration::from_secs(4));
/// What etcd may add to a lease: it looks for ended ones twice a second, rounds up, and
/// begins anew when it elects a leader. The rest is for a slow machine.
const LEASE_SLACK: Duration = Duration::from_secs(8);

/// The registration of [`join`], as an answer.
fn joined() -> (Question, Said) {
    (Question::a("joined"), Said::Records(["10.3.0.1".to_owned()].into()))
}

/// A `join`, started. Variables are its own.
fn start(scene: &Scene, variables: &[(String, String)]) -> Srvd {
    let plain = ["join", "joined", "--host", "10.3.0.1", "--port", "80", "--ttl", LEASE.0];
    Srvd::spawn(command(&scene.registry(), &plain).envs(variables.iter().cloned()))
}

/// The same, registered and shown.
fn join(scene: &Scene, variables: &[(String, String)]) -> Srvd {
    let srvd = start(scene, variables);
    srvd.prints("registered joined at");
    let (question, shown) = joined();
    scene.wait_for(&question, &shown);
    srvd
}

#[test]
fn serve_frozen() {
    let mut scene = Scene::of(3);
    scene.asker.excuse_silence(true);
    scene.srvd.signal("STOP");
    // More than all buffers on the way hold, so that etcd cannot tell it after the compaction.
    for n in 0..BUFFERS_FULL {
        let padding = "x".repeat(LARGE);
        let document = format!(r#"{{"host":"10.8.0.{}:80","padding":"{padding}"}}"#, n % 100 + 1);
        scene.hand.put(&format!("/services/large/{}", n % 10), document);
    }
    scene.keep_changing(Duration::from_millis(5), FROZEN / 2);
    scene.history.read_on(&scene.hand);
    scene.hand.compact();
    scene.keep_changing(Duration::from_millis(100), FROZEN / 2);
    let thawed = scene.srvd.signal("CONT");
    assert!(eventually(|| scene.says(&Question::srv("stable")) != Said::Silence));
    scene.asker.excuse_silence(false);
    scene.right_again("serve frozen for 20 s, over a compaction", thawed);
    scene.srvd.logs("watch ended, relisting");
}

#[test]
fn join_killed() {
    let mut scene = Scene::of(3);
    let mut srvd = join(&scene, &[]);
    srvd.kill9();
    let killed = Instant::now();
    let took = scene.wait_for(&joined().0, &Said::Absent) - killed;
    assert!(took < LEASE.1 + LEASE_SLACK, "gone after {took:?}");
    scene.remark("of a lease of 4 s".to_owned());
    scene.finish("join killed with -9", took);
}

/// The worst of both: the new leader begins every lease anew.
#[test]
fn join_killed_and_the_leader_with_it() {
    let mut scene = Scene::of(3);
    let mut srvd = join(&scene, &[]);
    let leader = scene.cluster.leader();
    srvd.kill9();
    scene.kill(leader);
    let killed = Instant::now();
    let took = scene.wait_for(&joined().0, &Said::Absent) - killed;
    assert!(took < LEASE.1 + LEASE_SLACK, "gone after {took:?}");
    scene.remark("of a lease of 4 s, and the election".to_owned());
    scene.finish("join killed with -9, and the leader", took);
}

/// The new leader begins the dead one's lease anew, which must not be taken for its owner's
/// doing: the new `join` waits for that, too, and takes the key over.
#[test]
fn join_restarted_and_the_leader_killed() {
    let mut scene = Scene::of(3);
    let mut first = join(&scene, &[]);
    first.kill9();
    let second = start(&scene, &[]);
    second.logs("waiting to see whether its lease is renewed");
    let leader = scene.cluster.leader();
    scene.kill(leader);
    let killed = Instant::now();
    let (registered, _) = second.prints("registered joined at");
    let (question, shown) = joined();
    scene.wait_for(&question, &shown);
    scene.remark("until its own".to_owned());
    scene.finish("join restarted after -9, and the leader killed", registered - killed);
}

#[test]
fn join_told_to_stop() {
    let mut scene = Scene::of(1);
    let mut srvd = join(&scene, &[]);
    let told = srvd.signal("TERM");
    let took = scene.wait_for(&joined().0, &Said::Absent) - told;
    assert_eq!(srvd.exits(), 0);
    assert!(took < LEASE.1 / 2, "gone after {took:?}: the lease ran out");
    scene.finish("join told to stop (TERM)", took);
}

#[test]
fn join_frozen_past_its_lease() {
    let mut scene = Scene::of(1);
    let srvd = join(&scene, &[]);
    let (question, shown) = joined();
    srvd.signal("STOP");
    scene.wait_for(&question, &Said::Absent);
    let thawed = srvd.signal("CONT");
    let took = scene.wait_for(&question, &shown) - thawed;
    srvd.logs("registered again");
    scene.finish("join frozen past its lease", took);
}

/// A wall clock that can be moved while processes run (libfaketime). What measures
/// durations is left alone, as it is when an operator or NTP moves the clock.
struct Clock {
    /// The file that says how far it is off.
    file: PathBuf,
    /// Where the file is.
    _directory: TempDir,
}

impl Clock {
    /// A right clock.
    fn right() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Self { file: directory.path().join("clock"), _directory: directory };
        clock.moves_by("+0");
        clock
    }

    /// Moves it by seconds, from the right time.
    fn moves_by(&self, seconds: &str) {
        let next = self.file.with_extension("next");
        std::fs::write(&next, seconds).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    /// The variables that give a process this clock.
    fn variables(&self) -> Vec<(String, String)> {
        /// Where Debian puts it; `$LIB` is for the dynamic linker.
        const LIBRARY: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";
        assert!(Path::new("/usr/bin/faketime").exists(), "install faketime (Debian's name)");
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let fixed = [
            ("LD_PRELOAD", LIBRARY),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ];
        fixed.map(pair).into()
    }
}

/// The hour and minute of the newest line of a log that has a time.
fn minutes(srvd: &Srvd) -> u32 {
    let lines = srvd.log().all();
    let time = |line: &String| {
        let time = line.split_once('T')?.1;
        Some(time.get(..2)?.parse::<u32>().ok()? * 60 + time.get(3..5)?.parse::<u32>().ok()?)
    };
    lines.iter().rev().find_map(time).expect("a line has a time")
}

#[test]
fn the_clock_moves_by_an_hour_and_back() {
    let clock = Clock::right();
    let variables = clock.variables();
    let setup = Setup { members: 1, variables: variables.clone(), ..Setup::default() };
    let mut scene = setup.ready();
    let join = join(&scene, &variables);
    let before = minutes(&scene.srvd);
    clock.moves_by("+3600");
    let moved = Instant::now();
    // Twice the lease: whoever took the clock for a measure of it would have lost it.
    scene.keep_changing(Duration::from_millis(200), LEASE.1 * 2);
    scene.hand.put("/services/stable/bad", "of no use");
    scene.srvd.logs("/services/stable/bad");
    let after = (minutes(&scene.srvd) + 24 * 60 - before) % (24 * 60);
    assert!((60..65).contains(&after), "the clock did not move: {:#?}", scene.srvd.log().all());
    clock.moves_by("+0");
    scene.keep_changing(Duration::from_millis(200), moved.elapsed() / 2);
    scene.right_again("clock moved by 1 h, and back", Instant::now());
    let log = join.log().all();
    assert_eq!(join.log().count("lost"), 0, "{log:#?}");
    assert_eq!(scene.srvd.log().count("watch ended, relisting"), 0);
}
