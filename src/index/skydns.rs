//! The entries of a SkyDNS zone, in the order of a tree that is walked from the apex down.
//!
//! An entry's place is its path: its labels, the nearest to the apex first. In the order of
//! paths, what stands at and below a name is one run, whose ends are found in O(log n), and so
//! are the next label below a name and the closest encloser of a name that is not there. The
//! set is persistent: a change shares everything else with the generation before.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use imbl::OrdSet;

use super::Owner;
use crate::names::reversed::{common, labels};
use crate::names::{Reversed, WireName};
use crate::registry::EntryChange;
use crate::registry::skydns::Entry;

/// The labels that stand for any one label in a question, as in SkyDNS.
const ANY_LABEL: [&[u8]; 2] = [b"*", b"any"];
/// A label that is a wildcard where it is stored (RFC 4592 section 2.1.1).
const WILDCARD: &[u8] = b"*";

/// All entries of a zone.
#[derive(Debug, Clone, Default)]
pub struct SkyDns {
    /// By path, then by key.
    entries: OrdSet<ByPath>,
}

/// Entries of a zone that a name leads to.
#[derive(Debug, Clone, Copy)]
pub struct Branch<'z> {
    /// All entries of the zone.
    pub entries: &'z SkyDns,
    /// How the name leads there.
    pub by: Lead<'z>,
}

/// The way in which a name leads to entries.
#[derive(Debug, Clone, Copy)]
pub enum Lead<'z> {
    /// It is the apex, with what the zone file has there.
    Apex(Option<&'z Owner>),
    /// It is their own, or is above theirs.
    Own,
    /// It does not exist, and there is a wildcard below its closest encloser, whose path
    /// takes so many octets.
    Wildcard(usize),
    /// It has labels that stand for any label.
    Pattern,
}

/// Whether a label of a question, in lower case, stands for any label.
#[must_use]
pub fn is_any_label(label: &[u8]) -> bool {
    ANY_LABEL.contains(&label)
}

impl SkyDns {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, by path.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> + Clone {
        self.entries.iter().map(|entry| &entry.0)
    }

    /// Takes a change in.
    pub(super) fn apply(&mut self, change: &EntryChange) {
        if let Some(before) = &change.before {
            self.entries.remove(&ByPath(Arc::clone(before)));
        }
        if let Some(after) = &change.after {
            self.entries.insert(ByPath(Arc::clone(after)));
        }
    }

    /// The entries at a path and below it, those at it first.
    pub fn below(&self, path: &[u8]) -> impl Iterator<Item = &Arc<Entry>> {
        self.between(Probe(path, Side::Before), Probe(path, Side::AfterBranch))
    }

    /// The entries at a path itself.
    pub fn at(&self, path: &[u8]) -> impl Iterator<Item = &Arc<Entry>> {
        self.between(Probe(path, Side::Before), Probe(path, Side::After))
    }

    /// The entries between two probes.
    fn between<'z>(
        &'z self,
        from: Probe<'_>,
        to: Probe<'_>,
    ) -> impl Iterator<Item = &'z Arc<Entry>> + use<'z> {
        let range = (Bound::Included(&from), Bound::Included(&to));
        self.entries.range::<_, Probe<'_>>(range).map(|entry| &entry.0)
    }

    /// Whether a path exists: an entry stands there, or below it.
    #[must_use]
    pub fn has(&self, path: &[u8]) -> bool {
        path.is_empty() || self.after(path, Side::Before).is_some_and(|it| it.starts_with(path))
    }

    /// The paths right below one, each once.
    pub fn children<'z>(&'z self, path: &[u8]) -> impl Iterator<Item = &'z [u8]> + use<'z> {
        let parent = path.len();
        let child = move |found: &'z [u8]| {
            let length = usize::from(*found.get(parent)?);
            found.get(..parent + 1 + length)
        };
        let is_below = |found: &&[u8]| found.starts_with(path);
        let first = self.after(path, Side::After).filter(is_below).and_then(child);
        std::iter::successors(first, move |last| {
            let next = self.after(last, Side::AfterBranch)?;
            (next[..parent.min(next.len())] == last[..parent]).then(|| child(next)).flatten()
        })
    }

    /// The path of the first entry beyond a place.
    fn after(&self, path: &[u8], side: Side) -> Option<&[u8]> {
        self.entries.get_next(&Probe(path, side)).map(|entry| &*entry.0.path)
    }

    /// How a name leads to entries by itself, so many of whose labels are below the apex.
    pub(super) fn find(&self, name: &WireName, below: usize) -> Option<Branch<'_>> {
        let any = (0..below).rev().position(|at| is_any_label(name.label(at)));
        let (path, by) = match any {
            None => (Reversed::of(name, below), Lead::Own),
            // What is above the first of such labels must be there.
            Some(literal) => (Reversed::of(&name.above(below - literal), literal), Lead::Pattern),
        };
        self.has(path.as_octets()).then_some(Branch { entries: self, by })
    }

    /// The wildcard that stands for a path which does not exist, and how many octets of it are
    /// that of the closest encloser.
    pub(super) fn find_wildcard(&self, path: &[u8]) -> Option<Branch<'_>> {
        let probe = Probe(path, Side::Before);
        let neighbours = [self.entries.get_prev(&probe), self.entries.get_next(&probe)];
        let depth = |entry: &ByPath| common(&entry.0.path, path);
        let encloser = neighbours.into_iter().flatten().map(depth).max()?;
        let by = Lead::Wildcard(encloser);
        let wildcard = wildcard(&path[..encloser])?;
        self.has(wildcard.as_octets()).then_some(Branch { entries: self, by })
    }
}

