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
//! the first question to the next change (`ready`). They say nothing that the instances do
//! not say, so a generation still never changes.
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
mod browse;
mod derived;
mod empty;
mod find;
mod further;
mod generation;
mod labels;
mod life;
mod lots;
mod node;
mod order;
mod own;
mod problems;
mod publisher;
mod rare;
mod ready;
mod reverse;
mod roster;
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

use self::roster::ZoneNumbers;

use crate::lock::Lock;

pub use self::generation::{Generation, Site};
pub use self::lots::WeightedSample;
pub use self::node::Node;
pub use self::publisher::Publisher;
pub use self::ready::{
    AnswerSlot, Order, Ready, Record, Records, Relative, Sample, StartOfAuthority, StoredAnswer,
};
pub use self::roster::ZoneNumber;
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
    writing: Lock<()>,
    /// Under which number each zone is counted; for whoever adds zones or shows figures.
    roster: Lock<ZoneNumbers>,
}

impl Index {
    /// An index of zones that have no data yet: they answer Not Ready.
    #[must_use]
    pub fn new(zones: Vec<Arc<Settings>>, bare_names: bool) -> Self {
        let generation = Generation::new(zones, bare_names);
        let roster = Lock::default();
        enter(&roster, &generation);
        Self { current: ArcSwap::from_pointee(generation), writing: Lock::default(), roster }
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

    /// Publishes other settings of the registry zones, in their order, other static zones, and
    /// whether names without a zone are answered.
    /// It takes time that grows with the services, and no query waits for it. Gives what is to
    /// be said of the zones.
    pub fn renew(
        &self,
        registry: Vec<Settings>,
        others: Vec<Settings>,
        bare_names: bool,
    ) -> Vec<SerialKept> {
        let _writing = self.writing.lock();
        let (next, kept) = self.current.load().renewed(registry, others, bare_names);
        enter(&self.roster, &next);
        self.current.store(Arc::new(next));
        kept
    }

    /// Publishes what an edit makes of a zone, beside the newest of all others. Gives the
    /// generation that was the newest until now.
    fn edit(&self, at: usize, edit: impl FnOnce(&mut Zone)) -> Arc<Generation> {
        // A writer that panicked has published nothing.
        let _writing = self.writing.lock();
        let newest = self.current.load_full();
        let mut zone = Zone::clone(&newest.zones()[at]);
        edit(&mut zone);
        self.current.swap(Arc::new(newest.with_zone(at, Arc::new(zone))))
    }
}

/// Gives every zone of a generation that is not published yet its number.
fn enter(roster: &Lock<ZoneNumbers>, generation: &Generation) {
    let mut roster = roster.lock();
    generation.zones().iter().for_each(|zone| roster.enter(zone.settings()));
}
