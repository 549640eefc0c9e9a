//! Members that join later are used, those that leave are dropped; configured endpoints
//! never are.

use std::time::Duration;

use srvd::etcd::{Access, Etcd as Client};
use tokio::runtime::Runtime;

use super::{Desk, ctl, enable_auth};
use crate::support::certificates::Authority;
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::secure::SecureEtcd;
use crate::support::{eventually, runtime};

/// A handle on the registry at these urls that keeps up with its members, read every
/// second, and the runtime it does so in.
fn following(urls: &[String]) -> (Client, Runtime) {
    let registry = urls.join(",").replace(",http://", ",") + "?refresh=1s&timeout=1s";
    let (client, runtime) =
        (Client::new(&registry.parse().unwrap(), &Access::default()), runtime());
    let followed = client.clone();
    runtime.spawn(async move { followed.keep_up().await });
    (client, runtime)
}

/// Waits until exactly these addresses are known.
fn knows(client: &Client, urls: &[String]) {
    let mut wanted = urls.to_vec();
    wanted.sort_unstable();
    let known = || {
        let mut known = client.endpoints();
        known.sort_unstable();
        known
    };
    assert!(eventually(|| known() == wanted), "not {wanted:?} but {:?}", known());
}

/// Removes a member from its cluster, through another.
fn remove(through: &Etcd, mut member: Etcd) {
    let output = through.etcdctl(&["member", "list"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains(&member.url())).expect("it is a member");
    let id = line.split_once(',').unwrap().0;
    // Right after another change of members etcd may refuse.
    assert!(eventually(|| through.etcdctl(&["member", "remove", id]).status.success()));
    member.kill9();
}

#[test]
fn members_come_and_go_and_the_last_ones_are_used() {
    let mut cluster = EtcdCluster::start(3);
    let configured = cluster.members[0].url();
    let (client, runtime) = following(std::slice::from_ref(&configured));
    knows(&client, &cluster.urls());
    // One that was listed leaves, and is dropped; one that joins is taken up.
    let leaving = cluster.members.remove(2);
    remove(&cluster.members[0], leaving);
    knows(&client, &cluster.urls());
    cluster.join();
    knows(&client, &cluster.urls());
    // The configured one leaves, and its address stays; a new one is found all the same.
    let leaving = cluster.members.remove(0);
    remove(&cluster.members[0], leaving);
    cluster.join();
    knows(&client, &[&[configured], &cluster.urls()[..]].concat());
    let get = || runtime.block_on(client.get("/services/web/1", Duration::from_secs(3)));
    ctl(&cluster.members[0], &["put", "/services/web/1", "10.0.0.1:80"]);
    assert!(eventually(|| matches!(get(), Ok(Some(_)))), "{:?}", get());
}

#[test]
fn a_listed_member_of_another_cluster_or_without_tls_is_not_used() {
    let other = Etcd::start();
    // It advertises another cluster's member beside its own address.
    let lying = format!("http://{{client}},{}", other.url());
    let etcd = Etcd::start_with(&["--advertise-client-urls", &lying]);
    let (client, _runtime) = following(&[etcd.url()]);
    let listed = etcd.calls("MemberList");
    assert!(eventually(|| etcd.calls("MemberList") > listed + 2));
    knows(&client, &[etcd.url()]);
    let authority = Authority::new("ours");
    let etcd = SecureEtcd::start(&authority.server());
    let desk = Desk::new();
    let ca = srvd::etcd::NamedFile {
        path: desk.file("ca.pem", &authority.pem).into(),
        origin: "--ca".to_owned(),
    };
    let access = Access::read(srvd::etcd::Files { ca: Some(ca), ..Default::default() }).unwrap();
    let url = format!("{}?refresh=1s", etcd.url());
    let client = Client::new(&url.parse().unwrap(), &access);
    let followed = client.clone();
    let runtime = runtime();
    runtime.spawn(async move { followed.keep_up().await });
    let listed = etcd.process.calls("MemberList");
    assert!(eventually(|| etcd.process.calls("MemberList") > listed + 2));
    knows(&client, &[etcd.url()]);
}

#[test]
fn a_user_without_any_role_may_read_the_member_list() {
    let cluster = EtcdCluster::start(3);
    enable_auth(&cluster.members[0]);
    super::root(&cluster.members[0], &["user", "revoke-role", "reader", "reader"]);
    let desk = Desk::new();
    desk.user("reader", "reader");
    let file = srvd::etcd::NamedFile {
        path: desk.path("reader.password").into(),
        origin: "--password-file".to_owned(),
    };
    let user = Some(("reader".to_owned(), file));
    let access = Access::read(srvd::etcd::Files { user, ..Default::default() }).unwrap();
    let url = format!("{}?refresh=1s", cluster.members[0].url());
    let client = Client::new(&url.parse().unwrap(), &access);
    let followed = client.clone();
    let runtime = runtime();
    runtime.spawn(async move { followed.keep_up().await });
    knows(&client, &cluster.urls());
    assert!(
        !runtime.block_on(client.orders_progress(&cluster.members[0].url())).unwrap(),
        "3.4.23 does not order it"
    );
}
