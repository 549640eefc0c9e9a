//! What the configuration says of answering: the same for every thread and transport.

use std::net::IpAddr;

use super::{Limiter, Networks, TcpLimits};

/// How messages are answered, beside what the index says. Threads share it; it never changes.
#[derive(Debug, Default)]
pub struct Policy {
    /// Whom queries are answered; everybody when absent.
    pub allow_query: Option<Networks>,
    /// Whom names outside our zones are looked up for.
    pub allow_recursion: Networks,
    /// Limits what networks are sent over UDP, if they are limited.
    pub rate_limit: Option<Limiter>,
    /// What connections may take.
    pub tcp: TcpLimits,
}

impl Policy {
    /// Whether anything depends on who the client of a datagram is.
    pub(super) const fn asks_who(&self) -> bool {
        self.allow_query.is_some() || self.rate_limit.is_some()
    }

    /// Whether a client is answered at all.
    #[must_use]
    pub fn may_query(&self, client: IpAddr) -> bool {
        self.allow_query.as_ref().is_none_or(|networks| networks.contains(client))
    }

    /// Whether names outside our zones are looked up for a client.
    #[must_use]
    pub fn may_recurse(&self, client: IpAddr) -> bool {
        self.allow_recursion.contains(client)
    }
}
