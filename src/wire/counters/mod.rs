//! Counters of the server. Counting costs what adding to a variable does: each thread
//! that moves datagrams has a block of its own, which it alone writes, without a locked
//! instruction and in cache lines that no other thread writes. Readers add the blocks up.
//!
//! | what | by | written |
//! | --- | --- | --- |
//! | what became of datagrams ([`DatagramEvent`]) | thread | by the thread alone |
//! | replies of the fast path over UDP ([`answers`]) | thread | by the thread alone |
//! | other replies | [`Origin`] | by whoever replies, with locked instructions |
//! | connections ([`tcp`]), handshakes ([`tls`]), requests ([`https`]), those of QUIC ([`quic`]), PROXY headers ([`proxied`]) | | the same |

mod answers;
mod events;
mod https;
mod origin;
mod proxied;
mod query_log;
mod quic;
mod replied;
mod tcp;
mod tls;
mod topic;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use self::answers::Answers;
use self::events::Block;
use self::https::HttpCounters;
use self::proxied::ProxyCounters;
use self::quic::QuicCounters;
use self::tcp::Tcp;
use self::tls::TlsCounters;
use crate::lock::Lock;

pub(super) use self::events::{DatagramCounters, DatagramEvent};
pub(super) use self::replied::zone_of;

pub use self::answers::{Answered, CodeCounts, Replied};
pub use self::events::Counts;
pub use self::https::HttpCounts;
pub use self::origin::{Family, Origin, Path};
pub use self::proxied::{ProxyCounts, ProxyOutcome};
pub use self::query_log::QueryLog;
pub use self::quic::QuicCounts;
pub use self::tcp::TcpCounts;
pub use self::tls::{HandshakeOutcome, TlsCounts};
pub use self::topic::{Code, Kind, RefusalCause, Topic, Truncation};

/// The addition to a number, atomic or not.
trait Add: Fn(&AtomicU64, u64) + Copy {}

impl<F: Fn(&AtomicU64, u64) + Copy> Add for F {}

/// The right to write the replies of one thread. It cannot be copied.
#[derive(Debug)]
pub(super) struct ReplyCounters {
    /// The figures, which others only read.
    answers: Arc<Answers>,
}

/// All numbers of a server. They may be read at any time.
#[derive(Debug, Default)]
pub struct Counters {
    /// Of UDP workers. The lock is for those that start or read.
    workers: Lock<Vec<Arc<Block>>>,
    /// Of the threads of the full path.
    full: Lock<Vec<Arc<Block>>>,
    /// Of datagrams that others were asked for: what became of the reply.
    forwarded: Block,
    /// Replies of the fast path over UDP, by thread.
    own: Lock<Vec<(Family, Arc<Answers>)>>,
    /// All other replies, by origin.
    shared: [Answers; Origin::COUNT],
    /// Of connections.
    pub(super) tcp: Tcp,
    /// Of TLS on some of them.
    pub(super) tls: TlsCounters,
    /// Of HTTP in some of these.
    pub(super) https: HttpCounters,
    /// Of QUIC.
    pub(super) quic: QuicCounters,
    /// Of PROXY headers.
    pub(super) proxy: ProxyCounters,
    /// Lines of the query log that were lost.
    lost_lines: AtomicU64,
}

/// The numbers of a server, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Of UDP workers: `answered` is what they answered themselves, by the fast path.
    pub fast: Counts,
    /// Of the threads behind them: `received` is what was handed to them.
    pub full: Counts,
    /// Of datagrams that others were asked for, once they have answered: what became of the
    /// reply, where it was not simply sent.
    pub forwarded: Counts,
    /// Of connections.
    pub tcp: TcpCounts,
    /// Of TLS on some of them.
    pub tls: TlsCounts,
    /// Of HTTP in some of these.
    pub https: HttpCounts,
    /// Of QUIC.
    pub quic: QuicCounts,
}

