//! Clients as they are: the npm package `bender-api`, and `etcdctl` beside it. The package
//! is put where it is found by `tests/run.sh`; what needs it says so where it is missing.

use std::path::Path;
use std::process::{Command, Output};

use super::Server;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::Srvd;

/// Where `tests/run.sh` puts packages of Node.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node/node_modules");
/// What drives the package.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bender/client.js");
/// The key of what the script registers for long.
const KEY: &str = "/services/held/10-0-0-7-7007";

/// Whether Node and the package are there; says so if not.
fn is_there() -> bool {
    let node = Command::new("node").arg("--version").output();
    let is_there = node.is_ok_and(|output| output.status.success())
        && Path::new(PACKAGES).join("bender-api").exists();
    if !is_there {
        println!("client bender-api: left out, it is not installed (nodejs; npm: bender-api)");
    }
    is_there
}

/// The script with a mode, for some servers.
fn script(mode: &str, servers: &[&Server]) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", PACKAGES).args([SCRIPT, mode]);
    command.args(servers.iter().map(|server| server.http.to_string()));
    command
}

/// Runs the script to its end: it fails with the first thing that is not as it should be.
fn walk(servers: &[&Server]) -> Output {
    let output = script("walk", servers).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

/// What a client registers is seen by `etcdctl`, and put back when that takes it away.
fn is_held(servers: &[&Server]) {
    let server = servers[0];
    let mut client = Srvd::spawn(&mut script("hold", servers));
    client.prints("registered");
    let first = server.key(KEY).expect("it is there when the client was told so");
    assert_ne!(first.lease, 0);
    assert_eq!(server.dig("A held.services.internal"), ["10.0.0.7"]);
    server.revoke(first.lease);
    let back = || server.key(KEY).filter(|now| ![0, first.lease].contains(&now.lease));
    assert!(eventually(|| back().is_some()));
    server.etcdctl(&["del", KEY]);
    assert!(eventually(|| server.key(KEY).is_some()));
    assert!(eventually(|| server.dig("A held.services.internal") == ["10.0.0.7"]));
    assert_eq!(client.log().all(), [""; 0], "no request of the client failed");
    client.kill9();
    assert!(eventually(|| server.key(KEY).is_none()));
    assert!(eventually(|| server.dig("A held.services.internal").is_empty()));
}

#[test]
fn bender_api_finds_what_benders_own_tests_look_for() {
    if !is_there() {
        return;
    }
    let etcd = Etcd::start();
    let ttl = ["--registration-ttl", "2s"];
    let servers = [Server::start(&etcd, &ttl), Server::start(&etcd, &ttl)];
    walk(&[&servers[0]]);
    // It asks its servers in turn.
    walk(&[&servers[0], &servers[1]]);
}

#[test]
fn bender_api_and_etcdctl_see_the_same() {
    if !is_there() {
        return;
    }
    let etcd = Etcd::start();
    let ttl = ["--registration-ttl", "2s"];
    let servers = [Server::start(&etcd, &ttl), Server::start(&etcd, &ttl)];
    is_held(&[&servers[0], &servers[1]]);
}

#[test]
fn both_work_with_the_embedded_registry() {
    if !is_there() {
        return;
    }
    let dev = Server::dev();
    walk(&[&dev]);
    is_held(&[&dev]);
}
