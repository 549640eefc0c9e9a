//! The keys that may be read and written: those below the prefixes of zones.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::path::NodePath;
use crate::etcd::Range;
use crate::events::ZoneId;

/// The end of the whole keyspace, as etcd writes it.
const NO_END: &[u8] = b"\0";

/// The zones whose keys are served, which a reload may replace.
#[derive(Debug)]
pub struct ServedZones(ArcSwap<Scope>);

impl ServedZones {
    /// Zones, each with the keys that it reads.
    #[must_use]
    pub fn new(zones: Vec<(ZoneId, Range)>) -> Self {
        Self(ArcSwap::from_pointee(Scope::of(zones)))
    }

    /// Serves the keys of other zones from now on.
    pub fn replace(&self, zones: Vec<(ZoneId, Range)>) {
        self.0.store(Arc::new(Scope::of(zones)));
    }

    /// The keys that are served now.
    pub(super) fn scope(&self) -> Arc<Scope> {
        self.0.load_full()
    }
}

/// Ranges of keys, none within another.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The ranges, in the order of keys.
    ranges: Vec<Range>,
    /// The first key of each zone: that of its directory's marker.
    prefixes: Vec<Vec<u8>>,
    /// The zones, each with the keys that it reads.
    zones: Vec<(ZoneId, Range)>,
}

impl Scope {
    /// The keys of zones.
    fn of(zones: Vec<(ZoneId, Range)>) -> Self {
        Self { zones: zones.clone(), ..Self::new(zones.into_iter().map(|(_, range)| range)) }
    }

    /// The zones that read a key.
    pub(super) fn readers(&self, key: &[u8]) -> impl Iterator<Item = ZoneId> {
        self.zones.iter().filter(|(_, range)| is_in(key, range)).map(|(zone, _)| *zone)
    }

    /// The keys of some ranges.
    pub(super) fn new(ranges: impl IntoIterator<Item = Range>) -> Self {
        let (mut kept, mut prefixes): (Vec<Range>, _) = (Vec::new(), Vec::new());
        for range in ranges {
            prefixes.push(range.0.clone());
            if kept.iter().any(|one| is_within(&range, one)) {
                continue;
            }
            kept.retain(|one| !is_within(one, &range));
            kept.push(range);
        }
        kept.sort();
        Self { ranges: kept, prefixes, zones: Vec::new() }
    }

    /// Whether a key is among them.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.ranges.iter().any(|range| is_in(key, range))
    }

    /// The first key that may be among them.
    pub(super) fn first(&self) -> Option<Vec<u8>> {
        self.ranges.first().map(|(from, _)| from.clone())
    }

    /// The parts of a range that are among them, in the order of keys.
    pub(super) fn parts(&self, range: &Range) -> Vec<Range> {
        self.ranges.iter().filter_map(|one| common(one, range)).collect()
    }

    /// Whether a node may be written or removed: not so a directory that a zone is in, whose end
    /// would be that of all its keys.
    pub(super) fn takes(&self, path: &NodePath) -> bool {
        let marker = path.marker();
        let holds_zone = self.prefixes.iter().any(|prefix| prefix.starts_with(&marker));
        !path.is_root() && !holds_zone && self.has(&path.key())
    }

    /// Whether nodes may be made in a directory.
    pub(super) fn takes_inside(&self, path: &NodePath) -> bool {
        !path.is_root() && self.has(&path.marker())
    }

    /// Whether an event of a node may be told: its key is among these, or its marker.
    pub(super) fn shows(&self, path: &NodePath) -> bool {
        self.has(&path.key()) || self.has(&path.marker())
    }

    /// One range that all keys of a node lie in, as far as they are among these; none where
    /// there are none.
    pub(super) fn around(&self, path: &NodePath) -> Option<Range> {
        let (from, (_, to)) = (path.key(), path.below());
        let from = if from.is_empty() { b"/".to_vec() } else { from };
        let parts = self.parts(&(from, to));
        Some((parts.first()?.0.clone(), parts.last()?.1.clone()))
    }
}

/// Whether a key is in a range.
pub(super) fn is_in(key: &[u8], (from, to): &Range) -> bool {
    from.as_slice() <= key && is_before(key, to)
}

/// Whether a key is before an end.
fn is_before(key: &[u8], end: &[u8]) -> bool {
    end == NO_END || key < end
}

/// Whether a range has no key that another has not.
fn is_within((from, to): &Range, (other_from, other_to): &Range) -> bool {
    other_from <= from && (other_to == NO_END || (to != NO_END && to <= other_to))
}

/// The keys that two ranges share.
fn common((from, to): &Range, (other_from, other_to): &Range) -> Option<Range> {
    let from = from.max(other_from).clone();
    let to = match (to.as_slice(), other_to.as_slice()) {
        (NO_END, _) => other_to,
        (_, NO_END) => to,
        _ => to.min(other_to),
    };
    is_before(&from, to).then(|| (from, to.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> Range {
        (from.into(), to.into())
    }

    fn path(text: &str) -> NodePath {
        NodePath::of(text).unwrap()
    }

    #[test]
    fn a_scope_is_the_keys_below_prefixes() {
        let scope =
            Scope::new([range("/s/", "/s0"), range("/a/b/", "/a/b0"), range("/s/x/", "/s/x0")]);
        assert!(
            scope.has(b"/s/web") && scope.has(b"/s/") && !scope.has(b"/s") && !scope.has(b"/t")
        );
        assert_eq!(scope.parts(&path("/").below()), [range("/a/b/", "/a/b0"), range("/s/", "/s0")]);
        assert_eq!(scope.parts(&path("/s/web").below()), [range("/s/web/", "/s/web0")]);
        assert_eq!(scope.parts(&path("/a").below()), [range("/a/b/", "/a/b0")]);
        assert!(scope.parts(&path("/t").below()).is_empty());
        assert!(scope.takes(&path("/s/web")) && scope.takes_inside(&path("/s")));
        for above in ["/", "/s", "/a", "/a/b", "/s/x", "/t"] {
            assert!(!scope.takes(&path(above)), "{above}");
        }
        assert!(scope.takes_inside(&path("/s/x")) && !scope.takes_inside(&path("/a")));
        assert!(
            scope.shows(&path("/s")) && scope.shows(&path("/s/x")) && !scope.shows(&path("/m"))
        );
        assert_eq!(scope.around(&path("/s/web")), Some(range("/s/web", "/s/web0")));
        assert_eq!(scope.around(&path("/s")), Some(range("/s/", "/s0")));
        assert_eq!(scope.around(&path("/")), Some(range("/a/b/", "/s0")));
        assert_eq!(scope.around(&path("/t")), None);
    }

    #[test]
    fn a_scope_may_be_the_whole_keyspace() {
        let scope = Scope::new([range("/s/", "/s0"), range("\0", "\0")]);
        assert!(scope.has(b"/t") && scope.takes(&path("/t")));
        assert!(!scope.takes_inside(&path("/")), "the root is nobody's");
        assert_eq!(scope.parts(&path("/").below()), [range("/", "0")]);
    }
}
