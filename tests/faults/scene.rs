//! Where a fault happens: a cluster, `srvd serve` on it, somebody who asks all the time,
//! and the history that judges what was said.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::asker::{Asker, Heard};
use super::dns::{Question, Said, Tcp, Udp};
use super::hand::Hand;
use super::history::History;
use super::model::Model;
use super::setup::{Permit, Setup, registry};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;
use crate::support::load::{Did, Doing};
use crate::support::proxy::Proxy;
use crate::support::srvd::Srvd;

/// The services that are asked for all the time: some change, some never come.
pub(super) const WATCHED: [&str; 8] =
    ["stable", "change", "six", "marker", "crowd3", "flapping", "joined", "nothing"];
/// Instances of the service that changes.
pub(super) const CHANGING: u32 = 4;
/// `ADDR.S.Z` names that are compared, of which a registry may have thousands.
const TARGETS_MAX: usize = 200;
/// How often a mark is looked for: well below the tenths of a second that are shown.
const GLANCE: Duration = Duration::from_millis(5);
/// How long anything may take to be shown: longest after outages, and on busy machines.
const SHOWN_PATIENCE: Duration = Duration::from_secs(60);
/// How long a rest is, after all have found out what is wrong.
const REST: Duration = Duration::from_secs(8);
/// How long that may take: all backoffs reach their end.
const SETTLING: Duration = Duration::from_secs(4);
/// How long it may take until all is right again, etcd's own start and election included:
/// several times what any fault needs on a machine that has nothing else to do.
const RIGHT_AGAIN_MAX: Duration = Duration::from_secs(20);

/// Everything that a fault happens to. Gone when it is dropped.
pub(super) struct Scene {
    /// Asks all the time.
    pub(super) asker: Asker,
    /// `srvd serve`.
    pub(super) srvd: Srvd,
    /// A `srvd join` on the same way to the registry, which has nothing to do but to keep its
    /// registration.
    pub(super) bystander: Srvd,
    /// What both do since the scene was set: `serve`, then `join`.
    pub(super) doing: [Doing; 2],
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
    pub(super) away: Vec<usize>,
    /// How often the registry was changed.
    pub(super) round: u32,
    /// How often it was marked.
    pub(super) marks: u32,
    /// What stands behind the fault's line.
    pub(super) remark: String,
    /// Its configuration.
    pub(super) _directory: TempDir,
    /// Its place among the scenes.
    pub(super) _permit: Permit,
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

    /// Asks nothing and changes nothing for a time, and says what `serve` and `join` do
    /// nevertheless, which must be little.
    pub(super) fn rest(&mut self, is_little: fn(&Did) -> bool) {
        self.asker.rest(true);
        std::thread::sleep(SETTLING);
        let doing = [self.srvd.pid(), self.bystander.pid()].map(Doing::of);
        std::thread::sleep(REST);
        let did = doing.map(|it| it.so_far());
        self.asker.rest(false);
        let [serve, join] = did;
        self.remark(format!("at rest: serve {serve}, join {join}"));
        let logs = [&self.srvd, &self.bystander].map(|it| it.log().all());
        assert!(did.iter().all(is_little), "{}: {logs:#?}", self.remark);
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
        let [serve, join] = self.doing.each_ref().map(Doing::so_far);
        println!(
            "fault {fault}: wrong answers {wrong}, right again after {seconds:.1} s, serve {serve}, \
             join {join}{remark}"
        );
        let is_patient = self.doing[1].is_short() || join.is_patient();
        assert!(is_patient, "join is the load: {:#?}", self.bystander.log().all());
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
