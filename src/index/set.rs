//! A persistent set that costs nothing but a pointer while it has one entry.
//!
//! Most services have one instance, and a tree of one takes as much as a tree of sixteen: with
//! several orders a service, that is most of what such a service takes. So one entry stands in
//! the service itself, and there is a tree while there are more.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::iter::{Chain, Flatten};
use std::ops::Bound;
use std::option::IntoIter;

use equivalent::{Comparable, Equivalent};
use imbl::OrdSet;
use imbl::ordset::RangedIter;
use imbl::shared_ptr::DefaultSharedPtr;

use super::order::Side;

/// Entries between two probes: the one there is, or a run of a tree.
pub(super) type Between<'s, E> =
    Chain<IntoIter<&'s E>, Flatten<IntoIter<RangedIter<'s, E, DefaultSharedPtr>>>>;

/// Entries in their order.
#[derive(Clone)]
pub(super) enum Set<E> {
    /// One entry at most.
    Few(Option<E>),
    /// Two or more.
    Many(OrdSet<E>),
}

impl<E> Default for Set<E> {
    fn default() -> Self {
        Self::Few(None)
    }
}

impl<E: Ord + Clone + fmt::Debug> fmt::Debug for Set<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl<E: Ord + Clone> Set<E> {
    /// Puts an entry in the place of its equal. Whether there was none.
    pub(super) fn insert(&mut self, entry: E) -> bool {
        match self {
            Self::Few(Some(one)) if *one != entry => {
                *self = Self::Many([one.clone(), entry].into_iter().collect());
                true
            }
            Self::Few(place) => place.replace(entry).is_none(),
            Self::Many(set) => set.insert(entry).is_none(),
        }
    }

    /// Removes the equal of an entry. Whether there was one.
    pub(super) fn remove(&mut self, entry: &E) -> bool {
        match self {
            Self::Few(place) => place.take_if(|one| one == entry).is_some(),
            Self::Many(set) => {
                let was_there = set.remove(entry).is_some();
                if set.len() < 2 {
                    *self = Self::Few(set.get_min().cloned());
                }
                was_there
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(one) => usize::from(one.is_some()),
            Self::Many(set) => set.len(),
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &E> {
        let (one, many) = match self {
            Self::Few(one) => (one.as_ref(), None),
            Self::Many(set) => (None, Some(set.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<&E> {
        match self {
            Self::Few(one) => one.as_ref(),
            Self::Many(set) => set.get_min(),
        }
    }

    /// The first beyond a probe.
    pub(super) fn next<P: Comparable<E>>(&self, after: &P) -> Option<&E> {
        self.behind(after).next()
    }

    /// Those beyond a probe.
    pub(super) fn behind<P: Comparable<E>>(&self, probe: &P) -> Between<'_, E> {
        let (one, many) = match self {
            Self::Few(one) => (one.as_ref(), None),
            Self::Many(set) => {
                (None, Some(set.range::<_, P>((Bound::Excluded(probe), Bound::Unbounded))))
            }
        };
        let is_behind = |one: &&E| probe.compare(one) == Ordering::Less;
        one.filter(is_behind).into_iter().chain(many.into_iter().flatten())
    }

    /// Those between two probes.
    pub(super) fn between<P: Comparable<E>>(&self, from: &P, to: &P) -> Between<'_, E> {
        let (one, many) = match self {
            Self::Few(one) => (one.as_ref(), None),
            Self::Many(set) => {
                let range = (Bound::Included(from), Bound::Included(to));
                (None, Some(set.range::<_, P>(range)))
            }
        };
        let is_within =
            |one: &&E| from.compare(one) != Ordering::Greater && to.compare(one) != Ordering::Less;
        one.filter(is_within).into_iter().chain(many.into_iter().flatten())
    }

    /// Whether there is an entry that a probe, made for a side, equals.
    ///
    /// The branches of a tree are parted by copies of entries, which stay when the entry
    /// itself is removed. A search that meets an equal one there goes to its right, while the
    /// entries that are left may be to its left: then, and only then, the first of the run is
    /// looked for.
    pub(super) fn has<P: Comparable<E>>(&self, probe: impl Fn(Side) -> P) -> bool {
        let at = WatchedProbe { probe: probe(Side::At), met: Cell::new(false) };
        let is_it = |entry: &E| at.probe.compare(entry) == Ordering::Equal;
        match self {
            Self::Few(one) => one.as_ref().is_some_and(is_it),
            Self::Many(set) => {
                let next = || set.get_next(&probe(Side::Before));
                set.contains(&at) || at.met.get() && next().is_some_and(is_it)
            }
        }
    }
}

impl<E: Ord + Clone> Extend<E> for Set<E> {
    fn extend<I: IntoIterator<Item = E>>(&mut self, entries: I) {
        for entry in entries {
            self.insert(entry);
        }
    }
}

/// A probe, and whether it met an entry that it equals.
struct WatchedProbe<P> {
    probe: P,
    /// Whether it did.
    met: Cell<bool>,
}

impl<E, P: Comparable<E>> Equivalent<E> for WatchedProbe<P> {
    fn equivalent(&self, entry: &E) -> bool {
        self.compare(entry) == Ordering::Equal
    }
}

impl<E, P: Comparable<E>> Comparable<E> for WatchedProbe<P> {
    fn compare(&self, entry: &E) -> Ordering {
        let order = self.probe.compare(entry);
        if order == Ordering::Equal {
            self.met.set(true);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn one_entry_takes_no_more_than_none() {
        assert_eq!(size_of::<Set<Arc<u8>>>(), size_of::<OrdSet<Arc<u8>>>());
        let mut set = Set::default();
        assert!(set.insert(7) && !set.insert(7) && matches!(set, Set::Few(Some(7))));
        assert!(set.insert(3) && matches!(set, Set::Many(_)));
        assert_eq!((set.len(), set.first()), (2, Some(&3)));
        assert_eq!(set.iter().copied().collect::<Vec<_>>(), [3, 7]);
        assert!(set.remove(&7) && !set.remove(&7) && matches!(set, Set::Few(Some(3))));
        assert!(set.remove(&3) && !set.remove(&3) && set.is_empty());
    }
}
