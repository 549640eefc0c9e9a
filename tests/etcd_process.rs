//! The real etcd that other suites lean on obeys its controls.

use crate::support::etcd::{Etcd, EtcdCluster};

/// Runs `etcdctl` and returns what it printed; panics if it failed.
fn ctl(etcd: &Etcd, args: &[&str]) -> String {
    let output = etcd.etcdctl(args);
    assert!(output.status.success(), "etcdctl {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn data_survives_a_crash_and_a_stop_but_not_a_wipe() {
    let mut etcd = Etcd::start();
    ctl(&etcd, &["put", "color", "green"]);
    etcd.kill9();
    etcd.restart();
    etcd.stop();
    etcd.restart();
    assert_eq!(ctl(&etcd, &["get", "--print-value-only", "color"]), "green\n");
    etcd.wipe_and_restart();
    assert_eq!(ctl(&etcd, &["get", "color"]), "");
}

#[test]
fn a_frozen_etcd_is_silent_until_it_is_thawed() {
    let mut etcd = Etcd::start();
    etcd.freeze();
    assert!(!etcd.is_healthy());
    etcd.thaw();
    etcd.wait_healthy();
}

#[test]
fn a_cluster_elects_another_leader_and_takes_the_old_one_back() {
    let mut cluster = EtcdCluster::start(3);
    let first = cluster.leader();
    cluster.members[first].kill9();
    let second = cluster.leader();
    assert_ne!(first, second);
    ctl(&cluster.members[second], &["put", "color", "green"]);
    cluster.members[first].restart();
    assert_eq!(ctl(&cluster.members[first], &["get", "--print-value-only", "color"]), "green\n");
}

#[test]
fn a_wiped_cluster_is_empty_and_healthy() {
    let mut cluster = EtcdCluster::start(3);
    ctl(&cluster.members[0], &["put", "color", "green"]);
    cluster.wipe_and_restart();
    assert_eq!(ctl(&cluster.members[2], &["get", "color"]), "");
}
