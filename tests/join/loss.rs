//! Whatever is lost comes back by itself, in a real etcd and in the embedded registry.

use std::time::Instant;

use super::{KEY, VALUE, comes_back, ctl, follow, grant, held, joined, ms, number};
use crate::support::etcd;
use crate::support::eventually;
use crate::support::registry::{Registry, on_both};
use crate::support::srvd::Srvd;

on_both!(
    frozen_past_its_lease,
    lease_revoked,
    key_deleted,
    overwritten_without_a_lease,
    changed_under_our_own_lease,
    overwritten_by_another_owner_it_stands_aside_until_the_key_is_free,
    overwritten_under_a_lease_that_nobody_renews_it_is_taken_back,
    deleted_again_and_again_it_always_comes_back,
    taken_away_all_the_time_it_waits_from_the_third_time_on,
);

fn frozen_past_its_lease(etcd: &Registry) {
    let watch = follow(etcd);
    let (srvd, lease) = joined(&etcd.url(), &["--ttl", "2s"]);
    srvd.signal("STOP");
    watch.prints("DELETE");
    let thawed = srvd.signal("CONT");
    comes_back(etcd, number(&lease));
    println!("thawed: back after {} ms", ms(thawed, Instant::now()));
    srvd.logs("the registration is lost: its lease ended");
}

fn lease_revoked(etcd: &Registry) {
    let (srvd, lease) = joined(&etcd.url(), &[]);
    ctl(etcd, &["lease", "revoke", &lease]);
    let before = Instant::now();
    comes_back(etcd, number(&lease));
    println!("revoked: back after {} ms", ms(before, Instant::now()));
    srvd.logs("the registration is lost: its lease ended");
    srvd.logs("registered again");
}

fn key_deleted(etcd: &Registry) {
    let (srvd, lease) = joined(&etcd.url(), &[]);
    ctl(etcd, &["del", KEY]);
    let before = Instant::now();
    assert_eq!(comes_back(etcd, 0), number(&lease), "the lease is still good");
    println!("deleted: back after {} ms", ms(before, Instant::now()));
    srvd.logs("the registration is lost: its key was deleted");
    srvd.logs("registered again");
    assert_eq!(srvd.out().all().len(), 1, "only the first registration is printed");
}

fn overwritten_without_a_lease(etcd: &Registry) {
    let (srvd, lease) = joined(&etcd.url(), &[]);
    ctl(etcd, &["put", KEY, "intruder"]);
    assert_eq!(comes_back(etcd, 0), number(&lease));
    srvd.logs("overwritten, under no lease");
}

fn changed_under_our_own_lease(etcd: &Registry) {
    let (srvd, lease) = joined(&etcd.url(), &[]);
    ctl(etcd, &["put", "--ignore-lease", KEY, "intruder"]);
    srvd.logs("its value was changed");
    assert_eq!(comes_back(etcd, 0), number(&lease));
}

fn overwritten_by_another_owner_it_stands_aside_until_the_key_is_free(etcd: &Registry) {
    let (srvd, ours) = joined(&etcd.url(), &["--ttl", "2s"]);
    let theirs = grant(etcd, 2);
    let keep = ["lease", "keep-alive", &theirs];
    let mut owner = Srvd::spawn(&mut etcd::etcdctl(&etcd.url(), &keep));
    owner.prints("keepalived");
    ctl(etcd, &["put", "--lease", &theirs, KEY, "owned"]);
    srvd.logs(&format!("owned by lease {theirs}; not taking it over"));
    assert_eq!(held(etcd, KEY), Some(("owned".to_owned(), number(&theirs))));
    owner.kill9();
    assert_ne!(comes_back(etcd, number(&theirs)), 0);
    srvd.logs("registered again");
    assert_eq!(srvd.log().count("not taking it over"), 1, "{:?}", srvd.log().all());
    assert_ne!(ours, theirs);
}

fn overwritten_under_a_lease_that_nobody_renews_it_is_taken_back(etcd: &Registry) {
    let (_srvd, _) = joined(&etcd.url(), &["--ttl", "2s"]);
    let watch = follow(etcd);
    let theirs = grant(etcd, 3);
    ctl(etcd, &["put", "--lease", &theirs, KEY, "once"]);
    comes_back(etcd, number(&theirs));
    assert_eq!(watch.out().count("DELETE"), 0, "taken back before it could vanish");
}

fn deleted_again_and_again_it_always_comes_back(etcd: &Registry) {
    let (_srvd, _) = joined(&etcd.url(), &[]);
    for _ in 0..5 {
        ctl(etcd, &["del", "--prefix", "/services"]);
        assert!(eventually(|| held(etcd, KEY).is_some_and(|(value, _)| value == VALUE)));
    }
}

fn taken_away_all_the_time_it_waits_from_the_third_time_on(etcd: &Registry) {
    let (srvd, lease) = joined(&etcd.url(), &[]);
    let mut lease = number(&lease);
    let mut took = Vec::new();
    for _ in 0..7 {
        ctl(etcd, &["lease", "revoke", &format!("{lease:016x}")]);
        let revoked = Instant::now();
        lease = comes_back(etcd, lease);
        took.push(ms(revoked, Instant::now()));
    }
    println!("revoked again and again: back after {took:?} ms");
    // The waits of the last are half of 0.8 and of 1.6 s at the least.
    assert!(took[6] >= 400 && took[6] > took[0] + 100, "{took:?}: {:?}", srvd.log().all());
}
