//! While nothing can be done, next to nothing is done: wakeups, and calls, of `join`.

use std::time::Duration;

use super::many::{documents, file};
use super::{ctl, join, joined};
use crate::access::enable_auth;
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::free_addr;
use crate::support::load::Doing;
use crate::support::srvd::Srvd;

/// How long it is looked at: some heartbeats, and the ends of all backoffs.
const LOOK: Duration = Duration::from_secs(8);
/// A short lease, whose heartbeats are often due.
const SHORT: [&str; 2] = ["--ttl", "3s"];

/// Looks at a process that has nothing to do.
fn is_idle(srvd: &Srvd, what: &str) {
    let did = Doing::over(srvd.pid(), LOOK);
    println!("{what}: {did}");
    assert!(did.is_idle(), "{what}: {did}: {:#?}", srvd.log().all());
}

#[test]
fn while_etcd_refuses_connections() {
    let mut etcd = Etcd::start();
    let (srvd, _) = joined(&etcd.url(), &SHORT);
    etcd.kill9();
    srvd.logs("still trying");
    is_idle(&srvd, "etcd refuses connections");
}

#[test]
fn while_etcd_is_frozen() {
    let etcd = Etcd::start();
    let (srvd, _) = joined(&etcd.url(), &SHORT);
    etcd.freeze();
    srvd.logs("still trying");
    is_idle(&srvd, "etcd frozen");
}

#[test]
fn while_three_endpoints_are_dead() {
    let mut cluster = EtcdCluster::start(3);
    let registry = cluster.urls().join(",").replace(",http://", ",");
    let (srvd, _) = joined(&registry, &SHORT);
    cluster.members.iter_mut().for_each(Etcd::kill9);
    srvd.logs("still trying");
    is_idle(&srvd, "three dead endpoints");
}

#[test]
fn before_etcd_was_ever_there() {
    let srvd = join(&format!("http://{}", free_addr()), &SHORT);
    srvd.logs("still trying");
    is_idle(&srvd, "etcd absent at start");
}

#[test]
fn while_etcd_is_away_for_thousands() {
    const MANY: usize = 2_000;
    let mut etcd = Etcd::start();
    let (_directory, path) = file(&documents(MANY));
    let args = ["join", "--from", path.to_str().unwrap()];
    let srvd = Srvd::start(&etcd.url(), &args);
    srvd.prints(&format!("registered {MANY} of {MANY}"));
    etcd.kill9();
    srvd.logs("still trying for");
    // By then all have found out.
    std::thread::sleep(Duration::from_secs(4));
    is_idle(&srvd, "etcd refuses connections, 2,000 registrations");
}

/// `join` as a user that may write, in an etcd with authentication.
fn joined_as_writer() -> (Etcd, tempfile::TempDir, Srvd) {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    enable_auth(&etcd);
    let password = directory.path().join("password");
    std::fs::write(&password, "writer").unwrap();
    let user = ["--user", "writer", "--password-file", password.to_str().unwrap()];
    let (srvd, _) = joined(&etcd.url(), &[&SHORT[..], &user].concat());
    (etcd, directory, srvd)
}

#[test]
fn while_its_role_is_revoked() {
    let (etcd, _directory, srvd) = joined_as_writer();
    let revoke = ["--user", "root:root", "user", "revoke-role", "writer", "writer"];
    ctl(&etcd, &revoke);
    srvd.logs("permission denied");
    let calls = || etcd.messages("Txn") + etcd.messages("LeaseKeepAlive") + etcd.messages("Watch");
    let before = calls();
    is_idle(&srvd, "role revoked");
    // A heartbeat is a renewal and a look, and one that fails is tried again after half of its
    // interval at the soonest; a refused watch is opened again now and then.
    let made = calls() - before;
    assert!(made <= 6 * LOOK.as_secs(), "{made} calls");
    ctl(&etcd, &["--user", "root:root", "user", "grant-role", "writer", "writer"]);
    srvd.logs("the registry answers again");
}

#[test]
fn while_its_user_is_deleted() {
    let (mut etcd, _directory, srvd) = joined_as_writer();
    ctl(&etcd, &["--user", "root:root", "user", "delete", "writer"]);
    // Some releases of etcd go on with a token of before; none has it after a restart.
    etcd.restart();
    srvd.logs("no such user");
    is_idle(&srvd, "user deleted");
    ctl(&etcd, &["--user", "root:root", "user", "add", "writer:writer"]);
    ctl(&etcd, &["--user", "root:root", "user", "grant-role", "writer", "writer"]);
    super::comes_back_as_root(&etcd);
}
