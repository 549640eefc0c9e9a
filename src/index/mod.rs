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
//! A name may stand for instances of another (`aliases`); what is wrong with a zone can be
//! listed from any generation of it (`problems`).
//!
//! Three steps find a name, each a look-up by octets of the lower-cased wire form:
//! [`Generation::locate`] the zone, then [`Zone::find`] its service and the node below.

mod aliases;
mod derived;
mod find;
mod further;
mod generation;
mod order;
mod problems;
mod publisher;
mod ready;
mod service;
mod zone;

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

pub use self::generation::{Generation, Site};
pub use self::publisher::Publisher;
pub use self::ready::{Kept, Order, Ready, Record, Records, Relative, Slot, StartOfAuthority};
pub use self::service::Service;
pub use self::zone::{Node, Settings, Zone};

/// Where queries find the newest generation.
#[derive(Debug)]
pub struct Index {
    /// The one swap.
    current: ArcSwap<Generation>,
}

impl Index {
    /// An index of zones that have no data yet: they answer Not Ready.
    #[must_use]
    pub fn new(zones: Vec<Arc<Settings>>, bare_names: bool) -> Self {
        Self { current: ArcSwap::from_pointee(Generation::new(zones, bare_names)) }
    }

    /// The newest generation. A query loads once and keeps what it got.
    pub fn load(&self) -> Guard<Arc<Generation>> {
        self.current.load()
    }

    /// Publishes a zone's next state beside the newest of all others, and gives the
    /// generation that was the newest until now.
    fn replace(&self, at: usize, zone: &Arc<Zone>) -> Arc<Generation> {
        self.current.rcu(|generation| generation.with_zone(at, Arc::clone(zone)))
    }
}
