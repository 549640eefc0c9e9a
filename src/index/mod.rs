//! The index: what is true, arranged as DNS asks for it.
//!
//! ```text
//!   Change ─→ Publisher ─→ Zone (private, next) ─→ Generation ─→ Index (the one swap)
//!                                                                  ↑ load(), by every query
//! ```
//!
//! A [`Generation`] is immutable and complete. Publishing one is a single store; a query
//! loads one and reads it from start to end, so that no answer mixes two states. Zones
//! and services are persistent maps: the next generation shares everything with the last
//! but the services that changed, so an update costs O(changes · log n).
//!
//! Beside its instances a service keeps answers that were made of them, in wire form, from
//! the first question to the next change (`ready`); answers that are made of more stand in
//! their zone, each with a stamp of what it was made of (`kept`). They say nothing that the
//! instances do not say, so a generation still never changes.
//!
//! A zone of SkyDNS's schema has a tree of entries in the place of services ([`skydns`]).
//!
//! A name may stand for instances of another (`aliases`); what is wrong with a zone can be
//! listed from any generation of it (`problems`).
//!
//! Three steps find a name, each a look-up by octets of the lower-cased wire form:
//! [`Generation::locate`] the zone, then [`Zone::find`] its service and the node below.

mod addresses;
#[cfg(test)]
mod agreement;
mod aliased;
mod aliases;
mod bare;
mod browse;
mod dependencies;
mod derived;
mod empty;
mod find;
mod further;
mod generation;
mod keeper;
mod kept;
mod labels;
mod life;
mod lots;
mod node;
mod order;
mod own;
mod parts;
mod place;
mod problems;
mod publisher;
mod rare;
mod ready;
mod renewal;
mod reverse;
mod roster;
mod serial;
mod service;
mod set;
mod settings;
pub mod skydns;
mod tags;
mod tree;
mod unusable;
mod zone;

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use self::renewal::ZoneMemory;
use self::roster::ZoneNumbers;

use crate::lock::Lock;

pub use self::dependencies::Dependencies;
pub use self::generation::{Generation, Site};
pub use self::keeper::{Keeper, labels_in};
pub use self::kept::{AnswerKey, AnswerStamp, FoundAnswer, KeptAnswer, KeptAnswers};
pub use self::lots::WeightedSample;
pub use self::node::Node;
pub use self::parts::ZonePart;
pub use self::place::{Place, PlaceParts};
pub use self::publisher::Publisher;
pub use self::ready::{
    AnswerSlot, Order, Ready, Record, Records, Relative, Run, Sample, SetEnd, StartOfAuthority,
    StoredAnswer, Whole,
};
pub use self::renewal::{NextZone, NextZones, ZoneId};
pub use self::roster::ZoneNumber;
pub use self::serial::SerialRecord;
pub use self::service::Service;
pub use self::settings::{AnswersOrder, Schema, SerialKept, Settings};
pub use self::skydns::{Branch, Lead, SkyDns};
pub use self::tree::{Cut, Owner, RecordSet, Tree};
pub use self::zone::Zone;

/// The place where queries find the newest generation.
#[derive(Debug)]
pub struct Index {
    /// The one swap.
    current: ArcSwap<Generation>,
    /// Held by whoever makes the next generation from the newest. Queries never see it.
    writing: Lock<Writing>,
    /// Under which number each zone is counted; for whoever adds zones or shows figures.
    roster: Lock<ZoneNumbers>,
}

/// The state of whoever writes.
#[derive(Debug, Default)]
struct Writing {
    /// What is remembered of zones.
    memory: ZoneMemory,
    /// The generation before the newest. Queries are done with it long before the next is
    /// published, and so it is taken apart by whoever publishes that, and by none of them.
    earlier: Option<Arc<Generation>>,
}

impl Index {
    /// An index without zones: a configuration follows.
    #[must_use]
    pub fn empty() -> Self {
        let current = ArcSwap::from_pointee(Generation::empty());
        Self { current, writing: Lock::default(), roster: Lock::default() }
    }

    /// An index of zones that have no data yet: they answer Not Ready.
    #[must_use]
    pub fn new(zones: Vec<Arc<Settings>>, bare_names: bool) -> Self {
        let index = Self::empty();
        let registry = zones.into_iter().map(|settings| NextZone { settings, is_same: false });
        let (registry, others) = (registry.collect(), Vec::new());
        index.renew(NextZones { registry, others, bare_names });
        index
    }

    /// The apexes of the zones that are counted by name, those that are gone included, by
    /// [`ZoneNumber::label`].
    #[must_use]
    pub fn counted(&self) -> Vec<String> {
        self.roster.lock().names()
    }

    /// The newest generation. A query loads once and keeps what it got.
    pub fn load(&self) -> Guard<Arc<Generation>> {
        self.current.load()
    }

    /// Publishes the zones of another configuration.
    /// It takes time that grows with the services of the zones of which something else is said
    /// than before, and no query waits for it. Gives what is to be said of the zones.
    pub fn renew(&self, next: NextZones) -> Vec<SerialKept> {
        let mut writing = self.writing.lock();
        let (next, kept) = self.current.load().renewed(next, &mut writing.memory);
        enter(&self.roster, &next);
        let earlier = self.publish(&mut writing, next);
        drop((writing, earlier));
        kept
    }

    /// Publishes what an edit makes of a zone, beside the newest of all others, with serials that
    /// count all that changed, or as they are. Nothing, if the zone is gone.
    fn edit(&self, id: ZoneId, is_minted: bool, edit: impl FnOnce(&mut Zone)) {
        // A writer that panicked has published nothing.
        let mut writing = self.writing.lock();
        let Some(mut next) = self.current.load_full().edited(id, edit) else { return };
        if is_minted {
            next.mint();
        }
        let earlier = self.publish(&mut writing, next);
        drop((writing, earlier));
    }

    /// Whether the serial of a zone does not count all that changed in it.
    #[must_use]
    pub fn has_due_serials(&self) -> bool {
        self.load().zones().iter().any(|zone| zone.serial.is_due())
    }

    /// Has the serial of every zone count what changed in it. Where nothing did, nothing is
    /// published; else one generation, which shares everything else with the newest.
    pub fn mint_serials(&self) {
        if !self.has_due_serials() {
            return;
        }
        let mut writing = self.writing.lock();
        let mut next = self.current.load().advanced();
        next.mint();
        let earlier = self.publish(&mut writing, next);
        drop((writing, earlier));
    }

    /// Publishes a generation. Gives the one that is to be taken apart.
    fn publish(&self, writing: &mut Writing, next: Generation) -> Option<Arc<Generation>> {
        writing.earlier.replace(self.current.swap(Arc::new(next)))
    }

    /// Takes the generation before the newest apart, a while after that was published: zones
    /// that are gone take their memory with them, though nothing else is published.
    pub fn tidy(&self) {
        let earlier = self.writing.lock().earlier.take();
        drop(earlier);
    }
}

/// Gives every zone of a generation that is not published yet its number.
fn enter(roster: &Lock<ZoneNumbers>, generation: &Generation) {
    let mut roster = roster.lock();
    for zone in generation.zones() {
        roster.enter(zone.settings());
        if let Some(later) = &zone.successor {
            roster.enter(&later.settings);
        }
    }
}
