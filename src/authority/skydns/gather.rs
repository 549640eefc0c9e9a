//! Which entries are answered together at a name.

use std::cell::Cell;

use super::super::Lookup;
use super::group;
use crate::index::skydns::{is_any_label, wildcard};
use crate::index::{Branch, Lead, SkyDns};
use crate::names::{NAME_MAX, Reversed};
use crate::registry::skydns::Entry;

/// Entries and labels that are looked at for one question: what stands at a name is merged
/// from all below it, and a question with many `*` can mean much of a zone. It is four times
/// what a message over TCP could carry of the shortest records; beyond it an answer is made of
/// what was found so far.
pub(super) const VISITED_MAX: usize = 16_384;
/// Below the apex, the path of what is answered at it.
const APEX: &[u8] = b"\x03dns\x04apex";

/// Entries that are answered together.
pub(in crate::authority) struct Gathered<'g> {
    /// The entries, those nearer to the apex first among those below each other.
    pub(super) entries: Vec<&'g Entry>,
    /// Whether there may be more.
    pub(super) is_cut: bool,
    /// Whether the name is one that a stored wildcard stands for.
    pub(super) is_synthesised: bool,
}

/// A walk that must end.
pub(super) struct Walk<'g> {
    /// All entries of the zone.
    all: &'g SkyDns,
    /// How much may still be looked at.
    left: Cell<usize>,
}

impl Lookup<'_> {
    /// The entries that the question's name leads to.
    pub(in crate::authority) fn gather<'g>(&self, branch: Branch<'g>) -> Gathered<'g> {
        let path = Reversed::of(self.name, self.position.below);
        let walk = Walk::new(branch.entries);
        let found = match branch.by {
            Lead::Apex(_) => walk.branch(APEX),
            Lead::Own => walk.branch(path.as_octets()),
            Lead::Wildcard(encloser) => wildcard(&path.as_octets()[..encloser])
                .map_or_else(Vec::new, |path| walk.branch(path.as_octets())),
            Lead::Pattern => self.matching(&walk),
        };
        Gathered {
            entries: group::of_one_group(found),
            is_cut: walk.left.get() == 0,
            is_synthesised: matches!(branch.by, Lead::Wildcard(_)),
        }
    }

    /// The entries that the question's name means where some of its labels stand for any.
    fn matching<'g>(&self, walk: &Walk<'g>) -> Vec<&'g Entry> {
        let labels: Vec<_> = (0..self.position.below).rev().map(|at| self.name.label(at)).collect();
        let mut found = Vec::new();
        walk.matching(&mut Vec::with_capacity(NAME_MAX), &labels, &mut found);
        found
    }
}

impl<'g> Walk<'g> {
    /// A walk that has not begun.
    pub(super) const fn new(all: &'g SkyDns) -> Self {
        Self { all, left: Cell::new(VISITED_MAX) }
    }

    /// The entries at a path and below it.
    pub(super) fn branch(&self, path: &[u8]) -> Vec<&'g Entry> {
        self.all.below(path).take_while(|_| self.step()).map(|entry| &**entry).collect()
    }

    /// The entries at a path itself.
    pub(super) fn at(&self, path: &[u8]) -> Vec<&'g Entry> {
        self.all.at(path).take_while(|_| self.step()).map(|entry| &**entry).collect()
    }

    /// Adds the entries of all branches below a path that labels lead to.
    fn matching(&self, path: &mut Vec<u8>, labels: &[&[u8]], found: &mut Vec<&'g Entry>) {
        let Some((first, rest)) = labels.split_first() else {
            return found.extend(self.branch(path));
        };
        let parent = path.len();
        if is_any_label(first) {
            for child in self.all.children(path).take_while(|_| self.step()) {
                path.extend(&child[parent..]);
                self.matching(path, rest, found);
                path.truncate(parent);
            }
            return;
        }
        path.push(first.len() as u8);
        path.extend(*first);
        if self.step() && self.all.has(path) {
            self.matching(path, rest, found);
        }
        path.truncate(parent);
    }

    /// Looks at one more; not if that would be too many.
    fn step(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}
