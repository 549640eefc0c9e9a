//! What was done, in numbers. Counting costs what adding to a variable does: each thread
//! that moves datagrams has a block of its own, which it alone writes, without a locked
//! instruction and in cache lines that no other thread writes. Readers add the blocks up.

use std::fmt;
use std::ops::Add;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The RCODEs that a header can say (RFC 1035 section 4.1.1).
const CODES: usize = 16;

/// What a thread counts about datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// One came.
    Received,
    /// It was answered.
    Answered,
    /// It was handed on: to the full path, or by that to the forwarder.
    Handed,
    /// It was lost: the queue to the full path was full, or it waited there for too long.
    Dropped,
    /// There was nothing to say to it.
    Silent,
    /// Its reply was over the rate of the client's network, and not sent.
    Limited,
    /// Its reply was over that rate, and sent empty with TC.
    Slipped,
    /// The reply asked to come back over TCP.
    Truncated,
    /// The reply could not be sent.
    Unsent,
}

/// How many kinds of event there are.
const EVENTS: usize = Event::Unsent as usize + 1;

/// The numbers of one thread. The alignment keeps other threads' numbers out of its cache
/// lines, of which processors fetch two at a time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Block {
    /// By event.
    events: [AtomicU64; EVENTS],
    /// Replies by RCODE.
    codes: [AtomicU64; CODES],
}

/// The right to write a block. It cannot be copied.
#[derive(Debug)]
pub(super) struct Tally {
    /// The block, which others only read.
    block: Arc<Block>,
}

/// All numbers of a server. They may be read at any time.
#[derive(Debug, Default)]
pub struct Counters {
    /// Of UDP workers. The lock is for those that start or read.
    workers: Mutex<Vec<Arc<Block>>>,
    /// Of the threads of the full path.
    full: Mutex<Vec<Arc<Block>>>,
    /// Of connections.
    pub(super) tcp: Tcp,
}

/// The numbers of all connections. Several threads write them, but once for many queries.
#[derive(Debug, Default)]
pub(super) struct Tcp {
    /// Connections that were accepted.
    accepted: AtomicU64,
    /// Connections that have ended.
    ended: AtomicU64,
    /// Connections that were closed to have room for others.
    closed_for_room: AtomicU64,
    /// Connections that were closed to have room for others of the same client.
    closed_for_client: AtomicU64,
    /// Connections whose client said nothing, or took nothing, for too long.
    timed_out: AtomicU64,
    /// Queries that were answered.
    answered: AtomicU64,
}

/// The numbers of all threads of one kind, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that came to these threads. Once they are dealt with, it is the sum of
    /// the next five.
    pub received: u64,
    /// Of these, the answered.
    pub answered: u64,
    /// Of these, the ones that were handed on: to the full path, or by that to the
    /// forwarder.
    pub handed: u64,
    /// Of these, the ones that were lost because the queue to the full path was full, or
    /// they waited there for too long.
    pub dropped: u64,
    /// Of these, the ones with nothing to be said to: responses, scraps.
    pub silent: u64,
    /// Of these, the ones whose replies were over the rate of a network, and not sent.
    pub limited: u64,
    /// Replies that were over that rate, and sent empty with TC.
    pub slipped: u64,
    /// Replies with TC.
    pub truncated: u64,
    /// Replies that could not be sent.
    pub unsent: u64,
    /// Replies by the RCODE of their header.
    pub codes: [u64; CODES],
}

/// The numbers of all connections, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TcpCounts {
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that were closed to have room for others.
    pub closed_for_room: u64,
    /// Connections that were closed to have room for others of the same client.
    pub closed_for_client: u64,
    /// Connections whose client said nothing, or took nothing, for too long.
    pub timed_out: u64,
    /// Queries that were answered.
    pub answered: u64,
}

/// The numbers of a server, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Of UDP workers: `answered` is what they answered themselves, by the fast path.
    pub fast: Counts,
    /// Of the threads behind them: `received` is what was handed to them.
    pub full: Counts,
    /// Of connections.
    pub tcp: TcpCounts,
}

impl Counters {
    /// The sums over all threads.
    #[must_use]
    pub fn total(&self) -> Totals {
        // The full path is read first, so that it does not seem to have more than it was
        // handed.
        let full = sum(&self.full);
        Totals { fast: sum(&self.workers), full, tcp: self.tcp.counts() }
    }

    /// A block for a UDP worker.
    pub(super) fn worker(&self) -> Tally {
        Tally::new(&self.workers)
    }

    /// A block for a thread of the full path.
    pub(super) fn full(&self) -> Tally {
        Tally::new(&self.full)
    }
}

impl Tally {
    /// A block among others.
    fn new(blocks: &Mutex<Vec<Arc<Block>>>) -> Self {
        let block = Arc::<Block>::default();
        lock(blocks).push(Arc::clone(&block));
        Self { block }
    }

