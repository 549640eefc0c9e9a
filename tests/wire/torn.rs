//! Generations that follow each other a thousand times a second, under full load: every
//! answer belongs wholly to one of them.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::rr::RData;

use super::messages::{A, Query, SRV, parse};
use super::{Server, example};

/// Instances that all change at once.
const INSTANCES: u16 = 8;
/// How many generations are published, one each millisecond.
const GENERATIONS: u16 = 2000;
/// Queries that a client has under way.
const WINDOW: usize = 32;
/// Clients.
const CLIENTS: usize = 2;

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
        RData::SRV(srv) => srv.port - 1000,
        RData::A(address) => u16::from_be_bytes([address.octets()[1], address.octets()[2]]),
        other => panic!("{other}"),
    };
    records.map(|record| number(&record.data)).collect()
}

/// Asks as fast as answers come, and gives the generations that were seen.
fn ask(server: &Server, done: &AtomicBool) -> (usize, BTreeSet<u16>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.v4).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let queries = [("_torn._tcp", SRV), ("torn.services.internal", A)]
        .map(|(name, kind)| Query::new(name, kind).edns(1232, 0, 0, &[]).bytes());
    let (mut answers, mut seen, mut reply) = (0, BTreeSet::new(), [0; 1232]);
    while !done.load(Ordering::Relaxed) {
        for n in 0..WINDOW {
            socket.send(&queries[n % 2]).unwrap();
        }
        for _ in 0..WINDOW {
            let octets = socket.recv(&mut reply).unwrap();
            let found = generations(&reply[..octets]);
            assert_eq!(reply[7], INSTANCES as u8, "all instances");
            assert_eq!(found.len(), 1, "an answer of several generations");
            seen.extend(found);
            answers += 1;
        }
    }
    (answers, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_torn_between_generations() {
    let mut fixture = example();
    fixture.put_all(registrations(0));
    let server = Server::start(&fixture);
    let done = AtomicBool::new(false);
    let clients = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| ask(&server, &done))).collect();
        let begun = Instant::now();
        for generation in 1..=GENERATIONS {
            fixture.put_all(registrations(generation));
            let due = begun + Duration::from_millis(generation.into());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        done.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    for (answers, seen) in clients {
        // On a busy machine a client may sleep through many of them.
        assert!(seen.len() > 100 && answers > 1000, "{answers} answers, {} seen", seen.len());
    }
}
