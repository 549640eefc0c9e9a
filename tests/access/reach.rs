//! Endpoints that do not answer, and no storm of connections.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use srvd::etcd::{Access, Etcd as Client};

use super::{Desk, Served, connections_to, ctl, joined, owned};
use crate::support::certificates::Authority;
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::secure::SecureEtcd;
use crate::support::srvd::run;
use crate::support::{eventually, runtime};

/// A port that accepts connections and never says a word: the kernel does the accepting.
struct Hole(TcpListener);

impl Hole {
    /// A new one.
    fn dig() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Where it is.
    fn at(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

/// A port that closes each connection at once, and how many there were.
fn slammed_door() -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, count) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::<AtomicUsize>::default());
    let (at, counted) = (listener.local_addr().unwrap(), Arc::clone(&count));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    });
    (at, count)
}

#[test]
fn members_that_accept_and_never_answer_cost_time_and_nothing_else() {
    let (authority, desk) = (Authority::new("ours"), Desk::new());
    let etcd = SecureEtcd::start(&authority.server());
    ctl(&etcd.process, &["put", "/services/web/1", "10.0.0.1:80"]);
    let holes = [Hole::dig(), Hole::dig()];
    let registry = |timeout: &str| {
        format!("https://{},{},{}?timeout={timeout}", holes[0].at(), etcd.addr(), holes[1].at())
    };
    let ca = desk.ca(&authority);
    let mut list = vec!["list", "web"];
    list.extend(ca.iter().map(String::as_str));
    for _ in 0..3 {
        let output = run(&registry("500ms"), &list);
        assert!(output.status.success(), "{output:?}");
    }
    Served::start(&registry("1s"), &ca).shows(&["10.0.0.1"]);
    // Each endpoint gets a sixth of the TTL.
    let lease = owned(&["--ttl", "3s", "--heartbeat", "1s"]);
    let join = joined(&registry("3s"), &[lease, ca.clone()].concat());
    let beats = etcd.process.messages("LeaseKeepAlive");
    assert!(eventually(|| etcd.process.messages("LeaseKeepAlive") > beats + 5));
    assert_eq!(join.log().count("lost"), 0, "{:?}", join.log().all());
    let only = format!("https://{}?timeout=500ms", holes[0].at());
    let output = run(&only, &list);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("no answer within 500ms; check --registry"), "{text}");
}

#[test]
fn a_thousand_callers_in_an_outage_are_few_connections() {
    let (at, count) = slammed_door();
    let url = format!("http://{at}?refresh=false");
    let client = Client::new(&url.parse().unwrap(), &Access::default());
    let begun = Instant::now();
    let end = begun + Duration::from_secs(3);
    runtime().block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            let client = client.clone();
            callers.spawn(async move {
                while Instant::now() < end {
                    let lost = client.keep_alive(1, Duration::from_secs(1)).await;
                    assert!(lost.is_err());
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
        callers.join_all().await;
    });
    let (count, took) = (count.load(Ordering::Relaxed), begun.elapsed());
    println!("{count} connections in {took:?} for 1,000 callers");
    // 50 ms, doubled up to 1 s, drawn between half and the whole.
    assert!((2..20 + 2 * took.as_secs() as usize).contains(&count), "{count} in {took:?}");
}

#[test]
fn a_thousand_callers_without_a_leader_are_few_connections() {
    let mut cluster = EtcdCluster::start(3);
    let client = Client::new(
        &format!("{}?refresh=false&timeout=1s", cluster.members[0].url()).parse().unwrap(),
        &Access::default(),
    );
    let runtime = runtime();
    let get = || runtime.block_on(client.get("/services/a", Duration::from_secs(1)));
    get().unwrap();
    cluster.members[1].kill9();
    cluster.members[2].kill9();
    assert!(eventually(|| get().is_err_and(|error| error.to_string().contains("no leader"))));
    let before = connections_to(cluster.members[0].addr());
    for _ in 0..100 {
        get().unwrap_err();
    }
    assert_eq!(connections_to(cluster.members[0].addr()), before, "a good connection was given up");
    cluster.members[1].restart();
    assert!(eventually(|| get().is_ok()));
}

#[test]
fn a_name_that_stands_for_several_addresses_is_tried_at_each() {
    let etcd = Etcd::start();
    // On most machines `localhost` is ::1 first, where this etcd does not listen.
    let registry = etcd.url().replace("127.0.0.1", "localhost");
    let output = run(&registry, &["list", "--output", "json"]);
    assert!(output.status.success(), "{output:?}");
}