impl Counters {
    /// The sums over all threads.
    #[must_use]
    pub fn total(&self) -> Totals {
        // The full path is read first, so that it does not seem to have more than it was
        // handed.
        let (forwarded, full) = (self.forwarded.counts(), sum(&self.full));
        let (tcp, tls, https) = (self.tcp.counts(), self.tls.counts(), self.https.counts());
        let quic = self.quic.counts();
        Totals { fast: sum(&self.workers), full, forwarded, tcp, tls, https, quic }
    }

    /// What was replied, by origin; one for each that there is.
    #[must_use]
    pub fn answered(&self) -> Vec<Answered> {
        let read = |origin: Origin| {
            let mut answered = self.shared[origin.place()].read(origin);
            for (_, answers) in self.own.lock().iter().filter(|(family, _)| origin.is_own(*family))
            {
                answered += &answers.read(origin);
            }
            answered
        };
        Origin::all().map(read).collect()
    }

    /// How many replies had a code, whatever they were about; and how many there were in all.
    #[must_use]
    pub fn replies(&self) -> CodeCounts {
        let own: Vec<_> = self.own.lock().iter().map(|(_, answers)| Arc::clone(answers)).collect();
        let mut counts = CodeCounts::default();
        let all = self.shared.iter().chain(own.iter().map(|it| &**it));
        all.for_each(|answers| answers.add_codes(&mut counts));
        counts
    }

    /// What a UDP worker writes, whose clients are of one family.
    pub(super) fn worker(&self, family: Family) -> (DatagramCounters, ReplyCounters) {
        (DatagramCounters::new(&self.workers), self.own(family))
    }

    /// What a UDP worker writes of its replies to clients of a family.
    pub(super) fn own(&self, family: Family) -> ReplyCounters {
        let answers = Arc::<Answers>::default();
        self.own.lock().push((family, Arc::clone(&answers)));
        ReplyCounters { answers }
    }

    /// A block for a thread of the full path.
    pub(super) fn full(&self) -> DatagramCounters {
        DatagramCounters::new(&self.full)
    }

    /// Counts what became of a reply that others were asked for.
    pub(super) fn forwarded(&self, event: DatagramEvent) {
        self.forwarded.count(event, 1, locked);
    }

    /// What became of PROXY headers, by transport.
    #[must_use]
    pub fn proxied(&self) -> Vec<ProxyCounts> {
        self.proxy.counts().collect()
    }

    /// Counts a line of the query log that was lost.
    pub(super) fn lose_line(&self) {
        locked(&self.lost_lines, 1);
    }

    /// Lines of the query log that were lost because nobody read them fast enough.
    #[must_use]
    pub fn lost_lines(&self) -> u64 {
        self.lost_lines.load(Ordering::Relaxed)
    }

    /// Counts a reply.
    pub(super) fn reply(&self, origin: Origin, replied: &Replied) {
        self.shared[origin.place()].reply(replied, locked);
    }

    /// Counts how long each of so many replies took.
    pub(super) fn time(&self, origin: Origin, replies: usize, each: Duration) {
        if replies > 0 {
            self.shared[origin.place()].time(replies, each, locked);
        }
    }
}

impl ReplyCounters {
    /// Counts a reply.
    #[inline]
    pub(super) fn reply(&mut self, replied: &Replied) {
        self.answers.reply(replied, alone);
    }

    /// Counts how long each of so many replies took.
    #[inline]
    pub(super) fn time(&mut self, replies: usize, each: Duration) {
        self.answers.time(replies, each, alone);
    }
}

impl fmt::Display for Totals {
    /// One line for the log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fast, full, forwarded, tcp, .. } = self;
        write!(out, "UDP: {} received, {} answered", fast.received, fast.answered + full.answered)?;
        write!(out, " ({} by the full path)", full.answered)?;
        write!(out, ", {} dropped", fast.dropped + fast.evicted + full.dropped)?;
        write!(out, ", {} over the rate", fast.limited + full.limited + forwarded.limited)?;
        write!(out, ", {} not sent", fast.unsent + full.unsent + forwarded.unsent)?;
        write!(out, "; TCP: {} connections, {} answered", tcp.accepted, tcp.answered)
    }
}

