//! The metrics of forwarding.

use std::sync::atomic::{AtomicU64, Ordering};

/// The metrics of forwarding. Next to what a query over the network costs, adding is nothing.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Answered from what upstreams had said.
    cached: AtomicU64,
    /// Answered by what an equal question brought.
    merged: AtomicU64,
    /// Asked of upstreams.
    asked: AtomicU64,
    /// Of these, the ones that no upstream answered.
    failed: AtomicU64,
    /// Asked of upstreams before anybody had to wait for it.
    refreshed: AtomicU64,
    /// Answered with what had been said too long ago.
    stale: AtomicU64,
    /// Private addresses left out.
    private: AtomicU64,
    /// Turned away for want of room, or to make room for others.
    no_room: AtomicU64,
}

/// The numbers as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Questions answered from the cache.
    pub cached: u64,
    /// Questions that waited for the answer to an equal one.
    pub merged: u64,
    /// Questions that upstreams were asked.
    pub asked: u64,
    /// Of these, the ones that no upstream answered.
    pub failed: u64,
    /// Of those that were asked, the ones that nobody waited for yet.
    pub refreshed: u64,
    /// Questions answered with what had been said too long ago.
    pub stale: u64,
    /// Private addresses that were left out of answers.
    pub private: u64,
    /// Questions turned away because too many waited, or to make room for others.
    pub no_room: u64,
    /// Questions that wait now.
    pub in_flight: usize,
}

impl Counters {
    /// A question was answered from the cache.
    pub(super) fn cached(&self) {
        self.cached.fetch_add(1, Ordering::Relaxed);
    }

    /// A question waits for the answer to an equal one.
    pub(super) fn merged(&self) {
        self.merged.fetch_add(1, Ordering::Relaxed);
    }

    /// A question goes to upstreams.
    pub(super) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// No upstream answered it.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A question goes to upstreams that nobody waits for yet.
    pub(super) fn refreshed(&self) {
        self.refreshed.fetch_add(1, Ordering::Relaxed);
    }

    /// So many questions were answered with what had been said too long ago.
    pub(super) fn stale(&self, questions: u64) {
        self.stale.fetch_add(questions, Ordering::Relaxed);
    }

    /// So many private addresses were left out.
    pub(super) fn private(&self, addresses: u64) {
        self.private.fetch_add(addresses, Ordering::Relaxed);
    }

    /// A question was turned away.
    pub(super) fn no_room(&self) {
        self.no_room.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers, with how many questions wait.
    pub(super) fn counts(&self, in_flight: usize) -> Counts {
        Counts {
            cached: self.cached.load(Ordering::Relaxed),
            merged: self.merged.load(Ordering::Relaxed),
            asked: self.asked.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            refreshed: self.refreshed.load(Ordering::Relaxed),
            stale: self.stale.load(Ordering::Relaxed),
            private: self.private.load(Ordering::Relaxed),
            no_room: self.no_room.load(Ordering::Relaxed),
            in_flight,
        }
    }
}
