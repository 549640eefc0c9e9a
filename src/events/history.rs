//! The history of zones, from the newest change backwards, for those who look at it.

use std::sync::Arc;
use std::time::SystemTime;

use super::log::{ChangeBatch, Log};
use super::{Events, ZoneId};

/// States that are taken at a time while a log is locked: the mirror waits for that.
const TAKEN: usize = 1024;

/// An update that happened, and when.
#[derive(Debug, Clone)]
pub struct Happened {
    /// When it was told.
    pub at: SystemTime,
    /// What changed.
    pub batch: Arc<ChangeBatch>,
}

impl Events {
    /// What happened in a zone, the newest first, as far as it is remembered.
    pub fn history(&self, zone: ZoneId) -> impl Iterator<Item = Happened> + use<> {
        let (mut before, mut taken) = (u64::MAX, Vec::new().into_iter());
        let log = self.log(zone);
        std::iter::from_fn(move || {
            loop {
                if let Some(next) = taken.next() {
                    return Some(next);
                }
                let more = log.as_ref()?.lock().before(before, TAKEN);
                before = more.last()?.batch.state;
                taken = more.into_iter();
            }
        })
    }

    /// Since when what happened in a zone is remembered, if it is one that is told of.
    #[must_use]
    pub fn remembered_since(&self, zone: ZoneId) -> Option<SystemTime> {
        Some(self.log(zone)?.lock().begun())
    }
}

impl Log {
    /// The last so many updates before a state, the newest first, of those that changed something.
    fn before(&self, state: u64, most: usize) -> Vec<Happened> {
        let end = self.states.partition_point(|it| it.number < state);
        let earlier = self.states.range(..end).rev().filter(|it| !it.batch.is_empty());
        let of = |it: &super::log::ZoneState| Happened { at: it.at, batch: Arc::clone(&it.batch) };
        earlier.take(most).map(of).collect()
    }

    /// Since when what happened is remembered.
    fn begun(&self) -> SystemTime {
        self.states[0].at
    }
}
