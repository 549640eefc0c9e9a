//! Datagrams of proxies: each begins with a header, which names the client.

use std::mem::swap;
use std::net::SocketAddr;
use std::time::Instant;

use super::{FastAnswer, Worker};
use crate::names::Networks;
use crate::wire::counters::DatagramEvent;
use crate::wire::{Family, ProxyHeader, ProxyOutcome, Transport, View};

impl Worker {
    /// Answers the datagrams of a batch some of which proxies sent: to whom these say that they are
    /// for. How many it did. What has no header where there must be one is lost.
    pub(super) fn answer_behind(
        &mut self,
        proxies: &Networks,
        count: usize,
        view: View<'_>,
        now: Instant,
        fast: &mut impl FastAnswer,
    ) -> usize {
        let (mut replies, mut outcomes) = (0, [0; ProxyOutcome::ALL.len()]);
        for at in 0..count {
            let sender = self.batch.client(at);
            let client = match sender.filter(|it| proxies.contains(it.ip())) {
                None => sender,
                Some(proxy) => {
                    let (client, outcome) = self.unwrap(at, proxy);
                    outcomes[outcome as usize] += 1;
                    if client.is_none() {
                        self.tally.count(DatagramEvent::Unproxied, 1);
                        continue;
                    }
                    client
                }
            };
            let is_other = client.is_some_and(|it| Family::of(it.ip()) != self.family);
            if is_other {
                self.count_for_other();
            }
            replies += usize::from(self.answer_one((at, client), view, now, fast));
            if is_other {
                self.count_for_other();
            }
        }
        for (outcome, number) in ProxyOutcome::ALL.into_iter().zip(outcomes) {
            if number > 0 {
                self.counters.proxy.count(Transport::Udp, outcome, number);
            }
        }
        replies
    }

    /// Takes a proxy's header off the datagram at a place. Gives for whom it is: for the proxy itself
    /// where that says no more, for nobody where there is no header.
    fn unwrap(&mut self, at: usize, proxy: SocketAddr) -> (Option<SocketAddr>, ProxyOutcome) {
        let mut found = None;
        self.batch.strip(at, |octets| {
            let header = found.insert(ProxyHeader::read(octets));
            header.map_or(0, |it| it.octets)
        });
        match found {
            Some(Ok(ProxyHeader { client: Some(client), .. })) => {
                (Some(client), ProxyOutcome::Client)
            }
            Some(Ok(_)) => (Some(proxy), ProxyOutcome::Local),
            Some(Err(fault)) => {
                tracing::debug!(%proxy, "datagram dropped: {fault}");
                (None, ProxyOutcome::of(fault))
            }
            None => (None, ProxyOutcome::Missing),
        }
    }

    /// Counts replies for clients of the other family than the socket is of, or for those of its own
    /// again.
    fn count_for_other(&mut self) {
        let Self { own, other, family, counters, .. } = self;
        let of_other = || counters.own(family.other());
        swap(own, other.get_or_insert_with(of_other));
    }
}
