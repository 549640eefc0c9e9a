//! Names of addresses: what reverse zones are made of (RFC 1035 section 3.5, RFC 3596
//! section 2.5).
//!
//! Each zone of registrations keeps its own addresses in order, so that a change costs what
//! changed. A reverse zone has no data of its own: a question for one of its names looks in
//! every zone, for an address, or for any address below a network.

use std::net::IpAddr;
use std::sync::Arc;

use super::addresses::Addresses;
use super::{Generation, Node, Schema, Service, Zone};
use crate::metrics::Staleness;
use crate::names::{Block, WireName};

impl Generation {
    /// What stands at a name of a reverse zone: its own records first, then the addresses.
    pub(super) fn find_reverse<'g>(
        &'g self,
        zone: &'g Zone,
        name: &WireName,
        below: usize,
    ) -> Option<Node<'g>> {
        let is_written = zone.settings().tree().is_some_and(|tree| tree.says(name, below));
        let has_own = below == 0 || is_written || zone.settings().schema() == Schema::SkyDns;
        let own = || zone.find(name, below);
        let first = if has_own { own() } else { None };
        first.or_else(|| self.find_address(name)).or_else(own)
    }

    /// What stands at the name of an address that is registered, or above one.
    fn find_address(&self, name: &WireName) -> Option<Node<'_>> {
        let block = Block::read(name)?;
        let is_there = self.named_zones().any(|(_, addresses)| addresses.any(&block));
        is_there.then(|| block.address().map_or(Node::Empty, Node::Reverse))
    }

    /// The services that have an address, each with its zone.
    pub fn named_at(&self, address: IpAddr) -> impl Iterator<Item = (&Zone, &Service)> {
        self.named_zones().flat_map(move |(zone, addresses)| {
            let services = addresses.at(address).filter_map(|label| zone.service(label));
            services.map(move |service| (zone, service))
        })
    }

    /// Whether what reverse zones say is marked as stale, and whether it is all there is to
    /// say: not while a zone of registrations is not ready, or silent for too long.
    #[must_use]
    pub fn reverse_standing(&self) -> (bool, bool) {
        let named = self.zones().iter().filter(|zone| zone.addresses.is_some());
        named.fold((false, true), |(is_stale, is_whole), zone| {
            let standing = zone.standing();
            let is_there = zone.is_ready() && standing != Staleness::Expired;
            (is_stale || standing == Staleness::Stale, is_whole && is_there)
        })
    }

    /// The SOA serial of a reverse zone: its own plus the registry's part of that of all zones
    /// that it is made from, modulo 2^32. None of them ever falls, nor does their sum.
    pub(super) fn reverse_serial(&self, zone: &Zone) -> u32 {
        let named = self.zones().iter().filter(|zone| zone.addresses.is_some());
        named.fold(zone.serial(), |sum, zone| sum.wrapping_add(zone.serial.of_registry()))
    }

    /// The zones whose addresses are named, as far as they may be shown.
    fn named_zones(&self) -> impl Iterator<Item = (&Zone, &Addresses)> {
        let is_shown = |zone: &&Arc<Zone>| zone.standing() != Staleness::Expired;
        let zones = self.zones().iter().filter(is_shown);
        zones.filter_map(|zone| Some((&**zone, zone.addresses.as_ref()?)))
    }
}
