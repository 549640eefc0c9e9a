//! The keys of a zone that cannot be used, kept in maps that generations share.

use std::sync::Arc;

use imbl::OrdMap;

use crate::registry::{Problem, ProblemChange, StrayChange};

/// The keys of a zone that cannot be used.
#[derive(Debug, Clone, Default)]
pub(super) struct Unusable {
    /// Those of the form NAME/ID, each with its problem.
    pub(super) keys: OrdMap<Arc<[u8]>, Arc<Problem>>,
    /// How many others there are, by first segment.
    pub(super) strays: OrdMap<Arc<str>, usize>,
    /// How many that are in all.
    pub(super) stray_count: usize,
}

impl Unusable {
    /// Takes a change of a key in.
    pub(super) fn apply(&mut self, change: &ProblemChange) {
        match &change.after {
            Some(problem) => self.keys.insert(Arc::clone(&change.key), Arc::clone(problem)),
            None => self.keys.remove(&change.key),
        };
    }

    /// Counts a key outside the grammar.
    pub(super) fn count(&mut self, change: &StrayChange) {
        let before = self.strays.get(&*change.segment).copied().unwrap_or_default();
        let after = if change.came { before + 1 } else { before.saturating_sub(1) };
        self.stray_count = self.stray_count + after - before;
        match after {
            0 => self.strays.remove(&*change.segment),
            count => self.strays.insert((*change.segment).into(), count),
        };
    }
}
