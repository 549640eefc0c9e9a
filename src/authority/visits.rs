//! The budget of what is looked at for one question.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::answer::FIXED;
use super::{Overflow, Room};

/// Entries, labels, host names and instances that are looked at for one question in a SkyDNS
/// zone: what stands at a name is merged from all below it, a question with many `*` can mean
/// much of a zone, and each entry may have a host that leads to as much again. It is four times
/// what a message over TCP could carry of the shortest records; beyond it an answer is made of
/// what was found so far.
const VISITED_MAX: usize = 16_384;

/// The same over UDP, where a question costs nothing, and whoever asks may be anybody. What is not
/// found by then is asked for again over TCP.
const VISITED_UDP: usize = 4_096;

/// How many are looked at for each record that a reply has room for, where labels of the question
/// stand for any, so that it leads everywhere: some hundreds over UDP, and all over TCP.
const VISITED_PER_RECORD: usize = 4;

/// The least octets of a record of what stands in a SkyDNS zone.
const RECORD_MIN: usize = FIXED + 4;

/// Keys that a witness remembers: more than anybody reads.
const WITNESSED_MAX: usize = 100;

/// The budget of visits that all look-ups of one question have together.
pub(super) struct Visits {
    /// How much that is.
    left: Cell<usize>,
    /// Who remembers what the answer was made of, where somebody wants to know.
    witness: Option<RefCell<Witness>>,
}

/// The keys that an answer was made of.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// Keys of the registry, the first so many that were met.
    pub(super) keys: BTreeSet<String>,
    /// How many there were beside them.
    pub(super) more: usize,
}

impl Visits {
    /// Those of a question that nothing was looked at for.
    pub(super) const fn new() -> Self {
        Self { left: Cell::new(VISITED_MAX), witness: None }
    }

    /// Looks at no more than is worth it for a reply of some room, to a question with labels
    /// that stand for any, or without.
    pub(super) fn limit(&self, room: Room, is_pattern: bool) {
        let of_pattern = VISITED_PER_RECORD * (1 + room.octets / RECORD_MIN);
        let most = match room.overflow {
            _ if is_pattern => of_pattern,
            Overflow::Truncate | Overflow::Whole => VISITED_UDP,
            Overflow::Cut => VISITED_MAX,
        };
        self.left.set(self.left.get().min(most));
    }

    /// The same, with a witness.
    pub(super) fn witnessed() -> Self {
        Self { witness: Some(RefCell::default()), ..Self::new() }
    }

    /// What the answer was made of, if there was a witness.
    pub(super) fn into_witness(self) -> Witness {
        self.witness.map(RefCell::into_inner).unwrap_or_default()
    }

    /// The answer is made of what stands at a key, among others.
    pub(super) fn note(&self, key: impl FnOnce() -> String) {
        let Some(witness) = &self.witness else { return };
        let mut witness = witness.borrow_mut();
        if witness.keys.len() < WITNESSED_MAX {
            witness.keys.insert(key());
        } else if !witness.keys.contains(&key()) {
            witness.more += 1;
        }
    }

    /// Looks at one more; not if that would be too many.
    pub(super) fn step(&self) -> bool {
        self.take(1)
    }

    /// Looks at so many more; if that would be too many, at nothing any more.
    pub(super) fn take(&self, many: usize) -> bool {
        let left = self.left.get().checked_sub(many);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether nothing more may be looked at, so that something may be missing.
    pub(super) const fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
