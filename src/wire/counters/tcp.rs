//! Counters of connections. Several threads write them, but once for many queries.

use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of all connections. Several threads write them, but once for many queries.
#[derive(Debug, Default)]
pub(in crate::wire) struct Tcp {
    /// Connections that were accepted.
    accepted: AtomicU64,
    /// Connections that have ended.
    ended: AtomicU64,
    /// Connections that were closed to have room for others.
    closed_for_room: AtomicU64,
    /// Connections that were closed to have room for others of the same client.
    closed_for_client: AtomicU64,
    /// Connections that were closed because they, or those of their client, held too much.
    closed_for_octets: AtomicU64,
    /// Connections that were closed because the system had no descriptor left.
    closed_for_descriptors: AtomicU64,
    /// Connections that were closed because the thread that was to answer had too much to do.
    closed_for_queue: AtomicU64,
    /// Octets that connections hold.
    octets: AtomicU64,
    /// Turns that ended because they took too long.
    turns_cut: AtomicU64,
    /// Connections whose client said nothing, or took nothing, for too long.
    timed_out: AtomicU64,
    /// Queries that were answered.
    answered: AtomicU64,
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
    /// Connections that were closed because they, or those of their client, held too much.
    pub closed_for_octets: u64,
    /// Connections that were closed because the system had no descriptor left.
    pub closed_for_descriptors: u64,
    /// Connections that were closed because the thread that was to answer had too much to do.
    pub closed_for_queue: u64,
    /// Octets that connections hold.
    pub octets: u64,
    /// Turns that ended because they took too long.
    pub turns_cut: u64,
    /// Connections whose client said nothing, or took nothing, for too long.
    pub timed_out: u64,
    /// Queries that were answered.
    pub answered: u64,
}

impl Tcp {
    /// A connection was accepted.
    pub(in crate::wire) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed to have room for another.
    pub(in crate::wire) fn close_for_room(&self) {
        self.closed_for_room.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed to have room for another of its client.
    pub(in crate::wire) fn close_for_client(&self) {
        self.closed_for_client.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed because it, or those of its client, held too much.
    pub(in crate::wire) fn close_for_octets(&self) {
        self.closed_for_octets.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed because the system had no descriptor left.
    pub(in crate::wire) fn close_for_descriptors(&self) {
        self.closed_for_descriptors.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed because the thread that was to answer had too much to do.
    pub(in crate::wire) fn close_for_queue(&self) {
        self.closed_for_queue.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections hold so many octets.
    pub(in crate::wire) fn hold(&self, octets: usize) {
        self.octets.store(octets as u64, Ordering::Relaxed);
    }

    /// A turn ended because it took too long.
    pub(in crate::wire) fn cut_turn(&self) {
        self.turns_cut.fetch_add(1, Ordering::Relaxed);
    }

    /// A client said nothing, or took nothing, for too long.
    pub(in crate::wire) fn time_out(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection has ended.
    pub(in crate::wire) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Queries were answered.
    pub(in crate::wire) fn answer(&self, queries: usize) {
        self.answered.fetch_add(queries as u64, Ordering::Relaxed);
    }

    /// The numbers.
    pub(super) fn counts(&self) -> TcpCounts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        // What has ended is read first, so that no more seem to have ended than began.
        let (ended, accepted) = (read(&self.ended), read(&self.accepted));
        TcpCounts {
            accepted,
            open: accepted.saturating_sub(ended),
            closed_for_room: read(&self.closed_for_room),
            closed_for_client: read(&self.closed_for_client),
            closed_for_octets: read(&self.closed_for_octets),
            closed_for_descriptors: read(&self.closed_for_descriptors),
            closed_for_queue: read(&self.closed_for_queue),
            octets: read(&self.octets),
            turns_cut: read(&self.turns_cut),
            timed_out: read(&self.timed_out),
            answered: read(&self.answered),
        }
    }
}