/// Adds to a number that no other thread writes.
#[inline]
fn alone(cell: &AtomicU64, number: u64) {
    cell.store(cell.load(Ordering::Relaxed) + number, Ordering::Relaxed);
}

/// Adds to a number that other threads write, too.
fn locked(cell: &AtomicU64, number: u64) {
    cell.fetch_add(number, Ordering::Relaxed);
}

/// The sum of blocks.
fn sum(blocks: &Lock<Vec<Arc<Block>>>) -> Counts {
    blocks.lock().iter().fold(Counts::default(), |sum, block| sum + block.counts())
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::RecordType;

    use super::*;
    use crate::index::ZoneNumber;
    use crate::wire::Transport;

    /// A reply of a topic.
    fn replied(kind: RecordType, code: u16, octets: usize) -> Replied {
        let topic = Topic { zone: ZoneNumber::OTHER, kind: Kind::of(kind) };
        Replied { topic, code: Code::of(code), octets, truncation: None, refusal: None }
    }

    #[test]
    fn blocks_are_added_up() {
        let counters = Counters::default();
        let ((mut one, _), (mut two, _)) =
            (counters.worker(Family::V4), counters.worker(Family::V6));
        one.count(DatagramEvent::Received, 3);
        two.count(DatagramEvent::Received, 4);
        counters.full().count(DatagramEvent::Answered, 2);
        counters.forwarded(DatagramEvent::Unsent);
        counters.tcp.answer(5);
        let Totals { fast, full, forwarded, tcp, .. } = counters.total();
        assert_eq!((fast.received, fast.answered, fast.silent), (7, 0, 0));
        assert_eq!((full.answered, forwarded.unsent, tcp.answered, tcp.accepted), (2, 1, 5, 0));
    }

    #[test]
    fn replies_are_added_up_by_origin() {
        let counters = Counters::default();
        let mut threads = [Family::V4, Family::V4, Family::V6].map(|it| counters.worker(it).1);
        for own in &mut threads {
            own.reply(&replied(RecordType::A, 0, 60));
            own.reply(&Replied {
                truncation: Some(Truncation::Rate),
                refusal: Some(RefusalCause::Foreign),
                ..replied(RecordType::SRV, 5, 2000)
            });
            own.time(2, Duration::from_micros(9));
        }
        let shared =
            Origin { transport: Transport::Tcp, family: Family::V6, path: Path::Forwarded };
        counters.reply(shared, &replied(RecordType::NULL, 3, 65_535));
        counters.time(shared, 1, Duration::from_secs(60));
        counters.time(shared, 0, Duration::from_secs(60));
        let all = counters.answered();
        assert!(all.iter().enumerate().all(|(at, it)| it.origin.place() == at));
        assert_eq!(all.len(), Origin::COUNT);
        let codes = counters.replies();
        assert_eq!((codes.sum(), codes.of(Code::REFUSED), codes.of(Code::NXDOMAIN)), (7, 3, 1));
        let sums: Vec<_> = all.iter().map(|it| it.sizes.count()).collect();
        assert_eq!(sums[..12], [4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(sums[12..], [0; 18]);
        let of = |place: usize, kind, code| {
            let zone = ZoneNumber::OTHER;
            all[place].replies.get(&(Topic { zone, kind: Kind::of(kind) }, Code::of(code))).copied()
        };
        assert_eq!(of(0, RecordType::A, 0), Some(2));
        assert_eq!((of(0, RecordType::SRV, 5), of(0, RecordType::SRV, 0)), (Some(2), None));
        assert_eq!(of(11, RecordType::SIG, 3), Some(1));
        assert_eq!((all[0].truncated, all[0].refused), ([0, 2], [0, 0, 2, 0]));
        assert_eq!((all[0].sizes.sum(), all[0].times.sum()), (4120, 36_000));
        let slow: Vec<_> = all[11].times.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!((slow, all[11].times.sum()), (vec![(f64::INFINITY, 1)], 60_000_000_000));
    }
}
