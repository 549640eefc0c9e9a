//! Tests of workers with fast paths that do as they are told.

use std::net::UdpSocket as Client;
use std::thread::{JoinHandle, spawn};

use hickory_proto::rr::RecordType;

use super::super::batch::UdpSocket;
use super::*;
use crate::index::ZoneNumber;
use crate::wire::full::{Full, QUEUE};
use crate::wire::{Counters, Family, Kind, Responder, Topic};

/// A query for the root, type A.
const QUERY: [u8; 17] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];

/// A worker that runs, with all that is around it.
struct Running {
    client: Client,
    counters: Arc<Counters>,
    full: Full,
    foreign: Full,
    patterns: Full,
    stop: Arc<AtomicBool>,
    socket: Arc<UdpSocket>,
    thread: JoinHandle<()>,
}

/// Runs a worker with a fast path, and a full path that does nothing yet.
fn run(fast: impl FastAnswer + Send + 'static) -> Running {
    let socket = Client::bind("127.0.0.1:0").unwrap();
    let client = Client::bind("127.0.0.1:0").unwrap();
    client.connect(socket.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let (counters, index) = (Arc::<Counters>::default(), Arc::new(Index::new(vec![], true)));
    let responder = || Responder::new(Arc::clone(&index)).counting(Arc::clone(&counters));
    let full = || Full::new(responder());
    let ((queue, full), (others, foreign), (some, patterns)) = (full(), full(), full());
    let socket = Arc::new(UdpSocket::new(socket.into(), false).unwrap());
    let (stop, (tally, own)) = (Arc::<AtomicBool>::default(), counters.worker(Family::V4));
    let batch = Batch::new(Arc::clone(&socket));
    let policies = Arc::default();
    let stopped = Arc::clone(&stop);
    let worker = Worker {
        batch,
        index,
        queue,
        foreign: others,
        patterns: some,
        tally,
        counters: Arc::clone(&counters),
        own,
        other: None,
        family: Family::V4,
        policies,
        stop: stopped,
        relieves: true,
    };
    let thread = spawn(move || worker.run(fast));
    Running { client, counters, full, foreign, patterns, stop, socket, thread }
}

impl Running {
    /// Sends so many queries, not faster than they are taken.
    fn ask(&self, count: u64) {
        let before = self.counters.total().fast.received;
        for number in 1..=count {
            self.client.send(&QUERY).unwrap();
            let start = Instant::now();
            while self.counters.total().fast.received + 100 < before + number {
                assert!(start.elapsed() < Duration::from_secs(3), "the worker is blocked");
                std::thread::yield_now();
            }
        }
    }

    /// Ends the worker, and then the full path; what was counted.
    fn end(self) -> (Client, Arc<Counters>) {
        self.stop.store(true, Ordering::Release);
        self.socket.end();
        self.thread.join().unwrap();
        self.full.serve();
        self.foreign.serve();
        self.patterns.serve();
        (self.client, self.counters)
    }
}

/// What is replied to a client, without the question.
fn header(client: &Client) -> [u8; 12] {
    let mut reply = [0; 512];
    client.recv(&mut reply).unwrap();
    *reply.first_chunk().unwrap()
}

#[test]
fn a_panic_of_the_fast_path_is_left_to_the_full_path() {
    let running = run(|_, _, _, _| panic!("injected"));
    running.ask(3);
    let (client, counters) = running.end();
    for _ in 0..3 {
        assert_eq!(header(&client), [0x12, 0x34, 0x81, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    let totals = counters.total();
    assert_eq!((totals.fast.handed, totals.full.answered), (3, 3));
    let full = &counters.answered()[1];
    let (kind, zone) = (Kind::of(RecordType::A), ZoneNumber::NONE);
    assert_eq!(full.replies[&(Topic { zone, kind }, Code::REFUSED)], 3);
    assert_eq!((full.refused, full.times.count()), ([0, 0, 3, 0], 3));
}

#[test]
fn ready_made_answers_and_silence_need_nobody_else() {
    let mut number = 0;
    let running = run(move |_, message, _, reply| {
        reply[..2].copy_from_slice(&message[..2]);
        number += 1;
        match number % 3 {
            0 => Verdict::Silence,
            truncated => {
                let (truncated, topic) = (truncated == 1, Topic::UNKNOWN);
                Verdict::Reply { octets: 12, code: 3, truncated, topic }
            }
        }
    });
    running.ask(9);
    let (client, counters) = running.end();
    (0..6).for_each(|_| assert_eq!(header(&client)[..2], QUERY[..2]));
    let counts = counters.total().fast;
    assert_eq!((counts.received, counts.answered, counts.silent), (9, 6, 3));
    let fast = &counters.answered()[0];
    assert_eq!(fast.replies[&(Topic::UNKNOWN, Code::of(3))], 6);
    assert_eq!((fast.truncated, counts.handed), ([3, 0], 0));
    assert_eq!((fast.sizes.sum(), fast.times.count()), (72, 6));
}

#[test]
fn a_full_queue_loses_messages_and_blocks_nobody() {
    let running = run(|_, _, _, _| Verdict::Full);
    running.ask(QUEUE as u64 + 500);
    let totals = running.end().1.total();
    let counts = totals.fast;
    // All are of one network, which loses its own.
    assert_eq!((counts.handed, counts.evicted), (QUEUE as u64 + 500, 500));
    assert_eq!(counts.dropped, 0);
    assert_eq!((totals.full.received, totals.full.answered), (QUEUE as u64, QUEUE as u64));
}

#[test]
fn what_cannot_be_answered_while_we_end_is_left_unsaid() {
    for (code, withheld) in [(2, 1), (3, 0)] {
        let running = run(move |_, _, _, reply| {
            reply[..12].copy_from_slice(&QUERY[..12]);
            Verdict::Reply { octets: 12, code, truncated: false, topic: Topic::UNKNOWN }
        });
        running.stop.store(true, Ordering::Release);
        running.ask(1);
        let counts = running.end().1.total().fast;
        assert_eq!((counts.received, counts.withheld), (1, withheld), "{code}");
        assert_eq!(counts.answered, 1 - withheld, "{code}");
    }
}

#[test]
fn names_of_others_and_patterns_take_no_room_of_ours() {
    for verdict in [Verdict::Foreign, Verdict::Pattern] {
        let mut number = 0;
        let running = run(move |_, _, _, _| {
            number += 1;
            if number > QUEUE + 500 { Verdict::Full } else { verdict }
        });
        running.ask(QUEUE as u64 + 500 + 10);
        let totals = running.end().1.total();
        assert_eq!((totals.fast.dropped, totals.fast.evicted), (0, 500));
        assert_eq!(totals.full.answered, QUEUE as u64 + 10);
    }
}
