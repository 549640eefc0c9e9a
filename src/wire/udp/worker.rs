//! Datagrams: a thread per socket, which reads many at once, answers what it can from
//! ready-made answers, and sends the replies at once. For such a datagram it takes no lock,
//! allocates nothing and wakes no task. A small answer that is not ready is made on the
//! way; what needs more is handed to the full path, and the worker goes on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::batch::{BATCH, Batch};
use super::overload::{Change, Crowd, Overload, Seen};
use crate::index::{Generation, Index};
use crate::wire::counters::{DatagramCounters, Event, ReplyCounters};
use crate::wire::fast::{Fast, Verdict};
use crate::wire::full::{Offer, Queue, Recipient, catch_panic};
use crate::wire::limiter::RateVerdict;
use crate::wire::{Code, Policies, Policy, QueryLog, Refusal, Replied, Transport, Truncation};

/// How long a socket that reports an error is left alone. Such errors (an ICMP message, a
/// lack of memory) pass; without a pause one that does not would take a whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(10);
/// Datagrams that are still answered after the end: those that had come before it, as far
/// as the socket's buffer has room for them. There is no end to those that come after.
const LAST: usize = 4096;

/// The generation and policy that a batch is answered by.
type By<'b> = (&'b Generation, &'b Policy);

/// A fast path: from a generation, a policy, a message and its client to a reply.
trait Answer: FnMut(By<'_>, &[u8], SocketAddr, &mut [u8]) -> Verdict {}

impl<F: FnMut(By<'_>, &[u8], SocketAddr, &mut [u8]) -> Verdict> Answer for F {}

/// The overload of the socket, and what the kernel has dropped so far.
struct Flood {
    /// What is done about it.
    overload: Overload,
    /// Datagrams that the kernel had dropped when it was asked last.
    dropped: u32,
}

impl Flood {
    /// There is none.
    fn new() -> Self {
        Self { overload: Overload::new(Instant::now()), dropped: 0 }
    }
}

/// A socket with its buffers, and what answers on it.
pub(super) struct Worker {
    /// The socket and the buffers.
    pub(super) batch: Batch,
    /// Where the newest generation is found.
    pub(super) index: Arc<Index>,
    /// The full path.
    pub(super) queue: Queue,
    /// That of names in no zone of ours, where others are asked for them.
    pub(super) foreign: Queue,
    /// That of names that can mean much of a zone.
    pub(super) patterns: Queue,
    /// Counts.
    pub(super) tally: DatagramCounters,
    /// Counts its replies.
    pub(super) own: ReplyCounters,
    /// How messages are answered.
    pub(super) policies: Arc<Policies>,
    /// Set before the socket is ended.
    pub(super) stop: Arc<AtomicBool>,
}

impl Worker {
    /// Answers datagrams until told to stop, and then those that had come by then.
    pub(super) fn serve(self) {
        let mut fast = Fast::new();
        self.run(|by, message, client, reply| {
            fast.respond(by, message, (client, Transport::Udp), reply)
        });
    }

    /// Does so with any fast path.
    fn run(mut self, mut fast: impl Answer) {
        let (mut last, mut faults) = (0, 0);
        let mut flood = Flood::new();
        while last < LAST {
            let is_ending = self.stop.load(Ordering::Acquire);
            match self.batch.receive() {
                Ok(0) if is_ending => break,
                Ok(count) => {
                    faults = 0;
                    self.answer(count, &mut fast);
                    if count == BATCH || flood.overload.sieve().is_some() {
                        self.relieve(count, &mut flood);
                    }
                    last += if is_ending { count } else { 0 };
                }
                Err(_) if is_ending => break,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                    let change = flood.overload.rest();
                    self.sift(change, &flood.overload);
                }
                Err(fault) => {
                    faults += 1;
                    pause(&fault, faults);
                }
            }
        }
    }

    /// Looks at what waits to be read, after so many datagrams that were, and lets the kernel
    /// drop more or less of what a client network floods us with.
    fn relieve(&mut self, count: usize, flood: &mut Flood) {
        let Some(buffer) = self.batch.socket().buffer() else { return };
        let lost = buffer.dropped.wrapping_sub(flood.dropped);
        flood.dropped = buffer.dropped;
        self.tally.count(Event::Lost, lost as usize);
        let batch = &self.batch;
        let clients = (0..count).filter_map(|at| batch.client(at)).map(|client| client.ip());
        let seen = Seen { buffer, has_lost: lost > 0, is_full: count == BATCH };
        let change = flood.overload.decide(Instant::now(), seen, || Crowd::of(clients));
        self.sift(change, &flood.overload);
    }

    /// Tells the kernel what is to be dropped, where that changes.
    fn sift(&mut self, change: Option<Change>, overload: &Overload) {
        let (Some(change), sieve) = (change, overload.sieve()) else { return };
        if let Err(fault) = self.batch.socket().sift(sieve) {
            return tracing::debug!("datagrams of a flood are not dropped by the kernel: {fault}");
        }
        match (change, sieve) {
            (Change::Begin, Some(sieve)) => {
                self.tally.count(Event::Sifted, 1);
                tracing::warn!(
                    "UDP overload: more datagrams come from {} than can be read; the kernel drops \
                     a part of them, so that other clients are answered",
                    sieve.network()
                );
            }
            (Change::End, _) => tracing::info!("UDP overload over: no datagrams are dropped"),
            _ => {}
        }
    }

    /// Answers the datagrams of a batch, all of them from one generation and by one policy,
    /// neither of which is kept while the socket is quiet. The clock is read twice, whatever
    /// their number: all replies leave together.
    fn answer(&mut self, count: usize, fast: &mut impl Answer) {
        let now = Instant::now();
        self.tally.count(Event::Received, count);
        let generation = self.index.load();
        let policy = self.policies.load();
        let mut replies = 0;
        for at in 0..count {
            replies += usize::from(self.answer_one(at, (&generation, &policy), now, fast));
        }
        drop((generation, policy));
        if let Err(unsent) = self.batch.send() {
            self.tally.count(Event::Unsent, unsent.count);
            tracing::debug!("{} replies not sent: {}", unsent.count, unsent.fault);
        }
        self.tally.count(Event::Answered, replies);
        self.own.time(replies, now.elapsed());
    }

    /// Answers the datagram at a place of the batch, and says whether it did. One that makes
    /// the fast path panic is for the full path, which says SERVFAIL if it panics as well.
    fn answer_one(&mut self, at: usize, by: By<'_>, now: Instant, fast: &mut impl Answer) -> bool {
        let client = self.batch.client(at);
        let Some((client, (message, reply))) = client.zip(self.batch.exchange(at)) else {
            self.tally.count(Event::Silent, 1);
            return false;
        };
        match catch_panic(|| fast(by, message, client, reply)).unwrap_or(Verdict::Full) {
            Verdict::Reply { octets, code, truncated, topic } => {
                let (code, truncation) =
                    (Code::of(code.into()), truncated.then_some(Truncation::Size));
                // Another server is asked sooner if this one says nothing.
                if code == Code::SERVFAIL && self.stop.load(Ordering::Acquire) {
                    self.tally.count(Event::Withheld, 1);
                    return false;
                }
                let refusal = (code == Code::REFUSED).then(|| refusal(by.1, client));
                let replied = Replied { topic, code, octets, truncation, refusal };
                return self.reply(by.1, at, replied, (client, now));
            }
            Verdict::Silence => self.tally.count(Event::Silent, 1),
            verdict @ (Verdict::Full | Verdict::Foreign | Verdict::Pattern) => {
                self.hand_over(at, verdict);
            }
        }
        false
    }

    /// Sends a reply with the batch, as far as the client's network may be sent it, and says
    /// whether it does.
    fn reply(
        &mut self,
        policy: &Policy,
        at: usize,
        mut replied: Replied,
        from: (SocketAddr, Instant),
    ) -> bool {
        if policy.rate_limit.is_some() {
            match self.judge(policy, (at, replied.octets), from) {
                RateVerdict::Sent => {}
                RateVerdict::Slipped(octets) => {
                    self.tally.count(Event::Slipped, 1);
                    (replied.octets, replied.truncation) = (octets, Some(Truncation::Rate));
                }
                RateVerdict::Dropped => {
                    self.tally.count(Event::Limited, 1);
                    return false;
                }
            }
        }
        self.batch.reply(at, replied.octets);
        self.own.reply(&replied);
        if let Some(log) = &policy.query_log {
            self.log(log, at, &replied, from);
        }
        true
    }

    /// What becomes of the reply at a place of the batch, where replies are limited.
    fn judge(
        &mut self,
        policy: &Policy,
        (at, octets): (usize, usize),
        (client, now): (SocketAddr, Instant),
    ) -> RateVerdict {
        let exchange = self.batch.exchange(at);
        let exchange = exchange.and_then(|(message, it)| Some((message, it.get_mut(..octets)?)));
        let judge = |(message, reply)| policy.judge(message, client, reply, now);
        exchange.map_or(RateVerdict::Sent, judge)
    }

    /// Logs the query at a place of the batch.
    fn log(
        &mut self,
        log: &QueryLog,
        at: usize,
        replied: &Replied,
        (client, now): (SocketAddr, Instant),
    ) {
        let reply = self.batch.exchange(at).and_then(|(_, reply)| reply.get(..replied.octets));
        let Some(reply) = reply else { return };
        log.offer((client, Transport::Udp), reply, replied, || now.elapsed());
    }

    /// Hands the datagram at a place to one of the full paths, or loses it.
    fn hand_over(&mut self, at: usize, verdict: Verdict) {
        let queue = match verdict {
            Verdict::Foreign => &self.foreign,
            Verdict::Pattern => &self.patterns,
            _ => &self.queue,
        };
        let (route, socket) = (self.batch.route(at), Arc::clone(self.batch.socket()));
        let offer =
            route.zip(self.batch.exchange(at)).map_or(Offer::Lost, |(route, (message, _))| {
                queue.offer(message, Recipient::Datagram(route, socket))
            });
        let is_taken = offer != Offer::Lost;
        self.tally.count(if is_taken { Event::Handed } else { Event::Dropped }, 1);
        if offer == Offer::Instead {
            self.tally.count(Event::Evicted, 1);
        }
    }
}

/// Why the fast path refuses a client: it leaves alone what others could be asked for.
fn refusal(policy: &Policy, client: SocketAddr) -> Refusal {
    if policy.may_query(client.ip()) { Refusal::Foreign } else { Refusal::Client }
}

/// Waits a little after an error, and logs ever fewer of a row of them.
fn pause(fault: &io::Error, number: u32) {
    if number.is_power_of_two() {
        tracing::debug!(number, "datagrams not received: {fault}");
    }
    sleep(ERROR_PAUSE);
}

#[cfg(test)]
mod tests {
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
    fn run(fast: impl Answer + Send + 'static) -> Running {
        let socket = Client::bind("127.0.0.1:0").unwrap();
        let client = Client::bind("127.0.0.1:0").unwrap();
        client.connect(socket.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let (counters, index) = (Arc::<Counters>::default(), Arc::new(Index::new(vec![], true)));
        let responder = || Responder::new(Arc::clone(&index)).counting(Arc::clone(&counters));
        let full = || Full::new(responder());
        let ((queue, full), (others, foreign), (some, patterns)) = (full(), full(), full());
        let socket = Arc::new(UdpSocket::new(socket.into()).unwrap());
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
            own,
            policies,
            stop: stopped,
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
}
