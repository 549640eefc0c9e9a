//! Options of a mirror, and what it begins with.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::{AUDIT_EVERY, PROGRESS_AFTER};
use crate::metrics::Vitals;
use crate::registry::skydns::Entry;
use crate::registry::{Alias, Instance};

/// The options of a mirror.
#[derive(Debug)]
pub struct MirrorOptions {
    /// The zone, for the log.
    pub zone: String,
    /// The one service that is listed; all of them when absent. What changes elsewhere is told
    /// all the same, and no audit compares what was not listed.
    pub name: Option<String>,
    /// How long it waits.
    pub patience: Arc<Patience>,
    /// How often what is held is compared with the registry.
    pub audit_every: Duration,
    /// Where things are counted.
    pub vitals: Arc<Vitals>,
}

impl Default for MirrorOptions {
    fn default() -> Self {
        Self {
            zone: String::new(),
            name: None,
            patience: Arc::default(),
            audit_every: AUDIT_EVERY,
            vitals: Arc::default(),
        }
    }
}

/// The waits of mirrors. They may be changed while these follow, and the next update sees it.
#[derive(Debug, Default)]
pub struct Patience {
    /// What it is.
    current: ArcSwap<Waits>,
}

/// The waits of mirrors at one moment. By default no removal waits, and any silence goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// How long the removals of a collapse are held; zero begins to hold none.
    pub hold_collapse: Duration,
    /// How long answers are given without word of the registry; for ever when absent.
    pub max_stale: Option<Duration>,
}

impl Patience {
    /// Such waits, to begin with.
    #[must_use]
    pub fn new(waits: Waits) -> Self {
        Self { current: ArcSwap::from_pointee(waits) }
    }

    /// Other waits from now on.
    pub fn replace(&self, waits: Waits) {
        self.current.store(Arc::new(waits));
    }

    /// How long answers are given without word of the registry; for ever when absent.
    #[must_use]
    pub fn max_stale(&self) -> Option<Duration> {
        self.current.load().max_stale
    }

    /// How long the removals of a collapse are held.
    pub(super) fn hold_collapse(&self) -> Duration {
        self.current.load().hold_collapse
    }

    /// After which silence a report of progress is asked for: seldom, unless answers are to
    /// stop after a silence that is hardly longer; then so often that one may be late.
    pub(super) fn progress_after(&self) -> Duration {
        self.max_stale().map_or(PROGRESS_AFTER, |it| PROGRESS_AFTER.min(it / 4))
    }
}

/// The content of a zone before this process began.
#[derive(Debug)]
pub struct Known {
    /// The instances.
    pub instances: Vec<Arc<Instance>>,
    /// The aliases.
    pub aliases: Vec<Arc<Alias>>,
    /// The entries of a SkyDNS zone.
    pub entries: Vec<Arc<Entry>>,
    /// The revision they are true at.
    pub revision: i64,
    /// The cluster they are from.
    pub cluster: u64,
    /// How long ago they were known to be true.
    pub age: Duration,
}
