//! The times at which instances came, as far as they are remembered.

use std::collections::HashMap;
use std::time::SystemTime;

use crate::registry::{Change, Happening, Instance};

/// The first-seen times of a zone's instances, as far as they are remembered: kept beside the
/// changes, so that a question costs what is asked for and not what is remembered.
#[derive(Debug, Default)]
pub(super) struct FirstSeen(HashMap<InstanceKey, Coming, foldhash::fast::RandomState>);

/// Since when an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Since a moment, at which this process saw it come.
    At(SystemTime),
    /// Since before a moment: nothing is remembered of its coming.
    Before(SystemTime),
}

/// The parts that tell instances apart: [`Instance::place`].
pub(super) type InstanceKey = (Box<str>, Box<str>, bool);

/// The coming of an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming {
    /// The number of the state that it came with.
    pub(super) state: u64,
    /// When that was told.
    pub(super) at: SystemTime,
}

impl FirstSeen {
    /// Takes in what led to a state.
    pub(super) fn take(&mut self, changes: &[Change], coming: Coming) {
        for event in changes.iter().filter_map(Change::event) {
            match event.happening {
                Happening::Online => drop(self.0.insert(spot(event.instance), coming)),
                Happening::Offline => drop(self.0.remove(&spot(event.instance))),
                Happening::Changed => (),
            }
        }
    }

    /// Forgets what led to a state. Who has come again since is not forgotten.
    pub(super) fn forget(&mut self, changes: &[Change], state: u64) {
        let came = changes.iter().filter(|change| change.before.is_none());
        for spot in came.filter_map(|change| change.after.as_deref()).map(spot) {
            if self.0.get(&spot).is_some_and(|coming| coming.state == state) {
                self.0.remove(&spot);
            }
        }
    }

    /// When an instance came, if that is remembered.
    pub(super) fn of(&self, spot: &InstanceKey) -> Option<SystemTime> {
        self.0.get(spot).map(|coming| coming.at)
    }
}

/// What tells an instance apart.
pub(super) fn spot(instance: &Instance) -> InstanceKey {
    let (name, id, is_rooted) = instance.place();
    (name.into(), id.into(), is_rooted)
}