    /// Counts events.
    pub(super) fn count(&mut self, event: Event, number: usize) {
        add(&self.block.events[event as usize], number);
    }

    /// Counts a reply.
    pub(super) fn reply(&mut self, code: u8, truncated: bool) {
        self.count(Event::Answered, 1);
        self.count(Event::Truncated, usize::from(truncated));
        add(&self.block.codes[usize::from(code) % CODES], 1);
    }
}

impl Tcp {
    /// A connection was accepted.
    pub(super) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed to have room for another.
    pub(super) fn close_for_room(&self) {
        self.closed_for_room.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed to have room for another of its client.
    pub(super) fn close_for_client(&self) {
        self.closed_for_client.fetch_add(1, Ordering::Relaxed);
    }

    /// A client said nothing, or took nothing, for too long.
    pub(super) fn time_out(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection has ended.
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Queries were answered.
    pub(super) fn answer(&self, queries: usize) {
        self.answered.fetch_add(queries as u64, Ordering::Relaxed);
    }

    /// The numbers.
    fn counts(&self) -> TcpCounts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        // What has ended is read first, so that no more seem to have ended than began.
        let (ended, accepted) = (read(&self.ended), read(&self.accepted));
        TcpCounts {
            accepted,
            open: accepted.saturating_sub(ended),
            closed_for_room: read(&self.closed_for_room),
            closed_for_client: read(&self.closed_for_client),
            timed_out: read(&self.timed_out),
            answered: read(&self.answered),
        }
    }
}

impl Block {
    /// The numbers.
    fn counts(&self) -> Counts {
        let event = |event: Event| self.events[event as usize].load(Ordering::Relaxed);
        Counts {
            received: event(Event::Received),
            answered: event(Event::Answered),
            handed: event(Event::Handed),
            dropped: event(Event::Dropped),
            silent: event(Event::Silent),
            limited: event(Event::Limited),
            slipped: event(Event::Slipped),
            truncated: event(Event::Truncated),
            unsent: event(Event::Unsent),
            codes: std::array::from_fn(|code| self.codes[code].load(Ordering::Relaxed)),
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            answered: self.answered + other.answered,
            handed: self.handed + other.handed,
            dropped: self.dropped + other.dropped,
            silent: self.silent + other.silent,
            limited: self.limited + other.limited,
            slipped: self.slipped + other.slipped,
            truncated: self.truncated + other.truncated,
            unsent: self.unsent + other.unsent,
            codes: std::array::from_fn(|code| self.codes[code] + other.codes[code]),
        }
    }
}

impl fmt::Display for Totals {
    /// One line for the log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fast, full, tcp } = self;
        write!(out, "UDP: {} received, {} answered", fast.received, fast.answered + full.answered)?;
        write!(out, " ({} by the full path)", full.answered)?;
        write!(out, ", {} dropped", fast.dropped + full.dropped)?;
        write!(out, ", {} over the rate", fast.limited + full.limited)?;
        write!(out, ", {} not sent", fast.unsent + full.unsent)?;
        write!(out, "; TCP: {} connections, {} answered", tcp.accepted, tcp.answered)
    }
}

/// Adds to a number that no other thread writes.
fn add(cell: &AtomicU64, number: usize) {
    cell.store(cell.load(Ordering::Relaxed) + number as u64, Ordering::Relaxed);
}

/// The sum of blocks.
fn sum(blocks: &Mutex<Vec<Arc<Block>>>) -> Counts {
    lock(blocks).iter().fold(Counts::default(), |sum, block| sum + block.counts())
}

/// The blocks. They are sound even if another thread panicked while it looked.
fn lock(blocks: &Mutex<Vec<Arc<Block>>>) -> MutexGuard<'_, Vec<Arc<Block>>> {
    blocks.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_added_up() {
        let counters = Counters::default();
        let (mut one, mut two, mut full) = (counters.worker(), counters.worker(), counters.full());
        one.count(Event::Received, 3);
        two.count(Event::Received, 4);
        one.reply(0, false);
        two.reply(3, true);
        // No header can say 16.
        full.reply(16, false);
        counters.tcp.answer(5);
        let Totals { fast, full, tcp } = counters.total();
        assert_eq!((fast.received, fast.answered, fast.truncated, fast.silent), (7, 2, 1, 0));
        assert_eq!((fast.codes[0], fast.codes[3], full.codes[0]), (1, 1, 1));
        assert_eq!((full.answered, tcp.answered, tcp.accepted), (1, 5, 0));
    }

    #[test]
    fn threads_do_not_share_cache_lines() {
        assert_eq!((align_of::<Block>(), size_of::<Block>() % 128), (128, 0));
    }
}
