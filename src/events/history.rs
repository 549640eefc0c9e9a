//! The history of zones, from the newest change backwards, for those who look at it.

use std::sync::Arc;
use std::time::SystemTime;

use super::Events;
use super::log::{ChangeBatch, Log};

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
    /// What happened in the zone at a place, the newest first, as far as it is remembered.
    pub fn history(&self, at: usize) -> impl Iterator<Item = Happened> {
        let (mut before, mut taken) = (u64::MAX, Vec::new().into_iter());
        std::iter::from_fn(move || {
            loop {
                if let Some(next) = taken.next() {
                    return Some(next);
                }
                let more = self.log(at).before(before, TAKEN);
                before = more.last()?.batch.state;
                taken = more.into_iter();
            }
        })
    }

    /// Since when what happened in the zone at a place is remembered.
    #[must_use]
    pub fn remembered_since(&self, at: usize) -> SystemTime {
        self.log(at).begun()
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
