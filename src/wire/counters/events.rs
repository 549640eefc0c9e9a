//! Counters of datagrams, thread by thread.

use std::ops;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Add, alone};
use crate::lock::Lock;

/// An event of a datagram, as threads count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum DatagramEvent {
    /// One came.
    Received,
    /// It was answered.
    Answered,
    /// It was handed on: to the full path, or by that to the forwarder.
    Handed,
    /// It was lost: the queue to the full path was full, or it waited there for too long.
    Dropped,
    /// It was handed on and then lost, for one of a client network that had fewer waiting.
    Evicted,
    /// There was nothing to say to it.
    Silent,
    /// Its PROXY header was missing, broken, or a stranger's.
    Unproxied,
    /// Its reply would have been SERVFAIL while we end, and was left unsaid.
    Withheld,
    /// Its reply was over the rate of the client's network, and not sent.
    Limited,
    /// Its reply was over that rate, and sent empty with TC.
    Slipped,
    /// The reply could not be sent.
    Unsent,
    /// The kernel dropped it, as the buffer was full or its client network floods: it never
    /// came.
    Lost,
    /// A client network's datagrams began to be dropped by the kernel.
    Sifted,
}

/// How many kinds of event there are.
const EVENTS: usize = DatagramEvent::Sifted as usize + 1;

/// The numbers of one thread. The alignment keeps other threads' numbers out of its cache
/// lines, of which processors fetch two at a time.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Block {
    /// By event.
    events: [AtomicU64; EVENTS],
}

/// The right to write a block. It cannot be copied.
#[derive(Debug)]
pub(in crate::wire) struct DatagramCounters {
    /// The block, which others only read.
    block: Arc<Block>,
}

/// The numbers of all threads of one kind, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that came to these threads. Once they are dealt with, it is the sum of the
    /// answered, handed, dropped, silent, unproxied, withheld and limited.
    pub received: u64,
    /// Of these, the answered.
    pub answered: u64,
    /// Of these, the ones that were handed on: to the full path, or by that to the
    /// forwarder.
    pub handed: u64,
    /// Of these, the ones that were lost because the queue to the full path was full, or
    /// they waited there for too long.
    pub dropped: u64,
    /// Of those that were handed on, the ones that were lost in the queue for others: their
    /// client network had the most waiting.
    pub evicted: u64,
    /// Of these, the ones with nothing to be said to: responses, scraps.
    pub silent: u64,
    /// Of these, the ones whose PROXY header was missing, broken, or a stranger's.
    pub unproxied: u64,
    /// Of these, the ones whose replies would have been SERVFAIL while we end.
    pub withheld: u64,
    /// Of these, the ones whose replies were over the rate of a network, and not sent.
    pub limited: u64,
    /// Replies that were over that rate, and sent empty with TC.
    pub slipped: u64,
    /// Replies that could not be sent.
    pub unsent: u64,
    /// Datagrams that the kernel dropped, as the buffer was full or their client network floods;
    /// they are not among the received.
    pub lost: u64,
    /// How often a client network's datagrams began to be dropped by the kernel.
    pub sifted: u64,
}

impl DatagramCounters {
    /// A block among others.
    pub(super) fn new(blocks: &Lock<Vec<Arc<Block>>>) -> Self {
        let block = Arc::<Block>::default();
        blocks.lock().push(Arc::clone(&block));
        Self { block }
    }

    /// Counts events.
    pub(in crate::wire) fn count(&mut self, event: DatagramEvent, number: usize) {
        self.block.count(event, number as u64, alone);
    }
}

impl Block {
    /// Counts events.
    pub(super) fn count(&self, event: DatagramEvent, number: u64, add: impl Add) {
        add(&self.events[event as usize], number);
    }

    /// The numbers.
    pub(super) fn counts(&self) -> Counts {
        let event = |event: DatagramEvent| self.events[event as usize].load(Ordering::Relaxed);
        Counts {
            received: event(DatagramEvent::Received),
            answered: event(DatagramEvent::Answered),
            handed: event(DatagramEvent::Handed),
            dropped: event(DatagramEvent::Dropped),
            evicted: event(DatagramEvent::Evicted),
            silent: event(DatagramEvent::Silent),
            unproxied: event(DatagramEvent::Unproxied),
            withheld: event(DatagramEvent::Withheld),
            limited: event(DatagramEvent::Limited),
            slipped: event(DatagramEvent::Slipped),
            unsent: event(DatagramEvent::Unsent),
            lost: event(DatagramEvent::Lost),
            sifted: event(DatagramEvent::Sifted),
        }
    }
}

impl ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            answered: self.answered + other.answered,
            handed: self.handed + other.handed,
            dropped: self.dropped + other.dropped,
            evicted: self.evicted + other.evicted,
            silent: self.silent + other.silent,
            unproxied: self.unproxied + other.unproxied,
            withheld: self.withheld + other.withheld,
            limited: self.limited + other.limited,
            slipped: self.slipped + other.slipped,
            unsent: self.unsent + other.unsent,
            lost: self.lost + other.lost,
            sifted: self.sifted + other.sifted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_do_not_share_cache_lines() {
        assert_eq!((align_of::<Block>(), size_of::<Block>() % 128), (128, 0));
    }
}
