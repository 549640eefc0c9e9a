//! Counters of PROXY headers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::{HeaderFault, Transport};

/// The outcome of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyOutcome {
    /// It named a client.
    Client,
    /// It was well, and named none: the proxy asked for itself.
    Local,
    /// There was none, where there must be one.
    Missing,
    /// It could not be read.
    Malformed,
    /// It did not come in time.
    TimedOut,
    /// It was sent by somebody who is not believed.
    Stranger,
}

/// The numbers of all headers.
#[derive(Debug, Default)]
pub(in crate::wire) struct ProxyCounters {
    /// By transport and outcome.
    headers: [[AtomicU64; ProxyOutcome::ALL.len()]; Transport::ALL.len()],
}

/// The numbers of headers over one transport, by [outcome](ProxyOutcome::ALL).
pub type ProxyCounts = (Transport, [u64; ProxyOutcome::ALL.len()]);

impl ProxyOutcome {
    /// All of them, by their places.
    pub const ALL: [Self; 6] =
        [Self::Client, Self::Local, Self::Missing, Self::Malformed, Self::TimedOut, Self::Stranger];

    /// That of a header that cannot be used.
    #[must_use]
    pub const fn of(fault: HeaderFault) -> Self {
        match fault {
            HeaderFault::Missing => Self::Missing,
            HeaderFault::Cut | HeaderFault::TooLong | HeaderFault::Malformed => Self::Malformed,
        }
    }

    /// The outcome as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Local => "local",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TimedOut => "timeout",
            Self::Stranger => "stranger",
        }
    }
}

impl ProxyCounters {
    /// Counts headers of one outcome.
    pub(in crate::wire) fn count(&self, transport: Transport, outcome: ProxyOutcome, number: u64) {
        self.headers[transport as usize][outcome as usize].fetch_add(number, Ordering::Relaxed);
    }

    /// The numbers, for each transport.
    pub(super) fn counts(&self) -> impl Iterator<Item = ProxyCounts> {
        Transport::ALL.into_iter().zip(&self.headers).map(|(transport, headers)| {
            let read = |it: ProxyOutcome| headers[it as usize].load(Ordering::Relaxed);
            (transport, ProxyOutcome::ALL.map(read))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_counted_by_transport_and_outcome() {
        let counters = ProxyCounters::default();
        counters.count(Transport::Udp, ProxyOutcome::Client, 7);
        counters.count(Transport::Tls, ProxyOutcome::of(HeaderFault::TooLong), 1);
        let counts: Vec<_> = counters.counts().collect();
        assert_eq!(counts[0], (Transport::Udp, [7, 0, 0, 0, 0, 0]));
        assert_eq!(
            counts[1..],
            [
                (Transport::Tcp, [0; 6]),
                (Transport::Tls, [0, 0, 0, 1, 0, 0]),
                (Transport::Https, [0; 6]),
                (Transport::Quic, [0; 6]),
            ]
        );
    }
}
