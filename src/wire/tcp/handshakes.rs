//! Handshakes under way. They cost more than a query and show nothing yet, so they have half of
//! the connections at most, of one client as of all: whoever begins TLS and goes no further keeps
//! nobody out who has begun it, nor who does. Over the limit the oldest is closed.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connections::{ConnectionTable, OpenConnection};
use crate::lock::Lock;
use crate::names::client;
use crate::wire::Policies;
use crate::wire::counters::{Counters, HandshakeOutcome};

/// The connections of which one may be shaking hands.
const SHARE: usize = 2;
/// Handshakes that are closed for a new one, where limits fell: so they become fewer.
const CLOSED_MAX: usize = 8;

/// The handshakes of all listeners.
#[derive(Debug)]
pub(super) struct Handshakes {
    /// When each began. The lock is held for a look at the table, never over an await.
    open: Lock<ConnectionTable<Instant>>,
    /// How many connections there may be, of the moment.
    policies: Arc<Policies>,
    /// Where outcomes are counted.
    pub(super) counters: Arc<Counters>,
}

/// A place among the handshakes, given back when dropped.
#[derive(Debug)]
pub(in crate::wire) struct HandshakeSlot {
    /// Among which.
    handshakes: Arc<Handshakes>,
    number: u64,
    /// What became of it so far.
    pub(in crate::wire) outcome: HandshakeOutcome,
    /// Cancelled when another takes the place.
    pub(in crate::wire) close: CancellationToken,
}

impl Handshakes {
    /// None yet.
    pub(super) fn new(policies: Arc<Policies>, counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { open: Lock::default(), policies, counters })
    }

    /// Gives a client's handshake a place; it may be one that another had.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> HandshakeSlot {
        let (client, limits) = (client(address), self.policies.load().tcp);
        let mut open = self.open.lock();
        for _ in 0..CLOSED_MAX {
            if open.of(client) >= (limits.per_client / SHARE).max(1) {
                close_oldest(&mut open, |it| it.client == client);
            } else if open.count() >= (limits.connections / SHARE).max(1) {
                close_oldest(&mut open, |_| true);
            } else {
                break;
            }
        }
        let (number, close) = open.add(client, Instant::now());
        let (handshakes, outcome) = (Arc::clone(self), HandshakeOutcome::Closed);
        HandshakeSlot { handshakes, number, outcome, close }
    }
}

/// Closes the oldest of some handshakes.
fn close_oldest(
    open: &mut ConnectionTable<Instant>,
    is_meant: impl Fn(&OpenConnection<Instant>) -> bool,
) {
    if let Some(it) = open.close_first(|_, it| is_meant(it).then_some(it.state)) {
        tracing::debug!(client = %it.client, "too many TLS handshakes: the oldest is closed");
    }
}

impl Drop for HandshakeSlot {
    fn drop(&mut self) {
        self.handshakes.open.lock().remove(self.number);
        self.handshakes.counters.tls.end(self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Policy, TcpLimits};

    #[test]
    fn half_of_the_connections_may_shake_hands_and_the_oldest_goes() {
        let tcp = TcpLimits { connections: 8, per_client: 4, ..TcpLimits::default() };
        let policies = Policies::new(Arc::new(Policy { tcp, ..Policy::default() }));
        let handshakes = Handshakes::new(Arc::new(policies), Arc::default());
        let begin = |host: u8| handshakes.begin(IpAddr::from([192, 0, 2, host]));
        let closed = |slots: &[HandshakeSlot]| -> Vec<usize> {
            (0..slots.len()).filter(|at| slots[*at].close.is_cancelled()).collect()
        };
        let many: Vec<_> = (0..3).map(|_| begin(1)).collect();
        assert_eq!(closed(&many), [0]);
        let others = [begin(2), begin(3)];
        assert_eq!((closed(&many), closed(&others)), (vec![0], vec![]));
        let mut last = begin(4);
        assert_eq!((closed(&many), closed(&others)), (vec![0, 1], vec![]));
        last.outcome = HandshakeOutcome::Full;
        drop((many, others, last));
        let counts = handshakes.counters.total().tls;
        assert_eq!((counts.handshakes, counts.open), ([1, 0, 0, 0, 5], 0));
        assert_eq!(handshakes.open.lock().count(), 0);
    }
}
