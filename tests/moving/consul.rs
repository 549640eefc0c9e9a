//! From Consul, which has nothing in etcd: its definitions are registered by `srvd join`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use super::{Asked, ask_all, block, configure, placed, run, serve, shell};
use crate::support::etcd::Etcd;
use crate::support::srvd::Srvd;
use crate::support::{dig, dig_shows};

/// The guide.
const GUIDE: &str = "From Consul DNS";

/// What Consul answers, but for SRV, of which the guide's table says what differs.
const ASKED: [Asked; 9] = [
    ("+noall +answer A web.service.consul", &["web.service.consul. 0 IN A 127.0.0.1"]),
    ("+short A web.service.dc1.consul", &["127.0.0.1"]),
    ("+short A primary.web.service.consul", &["127.0.0.1"]),
    ("+short A primary.web.service.dc1.consul", &["127.0.0.1"]),
    ("+short A secondary.web.service.consul", &[]),
    ("+short AAAA web.service.consul", &[]),
    ("+short A web-1.web.service.consul", &["127.0.0.1"]),
    ("+short A 127-0-0-1.web.service.consul", &["127.0.0.1"]),
    ("+short A api.service.consul", &[]),
];

/// Names whose SRV is the instance.
const SERVICES: [&str; 6] = [
    "web.service.consul",
    "_web._tcp.service.consul",
    "_web._tcp.service.dc1.consul",
    "primary.web.service.consul",
    "_web._primary.service.consul",
    "_web._primary.service.dc1.consul",
];

/// A program that says at `/health` that it is well.
fn healthy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1024];
            let read = stream.read(&mut head).unwrap_or(0);
            let is_asked = head[..read].starts_with(b"GET /health ");
            let status = if is_asked { "204 Fine" } else { "404 Not here" };
            _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
        }
    });
    at
}

#[test]
fn consuls_definitions_are_registered_and_its_names_answered() {
    let (directory, etcd, program) = (tempfile::tempdir().unwrap(), Etcd::start(), healthy());
    let (url, port) = (etcd.url(), program.port().to_string());
    let definitions = placed(block(GUIDE, "json"), &[("10.0.0.7", "127.0.0.1"), ("8080", &port)]);
    std::fs::write(directory.path().join("consul.json"), definitions).unwrap();
    let (convert, join) = block(GUIDE, "sh").trim().split_once('\n').unwrap();
    run(directory.path(), convert);
    let mut join = shell(directory.path(), &format!("exec {join}"));
    let mut join = Srvd::spawn(join.env("SRVD_REGISTRY", &url));
    let places = [("http://10.0.0.1:2379", &*url), ("10.0.0.2", "127.0.0.1:9")];
    configure(directory.path(), GUIDE, &places);
    // The zones have no key, a problem, until it is registered.
    join.prints("registered 1 of 1");
    let (_process, at) = serve(directory.path());
    ask_all(at, &ASKED);
    for name in SERVICES {
        let zone = if name.contains("dc1") { "dc1.consul" } else { "consul" };
        let answer = format!("0 1 {port} 127-0-0-1.web.service.{zone}.");
        dig_shows(at, &format!("+short SRV {name}"), &[&answer]);
    }
    dig_shows(at, "+short TXT web-1.web.service.consul", &["\"rack=7\" \"tag=primary\""]);
    assert!(dig(at, "A api.service.consul").contains("NXDOMAIN"));
    join.signal("TERM");
    assert_eq!(join.exits(), 0);
    dig_shows(at, "+short A web.service.consul", &[]);
}
