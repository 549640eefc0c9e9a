//! Counters of QUIC: clients that were asked to show where they are, and connections that the server
//! ended.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::DoqCode;

/// The numbers of QUIC.
#[derive(Debug, Default)]
pub(in crate::wire) struct QuicCounters {
    /// Clients that were asked to show that they are where they say.
    retries: AtomicU64,
    /// Connections that the server ended, by code.
    closed: [AtomicU64; DoqCode::ALL.len()],
}

/// The numbers of QUIC, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct QuicCounts {
    /// Clients that were asked to show that they are where they say.
    pub retries: u64,
    /// Connections that the server ended, by [code](DoqCode::ALL).
    pub closed: [u64; DoqCode::ALL.len()],
}

impl QuicCounters {
    /// A client was asked to show that it is where it says.
    pub(in crate::wire) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The server has ended a connection.
    pub(in crate::wire) fn close(&self, code: DoqCode) {
        self.closed[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers.
    pub(super) fn counts(&self) -> QuicCounts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let closed = DoqCode::ALL.map(|code| read(&self.closed[code as usize]));
        QuicCounts { retries: read(&self.retries), closed }
    }
}
