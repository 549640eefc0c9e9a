//! How a scene is set: a bounded number of them, each with its registry filled, `srvd serve`
//! started, and somebody asking.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};

use tempfile::TempDir;

use super::asker::Asker;
use super::dns::{Question, Said};
use super::hand::Hand;
use super::history::History;
use super::scene::{CHANGING, Scene, WATCHED};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;
use crate::support::load::Doing;
use crate::support::proxy::Proxy;
use crate::support::srvd::{Srvd, plain};

/// Scenes at the same time: four clusters leave two cores idle most of the time, since
/// faults mostly wait.
const SCENES_MAX: usize = 4;
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
        let watched: Vec<_> =
            WATCHED.iter().flat_map(|service| Question::all_of(service)).collect();
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
        let bystander = bystander(&registry(&cluster, &proxies), self.is_absent);
        let doing = [srvd.pid(), bystander.pid()].map(Doing::of);
        Scene {
            bystander,
            doing,
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

/// The registry's url: every member, or the proxy before each.
pub(super) fn registry(cluster: &EtcdCluster, proxies: &[Proxy]) -> String {
    let own = cluster.members.iter().map(Etcd::addr).collect::<Vec<_>>();
    let ways = if proxies.is_empty() { own } else { proxies.iter().map(Proxy::addr).collect() };
    let ways: Vec<_> = ways.iter().map(ToString::to_string).collect();
    // What is listed would be a way around the proxies.
    let options = if proxies.is_empty() { "" } else { "?refresh=false&timeout=1s" };
    format!("http://{}{options}", ways.join(","))
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

/// `srvd serve` of a registry by a configuration file. The faults remove registrations on
/// purpose, so nothing is held back.
fn serve(directory: &TempDir, registry: &str) -> Command {
    let path = directory.path().join("srvd.toml");
    let file = format!("registry = {registry:?}\nhttp = \"off\"\nhold-collapse = \"0s\"\n");
    std::fs::write(&path, file).unwrap();
    plain(&["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()])
}

/// Starts a `join` that only keeps its registration.
fn bystander(registry: &str, is_absent: bool) -> Srvd {
    let args = ["join", "bystander", "--host", "10.3.1.1", "--port", "80"];
    let srvd = Srvd::start(registry, &args);
    if !is_absent {
        srvd.prints("registered bystander");
    }
    srvd
}

/// Starts a server, and reads where it answers.
fn answering(command: &mut Command) -> (Srvd, SocketAddr) {
    let srvd = Srvd::spawn(command);
    let at = srvd.answers_at();
    (srvd, at)
}
