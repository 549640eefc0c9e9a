//! All of it at random, for as long as wanted: `tests/soak.sh MINUTES [SEED]`.
//!
//! One cluster of three with a proxy before each member, `serve`, some `join`s and a
//! direct writer go through one fault after the other, drawn from a printed seed. After
//! each the oracle compares everything. The same seed draws the same faults; what etcd and
//! the machine make of them is theirs. Times are counted as in the single tests.
//!
//! After the first minute and in the end all rest for a while, and what `serve` and the `join`
//! beside it take of the machine is compared: nothing may grow.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::dns::{Question, Said};
use super::scene::Scene;
use super::setup::Setup;
use crate::support::eventually;
use crate::support::load::{Did, Doing, Load};
use crate::support::proxy::{Direction, Proxy};
use crate::support::srvd::Srvd;

/// Registrations that are held by a `join` each.
const JOINS: usize = 3;
/// The lease of each: short enough to end while its owner is frozen.
const LEASE: (&str, Duration) = ("5s", Duration::from_secs(5));
/// Seconds that a fault lasts: from hardly noticed to longer than sessions and leases.
const LASTS: std::ops::Range<u64> = 1..16;
/// How often the direct writer writes while it can.
const WRITES: Duration = Duration::from_millis(30);
/// How long the registry may take to hold every registration again: a lease of somebody
/// who is gone must end first, after an election.
const BACK: Duration = Duration::from_secs(60);

/// When it is looked first at what processes take: all buffers, caches and pools were used.
const WARM: Duration = Duration::from_secs(60);
/// How long all rest before a look: threads that wait for work end after 10 s.
const REST: Duration = Duration::from_secs(15);
/// How long wakeups are counted.
const MEASURE: Duration = Duration::from_secs(5);
/// What memory may be more than before, in parts and in KiB: what is remembered of events and
/// for transfers is bounded, and not all of it after a minute; allocators keep what they had.
const RESIDENT_SLACK: (u64, u64) = (4, 16 << 10);
/// What descriptors may be more: a connection to each member of the cluster.
const DESCRIPTORS_SLACK: usize = 3;
/// Threads that one may have more: the runtime's pool for files, which are looked at every few
/// seconds, keeps one for a while and ends it again. After a hundred faults a leak is more.
const THREADS_SLACK: u64 = 1;

/// What happens. Each lasts for a time, and is over when it returns.
type Fault = fn(&mut Soak, Duration);

/// Every fault, by name.
const FAULTS: [(&str, Fault); 19] = [
    ("member killed", |it, time| it.members(time, Scene::kill, |_, rng| rng.usize(..3))),
    ("member frozen", |it, time| it.members(time, Scene::freeze, |_, rng| rng.usize(..3))),
    ("leader killed", |it, time| it.members(time, Scene::kill, |it, _| it.cluster.leader())),
    ("leader frozen", |it, time| it.members(time, Scene::freeze, |it, _| it.cluster.leader())),
    ("member in use killed", |it, time| {
        it.members(time, Scene::kill, |it, _| it.session_member());
    }),
    ("member in use frozen", |it, time| {
        it.members(time, Scene::freeze, |it, _| it.session_member());
    }),
    ("quorum lost", Soak::without_quorum),
    ("all members killed", Soak::without_members),
    ("black hole", |it, time| it.way(time, Proxy::silence)),
    ("connections cut", |it, time| it.way(time, Proxy::cut)),
    ("requests lost", |it, time| it.way(time, |way| way.silence_only(Direction::ToEtcd))),
    ("answers lost", |it, time| it.way(time, |way| way.silence_only(Direction::FromEtcd))),
    ("slow network", |it, time| it.way(time, |way| way.delay(Duration::from_millis(100)))),
    ("compaction while cut off", Soak::compaction),
    ("serve frozen", Soak::serve_frozen),
    ("join killed", |it, _| it.disturb_join("KILL", Duration::ZERO)),
    ("join frozen", |it, time| it.disturb_join("STOP", time)),
    ("leases revoked", Soak::leases),
    ("garbage", Soak::garbage),
];

/// What is soaked.
struct Soak {
    /// Where it happens.
    scene: Scene,
    /// The registrations that are held.
    joins: Vec<Srvd>,
    /// Draws.
    rng: Rng,
    /// The longest that a change took to be shown while the present fault lasted.
    slowest: Duration,
}

/// What was seen of one fault.
#[derive(Default)]
struct Seen {
    /// How often it happened.
    count: u32,
    /// The longest time until all was right again.
    longest: Duration,
    /// Wrong answers.
    wrong: u64,
}

/// What a process takes at rest.
#[derive(Clone, Copy)]
struct Rest {
    /// Memory, descriptors, threads.
    load: Load,
    /// What it does.
    did: Did,
}

/// What was seen of each fault. Printed in the end, however that comes.
#[derive(Default)]
struct Table(BTreeMap<&'static str, Seen>);

/// A number from a variable.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("it is a number"))
}