/// The path of the wildcard below a path, if there is room for one in a name.
#[must_use]
pub fn wildcard(path: &[u8]) -> Option<Reversed> {
    let mut wildcard = Reversed::apex();
    labels(path).chain([WILDCARD]).try_for_each(|label| wildcard.push(label)).ok()?;
    Some(wildcard)
}

/// An entry in the order of paths. Keys that differ in case only have one.
#[derive(Debug, Clone)]
struct ByPath(Arc<Entry>);

impl Ord for ByPath {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = (&self.0, &other.0);
        one.path.cmp(&other.path).then_with(|| one.key.cmp(&other.key))
    }
}

impl PartialOrd for ByPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByPath {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByPath {}

/// A probe beside the entries at a path. It equals none of them.
struct Probe<'p>(&'p [u8], Side);

/// The side that a probe stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Before the entries at the path, and so before all below it.
    Before,
    /// After them, and before all below it.
    After,
    /// After all below it.
    AfterBranch,
}

impl Equivalent<ByPath> for Probe<'_> {
    fn equivalent(&self, _: &ByPath) -> bool {
        false
    }
}

impl Comparable<ByPath> for Probe<'_> {
    fn compare(&self, entry: &ByPath) -> Ordering {
        let Self(path, side) = self;
        let found = &*entry.0.path;
        if *side == Side::AfterBranch && found.starts_with(path) {
            return Ordering::Greater;
        }
        let last = if *side == Side::Before { Ordering::Less } else { Ordering::Greater };
        (*path).cmp(found).then(last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::{Layout, Table, Update};

    /// The entries of keys.
    fn entries(keys: &[&str]) -> SkyDns {
        let apex = WireName::from_text("z").unwrap();
        let mut table = Table::new(Layout::of_labels("/s", &apex).unwrap());
        let mut update = Update::default();
        for key in keys {
            table.put(format!("/s/z/{key}").as_bytes(), b"{}", &mut update);
        }
        let mut all = SkyDns::default();
        update.entries.iter().for_each(|change| all.apply(change));
        all
    }

    /// The path of a name below the apex.
    fn path(name: &str) -> Vec<u8> {
        let name = WireName::from_text(name).unwrap();
        Reversed::of(&name, name.labels()).as_octets().to_vec()
    }

    fn keys<'e>(found: impl Iterator<Item = &'e Arc<Entry>>) -> Vec<&'e str> {
        found.map(|entry| entry.key.strip_prefix("/s/z/").unwrap()).collect()
    }

    #[test]
    fn a_branch_is_one_run() {
        let all = entries(&["web/1", "Web", "web/2/x", "we/b", "webb/1", "w", "any/y"]);
        assert_eq!(keys(all.below(&path("web"))), ["Web", "web/1", "web/2/x"]);
        assert_eq!(keys(all.at(&path("web"))), ["Web"]);
        assert_eq!(keys(all.below(b"")).len(), 7);
        assert!(all.has(&path("we")) && all.has(b"") && all.has(&path("2.web")));
        assert!(
            !all.has(&path("x")) && !all.has(&path("3.web")) && !SkyDns::default().has(&path("x"))
        );
        let children: Vec<_> = all.children(b"").map(<[u8]>::to_vec).collect();
        assert_eq!(children, ["w", "we", "any", "web", "webb"].map(path));
        let children: Vec<_> = all.children(&path("web")).map(<[u8]>::to_vec).collect();
        assert_eq!(children, ["1.web", "2.web"].map(path));
        assert!(all.children(&path("w")).next().is_none());
    }

    #[test]
    fn names_lead_to_entries() {
        let all = entries(&["web/1", "a/b/*", "*/x"]);
        let find = |name: &str| {
            let name = WireName::from_text(name).unwrap();
            let branch = all.find(&name, name.labels() - 1);
            let wild = || all.find_wildcard(Reversed::of(&name, name.labels() - 1).as_octets());
            branch.or_else(wild).map(|branch| format!("{:?}", branch.by))
        };
        for (name, by) in [
            ("web.z", Some("Own")),
            ("1.web.z", Some("Own")),
            ("2.web.z", None),
            ("*.web.z", Some("Pattern")),
            ("1.any.z", Some("Pattern")),
            // The closest encloser is the apex.
            ("any.none.z", Some("Wildcard(0)")),
            ("none.z", Some("Wildcard(0)")),
            ("x.none.z", Some("Wildcard(0)")),
            ("none.b.a.z", Some("Wildcard(4)")),
            ("y.none.b.a.z", Some("Wildcard(4)")),
            // `a` exists, and has no wildcard below it.
            ("none.a.z", None),
        ] {
            assert_eq!(find(name).as_deref(), by, "{name}");
        }
        assert!(SkyDns::default().find_wildcard(&path("x")).is_none());
    }

    #[test]
    fn a_wildcard_is_a_path_without_an_allocation() {
        // A value that is copied owns nothing on the heap.
        fn octets(it: impl Copy + Into<Option<Reversed>>) -> Option<Vec<u8>> {
            it.into().map(|it| it.as_octets().to_vec())
        }
        assert_eq!(octets(wildcard(b"")).as_deref(), Some(&b"\x01*"[..]));
        assert_eq!(octets(wildcard(b"\x02ab")).as_deref(), Some(&b"\x02ab\x01*"[..]));
        assert!(wildcard(&path(&vec!["a"; 126].join("."))).is_some());
        assert!(wildcard(&path(&vec!["a"; 127].join("."))).is_none());
    }

    proptest! {
        /// The tree says what a look at every entry would say.
        #[test]
        fn the_order_agrees_with_a_look_at_all(
            stored in prop::collection::vec("(a|b|aa|\\*)(/(a|b|ab)){0,3}", 0..12),
            asked in "(a|b|c|aa)(\\.(a|b|ab|c)){0,3}",
        ) {
            let stored: Vec<_> = stored.iter().map(String::as_str).collect();
            let (all, path) = (entries(&stored), path(&asked));
            let every = || all.iter().filter(|entry| entry.path.starts_with(&path));
            prop_assert!(every().eq(all.below(&path)));
            prop_assert!(every().filter(|it| *it.path == *path).eq(all.at(&path)));
            prop_assert_eq!(all.has(&path), every().next().is_some());
            let mut children: Vec<_> = every()
                .filter_map(|it| labels(&it.path[path.len()..]).next())
                .map(<[u8]>::to_vec)
                .collect();
            children.sort_unstable_by_key(|label| (label.len(), label.clone()));
            children.dedup();
            let found: Vec<_> =
                all.children(&path).map(|it| it[path.len() + 1..].to_vec()).collect();
            prop_assert_eq!(found, children);
            if !all.has(&path) {
                let encloser = all.iter().map(|it| common(&it.path, &path)).max().unwrap_or(0);
                let wanted = wildcard(&path[..encloser]).is_some_and(|it| all.has(it.as_octets()));
                let found = all.find_wildcard(&path);
                prop_assert_eq!(found.is_some(), wanted && !all.is_empty());
                if let Some(Branch { by: Lead::Wildcard(octets), .. }) = found {
                    prop_assert_eq!(octets, encloser);
                }
            }
        }
    }
}
