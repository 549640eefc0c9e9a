//! One immutable state of every zone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use super::bare::BareSerial;
use super::{Node, Schema, Zone};
use crate::names::WireName;
use crate::registry::Proto;

/// Everything that is served, at one moment. It never changes.
#[derive(Debug, Clone)]
pub struct Generation {
    /// How many were published before it.
    number: u64,
    /// The zones, in the order of the configuration.
    zones: Box<[Arc<Zone>]>,
    /// Which zone an apex belongs to, by its wire form.
    sites: Arc<Sites>,
    /// Whether names without a zone are answered.
    bare_names: bool,
    /// Their serial.
    bare: BareSerial,
}

/// The apexes, which stay the same from generation to generation.
#[derive(Debug, Default)]
pub(super) struct Sites {
    /// The number of the first generation that has them.
    number: u64,
    /// By the apex's lower-cased wire form.
    by_apex: HashMap<Box<[u8]>, Site, foldhash::fast::RandomState>,
    /// The most labels an apex has: no longer suffix need be looked up.
    most_labels: usize,
    /// The first zone whose addresses have names in reverse zones.
    first_named: Option<usize>,
    /// The names above an apex: they exist, whatever zone they are in (RFC 8020).
    above: HashSet<Box<[u8]>, foldhash::fast::RandomState>,
}

/// The meaning of an apex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// A zone, by its place in the configuration.
    Zone(usize),
    /// `_tcp.` or `_udp.`: the bare names of the first zone with services.
    Bare(usize, Proto),
}

impl Generation {
    /// The first generation, which has no zone.
    pub(super) fn empty() -> Self {
        Self::made(0, Vec::new(), Sites::default(), false)
    }

    /// A generation of zones.
    pub(super) fn made(number: u64, zones: Vec<Arc<Zone>>, sites: Sites, bare_names: bool) -> Self {
        let (zones, sites) = (zones.into(), Arc::new(Sites { number, ..sites }));
        Self { number, zones, sites, bare_names, bare: BareSerial::default() }
    }

    /// This generation with one zone in another state.
    pub(super) fn with_zone(&self, at: usize, zone: Arc<Zone>) -> Self {
        let mut next = self.advanced();
        next.zones[at] = zone;
        next
    }

    /// The next generation, as this is.
    pub(super) fn advanced(&self) -> Self {
        Self { number: self.number + 1, ..self.clone() }
    }

    /// Has serials count what changed, before the generation is published.
    pub(super) fn mint(&mut self) {
        let due = self.zones.iter_mut().filter(|zone| zone.serial.is_due());
        due.for_each(|zone| Arc::make_mut(zone).serial.mint());
    }

    /// The zone at a place, to be changed before the generation is published.
    pub(super) fn zone_mut(&mut self, at: usize) -> &mut Zone {
        Arc::make_mut(&mut self.zones[at])
    }

    /// The place of the zone with an apex, by its wire form.
    pub(super) fn place(&self, apex: &[u8]) -> Option<usize> {
        match self.sites.by_apex.get(apex)? {
            Site::Zone(at) => Some(*at),
            Site::Bare(..) => None,
        }
    }

    /// The meaning of an apex, by its wire form.
    pub(super) fn site(&self, apex: &[u8]) -> Option<Site> {
        self.sites.by_apex.get(apex).copied()
    }

    /// The serial of names without a zone.
    pub(super) const fn bare(&self) -> BareSerial {
        self.bare
    }

    /// The same, to be changed before the generation is published.
    pub(super) const fn bare_mut(&mut self) -> &mut BareSerial {
        &mut self.bare
    }

    /// Whether names without a zone are answered.
    pub(super) const fn bare_names(&self) -> bool {
        self.bare_names
    }

    /// How many generations were published before this one.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The number of the configuration: which zones there are, in which places, and their
    /// settings. It is that of the first generation which has them.
    #[must_use]
    pub fn configuration(&self) -> u64 {
        self.sites.number
    }

    /// The place of the first zone whose addresses have names in reverse zones.
    pub(super) fn first_named(&self) -> Option<usize> {
        self.sites.first_named
    }

