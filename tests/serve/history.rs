//! Compaction, floods, storms, transactions: what was missed is caught up with.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::process;
use super::proxy::Proxy;
use super::server::{Server, ask};
use super::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::eventually;

#[test]
fn compaction_while_cut_off_is_caught_up_with() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 50));
    let proxy = Proxy::start(etcd.addr());
    let server = Server::start(&proxy.url()).ready();
    proxy.cut();
    let generation = server.generation();
    writer.put_all(&instances("new", 50));
    for n in 0..40 {
        writer.delete(&format!("/services/web/{n}"));
    }
    writer.put("/services/web/45", "10.7.7.7:1");
    writer.compact();
    assert_eq!(server.ask("A web.services.internal").answers.len(), 50);
    assert_eq!(server.generation(), generation);
    proxy.open();
    writer.expect_shown_by(&server);
    assert_eq!(server.generation(), generation + 1, "not in one generation");
}

#[test]
fn a_frozen_process_catches_up_over_a_compaction() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    let (process, at) = process::serve(&etcd.url(), &[]);
    let shows = |address: &str| ask(at, "A web.services.internal").answers == [address];
    assert!(eventually(|| shows("10.0.0.1")));
    process.signal("STOP");
    writer.put_all(&instances("new", 3_000));
    writer.put("/services/web/1", "10.0.0.2:80");
    writer.compact();
    // Long enough for etcd to give the connection up is minutes; short is the usual case.
    process.signal("CONT");
    assert!(eventually(|| shows("10.0.0.2")));
    assert_eq!(ask(at, "A 2999.new.services.internal").answers, ["10.0.11.183"]);
}

#[test]
fn an_expired_lease_takes_its_500_keys_in_one_generation() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    let server = Server::start(&etcd.url()).ready();
    writer.put("/services/stays/1", "10.0.0.1:80");
    let lease = writer.put_leased(&instances("web", 500), 60);
    writer.expect_shown_by(&server);
    let count = || server.zone().service(b"web").map_or(0, srvd::index::Service::len);
    let revoker = std::thread::spawn(move || writer.revoke(lease));
    let mut seen = BTreeSet::new();
    assert!(until(|| {
        seen.insert(count());
        seen.contains(&0)
    }));
    revoker.join().unwrap();
    assert_eq!(seen, BTreeSet::from([0, 500]), "half a revision was shown");
    assert_eq!(server.ask("A web.services.internal").code, ResponseCode::NXDomain);
    assert_eq!(server.ask("A stays.services.internal").answers, ["10.0.0.1"]);
}

#[test]
fn leases_that_expire_together_leave_nothing() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    let server = Server::start(&etcd.url()).ready();
    writer.put("/services/stays/1", "10.0.0.1:80");
    for pair in instances("web", 500).chunks(1) {
        writer.put_leased(pair, 5);
    }
    let shown = || server.ask("A stays.services.internal").answers.len();
    assert!(eventually(|| shown() == 1));
    let gone = || server.ask("A web.services.internal").code == ResponseCode::NXDomain;
    assert!(eventually(gone));
    writer.expect_shown_by(&server);
    assert_eq!(server.zone().len(), 1);
}

#[test]
fn a_transaction_of_100_keys_is_never_seen_half() {
    /// How often all keys change together.
    const ROUNDS: u16 = 100;
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    let pairs = |port: u16| -> Vec<_> {
        let key = |n: u16| format!("/services/s{}/{n}", n % 10);
        (0..100).map(|n| (key(n), format!("10.0.0.{}:{port}", n + 1))).collect()
    };
    writer.put_at_once(&pairs(1));
    let server = Server::start(&etcd.url()).ready();
    let putting = std::thread::spawn(move || {
        (2..=ROUNDS).for_each(|port| writer.put_at_once(&pairs(port)));
    });
    let mut seen = BTreeSet::new();
    assert!(until(|| {
        let zone = server.zone();
        let services = (0..10).filter_map(|n| zone.service(format!("s{n}").as_bytes()));
        let ports: Vec<_> =
            services.flat_map(|service| service.instances().filter_map(|it| it.port)).collect();
        assert!(ports.len() == 100 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        // The same over the wire, for one service of ten.
        let reply = server.ask("SRV _s3._tcp.services.internal");
        let ports: BTreeSet<_> =
            reply.answers.iter().filter_map(|srv| srv.split(' ').nth(2)).collect();
        assert_eq!((reply.answers.len(), ports.len()), (10, 1), "{reply:?}");
        seen.extend(ports.into_iter().map(str::to_owned));
        seen.contains(&ROUNDS.to_string())
    }));
    putting.join().unwrap();
    println!("{} of {ROUNDS} states were seen", seen.len());
}

#[test]
fn a_flood_of_20_000_changes_ends_as_a_fresh_list() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    let server = Server::start(&etcd.url()).ready();
    let begun = Instant::now();
    writer.flood(20_000);
    let written = begun.elapsed();
    writer.expect_shown_by(&server);
    println!("20,000 changes: written in {written:?}, shown {:?} later", begun.elapsed() - written);
}

/// As [`eventually`], without a pause: for states that must not be missed.
fn until(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + crate::support::PATIENCE;
    while Instant::now() < deadline {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    false
}
