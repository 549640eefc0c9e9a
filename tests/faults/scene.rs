//! Where a fault happens: a cluster, `srvd serve` on it, somebody who asks all the time,
//! and the history that judges what was said.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::asker::{Asker, Heard};
use super::dns::{Question, Said, Tcp, Udp};
use super::hand::Hand;
use super::history::History;
use super::model::Model;
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;
use crate::support::proxy::Proxy;
use crate::support::srvd::{Srvd, plain};

/// The services that are asked for all the time: some change, some never come.
const WATCHED: [&str; 8] =
    ["stable", "change", "six", "marker", "crowd3", "flapping", "joined", "nothing"];
/// Scenes at the same time: four clusters leave two cores idle most of the time, since
/// faults mostly wait.
const SCENES_MAX: usize = 4;
/// Instances of the service that changes.
const CHANGING: u32 = 4;
/// `ADDR.S.Z` names that are compared, of which a registry may have thousands.
const TARGETS_MAX: usize = 200;
/// How often a mark is looked for: well below the tenths of a second that are shown.
const GLANCE: Duration = Duration::from_millis(5);
/// How long anything may take to be shown: longest after outages, and on busy machines.
const SHOWN_PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take until all is right again, etcd's own start and election included:
/// several times what any fault needs on a machine that has nothing else to do.
const RIGHT_AGAIN_MAX: Duration = Duration::from_secs(20);

/// Everything that a fault happens to. Gone when it is dropped.
pub(super) struct Scene {
    /// Asks all the time.
    pub(super) asker: Asker,
    /// `srvd serve`.
    pub(super) srvd: Srvd,
    /// Where it answers.
    pub(super) at: SocketAddr,
    /// What the registry has been.
    pub(super) history: History,
    /// Changes the registry.
    pub(super) hand: Hand,
    /// The only way from the server to the members, where there are any.
    pub(super) proxies: Vec<Proxy>,
    /// etcd.
    pub(super) cluster: EtcdCluster,
    /// Members that do not run.
    away: Vec<usize>,
    /// How often the registry was changed.
    round: u32,
    /// How often it was marked.
    marks: u32,
    /// What stands behind the fault's line.
    remark: String,
    /// Its configuration.
    _directory: TempDir,
    /// Its place among the scenes.
    _permit: Permit,
}

/// How a scene is set up.
#[derive(Default)]
pub(super) struct Setup {
    /// Members of the cluster.
    pub(super) members: usize,
    /// Whether the server goes through a proxy to each member.
    pub(super) is_proxied: bool,
    /// Whether no member runs when the server starts.
    pub(super) is_absent: bool,
    /// Variables of the server.
    pub(super) variables: Vec<(String, String)>,
}

/// A place among the scenes that there may be at the same time.
pub(super) struct Permit;

/// Places that are taken, and who waits for one.
static TAKEN: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl Permit {
    /// Waits for a place.
    pub(super) fn take() -> Self {
        let taken = TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = TAKEN.1.wait_while(taken, |taken| *taken >= SCENES_MAX);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        TAKEN.1.notify_one();
    }
}

impl Setup {
    /// Sets the scene, and waits until the server has read the registry.
    pub(super) fn ready(self) -> Scene {
        let is_absent = self.is_absent;
        let scene = self.start();
        assert!(is_absent || eventually(|| scene.says(&Question::a("stable")) != Said::NotReady));
        scene
    }

    /// Starts everything.
    fn start(self) -> Scene {
        let permit = Permit::take();
        let mut cluster = EtcdCluster::start(self.members);
        let hand = Hand::new(&cluster.urls());
        fill(&hand);
        let watched: Vec<_> = WATCHED.iter().flat_map(|name| Question::all_of(name)).collect();
        let history = History::begin(&hand, &watched, true);
        let count = if self.is_proxied { self.members } else { 0 };
        let proxies: Vec<_> =
            cluster.members[..count].iter().map(|member| Proxy::start(member.addr())).collect();
        if self.is_absent {
            cluster.members.iter_mut().for_each(Etcd::kill9);
        }
        let directory = tempfile::tempdir().unwrap();
        let mut command = serve(&directory, &registry(&cluster, &proxies));
        let (srvd, at) = answering(command.envs(self.variables));
        Scene {
            asker: Asker::start(at, watched),
            srvd,
            at,
            history,
            hand,
            proxies,
            cluster,
            away: Vec::new(),
            round: CHANGING,
            marks: 0,
            remark: String::new(),
            _directory: directory,
            _permit: permit,
        }
    }
}

