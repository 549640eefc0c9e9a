//! The answering policy of the configuration: the same for every thread and transport.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};
use hickory_proto::rr::RData;
use rustls::sign::CertifiedKey;

use super::full::shows_cookie;
use super::limiter::RateVerdict;
use super::{Cookies, Limiter, PLAIN_MAX, Peer, QueryLog, TcpLimits};
use super::{UDP_MAX, UDP_MOST};
use crate::forward::Forwarder;
use crate::names::Networks;

/// The most octets that are sent over UDP, to clients that take as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpSize(u16);

impl UdpSize {
    /// The sizes there are: the least that every client takes, and as much as the buffers hold.
    pub const RANGE: std::ops::RangeInclusive<u16> = PLAIN_MAX..=UDP_MOST;

    /// A size, if it is one of these.
    #[must_use]
    pub fn new(octets: u16) -> Option<Self> {
        Self::RANGE.contains(&octets).then_some(Self(octets))
    }

    /// The octets.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for UdpSize {
    /// What is never fragmented.
    fn default() -> Self {
        Self(UDP_MAX)
    }
}

/// The holder of the current policy. A message is answered by one of them from
/// start to end, however long others are asked for it.
#[derive(Debug, Default)]
pub struct Policies {
    /// The newest.
    current: ArcSwap<Policy>,
}

/// The policy of answering, beside what the index says. Threads share it; it never changes.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Makes and checks cookies; without it, those of clients are ignored.
    pub cookies: Option<Cookies>,
    /// Who this server is, told to clients that ask for it (RFC 5001); at most
    /// [`NSID_MAX`](super::NSID_MAX) octets.
    pub nsid: Option<Box<[u8]>>,
    /// What is told of this server in the class CHAOS (RFC 4892); at most 255 octets.
    pub chaos: Option<Box<[u8]>>,
    /// Whether replies over UDP to clients without a valid cookie are kept small.
    pub strict_amplification: bool,
    /// How large replies over UDP are at most.
    pub udp_size: UdpSize,
    /// Whom queries are answered; everybody when absent.
    pub allow_query: Option<Networks>,
    /// Whom names outside our zones are looked up for.
    pub allow_recursion: Networks,
    /// Proxies, which must say for whom they ask, and are believed; none when absent.
    pub proxies: Option<Networks>,
    /// Limits what networks are sent over UDP, if they are limited.
    pub rate_limit: Option<Limiter>,
    /// Logs some of the queries.
    pub query_log: Option<QueryLog>,
    /// What connections may take.
    pub tcp: TcpLimits,
    /// What is shown to clients that begin TLS.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Where encrypted DNS is answered, as SVCB records: told to those for whom others are asked
    /// (RFC 9462).
    pub designations: Arc<[RData]>,
    /// What asks others for names outside our zones; without it these are refused.
    pub forwarder: Option<Arc<Forwarder>>,
}

impl Policies {
    /// A policy that may be replaced by others.
    #[must_use]
    pub fn new(first: Arc<Policy>) -> Self {
        Self { current: ArcSwap::new(first) }
    }

    /// The policy of the moment. Whoever answers loads it once for all that is at hand, and
    /// does not keep it while there is nothing to answer: it may hold a thread of others.
    pub fn load(&self) -> Guard<Arc<Policy>> {
        self.current.load()
    }

    /// Puts another in its place, for all that is taken from now on.
    pub fn replace(&self, next: Policy) {
        self.current.store(Arc::new(next));
    }
}

impl Policy {
    /// What becomes of a reply to a query over UDP, by how much the client's network was
    /// sent; it is emptied if need be. Whoever shows a cookie of ours is sent all.
    pub(super) fn judge(
        &self,
        query: &[u8],
        client: SocketAddr,
        reply: &mut [u8],
        now: Instant,
    ) -> RateVerdict {
        match &self.rate_limit {
            Some(limiter) if !shows_cookie(query, self, Peer::udp(client)) => {
                limiter.judge(client.ip(), reply, now)
            }
            _ => RateVerdict::Sent,
        }
    }

    /// Whether a client is answered at all.
    #[must_use]
    pub fn may_query(&self, client: IpAddr) -> bool {
        self.allow_query.as_ref().is_none_or(|networks| networks.contains(client))
    }

    /// Whether a sender must say by a PROXY header for whom it asks.
    #[must_use]
    pub fn is_proxy(&self, sender: IpAddr) -> bool {
        self.proxies.as_ref().is_some_and(|networks| networks.contains(sender))
    }

    /// Whether names outside our zones are looked up for a client.
    #[must_use]
    pub fn may_recurse(&self, client: IpAddr) -> bool {
        self.allow_recursion.contains(client)
    }
}
