//! The upstreams of the day, with what they said: others may say otherwise.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Rules;
use super::cache::Cache;
use super::upstream::Upstream;

/// The upstreams, in the order they are to be asked, and their answers.
pub(super) struct Selection {
    /// Which it is, of all that were one after the other.
    pub(super) edition: u64,
    /// The upstreams.
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// How they are asked, and what is done with what they say.
    pub(super) rules: Rules,
    /// What they said.
    pub(super) cache: Cache,
}

impl Selection {
    /// The first upstreams.
    pub(super) fn new(addresses: &[SocketAddr], rules: Rules) -> Self {
        Self::with(0, addresses, &[], rules)
    }

    /// Others in their place. Of those that stay is known how they have been doing.
    pub(super) fn next(&self, addresses: &[SocketAddr], rules: Rules) -> Self {
        Self::with(self.edition + 1, addresses, &self.upstreams, rules)
    }

    /// Upstreams at some addresses, some of which were there before.
    fn with(
        edition: u64,
        addresses: &[SocketAddr],
        before: &[Arc<Upstream>],
        rules: Rules,
    ) -> Self {
        let upstream = |address: &SocketAddr| {
            let same = before.iter().find(|it| it.address() == *address);
            same.cloned().unwrap_or_else(|| Arc::new(Upstream::new(*address)))
        };
        let upstreams = addresses.iter().map(upstream).collect();
        Self { edition, upstreams, rules, cache: Cache::new() }
    }

    /// The upstreams that may be asked: in order, but those that failed not long ago come last.
    pub(super) fn in_turn(&self) -> Vec<Arc<Upstream>> {
        let mut all = self.upstreams.clone();
        all.retain(|upstream| !upstream.is_looping());
        all.sort_by_key(|upstream| upstream.is_ailing());
        all
    }
}