/// The first registrations.
fn fill(hand: &Hand) {
    let pair = |(key, value): (&str, &str)| (format!("/services/{key}"), value.to_owned());
    let stable = [
        ("stable/1", "http://10.9.9.1:80"),
        ("stable/2", r#"{"host":"10.9.9.2:8080","priority":1,"weight":10}"#),
        ("stable/3", r#"{"host":"10.9.9.3:8080","priority":1,"weight":0}"#),
        ("six/1", "http://[2001:db8::6]:80"),
        ("six/2", "[2001:db8::7]:81"),
    ];
    hand.put_all(&stable.map(pair));
    // What changes is there before: the next changes take it away.
    let changing =
        (1..=CHANGING).map(|n| (format!("/services/change/{n}"), format!("10.1.0.{n}:80")));
    hand.put_all(&changing.collect::<Vec<_>>());
}

/// The registry's url: every member, or the proxy before each.
fn registry(cluster: &EtcdCluster, proxies: &[Proxy]) -> String {
    let own = cluster.members.iter().map(Etcd::addr).collect::<Vec<_>>();
    let ways = if proxies.is_empty() { own } else { proxies.iter().map(Proxy::addr).collect() };
    let ways: Vec<_> = ways.iter().map(ToString::to_string).collect();
    // What is listed would be a way around the proxies.
    let options = if proxies.is_empty() { "" } else { "?refresh=false&timeout=1s" };
    format!("http://{}{options}", ways.join(","))
}

/// `srvd serve` of a registry by a configuration file. The faults remove registrations on
/// purpose, so nothing is held back.
fn serve(directory: &TempDir, registry: &str) -> Command {
    let path = directory.path().join("srvd.toml");
    let file = format!("registry = {registry:?}\nhttp = \"off\"\nhold-collapse = \"0s\"\n");
    std::fs::write(&path, file).unwrap();
    plain(&["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()])
}

/// Starts a server, and reads where it answers.
fn answering(command: &mut Command) -> (Srvd, SocketAddr) {
    let srvd = Srvd::spawn(command);
    let (_, line) = srvd.prints("answering DNS on ");
    let place = line.strip_prefix("answering DNS on ").unwrap().split_once(',').unwrap().0;
    let at = place.parse().unwrap();
    (srvd, at)
}

impl Scene {
    /// A cluster of so many members, which the server reaches directly.
    pub(super) fn of(members: usize) -> Self {
        Setup { members, ..Setup::default() }.ready()
    }

    /// A cluster of so many members, with a proxy before each.
    pub(super) fn behind_proxies(members: usize) -> Self {
        Setup { members, is_proxied: true, ..Setup::default() }.ready()
    }

    /// The registry's url for others: every member, none through a proxy.
    pub(super) fn registry(&self) -> String {
        registry(&self.cluster, &[])
    }

    /// The member that the server's session stands on: it says so when it has listed.
    pub(super) fn session_member(&self) -> usize {
        let ways = registry(&self.cluster, &self.proxies);
        let ways = ways.trim_start_matches("http://").split('?').next().unwrap();
        let lines = self.srvd.log().all();
        let listed = lines.iter().rev().find(|line| line.contains("the registry was listed"));
        let line = listed.expect("it has listed");
        let is_named =
            |way: &str| line.split(' ').any(|word| word == format!("endpoint=http://{way}"));
        ways.split(',').position(is_named).expect("the line names a member")
    }

    /// Kills a member.
    pub(super) fn kill(&mut self, member: usize) {
        self.leave(member);
        self.cluster.members[member].kill9();
    }

    /// Freezes a member.
    pub(super) fn freeze(&mut self, member: usize) {
        self.leave(member);
        self.cluster.members[member].freeze();
    }

    /// From now on nobody writes through a member.
    fn leave(&mut self, member: usize) {
        self.away.push(member);
        self.hand.avoid(&self.away);
    }

    /// Every member runs again, frozen or killed, and is healthy.
    pub(super) fn mend(&mut self) {
        for member in std::mem::take(&mut self.away) {
            let etcd = &mut self.cluster.members[member];
            if etcd.is_running() { etcd.thaw() } else { etcd.spawn() }
        }
        self.cluster.members.iter_mut().for_each(Etcd::wait_healthy);
        self.hand.avoid(&[]);
    }

    /// Changes the registry: an instance comes, one goes, one is altered.
    pub(super) fn change(&mut self) {
        self.round += 1;
        let (round, hand) = (self.round, &self.hand);
        let [high, low] = [round / 250 % 250, round % 250 + 1];
        hand.put(&format!("/services/change/{round}"), format!("http://10.1.{high}.{low}:80"));
        hand.delete(&format!("/services/change/{}", round - CHANGING));
        let document = format!(r#"{{"host":"10.9.9.4:80","weight":{}}}"#, round % 65_536);
        hand.put("/services/change/x", document);
    }

    /// Changes the registry every so often, until a time is over.
    pub(super) fn keep_changing(&mut self, every: Duration, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.change();
            std::thread::sleep(every);
        }
    }

    /// What the server says now.
    pub(super) fn says(&self, question: &Question) -> Said {
        Udp::new(self.at).ask(question, true).said
    }

    /// The reason that an answer carries now.
    pub(super) fn reason(&self) -> Option<u16> {
        Udp::new(self.at).ask(&Question::a("stable"), true).reason
    }

    /// Waits until answers are marked stale.
    pub(super) fn wait_until_stale(&self) {
        assert!(eventually(|| self.reason() == Some(3)), "answers are never marked stale");
    }

    /// Waits until a question gets this answer. Gives the moment.
    pub(super) fn wait_for(&self, question: &Question, wanted: &Said) -> Instant {
        let (client, begun) = (Udp::new(self.at), Instant::now());
        loop {
            let said = client.ask(question, true).said;
            if said == *wanted {
                return Instant::now();
            }
            let context =
                || format!("{question:?}: {said:?}, not {wanted:?}\n{:#?}", self.srvd.log().all());
            assert!(begun.elapsed() < SHOWN_PATIENCE, "{}", context());
            std::thread::sleep(GLANCE);
        }
    }

    /// Puts a mark that was never there, behind all other changes. Gives the question that
    /// asks for it, and the answer that shows it.
    pub(super) fn mark(&mut self) -> (Question, Said) {
        self.marks += 1;
        let address = format!("10.2.{}.{}", self.marks / 250 % 250, self.marks % 250 + 1);
        self.hand.put("/services/marker/1", format!("http://{address}:80"));
        (Question::a("marker"), Said::Records([address].into()))
    }

    /// What stands behind the fault's line.
    pub(super) fn remark(&mut self, text: String) {
        self.remark = format!(" ({text})");
    }

    /// Waits until all is right again, judges what was said, and prints the fault's line.
    /// Time counts from `since`, to the moment when a change is shown that was made after
    /// all others. Gives that time.
    pub(super) fn right_again(&mut self, fault: &str, since: Instant) -> Duration {
        self.change();
        let (question, mark) = self.mark();
        let took = self.wait_for(&question, &mark).saturating_duration_since(since);
        self.finish(fault, took);
        assert!(took < RIGHT_AGAIN_MAX, "it took {took:?}");
        took
    }

    /// Compares everything, judges what was said, and prints the fault's line. Gives the
    /// number of wrong answers, which is zero unless a soak goes on all the same.
    pub(super) fn finish(&mut self, fault: &str, took: Duration) {
        let (wrong, examples) = self.verdict();
        let (remark, seconds) = (std::mem::take(&mut self.remark), took.as_secs_f64());
        println!("fault {fault}: wrong answers {wrong}, right again after {seconds:.1} s{remark}");
        assert!(wrong == 0, "{examples:#?}\n{:#?}", self.srvd.log().all());
    }

    /// Compares everything, and judges what was said.
    pub(super) fn verdict(&mut self) -> (u64, Vec<String>) {
        self.history.read_on(&self.hand);
        let mut last = None;
        let is_same = eventually(|| {
            last = self.first_difference();
            last.is_none()
        });
        self.history.read_on(&self.hand);
        let Heard { runs, unasked_reasons, .. } = self.asker.take();
        let verdict = self.history.judge(&runs);
        assert!(verdict.answers > 0, "nothing was asked");
        assert_eq!(unasked_reasons, 0, "a reason was given without EDNS");
        let wrong = verdict.wrong + u64::from(!is_same);
        (wrong, verdict.examples.into_iter().chain(last).collect())
    }

    /// The oracle: lists etcd, and asks over TCP for all that is there, and for all that
    /// was. Gives the first answer that differs.
    fn first_difference(&self) -> Option<String> {
        let (_, pairs) = self.hand.list();
        let model = Model::of(&pairs);
        let services = self.history.services().chain(model.services());
        let services = services.chain(WATCHED).flat_map(Question::all_of);
        let targets = model.targets().take(TARGETS_MAX);
        let targets = targets.flat_map(|it| [Question::a(&it), Question::aaaa(&it)]);
        let mut tcp = match Tcp::new(self.at) {
            Ok(tcp) => tcp,
            Err(fault) => return Some(fault.to_string()),
        };
        for question in services.chain(targets) {
            let wanted = model.said(&question);
            match tcp.ask(&question) {
                Ok(reply) if reply.said == wanted && reply.reason.is_none() => {}
                reply => return Some(format!("{question:?}: {reply:?}, not {wanted:?}")),
            }
        }
        None
    }
}
