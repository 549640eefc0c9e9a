//! Ranges of keys that requests mean: etcd's pair of `key` and `range_end`.

use std::ops::Bound;

/// The ends of a search in a sorted map.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The keys from `start` up to, not including, `end`; without an `end`, all from `start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interval {
    /// The first key.
    start: Vec<u8>,
    /// The first key after the interval.
    end: Option<Vec<u8>>,
}

impl Interval {
    /// Reads etcd's notation: no `range_end` is the one key, and a `range_end` of one
    /// zero byte is everything from `key` on (etcd API reference, `RangeRequest`).
    pub(super) fn new(key: &[u8], range_end: &[u8]) -> Self {
        let end = match range_end {
            [] => Some([key, &[0]].concat()),
            [0] => None,
            end => Some(end.to_vec()),
        };
        Self { start: key.to_vec(), end }
    }

    /// Tells whether no key can be inside.
    pub(super) fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Tells whether `key` is inside.
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.start.as_slice() <= key && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }

    /// The bounds for a search in a sorted map; `None` where it has nothing to find.
    pub(super) fn bounds(&self) -> Option<Bounds<'_>> {
        let end = self.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (!self.is_empty()).then_some((Bound::Included(self.start.as_slice()), end))
    }
}

#[cfg(test)]
mod tests {
    use super::Interval;

    #[test]
    fn without_an_end_it_is_one_key() {
        let one = Interval::new(b"b", b"");
        assert!(one.contains(b"b"));
        assert!(!one.contains(b"b\0") && !one.contains(b"a") && !one.contains(b""));
    }

    #[test]
    fn a_zero_end_means_all_the_rest() {
        assert!(Interval::new(b"b", b"\0").contains(b"\xff\xff"));
        assert!(!Interval::new(b"b", b"\0").contains(b"a"));
        assert!(Interval::new(b"\0", b"\0").contains(b"\0"));
    }

    #[test]
    fn the_end_is_outside_and_a_reversed_interval_is_empty() {
        assert!(!Interval::new(b"a", b"c").contains(b"c"));
        assert!(Interval::new(b"a", b"c").contains(b"b\xff"));
        assert!(Interval::new(b"c", b"a").is_empty() && Interval::new(b"a", b"a").is_empty());
        assert_eq!(Interval::new(b"c", b"a").bounds(), None);
    }
}
