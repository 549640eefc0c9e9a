//! A member of three dies or freezes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::process;
use super::server::{Server, ask};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;

/// A thread that asks for a stable name without a pause, and counts.
struct Watchdog {
    /// Ends it.
    stop: Arc<AtomicBool>,
    /// Gives how many answers were right; it panics at one that is not.
    thread: JoinHandle<u64>,
}

impl Watchdog {
    /// Begins to ask.
    fn start(server: &Server) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, at) = (Arc::clone(&stop), server.at);
        let thread = std::thread::spawn(move || {
            let mut right = 0;
            while !stopping.load(Ordering::Relaxed) {
                let reply = ask(at, "SRV _stable._tcp.services.internal");
                assert_eq!(reply.answers, ["0 1 80 10-9-9-9.stable.services.internal."]);
                right += 1;
            }
            right
        });
        Self { stop, thread }
    }

    /// Ends it, and gives how many answers were right.
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("an answer was lost")
    }
}

/// Puts a key through a member, for as long as it takes to elect a leader.
fn put(member: &Etcd, key: &str, value: &str) {
    let args = ["--command-timeout=2s", "put", key, value];
    assert!(eventually(|| member.etcdctl(&args).status.success()), "{key} cannot be put");
}

/// Disturbs each member in turn, one of which the watch stands on: a change made meanwhile
/// appears, and no answer is lost. Gives the longest time to recover.
fn each_in_turn(disturb: impl Fn(&mut Etcd), mend: impl Fn(&mut Etcd)) -> Duration {
    let mut cluster = EtcdCluster::start(3);
    put(&cluster.members[0], "/services/stable/1", "10.9.9.9:80");
    let urls = cluster.urls().join(",").replace(",http://", ",");
    let server = Server::start(&urls).ready();
    server.wait_for("A stable.services.internal", &["10.9.9.9"]);
    let watchdog = Watchdog::start(&server);
    let mut longest = Duration::ZERO;
    for member in 0..3 {
        disturb(&mut cluster.members[member]);
        let disturbed = Instant::now();
        let address = format!("10.0.0.{}", member + 1);
        put(&cluster.members[(member + 1) % 3], "/services/web/1", &format!("{address}:80"));
        let put_after = disturbed.elapsed();
        server.wait_for("A web.services.internal", &[&address]);
        let shown_after = disturbed.elapsed();
        println!("member {member}: written after {put_after:?}, shown after {shown_after:?}");
        longest = longest.max(shown_after - put_after);
        mend(&mut cluster.members[member]);
        cluster.members[member].wait_healthy();
    }
    println!("{} right answers meanwhile", watchdog.stop());
    longest
}

#[test]
fn killed_members_cost_no_answer_and_no_change() {
    let longest = each_in_turn(Etcd::kill9, Etcd::restart);
    println!("killed: a change is shown at most {longest:?} after it could be written");
}

#[test]
fn frozen_members_cost_no_answer_and_no_change() {
    let longest = each_in_turn(|member| member.freeze(), |member| member.thaw());
    println!("frozen: a change is shown at most {longest:?} after it could be written");
}

#[test]
fn listed_members_are_used_when_the_one_that_was_named_dies() {
    let mut cluster = EtcdCluster::start(3);
    put(&cluster.members[0], "/services/web/1", "10.0.0.1:80");
    let server = Server::start(&format!("{}?refresh=1s", cluster.urls()[0])).ready();
    // A member that was listed is asked for what it shows; asked again, it is an endpoint.
    let was_asked = |member: &Etcd| member.calls("Range") > 1;
    assert!(eventually(|| cluster.members[1..].iter().all(was_asked)));
    cluster.members[0].kill9();
    put(&cluster.members[1], "/services/web/1", "10.0.0.2:80");
    server.wait_for("A web.services.internal", &["10.0.0.2"]);
}

/// The default refresh is a minute: a list that failed at the start is asked for sooner.
#[test]
fn members_are_listed_soon_after_a_late_start() {
    let mut cluster = EtcdCluster::start(3);
    cluster.members.iter_mut().for_each(Etcd::kill9);
    let server = Server::start(&cluster.urls()[0]);
    assert!(eventually(|| server.ask("SOA services.internal").reason == Some(14)));
    cluster.members.iter_mut().for_each(Etcd::spawn);
    cluster.members.iter_mut().for_each(Etcd::wait_healthy);
    let was_asked = |member: &Etcd| member.calls("Status") > 0;
    assert!(eventually(|| cluster.members[1..].iter().all(was_asked)));
}

#[test]
fn the_log_names_the_member_that_was_lost() {
    let mut etcd = Etcd::start();
    // Where it begins is drawn; wherever it was, the watch stood on the one that answers.
    let others = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4";
    let (process, _) = process::serve(&format!("{others},{}", etcd.addr()), &[]);
    process::wait_for_log(&process, &["the registry was listed"]);
    put(&etcd, "/services/web/x", "of no use");
    process::wait_for_log(&process, &["registration not served"]);
    etcd.kill9();
    process::wait_for_log(&process, &["watch ended, relisting"]);
    let ends = process.log().all().into_iter().find(|line| line.contains("watch ended, relisting"));
    assert!(
        ends.unwrap().ends_with(&format!("endpoint={}", etcd.url())),
        "{:#?}",
        process.log().all()
    );
}

#[test]
fn without_a_quorum_everything_is_answered_as_before() {
    let mut cluster = EtcdCluster::start(3);
    put(&cluster.members[0], "/services/stable/1", "10.9.9.9:80");
    let urls = cluster.urls().join(",").replace(",http://", ",");
    let server = Server::start(&urls).ready();
    let watchdog = Watchdog::start(&server);
    cluster.members[0].kill9();
    cluster.members[1].kill9();
    // What is left answers, but has no leader: that is no word from the registry.
    assert!(eventually(|| server.ask("A stable.services.internal").reason == Some(3)));
    cluster.members[0].spawn();
    cluster.members[1].restart();
    put(&cluster.members[2], "/services/web/1", "10.0.0.2:80");
    server.wait_for("A web.services.internal", &["10.0.0.2"]);
    assert!(watchdog.stop() > 0);
}
