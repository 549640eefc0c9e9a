//! `--from`: many in one process, through whatever etcd goes through.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{ctl, ms};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;
use crate::support::registry::Administered;
use crate::support::srvd::{Srvd, run};

/// How many are held at once.
const MANY: usize = 2_000;

/// Documents of services of ten, at addresses of their own.
pub(super) fn documents(count: usize) -> String {
    let one = |n: usize| {
        let (service, third, fourth) = (n / 10, n >> 8, n & 0xff);
        format!(r#"{{"name":"s{service}","hostname":"10.0.{third}.{fourth}","port":80}}"#)
    };
    format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(",\n"))
}

/// A file with this text.
pub(super) fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("services.json");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

/// Starts `join --from`.
fn join(etcd: &Etcd, path: &Path, args: &[&str]) -> Srvd {
    let plain = ["join", "--from", path.to_str().unwrap()];
    Srvd::start(&etcd.url(), &[&plain, args].concat())
}

/// How many keys etcd has; none when it does not answer.
fn count(etcd: &impl Administered) -> usize {
    let args = ["--command-timeout=5s", "get", "--prefix", "/services/", "--keys-only"];
    let text = String::from_utf8(etcd.ctl(&args).stdout).unwrap();
    text.lines().filter(|line| !line.is_empty()).count()
}

/// What etcd was asked, by method.
fn calls(etcd: &Etcd) -> BTreeMap<&'static str, u64> {
    let methods = ["LeaseGrant", "LeaseRevoke", "LeaseKeepAlive", "Txn", "Range", "Watch"];
    methods.into_iter().map(|method| (method, etcd.calls(method))).collect()
}

#[test]
fn thousands_outlive_an_outage_longer_than_their_lease() {
    let etcd = Etcd::start();
    let (_directory, path) = file(&documents(MANY));
    let begun = Instant::now();
    let mut srvd = join(&etcd, &path, &["--ttl", "5s", "--heartbeat", "2500ms"]);
    srvd.prints(&format!("registered {MANY} of {MANY} instances from "));
    println!("{MANY} registered after {} ms", ms(begun, Instant::now()));
    assert_eq!(count(&etcd), MANY);
    // Longer than a lease: whatever were not renewed would be gone.
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(count(&etcd), MANY);
    assert_eq!(etcd.calls("LeaseGrant"), MANY as u64, "none had to come back");
    assert!(etcd.calls("Txn") < 2 * MANY as u64, "{:?}", calls(&etcd));
    etcd.freeze();
    srvd.logs("still trying for");
    std::thread::sleep(Duration::from_secs(8));
    etcd.thaw();
    let back = Instant::now();
    // etcd has not revoked them all yet when the first are back.
    let stands = || count(&etcd) == MANY && srvd.log().count("answers again") > 0;
    assert!(eventually(stands), "{} are back: {:?}", count(&etcd), srvd.log().all());
    println!("all back after {} ms: {:?}", ms(back, Instant::now()), calls(&etcd));
    assert!(etcd.calls("LeaseGrant") <= 4 * MANY as u64, "{:?}", calls(&etcd));
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
    srvd.prints(&format!("left {MANY} of {MANY} instances from "));
    assert_eq!(count(&etcd), 0);
}