#[test]
#[ignore = "tests/soak.sh runs it, for as long as it is told"]
fn soak() {
    let minutes = variable("SOAK_MINUTES").unwrap_or(1);
    let seed = variable("SOAK_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("soaking for {minutes} minutes; the same again: tests/soak.sh {minutes} {seed}");
    let begun = Instant::now();
    let mut soak = Soak::begin(Rng::with_seed(seed));
    let (mut table, mut first) = (Table::default(), None);
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        let (name, fault) = FAULTS[soak.rng.usize(..FAULTS.len())];
        let time = Duration::from_secs(soak.rng.u64(LASTS));
        let seen = table.0.entry(name).or_default();
        soak.suffer(name, fault, time, begun.elapsed(), seen);
        if begun.elapsed() > WARM && first.is_none() {
            first = Some(soak.rest());
        }
    }
    let first = first.unwrap_or_else(|| soak.rest());
    let grown = growth(first, soak.rest());
    assert!(grown.is_empty(), "{grown:#?}");
    assert_eq!(table.0.values().map(|seen| seen.wrong).sum::<u64>(), 0, "wrong answers were given");
}

impl Drop for Table {
    fn drop(&mut self) {
        println!("| fault | count | right again after, at most | wrong answers |");
        println!("| --- | ---: | ---: | ---: |");
        for (name, Seen { count, longest, wrong }) in &self.0 {
            println!("| {name} | {count} | {:.1} s | {wrong} |", longest.as_secs_f64());
        }
    }
}

