//! PTR records of addresses: every `ADDR.S.Z` of one, over all zones of registrations.

use std::net::IpAddr;

use hickory_proto::rr::Name;

use super::answer::FIXED;
use super::browse::RANK;
use super::rendezvous::text_key;
use super::{Draw, Lookup, RrSetResult};
use crate::index::{Service, Zone};
use crate::names::{MESSAGE_MAX, address_label, label};

/// How many instances at an address are looked at for the TTL of a name. Those of one service
/// at one address have, as a rule, one TTL; and behind a proxy they can be all there are.
const INSTANCES_LOOKED_AT: usize = 64;
/// How many names of an address are looked at: more than any message has room for.
const NAMES_LOOKED_AT: usize = MESSAGE_MAX / FIXED;

impl Lookup<'_> {
    /// The PTR records of an address. Their TTL is the least that any of them has.
    pub(super) fn names_of(&self, address: IpAddr, draw: &mut Draw) -> RrSetResult {
        let (mut selection, chances) = (self.selection(), self.chances(draw));
        let (mut ttl, least) = (u32::MAX, FIXED + 1 + address_label(address).len());
        for (its_ttl, name) in self.named_at(address) {
            ttl = ttl.min(its_ttl);
            let chance = chances.of(&name, || text_key(name.to_string().as_bytes()));
            selection.offer(chance, RANK, || (least, name))?;
        }
        let (names, is_cut) = selection.finish()?;
        Ok(self.pointers(names.into_iter().map(|(_, name)| name).collect(), ttl, is_cut))
    }

    /// The names of an address, each with the least TTL of the first instances there. One that
    /// would be too long is left out. Of more than any message has room for, only so many are
    /// given that it shows.
    pub(super) fn named_at(&self, address: IpAddr) -> impl Iterator<Item = (u32, Name)> {
        let own = address_label(address);
        self.visits.trace_addresses(self.generation, self.name);
        let named = self.generation.named_at(address).filter_map(move |(zone, service)| {
            let instances = service.at_address(address).take(INSTANCES_LOOKED_AT);
            let instances = instances.inspect(|instance| {
                self.visits.note(|| zone.settings().layout().key_of(instance));
            });
            let ttls = instances.map(|it| it.ttl.unwrap_or(zone.settings().ttl));
            Some((ttls.min()?, name_of(zone, service, address, &own)?))
        });
        named.take(NAMES_LOOKED_AT)
    }
}

/// `ADDR.S.Z`, S as the first instance there spells it; none where that is no name.
fn name_of(zone: &Zone, service: &Service, address: IpAddr, own: &str) -> Option<Name> {
    let first = service.at_address(address).next()?;
    let parent = zone.settings().apex().prepend_label(label(&first.name).as_bytes()).ok()?;
    parent.prepend_label(own.as_bytes()).ok()
}
