//! The renewal of zones, which stay, come, go and move while a server runs.
//!
//! A zone is told by its apex. As long as it is read from the same source it is the same: what
//! is held of it, what goes on in it and its [`ZoneId`] stay, whatever else comes and goes, and
//! if nothing is said of it that was not said before, queries do not see it touched.
//!
//! # Moving
//! A zone of another source is another one, with another id: nothing that is held is true of it.
//! As long as that is not listed, the earlier one is answered on, by its own settings, so that a
//! registry that is away or a prefix that is being filled takes no name away. The first that is
//! published of the later one puts it in the place of the earlier, in one generation.
//!
//! # Serials
//! Secondaries take a serial that falls for an old zone (RFC 1982 section 3.2). What a zone
//! shows next is never before what it showed last; not either when it was away, moved to a
//! registry that has fewer revisions, or is made of other zones than before. How it moves while
//! the zone stays says `serial`.

use std::collections::HashMap;
use std::sync::Arc;

use super::addresses::Addresses;
use super::generation::Sites;
use super::own::{self, Own};
use super::{Generation, Schema, SerialKept, Settings, Site, Zone};

/// Zones that are gone whose serial is remembered, so that they go on behind it when they come
/// back: as many as there may be zone files.
const REMEMBERED_MAX: usize = 10_000;

/// The number of a zone of one source. No other zone of the process has it, nor has the same
/// zone once it is read from elsewhere, or comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(u64);

/// A registry zone of the next configuration.
#[derive(Debug)]
pub struct NextZone {
    /// What is said of it.
    pub settings: Arc<Settings>,
    /// Whether it is read from the source that it was read from, if it was there.
    pub is_same: bool,
}

/// The zones of the next configuration.
#[derive(Debug)]
pub struct NextZones {
    /// Those of registries, in the order of the configuration.
    pub registry: Vec<NextZone>,
    /// Those that are files alone.
    pub others: Vec<Arc<Settings>>,
    /// Whether names without a zone are answered.
    pub bare_names: bool,
}

/// The later zone of one that moves.
#[derive(Debug)]
pub(super) struct Successor {
    /// What it is published under.
    pub(super) id: ZoneId,
    /// What is said of it.
    pub(super) settings: Arc<Settings>,
}

/// The memory of whoever makes the next generation from the newest.
#[derive(Debug, Default)]
pub(super) struct ZoneMemory {
    /// How many ids were given.
    ids: u64,
    /// The last serials of zones that are gone, by the apex's wire form.
    serials: HashMap<Box<[u8]>, u32>,
}

impl ZoneMemory {
    /// An id that nobody has.
    fn next_id(&mut self) -> ZoneId {
        self.ids += 1;
        ZoneId(self.ids)
    }

    /// Remembers the serials of the zones that are not in the next generation, and has those
    /// that are back go on behind theirs.
    fn turn(&mut self, earlier: &Generation, next: &mut Generation) {
        for (at, zone) in earlier.zones().iter().enumerate() {
            let apex = zone.settings().wire();
            let is_gone = next.place(apex.as_wire()).is_none();
            if is_gone && self.serials.len() < REMEMBERED_MAX {
                let serial = earlier.serial(Site::Zone(at));
                let shown = zone.serial.before().unwrap_or(serial);
                self.serials.insert(apex.as_wire().into(), shown);
            }
        }
        for at in 0..next.zones().len() {
            let apex = *next.zones()[at].settings().wire();
            let Some(serial) = self.serials.remove(apex.as_wire()) else { continue };
            next.zone_mut(at).serial.set_before(Some(serial));
        }
    }
}

impl Generation {
    /// The next generation by another configuration, and what is to be said of its zones.
    pub(super) fn renewed(
        &self,
        next: NextZones,
        memory: &mut ZoneMemory,
    ) -> (Self, Vec<SerialKept>) {
        let NextZones { registry, others, bare_names } = next;
        let registry = registry.into_iter().map(|zone| self.registered(zone, memory));
        let registry: Vec<_> = registry.collect();
        let others = others.into_iter().map(|settings| self.beside(settings, memory));
        let (zones, kept): (Vec<_>, Vec<_>) = registry.into_iter().chain(others).unzip();
        let mut next = self.of_zones(zones, bare_names);
        next.keep_serials(self);
        memory.turn(self, &mut next);
        (0..next.zones().len()).for_each(|at| next.go_on(at));
        next.settle_bare();
        (next, kept.into_iter().flatten().collect())
    }

