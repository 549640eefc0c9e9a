//! The budget of what is looked at for one question.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::answer::FIXED;
use super::{Overflow, Room};
use crate::index::{Dependencies, Generation, Node, Site};
use crate::names::{Block, WireName};

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

/// The dependencies of an answer beside its configuration.
#[derive(Debug, Default)]
pub struct Footprint {
    /// The parts of zones that were looked at where registrations can change what is found.
    pub depends: Dependencies,
    /// Whether the next answer would be another one, though nothing changed.
    pub varies: bool,
    /// Whether there was no room for all that belongs to the answer.
    pub is_short: bool,
}

/// The budget of visits that all look-ups of one question have together.
pub(super) struct Visits {
    /// How much that is.
    left: Cell<usize>,
    /// Who remembers what the answer was made of, where somebody wants to know.
    witness: Option<RefCell<Witness>>,
    /// What the answer depends on, where somebody wants to keep it.
    footprint: Option<RefCell<Footprint>>,
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
        Self { left: Cell::new(VISITED_MAX), witness: None, footprint: None }
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

    /// The same, with a footprint.
    pub(super) fn traced() -> Self {
        Self { footprint: Some(RefCell::default()), ..Self::new() }
    }

    /// What the answer depends on, if that was traced.
    pub(super) fn into_footprint(self) -> Footprint {
        let is_spent = self.is_spent();
        let footprint = self.footprint.map(RefCell::into_inner).unwrap_or_default();
        Footprint { is_short: footprint.is_short || is_spent, ..footprint }
    }

    /// A name of a site, so many of whose labels are below the apex, was found to lead to a node,
    /// or to none.
    pub(super) fn trace(
        &self,
        generation: &Generation,
        at: (Site, usize),
        name: &WireName,
        node: Option<Node<'_>>,
    ) {
        if let Some(footprint) = &self.footprint {
            footprint.borrow_mut().depends.add_name(generation, at, name, node);
        }
    }

    /// What is registered at the addresses of a name is looked at.
    pub(super) fn trace_addresses(&self, generation: &Generation, name: &WireName) {
        if let Some(footprint) = &self.footprint {
            let block = Block::read(name);
            footprint.borrow_mut().depends.add_addresses(generation, block.as_ref());
        }
    }

    /// The answer is one of several that are as good.
    pub(super) fn vary(&self) {
        if let Some(footprint) = &self.footprint {
            footprint.borrow_mut().varies = true;
        }
    }

    /// Something that belongs to the answer had no room.
    pub(super) fn fall_short(&self) {
        if let Some(footprint) = &self.footprint {
            footprint.borrow_mut().is_short = true;
        }
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
