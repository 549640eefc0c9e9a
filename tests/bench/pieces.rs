//! The pieces an answer and an update are made of, each alone on one thread: no socket, no
//! etcd. `cargo bench --bench pieces` measures all, a word behind `--` those it is part of.
//!
//! What is asked and changed is drawn over the whole population, as clients would: a piece
//! that is measured on one name only finds everything in the nearest cache.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../fixture/mod.rs"]
#[allow(dead_code, reason = "it is there for the tests too")]
mod fixture;

/// Registrations in bulk.
#[path = "mirror/population.rs"]
mod population;

/// What is asked for.
#[path = "pieces/asked.rs"]
mod asked;

/// The keys of each writer in bulk.
#[path = "pieces/writers.rs"]
mod writers;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use hickory_proto::rr::{DNSClass, Name};
use srvd::authority::{Draw, Overflow, Question, Room, answer, resolve_kept};
use srvd::index::Index;
use srvd::names::WireName;
use srvd::registry::Update;
use srvd::registry::document::read;
use srvd::wire::{Cookies, Fast, Peer, Policy, READY_MAX, Responder, UDP_MAX, Verdict, View};

use crate::asked::{ALL, Asked, BARE, KEPT};
use crate::fixture::Fixture;
use crate::population::{Population, document};

/// The server's own allocator: most of the cost depends on it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 10,000 services of three instances.
pub(crate) const POPULATION: Population = Population { instances: 30_000, services: 10_000 };
/// Octets of a message's header.
const HEADER: usize = 12;
/// Runs that are timed as one: a single one would measure the clock, and cold code.
const AT_ONCE: u32 = 500;
/// The UDP payload size of clients with EDNS.
pub(crate) const PAYLOAD: u16 = 1232;
/// Who asks.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 53_000);

