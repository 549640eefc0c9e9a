//! Relief of a socket that is flooded: its buffer is looked at, and the kernel is told what to
//! drop, as [`Overload`] decides.

use std::time::Instant;

use super::batch::{BATCH, Batch, UdpSocket};
use super::overload::{Crowd, Overload, Seen, SieveChange};
use crate::wire::Policies;
use crate::wire::counters::{DatagramCounters, DatagramEvent};

/// The relief of one socket.
pub(super) struct Relief {
    /// What is to be dropped.
    overload: Overload,
    /// Datagrams that the kernel had dropped at the last look.
    dropped: u32,
}

impl Relief {
    /// Nothing is dropped. What was, of a socket that is kept, was so in another process.
    pub(super) fn of(socket: &UdpSocket) -> Self {
        let before = socket.is_kept().then(|| socket.buffer()).flatten();
        let dropped = before.map_or(0, |it| it.dropped);
        Self { overload: Overload::new(Instant::now()), dropped }
    }

    /// Leaves a socket to those who keep it: nothing more is dropped.
    pub(super) fn end(self, socket: &UdpSocket) {
        if socket.is_kept() && self.overload.sieve().is_some() {
            let _ = socket.sift(None);
        }
    }

    /// Looks at what waits to be read, where there may be too much of it, after a batch of so
    /// many datagrams. A proxy is never to blame: it sends what many clients do.
    pub(super) fn look(
        &mut self,
        batch: &Batch,
        count: usize,
        policies: &Policies,
        tally: &mut DatagramCounters,
    ) {
        let is_full = count == BATCH;
        if !is_full && self.overload.sieve().is_none() {
            return;
        }
        let Some(buffer) = batch.socket().buffer() else { return };
        let lost = buffer.dropped.wrapping_sub(self.dropped);
        self.dropped = buffer.dropped;
        tally.count(DatagramEvent::Lost, lost as usize);
        let clients = (0..count).filter_map(|at| batch.client(at)).map(|client| client.ip());
        let seen = Seen { buffer, has_lost: lost > 0, is_full };
        let crowd = || {
            let (crowd, policy) = (Crowd::of(clients), policies.load());
            Crowd { most: crowd.most.filter(|it| !policy.is_proxy(*it)), ..crowd }
        };
        let change = self.overload.decide(Instant::now(), seen, crowd);
        if self.sift(batch.socket(), change) && change == Some(SieveChange::Begin) {
            tally.count(DatagramEvent::Sifted, 1);
        }
    }

    /// Nothing has come for a while.
    pub(super) fn rest(&mut self, socket: &UdpSocket) {
        let change = self.overload.rest();
        self.sift(socket, change);
    }

    /// Tells the kernel what is to be dropped, where that changes; whether it does so now. What
    /// it does not is forgotten.
    fn sift(&mut self, socket: &UdpSocket, change: Option<SieveChange>) -> bool {
        let Some(change) = change else { return false };
        let sieve = self.overload.sieve();
        if let Err(fault) = socket.sift(sieve) {
            tracing::debug!("datagrams of a flood are not dropped by the kernel: {fault}");
            self.overload.rest();
            return false;
        }
        match (change, sieve) {
            (SieveChange::Begin, Some(sieve)) => tracing::warn!(
                "UDP overload: more datagrams come from {} than can be read; the kernel drops a \
                 part of them, so that other clients are answered",
                sieve.network()
            ),
            (SieveChange::End, _) => tracing::info!("UDP overload over: no datagrams are dropped"),
            _ => {}
        }
        true
    }
}
