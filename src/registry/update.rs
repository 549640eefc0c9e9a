//! Updates: what changes when keys do, from the table, through the guard, into the index.

use std::sync::Arc;

use super::skydns::Entry;
use super::{Alias, Instance, Problem};

/// Something that came, went or became another: an instance, where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T = Instance> {
    /// What was there.
    pub before: Option<Arc<T>>,
    /// What is there now.
    pub after: Option<Arc<T>>,
}

/// One alias that came, went or became another.
pub type AliasChange = Change<Alias>;

/// One entry of a SkyDNS zone that came, went or became another.
pub type EntryChange = Change<Entry>;

/// One key that became unusable, unusable in another way, or usable or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemChange {
    /// The key.
    pub key: Arc<[u8]>,
    /// What is wrong with it now; none when nothing is.
    pub after: Option<Arc<Problem>>,
}

/// One key outside the grammar that came or went. Such keys are counted only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayChange {
    /// Its first segment below the base, as it is shown.
    pub segment: Box<str>,
    /// Whether it came.
    pub came: bool,
}

/// The changes that a reader of the registry learns at once: everything up to `revision`.
/// Changes of one key stand in their order.
#[derive(Debug, Default)]
pub struct Update {
    /// The registry's revision that is now known to be held whole.
    pub revision: i64,
    /// The revision of the last change of what a zone shows, that of changes which are held back
    /// included. Where it is not told, it is that of the update, if this has any.
    pub changed: Option<i64>,
    /// How what it leads to stands to what the registry says.
    pub standing: Standing,
    /// Whether this is the difference to a list (or to a snapshot of one): whatever came and
    /// went since the update before is not in it. Where not, nothing was left out.
    pub is_listed: bool,
    /// Instances that changed; none when only the revision was confirmed.
    pub changes: Vec<Change>,
    /// Aliases that changed.
    pub aliases: Vec<AliasChange>,
    /// Entries that changed; only zones of SkyDNS's schema have any.
    pub entries: Vec<EntryChange>,
    /// Keys that cannot be used, or now can.
    pub problems: Vec<ProblemChange>,
    /// Keys outside the grammar.
    pub strays: Vec<StrayChange>,
}

/// The relation of what is shown after an update to what the registry says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is the same.
    #[default]
    Exact,
    /// Removals are held back.
    Withheld,
    /// It was so when a snapshot was written.
    Remembered,
}

/// A receiver of what is learned about the registry, in order.
pub trait Publish: Send {
    /// One update: to be shown whole or not at all.
    fn publish(&mut self, update: Update);
}

impl Update {
    /// How many changes there are of what a zone shows.
    #[must_use]
    pub const fn shown(&self) -> usize {
        self.changes.len() + self.aliases.len() + self.entries.len()
    }

    /// The revision of the last change of what a zone shows, if there is any.
    #[must_use]
    pub fn last_change(&self) -> Option<i64> {
        self.changed.or_else(|| (self.shown() > 0).then_some(self.revision))
    }

    /// How many changes there are, of every kind.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.shown() + self.problems.len() + self.strays.len()
    }

    /// Whether nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