    /// A zone of a registry in the next generation.
    fn registered(
        &self,
        NextZone { settings, is_same }: NextZone,
        memory: &mut ZoneMemory,
    ) -> (Arc<Zone>, Option<SerialKept>) {
        let Some(earlier) = self.earlier(&settings) else {
            return (Arc::new(Zone::new(memory.next_id(), settings, Arc::default())), None);
        };
        let is_file = earlier.settings().schema() == Schema::Static;
        match &earlier.successor {
            None if is_same && !is_file => earlier.renewed(settings),
            Some(successor) if is_same => (earlier.moving(successor.id, settings), None),
            _ if earlier.is_ready() => (earlier.moving(memory.next_id(), settings), None),
            // There is nothing to go on with.
            _ => {
                let life = Arc::clone(&earlier.life);
                let mut zone = Zone::new(memory.next_id(), settings, life);
                zone.serial.set_before(earlier.serial.before());
                (Arc::new(zone), None)
            }
        }
    }

    /// A static zone of the next generation, in the place of one with its apex, if there is any.
    fn beside(
        &self,
        settings: Arc<Settings>,
        memory: &mut ZoneMemory,
    ) -> (Arc<Zone>, Option<SerialKept>) {
        let earlier = self.earlier(&settings);
        match earlier {
            Some(earlier) if earlier.settings().schema() == Schema::Static => {
                earlier.staying().renewed(settings)
            }
            _ => {
                let mut zone = Zone::new(memory.next_id(), settings, Arc::default());
                zone.serial.set_before(earlier.and_then(|it| it.serial.before()));
                (Arc::new(zone), None)
            }
        }
    }

    /// The zone with the apex of settings.
    fn earlier(&self, settings: &Settings) -> Option<&Arc<Zone>> {
        self.place(settings.wire().as_wire()).map(|at| &self.zones()[at])
    }

    /// The next generation with an edit of the zone with an id; nothing where there is no such
    /// zone any more. What is published of a later zone puts it in the place of the earlier.
    pub(super) fn edited(&self, id: ZoneId, edit: impl FnOnce(&mut Zone)) -> Option<Self> {
        if let Some(at) = self.zones().iter().position(|zone| zone.id == id) {
            let mut zone = Zone::clone(&self.zones()[at]);
            edit(&mut zone);
            let is_back = zone.serial.before().is_some();
            let mut next = self.with_zone(at, Arc::new(zone));
            if is_back {
                next.go_on(at);
            }
            next.settle_bare();
            return Some(next);
        }
        let is_later = |zone: &Arc<Zone>| zone.successor.as_ref().is_some_and(|it| it.id == id);
        let at = self.zones().iter().position(is_later)?;
        let mut zones = self.zones().to_vec();
        let mut zone = zones[at].succeeded()?;
        edit(&mut zone);
        zones[at] = Arc::new(zone);
        let mut next = self.of_zones(zones, self.bare_names());
        next.keep_serials(self);
        next.settle_bare();
        Some(next)
    }

    /// The next generation of zones that know which others there are.
    fn of_zones(&self, mut zones: Vec<Arc<Zone>>, bare_names: bool) -> Self {
        let sites = Sites::new(&zones, bare_names);
        let own = own::of(&zones, &sites, self.zones());
        zones.iter_mut().zip(own).for_each(|(zone, own)| Zone::know(zone, own));
        // The first configuration is where counting begins.
        let is_first = self.number() == 0 && self.zones().is_empty();
        let number = if is_first { 0 } else { self.number() + 1 };
        let mut next = Self::made(number, zones, sites, bare_names);
        next.follow_bare(self);
        next
    }

    /// Has no zone show a serial that is before what it showed, and none that is another one
    /// the same.
    fn keep_serials(&mut self, earlier: &Self) {
        for at in 0..self.zones().len() {
            let apex = *self.zones()[at].settings().wire();
            let Some(before) = earlier.place(apex.as_wire()) else { continue };
            let shown = earlier.serial(Site::Zone(before));
            let is_other = self.zones()[at].id != earlier.zones()[before].id;
            match self.serial(Site::Zone(at)).wrapping_sub(shown) as i32 {
                0 if is_other => self.go_behind(at, shown),
                ..0 => self.go_behind(at, shown),
                _ => {}
            }
        }
    }

    /// Has the zone at a place go on behind what it showed before it went, once it is there.
    fn go_on(&mut self, at: usize) {
        let zone = &self.zones()[at];
        if let Some(shown) = zone.serial.before().filter(|_| zone.is_ready()) {
            self.zone_mut(at).serial.set_before(None);
            self.go_behind(at, shown);
        }
    }

    /// Has the zone at a place show a serial that is behind another.
    fn go_behind(&mut self, at: usize, shown: u32) {
        let missing = shown.wrapping_add(1).wrapping_sub(self.serial(Site::Zone(at)));
        if missing as i32 > 0 {
            self.zone_mut(at).serial.skip(missing);
        }
    }
}

