//! Counters of TLS: handshakes, and connections after them.

use std::sync::atomic::{AtomicU64, Ordering};

/// The outcome of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeOutcome {
    /// Done, with a signature.
    Full,
    /// Done by a ticket of an earlier one.
    Resumed,
    /// The client spoke no TLS, none that we speak, or trusted nothing of ours.
    Failed,
    /// The client took too long.
    TimedOut,
    /// It was closed: another had its place, or the server ended.
    Closed,
}

/// The numbers of all handshakes, and of connections after them.
#[derive(Debug, Default)]
pub(in crate::wire) struct TlsCounters {
    /// By outcome.
    handshakes: [AtomicU64; HandshakeOutcome::ALL.len()],
    /// Connections that were open.
    opened: AtomicU64,
    /// Those of them that are not any more.
    closed: AtomicU64,
}

/// The numbers of TLS, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TlsCounts {
    /// Handshakes by [outcome](HandshakeOutcome::ALL).
    pub handshakes: [u64; HandshakeOutcome::ALL.len()],
    /// Connections that are open.
    pub open: u64,
}

impl HandshakeOutcome {
    /// All of them, by their places.
    pub const ALL: [Self; 5] =
        [Self::Full, Self::Resumed, Self::Failed, Self::TimedOut, Self::Closed];

    /// The outcome as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
            Self::Failed => "failed",
            Self::TimedOut => "timeout",
            Self::Closed => "closed",
        }
    }
}

impl TlsCounters {
    /// A handshake has ended.
    pub(in crate::wire) fn end(&self, outcome: HandshakeOutcome) {
        self.handshakes[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is open.
    pub(in crate::wire) fn open(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is open no more.
    pub(in crate::wire) fn close(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers.
    pub(super) fn counts(&self) -> TlsCounts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        // What was closed is read first, so that no more seem to be than were opened.
        let (closed, opened) = (read(&self.closed), read(&self.opened));
        let handshakes = HandshakeOutcome::ALL.map(|it| read(&self.handshakes[it as usize]));
        TlsCounts { handshakes, open: opened.saturating_sub(closed) }
    }
}
