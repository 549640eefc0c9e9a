//! The life of a zone, which goes on while its settings come and go.

use std::sync::Arc;

use super::Zone;
use crate::metrics::{Condition, Freshness, Staleness, Vitals};

/// The freshness and the metrics of a zone. All generations share it, by
/// whatever settings the zone is answered.
#[derive(Debug, Default)]
pub(super) struct ZoneLife {
    /// When the registry was last heard of.
    freshness: Arc<Freshness>,
    /// What is counted.
    vitals: Arc<Vitals>,
}

impl Zone {
    /// When the registry was last heard of.
    #[must_use]
    pub fn freshness(&self) -> &Arc<Freshness> {
        &self.life.freshness
    }

    /// What is counted of the zone.
    #[must_use]
    pub fn vitals(&self) -> &Arc<Vitals> {
        &self.life.vitals
    }

    /// How far the data can be trusted to be what the registry says now.
    #[must_use]
    pub fn standing(&self) -> Staleness {
        self.life.freshness.standing()
    }

    /// How it is, in the words of all surfaces.
    #[must_use]
    pub fn condition(&self) -> Condition {
        Condition::of(self.is_ready(), self.freshness(), self.vitals())
    }
}
