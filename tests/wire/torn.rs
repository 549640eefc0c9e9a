//! Generations that follow each other a thousand times a second, under full load: every
//! answer belongs wholly to one of them.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::rr::RData;

use super::Server;
use super::messages::{A, Query, SRV, parse};
use crate::fixture::{Fixture, settings_of_file};

/// Instances that all change at once.
const INSTANCES: u16 = 8;
/// How many generations are published, one each millisecond.
const GENERATIONS: u16 = 2000;
/// How many at most, where a busy machine lets clients see few of them.
const GENERATIONS_MAX: u16 = 60_000;
/// How many of them each client sees.
const SEEN: usize = 100;
/// Queries that a client has under way.
const WINDOW: usize = 32;
/// Clients.
const CLIENTS: usize = 2;
/// The type PTR.
const PTR: u16 = 12;
/// What is asked: of the service alone, of all that its instances say, and by an alias.
const QUERIES: [(&str, u16); 4] = [
    ("_torn._tcp", SRV),
    ("torn.services.internal", A),
    ("_torn._tcp.services.internal", PTR),
    ("www.services.internal", A),
];

/// The registrations of a generation: its number is in every port and address.
fn registrations(generation: u16) -> Vec<(String, String)> {
    let [high, low] = generation.to_be_bytes();
    let value = |n| format!("10.{high}.{low}.{n}:{}", 1000 + generation);
    (1..=INSTANCES).map(|n| (format!("torn/{n}"), value(n))).collect()
}

/// The generations that an answer's records come from.
fn generations(reply: &[u8]) -> BTreeSet<u16> {
    let message = parse(reply).unwrap();
    let records = message.answers.iter().chain(&message.additionals);
    let number = |data: &RData| match data {
        RData::SRV(srv) => Some(srv.port - 1000),
        RData::A(address) => Some(u16::from_be_bytes([address.octets()[1], address.octets()[2]])),
        RData::PTR(_) | RData::TXT(_) | RData::CNAME(_) => None,
        other => panic!("{other}"),
    };
    records.filter_map(|record| number(&record.data)).collect()
}

/// Asks as fast as answers come, and gives the generations that were seen.
fn ask(server: &Server, done: &AtomicBool, count: &AtomicUsize) -> (usize, BTreeSet<u16>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.v4).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let query = |(name, kind)| Query::new(name, kind).edns(1232, 0, 0, &[]).bytes();
    let queries = QUERIES.map(query);
    let (mut answers, mut seen, mut reply) = (0, BTreeSet::new(), [0; 1232]);
    while !done.load(Ordering::Relaxed) {
        for n in 0..WINDOW {
            socket.send(&queries[n % queries.len()]).unwrap();
        }
        for _ in 0..WINDOW {
            let octets = socket.recv(&mut reply).unwrap();
            let found = generations(&reply[..octets]);
            // With the alias that leads to them, if there is one.
            assert!([0, 1].contains(&(reply[7] - INSTANCES as u8)), "all instances");
            assert_eq!(found.len(), 1, "an answer of several generations");
            seen.extend(found);
            answers += 1;
        }
        count.store(seen.len(), Ordering::Relaxed);
    }
    (answers, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_torn_between_generations() {
    let zone = settings_of_file("services.internal.", "$TTL 5\nwww CNAME torn\n", false);
    let mut fixture = Fixture::unlisted(vec![zone]);
    fixture.list(1);
    fixture.put_all(registrations(0));
    let server = Server::start(&fixture);
    let (done, counts) = (AtomicBool::new(false), [const { AtomicUsize::new(0) }; CLIENTS]);
    let clients = std::thread::scope(|scope| {
        let (server, done) = (&server, &done);
        let ask = |count| scope.spawn(move || ask(server, done, count));
        let clients: Vec<_> = counts.iter().map(ask).collect();
        let is_enough = || counts.iter().all(|count| count.load(Ordering::Relaxed) > SEEN);
        let begun = Instant::now();
        for generation in 1..=GENERATIONS_MAX {
            if generation > GENERATIONS && is_enough() {
                break;
            }
            fixture.put_all(registrations(generation));
            let due = begun + Duration::from_millis(generation.into());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        done.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    for (answers, seen) in clients {
        assert!(seen.len() > SEEN && answers > 1000, "{answers} answers, {} seen", seen.len());
    }
}
