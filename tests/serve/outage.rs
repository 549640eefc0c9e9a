//! etcd is not there, goes, comes back as another.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::proxy::Proxy;
use super::server::{Server, ask};
use super::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::eventually;

#[test]
fn absent_at_start_is_not_ready_until_it_comes() {
    let mut etcd = Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    etcd.kill9();
    let server = Server::start(&etcd.url());
    for question in ["SRV _web._tcp", "A nothing.services.internal", "SOA services.internal"] {
        let reply = server.ask(question);
        assert_eq!(reply.outcome(), (ResponseCode::ServFail, Some(14)), "{question}");
    }
    let text = server.dig("SRV _web._tcp.services.internal");
    assert!(text.contains("status: SERVFAIL") && text.contains("EDE: 14 (Not Ready)"), "{text}");
    assert_eq!(server.ask("A example.com").code, ResponseCode::Refused);
    assert_eq!(server.generation(), 0);
    etcd.restart();
    server.wait_for("A web.services.internal", &["10.0.0.1"]);
    assert_eq!(server.generation(), 1);
}

#[test]
fn killed_leaves_every_answer_as_it_was_and_marks_it_stale() {
    let mut etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 5));
    let server = Server::start(&etcd.url()).ready();
    let questions = ["SRV _web._tcp", "A web.services.internal", "A 3.web.services.internal"];
    let fresh = questions.map(|question| server.ask(question));
    let serial = server.ask("SOA services.internal").serial;
    etcd.kill9();
    let killed = Instant::now();
    let is_stale = || {
        let reply = server.ask("A nothing.services.internal");
        assert_eq!(reply.code, ResponseCode::NXDomain);
        for (question, fresh) in questions.iter().zip(&fresh) {
            let reply = server.ask(question);
            assert_eq!((&reply.answers, &reply.additional), (&fresh.answers, &fresh.additional));
        }
        assert!(matches!(reply.reason, None | Some(19)), "{reply:?}");
        reply.reason.is_some()
    };
    assert!(eventually(is_stale));
    // The last word came within the two seconds before.
    assert!(killed.elapsed() > Duration::from_secs(7), "stale after {:?}", killed.elapsed());
    for question in questions {
        assert_eq!(server.ask(question).outcome(), (ResponseCode::NoError, Some(3)), "{question}");
    }
    let text = server.dig("A web.services.internal");
    assert!(text.contains("EDE: 3 (Stale Answer)"), "{text}");
    let text = server.dig("A nothing.services.internal");
    assert!(text.contains("EDE: 19 (Stale NXDOMAIN Answer)"), "{text}");
    assert!(
        server
            .dig("+noedns A web.services.internal")
            .contains("ANSWER: 5, AUTHORITY: 0, ADDITIONAL: 0")
    );
    etcd.restart();
    assert!(eventually(|| server.ask("A web.services.internal").reason.is_none()));
    assert_eq!(server.ask("SOA services.internal").serial, serial);
}

/// What one generation shows of the registries below: the address of `change`, and which
/// of `keep`, `gone` and `new` are there.
type Shown = (Vec<String>, [bool; 3]);

/// The first registry: some history, and services that go.
fn fill_first(etcd: &Etcd) {
    let writer = Writer::new(&etcd.url());
    for n in 0..50 {
        writer.put("/services/change/1", format!("10.0.1.{n}:80"));
    }
    writer.put_all(&instances("gone", 30));
    writer.put_all(&instances("keep", 3));
}

/// The second: fewer revisions, and services that are new.
fn fill_second(etcd: &Etcd) {
    let writer = Writer::new(&etcd.url());
    writer.put("/services/change/1", "10.0.2.1:80");
    writer.put_all(&instances("new", 30));
    writer.put_all(&instances("keep", 3));
}

/// What the newest generation shows.
fn shown(server: &Server) -> Shown {
    let zone = server.zone();
    let hosts = |name: &str| zone.service(name.as_bytes()).map(|service| service.instances());
    let change = hosts("change").into_iter().flatten().map(|it| it.host.to_string()).collect();
    (change, ["keep", "gone", "new"].map(|name| hosts(name).is_some()))
}

/// The way to the first registry is cut, the second takes its place, the way is open
/// again: the one state follows the other with nothing in between.
fn another_history_appears_at_once(replace: impl FnOnce(Etcd, &Proxy) -> Etcd) {
    let first = Etcd::start();
    fill_first(&first);
    let proxy = Proxy::start(first.addr());
    let server = Server::start(&proxy.url()).ready();
    let (before, generation) = (shown(&server), server.generation());
    let serial = server.ask("SOA services.internal").serial.unwrap();
    proxy.cut();
    let second = replace(first, &proxy);
    fill_second(&second);
    assert_eq!((shown(&server), server.generation()), (before.clone(), generation));

    let stop = Arc::new(AtomicBool::new(false));
    let (stopping, at) = (Arc::clone(&stop), server.at);
    let serials = std::thread::spawn(move || {
        let mut serials = vec![serial];
        while !stopping.load(Ordering::Relaxed) {
            serials.extend(ask(at, "SOA services.internal").serial);
        }
        serials
    });
    proxy.open();
    let mut seen = BTreeSet::new();
    let deadline = Instant::now() + crate::support::PATIENCE;
    while server.generation() == generation {
        seen.insert(shown(&server));
        assert!(Instant::now() < deadline, "the second registry is never shown");
    }
    seen.insert(shown(&server));
    let after = (vec!["10.0.2.1".to_owned()], [true, false, true]);
    assert_eq!(seen, BTreeSet::from([before, after.clone()]));
    assert_eq!((shown(&server), server.generation()), (after, generation + 1));

    // It is followed from there, although its revision is far below what was shown.
    Writer::new(&second.url()).put("/services/later/1", "10.0.3.1:80");
    server.wait_for("A later.services.internal", &["10.0.3.1"]);
    stop.store(true, Ordering::Relaxed);
    let serials = serials.join().unwrap();
    assert!(serials.is_sorted(), "the serial fell: {serials:?}");
    assert_eq!(server.ask("A gone.services.internal").code, ResponseCode::NXDomain);
}

#[test]
fn wiped_with_a_lower_revision_the_difference_is_one_generation() {
    another_history_appears_at_once(|mut etcd, _| {
        etcd.wipe_and_restart();
        etcd
    });
}

#[test]
fn another_cluster_in_its_place_is_one_generation() {
    another_history_appears_at_once(|_, proxy| {
        let other = Etcd::start();
        proxy.lead_to(other.addr());
        other
    });
}

#[test]
fn a_black_hole_ends_with_what_was_missed() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 20));
    let proxy = Proxy::start(etcd.addr());
    let server = Server::start(&proxy.url()).ready();
    proxy.silence();
    writer.put_all(&instances("new", 20));
    writer.delete("/services/web/7");
    writer.compact();
    assert!(eventually(|| server.ask("A web.services.internal").reason == Some(3)));
    assert_eq!(server.ask("A web.services.internal").answers.len(), 20);
    proxy.open();
    writer.expect_shown_by(&server);
    assert!(eventually(|| server.ask("A web.services.internal").reason.is_none()));
}
