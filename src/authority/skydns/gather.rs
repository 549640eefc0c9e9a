//! Which entries are answered together at a name.

use super::super::{Lookup, Visits};
use super::group;
use crate::index::skydns::{is_any_label, wildcard};
use crate::index::{Branch, Lead, SkyDns};
use crate::names::{NAME_MAX, Reversed};
use crate::registry::skydns::Entry;

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
pub(super) struct Walk<'g, 'v> {
    /// All entries of the zone.
    all: &'g SkyDns,
    /// What may still be looked at.
    visits: &'v Visits,
}

impl Lookup<'_> {
    /// The entries that the question's name leads to.
    pub(in crate::authority) fn gather<'g>(&self, branch: Branch<'g>) -> Gathered<'g> {
        let path = Reversed::of(self.name, self.position.below);
        let walk = Walk::new(branch.entries, self.visits);
        let found = match branch.by {
            Lead::Apex(_) => walk.branch(APEX),
            Lead::Own => walk.branch(path.as_octets()),
            Lead::Wildcard(encloser) => wildcard(&path.as_octets()[..encloser])
                .map_or_else(Vec::new, |path| walk.branch(path.as_octets())),
            Lead::Pattern => self.matching(&walk),
        };
        Gathered {
            entries: group::of_one_group(found),
            is_cut: self.visits.is_spent(),
            is_synthesised: matches!(branch.by, Lead::Wildcard(_)),
        }
    }

    /// The entries that the question's name means where some of its labels stand for any.
    fn matching<'g>(&self, walk: &Walk<'g, '_>) -> Vec<&'g Entry> {
        let labels: Vec<_> = (0..self.position.below).rev().map(|at| self.name.label(at)).collect();
        let mut found = Vec::new();
        walk.matching(&mut Vec::with_capacity(NAME_MAX), &labels, &mut found);
        found
    }
}

impl<'g, 'v> Walk<'g, 'v> {
    /// A walk that has not begun.
    pub(super) const fn new(all: &'g SkyDns, visits: &'v Visits) -> Self {
        Self { all, visits }
    }

    /// The entries at a path and below it.
    pub(super) fn branch(&self, path: &[u8]) -> Vec<&'g Entry> {
        self.all.below(path).take_while(|_| self.visits.step()).map(|entry| &**entry).collect()
    }

    /// The entries at a path itself.
    pub(super) fn at(&self, path: &[u8]) -> Vec<&'g Entry> {
        self.all.at(path).take_while(|_| self.visits.step()).map(|entry| &**entry).collect()
    }

    /// Adds the entries of all branches below a path that labels lead to.
    fn matching(&self, path: &mut Vec<u8>, labels: &[&[u8]], found: &mut Vec<&'g Entry>) {
        let Some((first, rest)) = labels.split_first() else {
            return found.extend(self.branch(path));
        };
        let parent = path.len();
        if is_any_label(first) {
            for child in self.all.children(path).take_while(|_| self.visits.step()) {
                path.extend(&child[parent..]);
                self.matching(path, rest, found);
                path.truncate(parent);
            }
            return;
        }
        path.push(first.len() as u8);
        path.extend(*first);
        if self.visits.step() && self.all.has(path) {
            self.matching(path, rest, found);
        }
        path.truncate(parent);
    }
}