/// A usual document of some writers.
const DOCUMENTS: [(&str, &str); 6] = [
    (
        "srvd",
        r#"{"name":"web","port":80,"hostname":"10.0.0.1","host":"10.0.0.1:80","url":"http://10.0.0.1:80"}"#,
    ),
    ("go-kit", "http://10.0.0.1:80"),
    ("grpc-naming", r#"{"Op":0,"Addr":"10.0.0.1:80","Metadata":null}"#),
    (
        "kratos",
        r#"{"id":"a","name":"web","version":"v1","metadata":{},"endpoints":["http://10.0.0.1:80?isSecure=false","grpc://10.0.0.1:90"]}"#,
    ),
    ("kitex", r#"{"network":"tcp","address":"10.0.0.1:80","weight":10,"tags":null}"#),
    (
        "go-micro",
        r#"{"name":"web","version":"latest","metadata":null,"endpoints":[],"nodes":[{"id":"a","address":"10.0.0.1:80","metadata":{"protocol":"grpc"}}]}"#,
    ),
];

/// What clients ask for beside the answer. The cookie is a client's, as BIND sends it.
const OPTIONS: [(&str, &[u8]); 3] = [
    ("none", &[]),
    ("cookie", &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
    ("all", &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 3, 0, 0, 0, 19, 0, 0]),
];

/// The index that is asked.
static INDEX: LazyLock<Arc<Index>> = LazyLock::new(|| Arc::clone(&filled(POPULATION).index));

fn main() {
    // Test runners start bench targets too, to see that they build.
    if std::env::args().any(|argument| argument == "--bench") {
        divan::main();
    }
}

/// From a query's octets to the reply's, by ready-made answers.
#[divan::bench(args = ALL, sample_size = AT_ONCE)]
fn fast_path(bencher: Bencher<'_, '_>, asked: Asked) {
    let (generation, queries) = (INDEX.load(), asked.queries());
    let (mut fast, mut reply) = (Fast::default(), [0; UDP_MAX as usize]);
    let mut turns = queries.iter().cycle();
    let policy = Policy::default();
    let (view, from) = (View { generation: &generation, policy: &policy }, Peer::udp(CLIENT));
    let mut respond = |query| fast.respond(view, query, from, &mut reply);
    // The first time each is made, some by those that no datagram waits for.
    let (mut unhurried, mut room) = (Fast::unbounded(), vec![0; READY_MAX]);
    for query in &queries {
        let _ = unhurried.respond(view, query, Peer::tcp(CLIENT), &mut room);
        assert!(matches!(respond(query), Verdict::Reply { .. }));
    }
    bencher.bench_local(|| respond(turns.next().unwrap()));
}

/// The same for SRV of a service, where clients have options.
#[divan::bench(args = OPTIONS.map(|(options, _)| options), sample_size = AT_ONCE)]
fn fast_path_with_options(bencher: Bencher<'_, '_>, options: &str) {
    let (_, options) = OPTIONS.iter().find(|(name, _)| *name == options).unwrap();
    let cookies = Some(Cookies::new([7; 16], &[]));
    let policy = Policy { cookies, nsid: Some((*b"replica-1").into()), ..Policy::default() };
    let names = Asked::Srv.names();
    let queries: Vec<_> = names.into_iter().map(|name| with_options(name, options)).collect();
    let (generation, mut reply) = (INDEX.load(), [0; UDP_MAX as usize]);
    let (mut fast, mut turns) = (Fast::new(), queries.iter().cycle());
    let (view, from) = (View { generation: &generation, policy: &policy }, Peer::udp(CLIENT));
    let mut respond = |query| fast.respond(view, query, from, &mut reply);
    for query in &queries {
        assert!(matches!(respond(query), Verdict::Reply { .. }));
    }
    bencher.bench_local(|| respond(turns.next().unwrap()));
}

/// The same, right after the service has changed: the answer is made first.
#[divan::bench(args = KEPT, sample_size = AT_ONCE)]
fn fast_path_after_a_change(bencher: Bencher<'_, '_>, asked: Asked) {
    let fixture = std::cell::RefCell::new(filled(POPULATION));
    let (mut fast, mut reply) = (Fast::default(), [0; UDP_MAX as usize]);
    let policy = Policy::default();
    let changed = || {
        let instance = fastrand::usize(..POPULATION.instances);
        let (key, value) = registration(POPULATION, instance, fastrand::u16(1..));
        fixture.borrow_mut().put(&key, &value);
        asked.query(asked.name(instance))
    };
    bencher.with_inputs(changed).bench_local_values(|query| {
        let generation = fixture.borrow().index.load().clone();
        fast.respond(
            View { generation: &generation, policy: &policy },
            &query,
            Peer::udp(CLIENT),
            &mut reply,
        )
    });
}

/// From a query's octets to the reply's, by the full path.
#[divan::bench(args = ALL, sample_size = AT_ONCE)]
fn full_path(bencher: Bencher<'_, '_>, asked: Asked) {
    let responder = Responder::new(Arc::clone(&INDEX));
    let queries = asked.queries();
    let (mut turns, mut reply) = (queries.iter().cycle(), Vec::new());
    bencher.bench_local(|| {
        responder.respond(turns.next().unwrap(), Peer::udp(CLIENT), &mut reply);
        black_box(&reply).len()
    });
}

/// From a question to the answer's records.
#[divan::bench(args = BARE, sample_size = AT_ONCE)]
fn authority_answer(bencher: Bencher<'_, '_>, asked: Asked) {
    let (generation, names, mut draw) = (INDEX.load(), asked.names(), Draw::new());
    let mut turns = names.iter().cycle();
    let room = Room { octets: usize::from(PAYLOAD), overflow: Overflow::Truncate };
    bencher.bench_local(|| {
        let name = turns.next().unwrap();
        let question = Question { name, kind: asked.kind(), class: DNSClass::IN, room };
        answer(&generation, &question, &mut draw)
    });
}

/// A query's name, from its octets.
#[divan::bench(args = BARE, sample_size = AT_ONCE)]
fn read_name(bencher: Bencher<'_, '_>, asked: Asked) {
    let (queries, mut name) = (asked.queries(), WireName::root());
    let mut turns = queries.iter().cycle();
    bencher.bench_local(|| black_box(&mut name).read(&turns.next().unwrap()[HEADER..]));
}

/// From a name to what stands there, where the answer is kept: no look at the instances.
#[divan::bench(args = KEPT, sample_size = AT_ONCE)]
fn locate_and_find_kept(bencher: Bencher<'_, '_>, asked: Asked) {
    let (generation, names) = (INDEX.load(), asked.names());
    let (mut fast, mut reply) = (Fast::default(), [0; UDP_MAX as usize]);
    let policy = Policy::default();
    let view = View { generation: &generation, policy: &policy };
    for name in &names {
        let query = asked.query(name.clone());
        let _ = fast.respond(view, &query, Peer::udp(CLIENT), &mut reply);
    }
    let names: Vec<_> =
        names.iter().map(|name| WireName::from_labels(name.iter()).unwrap()).collect();
    let mut turns = names.iter().cycle();
    bencher.bench_local(|| {
        black_box(resolve_kept(&generation, turns.next().unwrap(), asked.kind())).code()
    });
}

/// From a name to what stands there.
#[divan::bench(args = BARE, sample_size = AT_ONCE)]
fn locate_and_find(bencher: Bencher<'_, '_>, asked: Asked) {
    let (generation, names) = (INDEX.load(), asked.names());
    let names: Vec<_> =
        names.iter().map(|name| WireName::from_labels(name.iter()).unwrap()).collect();
    let mut turns = names.iter().cycle();
    bencher.bench_local(|| {
        let name = turns.next().unwrap();
        let (site, below) = generation.locate(name).unwrap();
        black_box(generation.find(site, name, below)).is_some()
    });
}

/// One generation with one instance changed, its document read already.
#[divan::bench(args = [10_000, 100_000], sample_size = AT_ONCE)]
fn publish_one_change(bencher: Bencher<'_, '_>, instances: usize) {
    let population = Population::of_tens(instances);
    let fixture = std::cell::RefCell::new(filled(population));
    bencher
        .with_inputs(|| some_change(&mut fixture.borrow_mut(), population))
        .bench_local_values(|update| fixture.borrow_mut().publish(update));
}

/// One generation with one frontend flipped, and with one instance changed of an app that
/// has a backend of its version: beside `publish_one_change`, what aliases cost.
#[divan::bench(args = [10_000, 100_000], sample_size = AT_ONCE)]
fn flip_one_frontend(bencher: Bencher<'_, '_>, instances: usize) {
    let population = Population::of_tens(instances);
    let fixture = std::cell::RefCell::new(filled_with_aliases(population));
    let mut turns = ["blue", "green"].iter().cycle();
    bencher
        .with_inputs(|| {
            let backend = turns.next().unwrap();
            let value = format!(r#"{{"resource":"Frontend","backend":"{backend}"}}"#);
            fixture.borrow_mut().change("_frontends/shop", &value)
        })
        .bench_local_values(|update| fixture.borrow_mut().publish(update));
}

/// As `publish_one_change`, where there are aliases.
#[divan::bench(args = [10_000, 100_000], sample_size = AT_ONCE)]
fn publish_one_change_beside_aliases(bencher: Bencher<'_, '_>, instances: usize) {
    let population = Population::of_tens(instances);
    let fixture = std::cell::RefCell::new(filled_with_aliases(population));
    bencher
        .with_inputs(|| some_change(&mut fixture.borrow_mut(), population))
        .bench_local_values(|update| fixture.borrow_mut().publish(update));
}

/// One instance's document, from its octets to a change of the table.
#[divan::bench(args = [10_000, 100_000], sample_size = AT_ONCE)]
fn read_one_document(bencher: Bencher<'_, '_>, instances: usize) {
    let population = Population::of_tens(instances);
    let mut fixture = filled(population);
    bencher
        .with_inputs(|| registration(population, fastrand::usize(..instances), fastrand::u16(1..)))
        .bench_local_values(|(key, value)| fixture.change(&key, &value));
}

/// The document of each writer, from its octets to its members.
#[divan::bench(args = DOCUMENTS.map(|(writer, _)| writer), sample_size = AT_ONCE)]
fn read_by_writer(bencher: Bencher<'_, '_>, writer: &str) {
    let (_, value) = DOCUMENTS.iter().find(|(name, _)| *name == writer).unwrap();
    bencher.bench_local(|| black_box(read(black_box(value.as_bytes())).unwrap()));
}

/// A query for SRV of a name with options.
fn with_options(name: Name, options: &[u8]) -> Vec<u8> {
    let mut query = Asked::SrvEdns.query(name);
    let length = query.len() - 1;
    query[length] = options.len() as u8;
    query.extend_from_slice(options);
    query
}

/// Registers a whole population.
fn filled(population: Population) -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put_all((0..population.instances).map(|n| registration(population, n, 8080)));
    fixture
}

/// A whole population, two backends of one of its services, and a frontend.
fn filled_with_aliases(population: Population) -> Fixture {
    let mut fixture = filled(population);
    let (key, _) = registration(population, 0, 8080);
    let app = key.split('/').next().unwrap();
    for (name, version) in [("blue", "1"), ("green", "")] {
        let value = format!(r#"{{"resource":"Backend","app":"{app}","version":"{version}"}}"#);
        fixture.put(&format!("_backends/{name}"), &value);
    }
    fixture.put("_frontends/shop", r#"{"resource":"Frontend","backend":"blue"}"#);
    fixture
}

/// What some instance changes that has moved to another port.
fn some_change(fixture: &mut Fixture, population: Population) -> Update {
    let mut moved = || {
        let n = fastrand::usize(..population.instances);
        let (key, value) = registration(population, n, fastrand::u16(1..));
        fixture.change(&key, &value)
    };
    // A port that is drawn twice changes nothing; three times in a row does not happen.
    (0..3).map(|_| moved()).find(|update| !update.is_empty()).unwrap()
}

/// An instance's key below the prefix, and its document.
fn registration(population: Population, n: usize, port: u16) -> (String, String) {
    let key = population.key(n).strip_prefix("/services/").unwrap().to_owned();
    (key, document(population, n, port))
}