#[test]
fn thousands_come_back_after_etcd_was_down_and_ask_once_a_step() {
    let mut etcd = Etcd::start();
    let (_directory, path) = file(&documents(MANY));
    let srvd = join(&etcd, &path, &["--ttl", "4s", "--heartbeat", "2s"]);
    srvd.prints("registered ");
    etcd.kill9();
    // Whoever knocks while etcd is away is counted.
    let door = std::net::TcpListener::bind(etcd.addr()).unwrap();
    door.set_nonblocking(true).unwrap();
    srvd.logs("still trying for");
    let (begun, mut knocks) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(8) {
        knocks += usize::from(door.accept().is_ok());
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(door);
    println!("{knocks} connections in 8 s of an outage");
    assert!(knocks <= 100, "{MANY} registrations knocked {knocks} times");
    etcd.wipe_and_restart();
    let back = Instant::now();
    assert!(eventually(|| count(&etcd) == MANY), "{} are back", count(&etcd));
    println!("all back after {} ms: {:?}", ms(back, Instant::now()), calls(&etcd));
    assert!(etcd.calls("LeaseGrant") <= 2 * MANY as u64, "{:?}", calls(&etcd));
    assert!(etcd.calls("Txn") <= 3 * MANY as u64, "{:?}", calls(&etcd));
    assert_eq!(srvd.log().count("still trying for"), 1, "{:?}", srvd.log().all());
}

#[test]
fn deleted_overwritten_and_revoked_under_it_each_comes_back() {
    let etcd = Etcd::start();
    let (_directory, path) = file(&documents(300));
    let srvd = join(&etcd, &path, &[]);
    srvd.prints("registered 300 of 300");
    let key = "/services/s7/10-0-0-70-80";
    for fault in [&["del", key][..], &["put", key, "intruder"], &["del", "--prefix", "/services/"]]
    {
        ctl(&etcd, fault);
        let restored = || {
            count(&etcd) == 300 && ctl(&etcd, &["get", key]).contains(r#""hostname":"10.0.0.70""#)
        };
        assert!(eventually(restored), "{fault:?}");
    }
    let leases = ctl(&etcd, &["lease", "list"]);
    for lease in leases.lines().skip(1).take(3) {
        ctl(&etcd, &["lease", "revoke", lease]);
    }
    assert!(eventually(|| count(&etcd) == 300));
    srvd.logs("more events suppressed; 300 of 300 instances registered");
}

#[test]
fn frozen_past_their_lease_all_come_back() {
    let etcd = Etcd::start();
    let (_directory, path) = file(&documents(500));
    let srvd = join(&etcd, &path, &["--ttl", "2s", "--heartbeat", "1s"]);
    srvd.prints("registered 500");
    srvd.signal("STOP");
    assert!(eventually(|| count(&etcd) == 0));
    srvd.signal("CONT");
    assert!(eventually(|| count(&etcd) == 500));
}

#[test]
fn the_member_in_use_freezes_and_none_lapses() {
    let cluster = EtcdCluster::start(3);
    let registry = cluster.urls().join(",").replace(",http://", ",");
    let (_directory, path) = file(&documents(500));
    let args = ["join", "--from", path.to_str().unwrap(), "--ttl", "9s"];
    let srvd = Srvd::start(&registry, &args);
    srvd.prints("registered 500 of 500");
    let peers = srvd.peers();
    let used = cluster.members.iter().position(|it| peers.contains(&it.addr().port())).unwrap();
    let other = &cluster.members[(used + 1) % 3];
    let watch = super::follow(other);
    cluster.members[used].freeze();
    // Two leases: whatever were not renewed elsewhere would be gone.
    std::thread::sleep(Duration::from_secs(18));
    assert_eq!((watch.out().count("DELETE"), count(other)), (0, 500), "{:?}", srvd.log().all());
    cluster.members[used].thaw();
}

#[test]
fn a_restart_after_a_crash_takes_all_over_without_a_gap() {
    let etcd = Etcd::start();
    let (_directory, path) = file(&documents(500));
    let ttl = ["--ttl", "20s"];
    let mut crashed = join(&etcd, &path, &ttl);
    crashed.prints("registered 500");
    let watch = super::follow(&etcd);
    crashed.kill9();
    let srvd = join(&etcd, &path, &ttl);
    srvd.prints("registered 500 of 500");
    println!("looks at other leases: {}", etcd.calls("LeaseTimeToLive"));
    // The old leases end, and no key is theirs any more.
    let leases = || ctl(&etcd, &["lease", "list"]).lines().skip(1).count();
    assert!(eventually(|| leases() == 500), "{} leases", leases());
    assert_eq!((watch.out().count("DELETE"), count(&etcd)), (0, 500));
    assert!(etcd.calls("LeaseTimeToLive") <= 500 * 12, "{}", etcd.calls("LeaseTimeToLive"));
}

#[test]
fn a_signal_while_etcd_is_away_ends_all_soon() {
    let mut etcd = Etcd::start();
    let (_directory, path) = file(&documents(1_000));
    let mut srvd = join(&etcd, &path, &["--ttl", "60s"]);
    srvd.prints("registered 1000");
    etcd.kill9();
    let begun = srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
    println!("ended after {} ms", ms(begun, Instant::now()));
    assert!(begun.elapsed() < Duration::from_secs(15), "its timeout is 3 s");
    srvd.logs(
        "could not deregister; the key will expire with its lease: the registry cannot be reached",
    );
    srvd.logs("more events suppressed; 1000 of 1000 instances registered");
    assert!(srvd.log().all().len() < 50, "{:?}", srvd.log().all());
}

#[test]
fn one_that_belongs_to_somebody_else_ends_it_and_nothing_stays() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", "/services/s1/10-0-0-11-80", "by hand"]);
    let (_directory, path) = file(&documents(50));
    let mut srvd = join(&etcd, &path, &[]);
    assert_eq!(srvd.exits(), 1);
    srvd.logs("/services/s1/10-0-0-11-80 was put without a lease");
    assert_eq!(count(&etcd), 1);
}

#[test]
fn each_has_its_own_check() {
    let etcd = Etcd::start();
    let servers: Vec<_> =
        (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<_> = servers.iter().map(|it| it.local_addr().unwrap().port()).collect();
    let one = |port: &u16| format!(r#"{{"name":"web","hostname":"127.0.0.1","port":{port}}}"#);
    let entries: Vec<_> = ports.iter().map(one).collect();
    let (_directory, path) = file(&format!("[{}]", entries.join(",")));
    let srvd = join(&etcd, &path, &["--check", "tcp", "--check-interval", "100ms"]);
    srvd.prints("registered 3 of 3 instances");
    let mut servers = servers.into_iter();
    drop(servers.next());
    assert!(eventually(|| count(&etcd) == 2));
    let keys = ctl(&etcd, &["get", "--prefix", "/services/", "--keys-only"]);
    assert!(!keys.contains(&format!("127-0-0-1-{}\n", ports[0])), "{keys}");
    assert_eq!(servers.len(), 2);
}

#[test]
fn the_file_may_come_by_standard_input() {
    let etcd = Etcd::start();
    let mut command = crate::support::srvd::command(&etcd.url(), &["join", "--from", "-"]);
    let mut srvd = Srvd::spawn(command.stdin(std::process::Stdio::piped()));
    srvd.writes(&documents(20));
    srvd.prints("registered 20 of 20 instances from -");
    assert_eq!(count(&etcd), 20);
}

#[test]
fn a_bad_file_registers_nothing_and_says_where() {
    let etcd = Etcd::start();
    let good = r#"{"name":"web","host":"10.0.0.1:80"}"#;
    for (text, message) in [
        (format!("[{good},\n{good}]"), "entry 2 (line 2): has the key of entry 1, /services/web/"),
        (format!("[{good},\n{{\"name\":\"b\"}}]"), "entry 2 (line 2): the value is neither"),
        (format!("[{good}"), "EOF while parsing a list at line 1"),
    ] {
        let (_directory, path) = file(&text);
        let output = run(&etcd.url(), &["join", "--from", path.to_str().unwrap()]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(message) && told.contains("services.json"), "{told}");
    }
    assert_eq!(count(&etcd), 0);
}
