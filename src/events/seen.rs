//! When instances came, as far as that is remembered.

use std::collections::HashMap;
use std::time::SystemTime;

use crate::registry::{Event, Happening, Instance};

/// When some instances of a zone came.
#[derive(Debug)]
pub struct Seen {
    /// When those came that came lately.
    came: HashMap<Spot, SystemTime>,
    /// Since when events are remembered: all others were there by then.
    begun: SystemTime,
}

/// Since when an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Since a moment, at which this process saw it come.
    At(SystemTime),
    /// Since before a moment: nothing is remembered of its coming.
    Before(SystemTime),
}

/// What tells instances apart: name, id, and whether the key begins with a slash although
/// the prefix is empty.
type Spot = (Box<str>, Box<str>, bool);

impl Seen {
    /// Nothing, where events are remembered since a moment.
    pub(super) fn since(begun: SystemTime) -> Self {
        Self { came: HashMap::new(), begun }
    }

    /// Takes an event in.
    pub(super) fn take(&mut self, event: Event<'_>, at: SystemTime) {
        match event.happening {
            Happening::Online => drop(self.came.insert(spot(event.instance), at)),
            Happening::Offline => drop(self.came.remove(&spot(event.instance))),
            Happening::Changed => (),
        }
    }

    /// Since when an instance is there.
    #[must_use]
    pub fn of(&self, instance: &Instance) -> Since {
        let came = self.came.get(&spot(instance));
        came.map_or(Since::Before(self.begun), |at| Since::At(*at))
    }
}

/// What tells an instance apart.
fn spot(instance: &Instance) -> Spot {
    (instance.name.clone(), instance.id.clone(), instance.is_rooted)
}
