//! How much is looked at for one question.

use std::cell::Cell;

/// Entries, labels, host names and instances that are looked at for one question in a SkyDNS
/// zone: what stands at a name is merged from all below it, a question with many `*` can mean
/// much of a zone, and each entry may have a host that leads to as much again. It is four times
/// what a message over TCP could carry of the shortest records; beyond it an answer is made of
/// what was found so far.
const VISITED_MAX: usize = 16_384;

/// What may still be looked at, by all look-ups of one question together.
pub(super) struct Visits(Cell<usize>);

impl Visits {
    /// Those of a question that nothing was looked at for.
    pub(super) const fn new() -> Self {
        Self(Cell::new(VISITED_MAX))
    }

    /// Looks at one more; not if that would be too many.
    pub(super) fn step(&self) -> bool {
        self.take(1)
    }

    /// Looks at so many more; if that would be too many, at nothing any more.
    pub(super) fn take(&self, many: usize) -> bool {
        let left = self.0.get().checked_sub(many);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether nothing more may be looked at, so that something may be missing.
    pub(super) const fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}