    /// The zones, in the order of the configuration.
    #[must_use]
    pub fn zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }

    /// The zone of a site.
    #[must_use]
    pub fn zone(&self, site: Site) -> &Arc<Zone> {
        &self.zones[site.at()]
    }

    /// The site with the longest apex above a name, and how many of the name's labels
    /// stand below that apex (RFC 1034 section 4.3.2, step 2).
    #[must_use]
    pub fn locate(&self, name: &WireName) -> Option<(Site, usize)> {
        self.sites.locate(name)
    }
}

impl Generation {
    /// The SOA serial of a site.
    #[must_use]
    pub fn serial(&self, site: Site) -> u32 {
        let zone = self.zone(site);
        match site {
            Site::Bare(..) => self.bare.of(zone.serial()),
            Site::Zone(_) if zone.settings().is_reverse() => self.reverse_serial(zone),
            Site::Zone(_) => zone.serial(),
        }
    }

    /// The node of such a name whose answer for a type is kept with its service, which is found
    /// faster than [`Self::find`] does, and has the same answer. None says nothing.
    #[must_use]
    pub fn find_kept(
        &self,
        (site, below): (Site, usize),
        name: &WireName,
        kind: RecordType,
    ) -> Option<Node<'_>> {
        let zone = self.zone(site);
        let is_registry = matches!(site, Site::Zone(_)) && !zone.settings().is_reverse();
        if is_registry { zone.find_kept(name, below, kind) } else { None }
    }

    /// What stands at a name that [`Self::locate`] found so many labels below a site.
    #[must_use]
    pub fn find(&self, site: Site, name: &WireName, below: usize) -> Option<Node<'_>> {
        let zone = self.zone(site);
        let found = match (site, below) {
            (Site::Zone(_), _) if zone.settings().is_reverse() => {
                self.find_reverse(zone, name, below)
            }
            (Site::Zone(_), _) => zone.find(name, below),
            (Site::Bare(..), 0) => Some(Node::Apex(None)),
            (Site::Bare(_, proto), _) => {
                let service = (below == 1).then(|| zone.find_transport(proto, name.label(0)));
                service.flatten().or_else(|| zone.find_above(name, below, Some(proto)))
            }
        };
        found
            .or_else(|| self.sites.above.contains(name.as_wire()).then_some(Node::Empty))
            .or_else(|| zone.find_stored_wildcard(name, below))
    }
}

impl Site {
    /// The place of its zone in the configuration.
    #[must_use]
    pub const fn at(self) -> usize {
        match self {
            Self::Zone(at) | Self::Bare(at, _) => at,
        }
    }
}

impl Sites {
    /// The sites of zones, with those of bare names if they are wanted.
    pub(super) fn new(zones: &[Arc<Zone>], bare_names: bool) -> Self {
        let mut sites = Self::default();
        let of_services = |zone: &Arc<Zone>| zone.settings().schema() == Schema::Services;
        let first = zones.iter().position(of_services).filter(|_| bare_names);
        for (at, proto) in first.into_iter().flat_map(|at| Proto::ALL.map(|proto| (at, proto))) {
            sites.add(&bare_apex(proto), Site::Bare(at, proto));
        }
        sites.first_named = zones.iter().position(|it| it.settings().names_its_addresses());
        for (at, zone) in zones.iter().enumerate() {
            sites.add(zone.settings().wire(), Site::Zone(at));
        }
        sites
    }

    /// As [`Generation::locate`].
    pub(super) fn locate(&self, name: &WireName) -> Option<(Site, usize)> {
        let first = name.labels().saturating_sub(self.most_labels);
        (first..=name.labels()).find_map(|below| {
            let site = self.by_apex.get(name.suffix(below))?;
            Some((*site, below))
        })
    }

    /// Adds an apex; a later one of the same name wins, as a zone does over bare names.
    fn add(&mut self, apex: &WireName, site: Site) {
        self.by_apex.insert(apex.as_wire().into(), site);
        self.most_labels = self.most_labels.max(apex.labels());
        self.above.extend((1..apex.labels()).map(|skipped| apex.suffix(skipped).into()));
    }
}

/// The apex of the bare names of a transport.
pub(super) fn bare_apex(proto: Proto) -> WireName {
    WireName::from_text(&format!("_{proto}")).expect("a short label is a name")
}
