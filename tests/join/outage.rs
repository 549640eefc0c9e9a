//! etcd away, wiped, a member killed or frozen.

use std::time::{Duration, Instant};

use super::{comes_back, follow, join, joined, ms};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;
use crate::support::proxy::Proxy;
use crate::support::srvd::Srvd;

#[test]
fn etcd_away_for_longer_than_the_lease() {
    let mut etcd = Etcd::start();
    let (srvd, _) = joined(&etcd.url(), &["--ttl", "2s"]);
    etcd.kill9();
    srvd.logs("still trying: the registry cannot be reached");
    std::thread::sleep(Duration::from_secs(3));
    etcd.restart();
    let before = Instant::now();
    comes_back(&etcd, 0);
    println!("etcd back: registered after {} ms", ms(before, Instant::now()));
    let is_told = || srvd.log().count("answers again") + srvd.log().count("registered again") > 0;
    assert!(eventually(is_told));
    assert_eq!(srvd.log().count("still trying"), 1, "{:?}", srvd.log().all());
}

#[test]
fn etcd_absent_at_the_start() {
    let mut etcd = Etcd::start();
    etcd.kill9();
    let srvd = join(&etcd.url(), &[]);
    srvd.logs("still trying: the registry cannot be reached");
    etcd.restart();
    srvd.prints("registered web at");
    comes_back(&etcd, 0);
}

#[test]
fn etcd_wiped() {
    let mut etcd = Etcd::start();
    let (srvd, _) = joined(&etcd.url(), &["--ttl", "3s"]);
    etcd.wipe_and_restart();
    comes_back(&etcd, 0);
    srvd.logs("registered again");
}

/// A cluster of three, `join` on one of its members (which), and the key followed on another.
fn on_one_of_three() -> (EtcdCluster, Srvd, usize, Srvd) {
    let cluster = EtcdCluster::start(3);
    let registry = cluster.urls().join(",").replace(",http://", ",");
    let (srvd, _) = joined(&registry, &["--ttl", "3s"]);
    let used = member_in_use(&cluster, &srvd).expect("it is connected to a member");
    let watch = follow(&cluster.members[(used + 1) % 3]);
    (cluster, srvd, used, watch)
}

/// Which member it has a connection to.
fn member_in_use(cluster: &EtcdCluster, srvd: &Srvd) -> Option<usize> {
    let peers = srvd.peers();
    cluster.members.iter().position(|member| peers.contains(&member.addr().port()))
}

/// Waits for a connection to another member, then for two leases, in which the key must
/// never be missing.
fn stays_registered(cluster: &EtcdCluster, srvd: &Srvd, lost: usize, watch: &Srvd, what: &str) {
    let before = Instant::now();
    let other = cluster.members[(lost + 1) % 3].addr().port();
    let another = cluster.members[(lost + 2) % 3].addr().port();
    let moved = || srvd.peers().iter().any(|port| [other, another].contains(port));
    assert!(eventually(moved), "it stays with the member that is gone");
    println!("{what}: on another member after {} ms", ms(before, Instant::now()));
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(watch.out().count("DELETE"), 0, "the key was gone: {:?}", srvd.log().all());
    comes_back(&cluster.members[(lost + 1) % 3], 0);
}

#[test]
fn the_member_in_use_is_killed() {
    let (mut cluster, srvd, used, watch) = on_one_of_three();
    cluster.members[used].kill9();
    stays_registered(&cluster, &srvd, used, &watch, "member killed");
}

#[test]
fn the_member_in_use_is_frozen() {
    let (cluster, srvd, used, watch) = on_one_of_three();
    cluster.members[used].freeze();
    stays_registered(&cluster, &srvd, used, &watch, "member frozen");
    cluster.members[used].thaw();
}

/// A call and its answer take longer than the sixth of a lease that a heartbeat would be given
/// if there were another endpoint.
#[test]
fn a_registry_that_is_evenly_slow_is_used_and_called_slow() {
    let etcd = Etcd::start();
    let proxy = Proxy::start(etcd.addr());
    proxy.delay(Duration::from_millis(200));
    let registry = format!("http://{}?refresh=false", proxy.addr());
    let (srvd, _) = joined(&registry, &["--ttl", "4s"]);
    srvd.logs("the registry is slow: registering took");
    std::thread::sleep(Duration::from_secs(6));
    for never in ["cannot be reached", "lost"] {
        assert_eq!(srvd.log().count(never), 0, "{:#?}", srvd.log().all());
    }
    comes_back(&etcd, 0);
}

/// Connecting alone takes most of the time: what was connected is used for the next attempt.
#[test]
fn what_is_slow_to_connect_is_not_thrown_away() {
    let etcd = Etcd::start();
    let proxy = Proxy::start(etcd.addr());
    proxy.delay(Duration::from_millis(200));
    let registry = format!("http://{}?refresh=false&timeout=1s", proxy.addr());
    let srvd = join(&registry, &["--ttl", "10s"]);
    srvd.prints("registered web at");
    assert_eq!(srvd.log().count("cannot be reached"), 0, "{:#?}", srvd.log().all());
}

/// Frozen for most of its lease again and again: heartbeats are so frequent, and the return is
/// noticed so soon, that nothing is lost.
#[test]
fn by_default_an_outage_of_most_of_the_lease_is_borne() {
    let etcd = Etcd::start();
    let watch = follow(&etcd);
    let (srvd, _) = joined(&etcd.url(), &[]);
    for _ in 0..3 {
        etcd.freeze();
        std::thread::sleep(Duration::from_secs(5));
        etcd.thaw();
        std::thread::sleep(Duration::from_secs(5));
    }
    assert_eq!(watch.out().count("DELETE"), 0, "the key was gone: {:?}", srvd.log().all());
    comes_back(&etcd, 0);
}