impl Zone {
    /// The same zone by other settings, and what is to be said of these. What was made of
    /// the earlier ones is forgotten, unless they say the same.
    fn renewed(self: &Arc<Self>, settings: Arc<Settings>) -> (Arc<Self>, Option<SerialKept>) {
        if Arc::ptr_eq(&settings, &self.settings) || settings.says_the_same_as(&self.settings) {
            return (Arc::clone(self), None);
        }
        let is_same = settings.says_the_same_of_the_zone_as(&self.settings);
        let mut zone = Self { settings, ..Self::clone(self) };
        let kept = zone.follow_file_serial();
        if !is_same {
            zone.serial.follow_other();
        }
        zone.forget();
        let is_wanted = zone.settings.names_its_addresses();
        zone.addresses = zone.addresses.take().filter(|_| is_wanted);
        if is_wanted && zone.addresses.is_none() {
            zone.addresses = Some(Addresses::of(&zone.services));
        }
        (Arc::new(zone), kept)
    }

    /// Takes the serial of another file, unless it is before that which was shown.
    fn follow_file_serial(&mut self) -> Option<SerialKept> {
        let new = self.settings.soa.serial;
        let kept = self.serial.follow_file(new)?;
        Some(SerialKept { zone: self.settings.title(), new, kept })
    }

    /// The same zone, as it is, until a later one is published. What it shows was confirmed by
    /// its own registry, if it has one, and a file is as true as it was until now.
    fn moving(self: &Arc<Self>, id: ZoneId, settings: Arc<Settings>) -> Arc<Self> {
        if self.successor.is_none() {
            if self.settings.schema() == Schema::Static {
                self.freshness().confirmed();
            }
            self.freshness().moves();
        }
        let successor = Some(Arc::new(Successor { id, settings }));
        Arc::new(Self { successor, ..Self::clone(self) })
    }

    /// The same zone, a file, which moves no more: how old it is counts no more either.
    fn staying(self: &Arc<Self>) -> Arc<Self> {
        if self.successor.is_none() {
            return Arc::clone(self);
        }
        Arc::new(Self { successor: None, life: Arc::default(), ..Self::clone(self) })
    }

    /// The later zone, of which nothing is known yet. Changes are counted on.
    fn succeeded(&self) -> Option<Self> {
        let Successor { id, settings } = &**self.successor.as_ref()?;
        let zone = Self::new(*id, Arc::clone(settings), Arc::clone(&self.life));
        Some(Self { changes: self.changes, ..zone })
    }

    /// Knows which others there are from now on. What was made while these were others is
    /// forgotten.
    fn know(self: &mut Arc<Self>, own: Own) {
        let Some(known) = self.own.as_ref() else {
            Arc::make_mut(self).own = Some(Arc::new(own));
            return;
        };
        if **known == own {
            return;
        }
        let has_other_names = known.names != own.names;
        let zone = Arc::make_mut(self);
        zone.own = Some(Arc::new(own));
        zone.settings = Arc::new(zone.settings.unused());
        if has_other_names {
            zone.serial.follow_other();
            zone.forget();
        } else {
            zone.forget_outside();
        }
    }

    /// Forgets all answers that were made of services.
    fn forget(&mut self) {
        self.services.iter_mut().for_each(|(_, service)| Arc::make_mut(service).forget());
        Arc::make_mut(&mut self.aliases).forget();
    }

    /// Forgets the answers that name hosts: these may be in a zone of ours now, or not any more.
    fn forget_outside(&mut self) {
        let leads_outside = |(_, service): (_, &Arc<super::Service>)| service.names_hosts();
        if self.services.iter().any(leads_outside) {
            let all = self.services.iter_mut().filter(|(_, service)| service.names_hosts());
            all.for_each(|(_, service)| Arc::make_mut(service).forget());
            Arc::make_mut(&mut self.aliases).forget();
        }
    }
}

impl Generation {
    /// The zone that is read under an id, as it is shown now: the earlier one while it moves.
    #[must_use]
    pub fn followed(&self, id: ZoneId) -> Option<&Arc<Zone>> {
        let is_later = |zone: &Zone| zone.successor.as_ref().is_some_and(|it| it.id == id);
        self.zones().iter().find(|zone| zone.id == id || is_later(zone))
    }

    /// The zone with an id, if it is shown.
    #[must_use]
    pub fn shown(&self, id: ZoneId) -> Option<&Arc<Zone>> {
        self.zones().iter().find(|zone| zone.id == id)
    }

    /// The ids of the registry zones that are read now, in the order of the configuration.
    #[must_use]
    pub fn read_ids(&self) -> Vec<ZoneId> {
        let id = |zone: &Arc<Zone>| zone.successor.as_ref().map_or(zone.id, |later| later.id);
        let is_read =
            |zone: &&Arc<Zone>| zone.is_moving() || zone.settings().schema() != Schema::Static;
        self.zones().iter().filter(is_read).map(id).collect()
    }
}

#[cfg(test)]
mod tests;
