//! The upstreams of the day, with what they said: others may say otherwise.

use std::sync::Arc;

use hickory_proto::rr::Name;

use super::Rules;
use super::cache::Cache;
use super::secure::Trust;
use super::server::UpstreamServer;
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
    /// Whether names that do not exist in a zone of ours are asked for at all.
    pub(super) falls_through: bool,
    /// Who says that they are who they should be; none while all are asked in plain.
    trust: Option<Trust>,
}

impl Selection {
    /// The first upstreams.
    pub(super) fn new(zones: &[ForwardZone<UpstreamServer>], rules: Rules) -> Self {
        Self::with(0, zones, (&[], None), rules)
    }

    /// Others in their place. Of those that stay is known how they have been doing.
    pub(super) fn next(&self, zones: &[ForwardZone<UpstreamServer>], rules: Rules) -> Self {
        let trust = self.trust.clone().filter(|trust| trust.is_of(&rules.authorities));
        let stay = |it: &&Arc<Upstream>| !it.is_encrypted() || trust.is_some();
        let before: Vec<_> = self.upstreams.iter().filter(stay).cloned().collect();
        Self::with(self.edition + 1, zones, (&before, trust), rules)
    }

    /// Upstreams that are some servers, some of which were there before.
    fn with(
        edition: u64,
        wanted: &[ForwardZone<UpstreamServer>],
        (before, trust): (&[Arc<Upstream>], Option<Trust>),
        rules: Rules,
    ) -> Self {
        let mut servers = wanted.iter().flat_map(|zone| &zone.upstreams);
        let is_encrypted = servers.any(|server| server.encryption.is_some());
        let trust = trust.or_else(|| is_encrypted.then(|| Trust::new(&rules.authorities)));
        let mut upstreams: Vec<Arc<Upstream>> = Vec::new();
        let mut upstream = |server: &UpstreamServer| {
            let all = upstreams.iter().chain(before);
            let same = all.into_iter().find(|it| it.server() == server).cloned();
            let upstream = same.unwrap_or_else(|| Arc::new(Upstream::new(server, trust.as_ref())));
            if !upstreams.iter().any(|it| Arc::ptr_eq(it, &upstream)) {
                upstreams.push(Arc::clone(&upstream));
            }
            upstream
        };
        let falls_through = wanted.iter().any(|zone| zone.falls_through);
        let mut zones = Vec::new();
        for zone in wanted {
            zones.push(zone.map(zone.upstreams.iter().map(&mut upstream).collect()));
        }
        Self { edition, zones, upstreams, rules, cache: Cache::new(), falls_through, trust }
    }

    /// Whether these are its zones and upstreams.
    pub(super) fn is_of(&self, zones: &[ForwardZone<UpstreamServer>]) -> bool {
        let shape = self.zones.iter().map(|zone| {
            zone.map(zone.upstreams.iter().map(|upstream| upstream.server().clone()).collect())
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
