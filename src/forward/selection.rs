//! The upstreams of the day, with what they said: others may say otherwise.

use std::net::SocketAddr;
use std::sync::Arc;

use super::cache::Cache;
use super::flights::Flights;
use super::upstream::Upstream;

/// The upstreams, in the order they are to be asked, and their answers.
pub(super) struct Selection {
    /// The upstreams.
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// What they said.
    pub(super) cache: Cache,
    /// What they are being asked.
    pub(super) flights: Arc<Flights>,
}

impl Selection {
    /// Upstreams at some addresses. Those that were there `before` keep their connections.
    pub(super) fn new(addresses: &[SocketAddr], before: &[Arc<Upstream>]) -> Self {
        let upstream = |address: &SocketAddr| {
            let same = before.iter().find(|it| it.address() == *address);
            same.cloned().unwrap_or_else(|| Arc::new(Upstream::new(*address)))
        };
        let upstreams = addresses.iter().map(upstream).collect();
        Self { upstreams, cache: Cache::new(), flights: Arc::default() }
    }

    /// The upstreams that may be asked: in order, but those that failed not long ago come last.
    pub(super) fn in_turn(&self) -> Vec<Arc<Upstream>> {
        let mut all = self.upstreams.clone();
        all.retain(|upstream| !upstream.is_looping());
        all.sort_by_key(|upstream| upstream.is_ailing());
        all
    }
}
