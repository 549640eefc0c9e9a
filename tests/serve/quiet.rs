//! Nothing changes: that is how registries mostly are, and it must cost nothing.

use std::path::Path;

use super::process;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::grpc_proxy::GrpcProxy;
use crate::support::srvd::Srvd;

/// The zones that are followed.
const ZONES: [&str; 3] = ["services.internal", "two.internal", "three.internal"];

/// How often a member is asked while nothing changes, until a test believes it: one that
/// is not answered would have been left twice meanwhile.
const ASKED: u64 = 6;

/// Serves three zones of one registry, as a process.
fn serve(registry: &str, directory: &Path) -> Srvd {
    let zone = |name: &&str| format!("[[zone]]\nname = {name:?}\nprefix = \"/services/{name}\"\n");
    let zones: String = ZONES.iter().map(zone).collect();
    let path = directory.join("srvd.toml");
    std::fs::write(&path, format!("registry = {registry:?}\n{zones}")).unwrap();
    let file = path.to_str().unwrap();
    let process = process::start(&["serve", "--config", file, "--listen", "127.0.0.1:0"]);
    for name in ZONES {
        process::wait_for_log(&process, &["the registry was listed", name]);
    }
    process
}

/// Waits until each zone's member was asked often enough, and says that nothing else
/// happened.
fn stays_quiet(process: &Srvd, asked: impl Fn() -> u64) {
    let before = asked();
    let enough = before + ASKED * ZONES.len() as u64;
    assert!(eventually(|| asked() >= enough), "{} of {enough}", asked());
    let log = process.log();
    assert_eq!(log.count("the registry was listed"), ZONES.len(), "{:#?}", log.all());
    assert_eq!(log.count(" WARN "), 0, "{:#?}", log.all());
}

#[test]
fn a_quiet_registry_is_listed_once() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let process = serve(&etcd.url(), directory.path());
    stays_quiet(&process, || etcd.messages("Watch"));
    assert_eq!(process.peers(), [etcd.addr().port()], "zones of one registry share a connection");
    // A change that was waited for in vain shows that the watch was alive all the time.
    assert!(etcd.etcdctl(&["put", "/services/two.internal/web/x", "of no use"]).status.success());
    process::wait_for_log(&process, &["registration not served"]);
    assert_eq!(process.log().count("the registry was listed"), ZONES.len());
}

#[test]
fn a_quiet_registry_behind_a_proxy_is_listed_once() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let proxy = GrpcProxy::start(&[etcd.url()], &[]);
    let process = serve(&format!("{}?refresh=false", proxy.url()), directory.path());
    process::wait_for_log(&process, &["no answer to progress requests"]);
    stays_quiet(&process, || etcd.calls("Range"));
    assert!(etcd.etcdctl(&["put", "/services/two.internal/web/x", "of no use"]).status.success());
    process::wait_for_log(&process, &["registration not served"]);
    assert_eq!(process.log().count("the registry was listed"), ZONES.len());
    // What one zone found out, the others know.
    assert_eq!(process.log().count("no answer to progress requests"), 1);
}

/// A proxy that is frozen is found out like a member, though it never answered.
#[test]
fn a_frozen_member_behind_no_progress_is_left() {
    let mut etcd = Etcd::start();
    let mut proxy = GrpcProxy::start(&[etcd.url()], &[]);
    let directory = tempfile::tempdir().unwrap();
    let process = serve(&format!("{}?refresh=false", proxy.url()), directory.path());
    process::wait_for_log(&process, &["no answer to progress requests"]);
    etcd.freeze();
    let ended = || process.log().count("watch ended, relisting") >= ZONES.len();
    assert!(eventually(ended), "{:#?}", process.log().all());
    etcd.thaw();
    etcd.wait_healthy();
    let listed = || process.log().count("the registry was listed") >= 2 * ZONES.len();
    assert!(eventually(listed), "{:#?}", process.log().all());
    proxy.kill9();
    let ended = || process.log().count("watch ended, relisting") > ZONES.len();
    assert!(eventually(ended), "{:#?}", process.log().all());
}
