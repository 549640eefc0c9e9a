//! Parts of long lists, in an order that stays the same.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::http::server::refusal::Refusal;

/// Entries of a page, where nothing else is asked for.
const DEFAULT_LIMIT: usize = 100;
/// The most entries of a page: some hundred kilobytes.
pub(super) const LIMIT_MAX: usize = 1000;

/// An entry behind what alone puts it in order.
#[derive(Debug)]
pub(super) struct Placed<K, T>(pub(super) K, pub(super) T);

/// How many entries are wanted.
///
/// # Errors
/// 400: none, or too many.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Refusal> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Refusal::invalid(format!("`limit` is {limit}; it must be 1 to {LIMIT_MAX}")))
}

/// The first so many, in order, and whether there are more. Keeps no more than these.
pub(super) fn first<T: Ord>(all: impl Iterator<Item = T>, most: usize) -> (Vec<T>, bool) {
    let mut least = BinaryHeap::with_capacity(most + 2);
    for one in all {
        least.push(one);
        if least.len() > most + 1 {
            least.pop();
        }
    }
    let mut sorted = least.into_sorted_vec();
    let has_more = sorted.len() > most;
    sorted.truncate(most);
    (sorted, has_more)
}

impl<K: PartialEq, T> PartialEq for Placed<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Eq, T> Eq for Placed<K, T> {}

impl<K: Ord, T> PartialOrd for Placed<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, T> Ord for Placed<K, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_the_least() {
        let of = |count: u32, most| first((0..count).map(|it| it * 7 % count), most);
        assert_eq!(of(10, 3), (vec![0, 1, 2], true));
        assert_eq!(of(3, 3), (vec![0, 1, 2], false));
        assert_eq!(of(0, 3), (vec![], false));
    }

    #[test]
    fn limits_have_limits() {
        assert_eq!(limit(None), Ok(DEFAULT_LIMIT));
        assert_eq!(limit(Some(LIMIT_MAX)), Ok(LIMIT_MAX));
        assert!(limit(Some(0)).is_err() && limit(Some(LIMIT_MAX + 1)).is_err());
    }
}
