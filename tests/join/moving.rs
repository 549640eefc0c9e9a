//! This machine's address changes under a `join` that was given none.

use std::process::Command;

use super::{ctl, follow};
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::namespace::run_in_network;
use crate::support::srvd::Srvd;

#[test]
fn the_registration_follows_this_machines_address() {
    let Some(output) = run_in_network("join::moving::inside_a_namespace", "true") else {
        println!("skipped: no network namespaces here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("moved"), "{text}");
}

/// Runs `ip addr`, which must succeed.
fn address(args: &str) {
    let args = format!("addr {args} dev lo");
    let output = Command::new("ip").args(args.split(' ')).output().expect("ip is installed");
    assert!(output.status.success(), "ip {args}: {output:?}");
}

#[test]
#[ignore = "the_registration_follows_this_machines_address runs it in a namespace of its own"]
fn inside_a_namespace() {
    const OLD: &str = "/services/web/10-77-0-1-8080";
    const NEW: &str = "/services/web/10-77-0-2-8080";
    address("add 10.77.0.1/32");
    let etcd = Etcd::start();
    let watch = follow(&etcd);
    let mut srvd = Srvd::start(&etcd.url(), &["join", "web", "--port", "8080"]);
    srvd.prints(&format!("registered web at 10.77.0.1:8080: {OLD}"));
    // Another one beside it is no reason to move.
    address("add 10.77.0.2/32");
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(watch.out().count("DELETE"), 0);
    address("del 10.77.0.1/32");
    srvd.prints(&format!("left web at 10.77.0.1:8080: {OLD}"));
    srvd.prints(&format!("registered web at 10.77.0.2:8080: {NEW}"));
    srvd.logs("this machine's address changed: web moves from 10.77.0.1:8080 to 10.77.0.2:8080");
    assert_eq!(ctl(&etcd, &["get", "--prefix", "--keys-only", "/services/"]).trim(), NEW);
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
    assert!(eventually(|| ctl(&etcd, &["get", "--prefix", "/services/"]).is_empty()));
    println!("moved");
}