/// What grew between two looks at `serve` and `join`; both looks are printed.
fn growth(first: [Rest; 2], last: [Rest; 2]) -> Vec<String> {
    println!("| at rest | memory, KiB | descriptors | threads | work |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let processes = ["serve", "join"].into_iter().zip(first.into_iter().zip(last));
    processes.flat_map(|(name, (first, last))| first.growth(name, last)).collect()
}

impl Rest {
    /// What a process takes now.
    fn of(pid: u32) -> Self {
        let did = Doing::over(pid, MEASURE);
        Self { load: Load::of(pid), did }
    }

    /// What has grown since, in words; both are printed.
    fn growth(self, name: &str, last: Self) -> Vec<String> {
        let (was, is) = (self.load, last.load);
        for (when, rest) in [("after a minute", self), ("in the end", last)] {
            let Load { resident, descriptors, threads } = rest.load;
            let did = rest.did;
            println!("| {name} {when} | {resident} | {descriptors} | {threads} | {did} |");
        }
        let resident = was.resident + was.resident / RESIDENT_SLACK.0 + RESIDENT_SLACK.1;
        let grown = [
            ("memory", is.resident > resident),
            ("descriptors", is.descriptors > was.descriptors + DESCRIPTORS_SLACK),
            ("threads", is.threads > was.threads + THREADS_SLACK),
            ("work at rest", !last.did.is_idle()),
        ];
        let grown = grown.into_iter().filter(|(_, has_grown)| *has_grown);
        grown.map(|(what, _)| format!("{what} of {name} grew")).collect()
    }
}

impl Soak {
    /// Lets all rest, and looks at what `serve` and the `join` beside it take.
    fn rest(&self) -> [Rest; 2] {
        self.scene.asker.rest(true);
        std::thread::sleep(REST);
        let rest = [self.scene.srvd.pid(), self.scene.bystander.pid()].map(Rest::of);
        self.scene.asker.rest(false);
        rest
    }

    /// Sets everything up.
    fn begin(rng: Rng) -> Self {
        let scene = Setup { members: 3, is_proxied: true, ..Setup::default() }.ready();
        let joins = (0..JOINS).map(|n| join(&scene, n)).collect();
        let mut soak = Self { scene, joins, rng, slowest: Duration::ZERO };
        soak.wait_for_joins();
        soak
    }

    /// Lets one fault happen, waits until all is right again, and judges.
    fn suffer(&mut self, name: &str, fault: Fault, time: Duration, at: Duration, seen: &mut Seen) {
        let (begun, at) = (Instant::now(), at.as_secs());
        self.slowest = Duration::ZERO;
        fault(self, time);
        let lasted = begun.elapsed().as_secs_f64();
        self.is_shown_since(Instant::now());
        self.wait_for_joins();
        let (wrong, examples) = self.scene.verdict();
        let seconds = self.slowest.as_secs_f64();
        println!(
            "{at:>5} s: fault {name}, {lasted:.0} s: wrong answers {wrong}, right again after {seconds:.1} s"
        );
        examples.iter().for_each(|example| println!("{example}"));
        seen.count += 1;
        seen.longest = seen.longest.max(self.slowest);
        seen.wrong += wrong;
    }

    /// Makes a change, and waits until it is shown.
    fn is_shown_since(&mut self, since: Instant) {
        let (question, mark) = self.scene.mark();
        let took = self.scene.wait_for(&question, &mark).saturating_duration_since(since);
        self.slowest = self.slowest.max(took);
    }

    /// Writes for a time; the registry must be writable.
    fn write_for(&mut self, time: Duration) {
        self.scene.keep_changing(WRITES, time);
    }

    /// Waits until every registration is there and shown. No `join` may have ended.
    fn wait_for_joins(&mut self) {
        let begun = Instant::now();
        let shown = Said::Records((0..JOINS).map(address).collect());
        let mut is_back = false;
        while !is_back {
            is_back = self.scene.says(&Question::a("joined")) == shown;
            let is_well = self.joins.iter_mut().all(Srvd::is_running) && begun.elapsed() < BACK;
            let logs: Vec<_> = self.joins.iter().map(|join| join.log().all()).collect();
            assert!(is_well, "registrations stay away: {logs:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// One member goes, the registry changes, and the member is back.
    fn members(
        &mut self,
        time: Duration,
        go: fn(&mut Scene, usize),
        choose: fn(&Scene, &mut Rng) -> usize,
    ) {
        let member = choose(&self.scene, &mut self.rng);
        let gone = Instant::now();
        go(&mut self.scene, member);
        self.is_shown_since(gone);
        self.write_for(time);
        self.scene.mend();
    }

    /// Two of three go, one dead, one frozen.
    fn without_quorum(&mut self, time: Duration) {
        let stays = self.rng.usize(..3);
        self.scene.freeze((stays + 1) % 3);
        self.scene.kill((stays + 2) % 3);
        std::thread::sleep(time);
        let mended = Instant::now();
        self.scene.mend();
        self.is_shown_since(mended);
    }

    /// All go.
    fn without_members(&mut self, time: Duration) {
        (0..3).for_each(|member| self.scene.kill(member));
        std::thread::sleep(time);
        let mended = Instant::now();
        self.scene.mend();
        self.is_shown_since(mended);
    }

    /// The ways to all members are bad.
    fn way(&mut self, time: Duration, spoil: fn(&Proxy)) {
        self.scene.proxies.iter().for_each(spoil);
        self.write_for(time);
        self.scene.proxies.iter().for_each(Proxy::open);
    }

    /// What happens while the server is cut off is compacted.
    fn compaction(&mut self, time: Duration) {
        self.scene.proxies.iter().for_each(Proxy::cut);
        self.write_for(time);
        self.scene.history.read_on(&self.scene.hand);
        self.scene.hand.compact();
        self.scene.proxies.iter().for_each(Proxy::open);
    }

    /// The server does not run.
    fn serve_frozen(&mut self, time: Duration) {
        self.scene.asker.excuse_silence(true);
        self.scene.srvd.signal("STOP");
        self.write_for(time);
        self.scene.srvd.signal("CONT");
        let scene = &self.scene;
        assert!(eventually(|| scene.says(&Question::srv("stable")) != Said::Silence));
        scene.asker.excuse_silence(false);
    }

    /// One `join` is killed and started anew, or does not run for a time.
    fn disturb_join(&mut self, signal: &str, time: Duration) {
        let unlucky = self.rng.usize(..JOINS);
        self.joins[unlucky].signal(signal);
        if signal == "KILL" {
            // A new one takes over from the lease that nobody renews.
            self.joins[unlucky] = join(&self.scene, unlucky);
            return;
        }
        self.write_for(time);
        self.joins[unlucky].signal("CONT");
        if time > LEASE.1 / 2 {
            self.write_for(LEASE.1);
        }
    }

    /// Many leases end together.
    fn leases(&mut self, time: Duration) {
        let pair = |n: usize| {
            (
                format!("/services/crowd{}/{n}", n / 5),
                format!("http://10.7.{}.{}:80", n / 200, n % 200 + 1),
            )
        };
        let pairs: Vec<_> = (0..200).map(pair).collect();
        let leases = self.scene.hand.put_leased(&pairs, 60);
        self.write_for(time);
        self.scene.hand.revoke(&leases);
    }

    /// Values and keys of no use, and an end of them.
    fn garbage(&mut self, time: Duration) {
        let bad = ["stable/bad", "stable/1/2", "x", "joined/"];
        for key in bad {
            self.scene.hand.put(&format!("/services/{key}"), vec![0xff; 100_000]);
        }
        self.write_for(time);
        bad.iter().for_each(|key| self.scene.hand.delete(&format!("/services/{key}")));
    }
}

/// The address that a `join` registers.
fn address(n: usize) -> String {
    format!("10.3.0.{}", n + 1)
}

/// A `join`, started.
fn join(scene: &Scene, n: usize) -> Srvd {
    let host = address(n);
    let args = ["join", "joined", "--host", &host, "--port", "80", "--ttl", LEASE.0];
    Srvd::start(&scene.registry(), &args)
}
