//! The upstreams of the day, with what they said: others may say otherwise.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::rr::Name;

use super::Rules;
use super::cache::Cache;
use super::upstream::Upstream;
use super::zone::{ForwardZone, covering};

/// The upstreams of each zone, in the order they are to be asked, and their answers. A name has
/// one zone, so that what the servers of one said is given for no other.
pub(super) struct Selection {
    /// Which it is, of all that were one after the other.
    pub(super) edition: u64,
    /// The zones.
    pub(super) zones: Vec<ForwardZone<Arc<Upstream>>>,
    /// The upstreams of all zones, each once.
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// How they are asked, and what is done with what they say.
    pub(super) rules: Rules,
    /// What they said.
    pub(super) cache: Cache,
}

impl Selection {
    /// The first upstreams.
    pub(super) fn new(zones: &[ForwardZone<SocketAddr>], rules: Rules) -> Self {
        Self::with(0, zones, &[], rules)
    }

    /// Others in their place. Of those that stay is known how they have been doing.
    pub(super) fn next(&self, zones: &[ForwardZone<SocketAddr>], rules: Rules) -> Self {
        Self::with(self.edition + 1, zones, &self.upstreams, rules)
    }

    /// Upstreams at some addresses, some of which were there before.
    fn with(
        edition: u64,
        wanted: &[ForwardZone<SocketAddr>],
        before: &[Arc<Upstream>],
        rules: Rules,
    ) -> Self {
        let mut upstreams: Vec<Arc<Upstream>> = Vec::new();
        let mut upstream = |address: &SocketAddr| {
            let all = upstreams.iter().chain(before);
            let same = all.into_iter().find(|it| it.address() == *address).cloned();
            let upstream = same.unwrap_or_else(|| Arc::new(Upstream::new(*address)));
            if !upstreams.iter().any(|it| Arc::ptr_eq(it, &upstream)) {
                upstreams.push(Arc::clone(&upstream));
            }
            upstream
        };
        let mut zones = Vec::new();
        for zone in wanted {
            zones.push(zone.map(zone.upstreams.iter().map(&mut upstream).collect()));
        }
        Self { edition, zones, upstreams, rules, cache: Cache::new() }
    }

    /// Whether these are its zones and upstreams.
    pub(super) fn is_of(&self, zones: &[ForwardZone<SocketAddr>]) -> bool {
        let shape = self.zones.iter().map(|zone| {
            zone.map(zone.upstreams.iter().map(|upstream| upstream.address()).collect())
        });
        shape.eq(zones.iter().cloned())
    }

    /// The upstreams that may be asked for a name, in turn.
    pub(super) fn in_turn(&self, name: &Name) -> Vec<Arc<Upstream>> {
        covering(&self.zones, name).map(ForwardZone::in_turn).unwrap_or_default()
    }

    /// Whether a name is in no zone that somebody was named for: one of these is a network's own,
    /// and so are the addresses in it.
    pub(super) fn is_of_strangers(&self, name: &Name) -> bool {
        covering(&self.zones, name).is_none_or(|zone| zone.name.is_root())
    }

    /// The names of the zones that an upstream is asked for.
    pub(super) fn zones_of(&self, upstream: &Arc<Upstream>) -> Vec<Name> {
        let is_asked = |zone: &&ForwardZone<Arc<Upstream>>| {
            zone.upstreams.iter().any(|it| Arc::ptr_eq(it, upstream))
        };
        self.zones.iter().filter(is_asked).map(|zone| zone.name.clone()).collect()
    }
}
