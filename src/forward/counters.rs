//! The metrics of forwarding.

use crate::metrics::Count;

/// The metrics of forwarding. Next to what a query over the network costs, adding is nothing.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// See [`ForwardCounts::cached`].
    pub(super) cached: Count,
    /// See [`ForwardCounts::merged`].
    pub(super) merged: Count,
    /// See [`ForwardCounts::asked`].
    pub(super) asked: Count,
    /// See [`ForwardCounts::failed`].
    pub(super) failed: Count,
    /// See [`ForwardCounts::refreshed`].
    pub(super) refreshed: Count,
    /// See [`ForwardCounts::stale`].
    pub(super) stale: Count,
    /// See [`ForwardCounts::private`].
    pub(super) private: Count,
    /// See [`ForwardCounts::no_room`].
    pub(super) no_room: Count,
}

/// The numbers as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ForwardCounts {
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
    /// The numbers, with how many questions wait.
    pub(super) fn counts(&self, in_flight: usize) -> ForwardCounts {
        ForwardCounts {
            cached: self.cached.get(),
            merged: self.merged.get(),
            asked: self.asked.get(),
            failed: self.failed.get(),
            refreshed: self.refreshed.get(),
            stale: self.stale.get(),
            private: self.private.get(),
            no_room: self.no_room.get(),
            in_flight,
        }
    }
}
