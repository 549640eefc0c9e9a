//! A and AAAA records of entries: of those with an address, and of the names in our zones that
//! the others have for a host.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use hickory_proto::rr::{RData, RecordType};

use super::super::address::{Addresses, data, record_octets};
use super::super::answer::FIXED;
use super::super::order::Selection;
use super::super::rendezvous::address_key;
use super::super::{Draw, Lookup, Overflow, Position, Rank, Room, RrSet, RrSetResult};
use super::alias::{CHAIN_MAX, reverse_labels};
use super::fill::fill_octets;
use super::gather::Gathered;
use crate::index::{Branch, Lead, Node};
use crate::metrics::Staleness;
use crate::names::{MESSAGE_MAX, WireName};
use crate::registry::Host;
use crate::registry::skydns::Entry;

/// Host names that are looked up for one question.
const HOSTS_MAX: usize = 1_024;
/// The least octets of an address record.
const ADDRESS_MIN: usize = FIXED + 4;
/// Room for the addresses of one of them.
const HOST_ROOM: Room = Room { octets: MESSAGE_MAX, overflow: Overflow::Cut };

/// Addresses that entries lead to.
struct Collected {
    /// A or AAAA.
    kind: RecordType,
    /// Each with the lowest priority of its entries, and the sum of their weights at it.
    ranks: HashMap<IpAddr, Rank, foldhash::fast::RandomState>,
    /// The least TTL.
    ttl: u32,
    /// How many addresses are enough to say that they do not fit.
    enough: usize,
    /// The host names that were followed.
    seen: HashSet<Box<str>, foldhash::fast::RandomState>,
}

/// The rank and TTL that an entry gives to the addresses it leads to.
#[derive(Clone, Copy)]
struct By {
    /// Its priority and weight.
    rank: Rank,
    /// Its TTL, or that of what it leads to, if that is less.
    ttl: u32,
    /// How many host names led there.
    depth: usize,
}

impl Lookup<'_> {
    /// The addresses of a type that entries lead to.
    pub(in crate::authority) fn addresses_of_entries(
        &self,
        gathered: &Gathered<'_>,
        kind: RecordType,
        room: Room,
        draw: &mut Draw,
    ) -> RrSetResult {
        let (ranks, seen) = (HashMap::default(), HashSet::default());
        let enough = match fill_octets(room).filter(|_| self.most() == usize::MAX) {
            Some(octets) => 1 + octets / ADDRESS_MIN,
            None => usize::MAX,
        };
        let mut all = Collected { kind, ranks, ttl: u32::MAX, enough, seen };
        self.collect_addresses(gathered, None, &mut all, draw);
        let mut selection = Selection::new(room).at_most(self.most());
        let chances = self.chances(draw);
        for (address, rank) in all.ranks {
            let chance = chances.of(&address, || address_key(address));
            selection.offer(chance, rank, || (record_octets(address), address))?;
        }
        let (addresses, left_out) = self.finish(selection, draw)?;
        let (ranks, data): (Vec<_>, Vec<_>) =
            addresses.into_iter().map(|(rank, address)| (rank, data(address))).unzip();
        let set = RrSet::plain(self.question.name.clone(), kind, all.ttl, data);
        let is_cut = left_out || self.visits.is_spent();
        let is_there = !set.data.is_empty() || left_out;
        Ok(is_there.then_some(RrSet { ranks, is_cut, ..set }))
    }

    /// Adds the addresses of entries; by another entry, if that one's host led here.
    fn collect_addresses(
        &self,
        gathered: &Gathered<'_>,
        by: Option<By>,
        all: &mut Collected,
        draw: &mut Draw,
    ) {
        let default = self.settings().ttl;
        for entry in &gathered.entries {
            if all.ranks.len() >= all.enough {
                return;
            }
            let by = By::of(entry, default, by);
            match &entry.value.host {
                Some(Host::Address(address)) => all.add(*address, by),
                Some(Host::Name(host)) if self.may_follow(host, by, all) => {
                    self.collect_host(host, by, all, draw);
                }
                _ => {}
            }
        }
    }

    /// Adds the addresses of a host name, if it is in a zone of ours.
    fn collect_host(&self, host: &str, by: By, all: &mut Collected, draw: &mut Draw) {
        let Ok(name) = WireName::from_text(host) else { return };
        let Some((site, below)) = self.generation.locate(&name) else { return };
        let node = self.generation.find(site, &name, below);
        self.visits.trace(self.generation, (site, below), &name, node);
        let zone = self.generation.zone(site);
        if !zone.is_ready() || zone.standing() == Staleness::Expired {
            return;
        }
        match node {
            // A host that means many names is a mistake, or an attack: each could be a zone.
            None | Some(Node::SkyDns(Branch { by: Lead::Pattern, .. })) => {}
            Some(Node::SkyDns(branch)) => {
                let generation = self.generation;
                let position = Position { generation, zone, site, below, is_stale: false };
                let lookup = Lookup { position, name: &name, ..*self };
                lookup.collect_addresses(&lookup.gather(branch, None), Some(by), all, draw);
            }
            Some(node) => {
                let wanted = (all.kind, HOST_ROOM);
                let addresses = Addresses::new(wanted, zone.settings(), &name, draw);
                let addresses = Addresses { visits: Some(self.visits), ..addresses };
                // Nothing is too large where what fits is drawn.
                let Ok(Some(set)) = addresses.at(node, draw) else { return };
                let by = By { ttl: by.ttl.min(set.ttl), ..by };
                set.data.iter().filter_map(RData::ip_addr).for_each(|it| all.add(it, by));
            }
        }
    }

    /// Whether a host name is to be followed: once, and not too many in all or in a row.
    fn may_follow(&self, host: &str, by: By, all: &mut Collected) -> bool {
        by.depth < CHAIN_MAX
            && !self.is_reverse()
            && all.seen.len() < HOSTS_MAX
            && !all.seen.contains(host)
            && self.visits.step()
            && all.seen.insert(host.into())
    }

    /// Whether the name is in a reverse tree, where host names are what PTR records point to.
    fn is_reverse(&self) -> bool {
        reverse_labels(self.name).is_some()
    }
}

impl By {
    /// What an entry says; its TTL alone where another led to it.
    fn of(entry: &Entry, default: u32, by: Option<Self>) -> Self {
        let ttl = entry.ttl(default);
        let rank = (entry.value.priority, entry.value.weight.into());
        let own = Self { rank, ttl, depth: 0 };
        by.map_or(own, |by| Self { ttl: by.ttl.min(ttl), depth: by.depth + 1, ..by })
    }
}

impl Collected {
    /// Adds an address, if it is of the wanted family.
    fn add(&mut self, address: IpAddr, By { rank: (priority, weight), ttl, .. }: By) {
        if address.is_ipv4() != (self.kind == RecordType::A) {
            return;
        }
        self.ttl = self.ttl.min(ttl);
        let rank = self.ranks.entry(address).or_insert((priority, 0));
        if priority < rank.0 {
            *rank = (priority, weight);
        } else if priority == rank.0 {
            rank.1 += weight;
        }
    }
}
