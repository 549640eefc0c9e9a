//! The writing side: changes in, generations out.

use std::sync::Arc;

use super::{Index, Zone};
use crate::registry::{Publish, Update};

/// Publishes one zone. It alone writes the zone, so it keeps the next state at hand.
#[derive(Debug)]
pub struct Publisher {
    /// Where generations are published.
    index: Arc<Index>,
    /// Which zone it writes.
    at: usize,
    /// The zone as it was last published; changes go in before the next.
    next: Zone,
}

impl Publisher {
    /// The publisher of the zone at a place of the index.
    #[must_use]
    pub fn new(index: Arc<Index>, at: usize) -> Self {
        let next = Zone::clone(&index.load().zones()[at]);
        Self { index, at, next }
    }
}

impl Publish for Publisher {
    fn publish(&mut self, update: Update) {
        for change in &update.changes {
            self.next.apply(change);
        }
        self.next.confirm(update.revision);
        self.index.replace(self.at, &Arc::new(self.next.clone()));
    }
}
