//! One immutable state of every zone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Node, Schema, SerialKept, Settings, Zone, own};
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
}

/// The apexes, which stay the same from generation to generation.
#[derive(Debug, Default)]
pub(super) struct Sites {
    /// By the apex's lower-cased wire form.
    by_apex: HashMap<Box<[u8]>, Site, foldhash::fast::RandomState>,
    /// The most labels an apex has: no longer suffix need be looked up.
    most_labels: usize,
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
    /// The first generation: every zone is empty and not ready.
    pub(super) fn new(zones: Vec<Arc<Settings>>, bare_names: bool) -> Self {
        let zones: Box<[_]> = zones.into_iter().map(|zone| Arc::new(Zone::new(zone))).collect();
        let sites = Arc::new(Sites::new(&zones, bare_names));
        Self { number: 0, zones, sites }
    }

    /// The next generation by another reading of the configuration: the registry zones, which
    /// are the first and stay the same, with other settings, and other static zones. With it
    /// comes what is to be said of them.
    pub(super) fn renewed(
        &self,
        registry: Vec<Settings>,
        others: Vec<Settings>,
        bare_names: bool,
    ) -> (Self, Vec<SerialKept>) {
        let renewed = self.zones.iter().zip(registry);
        let renewed = renewed.map(|(zone, settings)| zone.renewed(settings));
        let others = others.into_iter().map(|settings| self.beside(settings));
        let (zones, kept): (Vec<_>, Vec<_>) = renewed.chain(others).unzip();
        let zones: Box<[_]> = zones.into_iter().map(Arc::new).collect();
        let sites = Arc::new(Sites::new(&zones, bare_names));
        let next = Self { number: self.number + 1, zones, sites };
        (next, kept.into_iter().flatten().collect())
    }

    /// A static zone of the next generation, in the place of one with its apex, if there is any.
    fn beside(&self, mut settings: Settings) -> (Zone, Option<SerialKept>) {
        let site = self.sites.by_apex.get(settings.wire().as_wire());
        let site = site.filter(|site| matches!(site, Site::Zone(_)));
        let Some(earlier) = site.map(|site| self.zone(*site)) else {
            return (Zone::new(Arc::new(settings)), None);
        };
        let kept = settings.succeed(earlier.settings());
        (Zone::living(Arc::new(settings), Arc::clone(&earlier.life)), kept)
    }

    /// This generation with one zone in another state.
    pub(super) fn with_zone(&self, at: usize, zone: Arc<Zone>) -> Self {
        let mut next = self.clone();
        next.number += 1;
        next.zones[at] = zone;
        next
    }

    /// How many generations were published before this one.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The zones, in the order of the configuration.
    #[must_use]
    pub fn zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }

    /// The zone of a site.
    #[must_use]
    pub fn zone(&self, site: Site) -> &Arc<Zone> {
        match site {
            Site::Zone(at) | Site::Bare(at, _) => &self.zones[at],
        }
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
        if zone.settings().is_reverse() { self.reverse_serial(zone) } else { zone.serial() }
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

impl Sites {
    /// The sites of zones, with those of bare names if they are wanted.
    fn new(zones: &[Arc<Zone>], bare_names: bool) -> Self {
        let mut sites = Self::default();
        let of_services = |zone: &Arc<Zone>| zone.settings().schema() == Schema::Services;
        let first = zones.iter().position(of_services).filter(|_| bare_names);
        for (at, proto) in first.into_iter().flat_map(|at| Proto::ALL.map(|proto| (at, proto))) {
            sites.add(&bare_apex(proto), Site::Bare(at, proto));
        }
        for (at, zone) in zones.iter().enumerate() {
            sites.add(zone.settings().wire(), Site::Zone(at));
        }
        own::tell(zones, &sites);
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
fn bare_apex(proto: Proto) -> WireName {
    WireName::from_text(&format!("_{proto}")).expect("a short label is a name")
}
