//! Gathering of the entries that are answered together at a name.

use hickory_proto::rr::RecordType;

use super::super::{Lookup, Room, Visits};
use super::fill::Fill;
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
    /// How much of the room is taken, where that ends the walk.
    fill: Option<Fill<'g>>,
}

impl Lookup<'_> {
    /// The entries that the question's name leads to; of those that are for records of a type
    /// with some room, as many as show that they do not fit.
    pub(in crate::authority) fn gather<'g>(
        &self,
        branch: Branch<'g>,
        wanted: Option<(RecordType, Room)>,
    ) -> Gathered<'g> {
        let path = Reversed::of(self.name, self.position.below);
        let fill = wanted.and_then(|it| self.fill(branch.by, it));
        let mut walk = Walk { fill, ..Walk::new(branch.entries, self.visits) };
        let found = match branch.by {
            Lead::Apex(_) => walk.branch(APEX),
            Lead::Own => walk.branch(path.as_octets()),
            Lead::Wildcard(encloser) => wildcard(&path.as_octets()[..encloser])
                .map_or_else(Vec::new, |path| walk.branch(path.as_octets())),
            Lead::Pattern => self.matching(&mut walk),
        };
        Gathered {
            entries: group::of_one_group(found),
            is_cut: self.visits.is_spent(),
            is_synthesised: matches!(branch.by, Lead::Wildcard(_)),
        }
    }

    /// What will tell that records do not fit. It cannot where there is a limit to their number,
    /// at the apex, whose records may be those of the zone file, and for the SRV records of a
    /// wildcard, which have one target.
    fn fill<'g>(&self, by: Lead<'_>, (kind, room): (RecordType, Room)) -> Option<Fill<'g>> {
        let is_known = self.most() == usize::MAX && matches!(by, Lead::Own | Lead::Pattern);
        Fill::of(kind, room).filter(|_| is_known)
    }

    /// The entries that the question's name means where some of its labels stand for any.
    fn matching<'g>(&self, walk: &mut Walk<'g, '_>) -> Vec<&'g Entry> {
        let labels: Vec<_> = (0..self.position.below).rev().map(|at| self.name.label(at)).collect();
        let mut found = Vec::new();
        walk.matching(&mut Vec::with_capacity(NAME_MAX), &labels, &mut found);
        found
    }
}

impl<'g, 'v> Walk<'g, 'v> {
    /// A walk that has not begun.
    pub(super) fn new(all: &'g SkyDns, visits: &'v Visits) -> Self {
        Self { all, visits, fill: None }
    }

    /// The entries at a path and below it.
    pub(super) fn branch(&mut self, path: &[u8]) -> Vec<&'g Entry> {
        let mut found = Vec::new();
        for entry in self.all.below(path) {
            if !self.step() {
                break;
            }
            found.push(&**entry);
            self.visits.note(|| entry.key.to_string());
            self.fill.iter_mut().for_each(|fill| fill.add(entry));
        }
        found
    }

    /// The entries at a path itself.
    pub(super) fn at(&self, path: &[u8]) -> Vec<&'g Entry> {
        let found = self.all.at(path).take_while(|_| self.visits.step());
        found.inspect(|entry| self.visits.note(|| entry.key.to_string())).map(|it| &**it).collect()
    }

    /// Adds the entries of all branches below a path that labels lead to.
    fn matching(&mut self, path: &mut Vec<u8>, labels: &[&[u8]], found: &mut Vec<&'g Entry>) {
        let Some((first, rest)) = labels.split_first() else {
            return found.extend(self.branch(path));
        };
        let parent = path.len();
        if is_any_label(first) {
            for child in self.all.children(path) {
                if !self.step() {
                    return;
                }
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
    /// Looks at one more; not if that would be too many, or of no use.
    fn step(&self) -> bool {
        !self.fill.as_ref().is_some_and(Fill::is_over) && self.visits.step()
    }
}
