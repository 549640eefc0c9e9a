//! How a mirror goes about it, and what it begins with.

use std::sync::Arc;
use std::time::Duration;

use super::{AUDIT_EVERY, PROGRESS_AFTER};
use crate::registry::skydns::Entry;
use crate::registry::{Alias, Instance, Vitals};

/// How a mirror goes about it.
#[derive(Debug)]
pub struct Options {
    /// The zone, for the log.
    pub zone: String,
    /// How long the removals of a collapse are held; zero turns the guard off.
    pub hold_collapse: Duration,
    /// After this silence a report of progress is asked for: seldom, unless answers are to
    /// stop after a silence that is hardly longer.
    pub progress_after: Duration,
    /// How often what is held is compared with the registry.
    pub audit_every: Duration,
    /// Where things are counted.
    pub vitals: Arc<Vitals>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            zone: String::new(),
            hold_collapse: Duration::ZERO,
            progress_after: PROGRESS_AFTER,
            audit_every: AUDIT_EVERY,
            vitals: Arc::default(),
        }
    }
}

impl Options {
    /// The longest silence that leaves answers alone which stop after `max_stale`: a report
    /// is asked for often enough that one may be late.
    #[must_use]
    pub fn progress_within(max_stale: Option<Duration>) -> Duration {
        max_stale.map_or(PROGRESS_AFTER, |it| PROGRESS_AFTER.min(it / 4))
    }
}

/// What was held before this process began.
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
