//! Histograms: each number is counted in the bucket of the next power of two, which a
//! processor finds in one instruction.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of numbers up to 2^`FIRST`, up to the double of it, and so on; the last of the
/// `BUCKETS` has no limit.
#[derive(Debug)]
pub struct Histogram<const FIRST: u32, const BUCKETS: usize> {
    /// How many fell into each bucket.
    buckets: [AtomicU64; BUCKETS],
    /// The sum of all, in a unit that may be finer.
    sum: AtomicU64,
}

/// A histogram as it was when it was read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The power of two that is the first bucket's limit.
    first: u32,
    /// How many fell into each bucket; the last has no limit.
    counts: Vec<u64>,
    /// The sum of all.
    sum: u64,
}

impl<const FIRST: u32, const BUCKETS: usize> Default for Histogram<FIRST, BUCKETS> {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl<const FIRST: u32, const BUCKETS: usize> Histogram<FIRST, BUCKETS> {
    /// Counts a number so many times, and adds what all of them are to the sum.
    /// `add` is how numbers are added to: by a locked instruction or not.
    pub fn count(&self, number: u64, times: u64, sum: u64, add: impl Fn(&AtomicU64, u64)) {
        add(&self.buckets[Self::bucket(number)], times);
        add(&self.sum, sum);
    }

    /// The bucket of a number.
    fn bucket(number: u64) -> usize {
        let exponent = u64::BITS - number.saturating_sub(1).leading_zeros();
        (exponent.saturating_sub(FIRST) as usize).min(BUCKETS - 1)
    }

    /// What was counted.
    #[must_use]
    pub fn read(&self) -> Distribution {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        Distribution { first: FIRST, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

impl Distribution {
    /// How many numbers there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// Each bucket's limit, and how many fell into it alone; the last has none, which is
    /// infinity.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let last = self.counts.len().saturating_sub(1);
        self.counts.iter().enumerate().map(move |(at, count)| {
            let limit = (1_u64 << (self.first as usize + at)) as f64;
            (if at == last { f64::INFINITY } else { limit }, *count)
        })
    }
}

impl AddAssign<&Self> for Distribution {
    fn add_assign(&mut self, other: &Self) {
        self.first = other.first;
        self.counts.resize(other.counts.len(), 0);
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_falls_into_the_bucket_of_the_next_power_of_two() {
        let histogram = Histogram::<2, 4>::default();
        for number in [0, 1, 4, 5, 8, 9, 16, 17, u64::MAX] {
            histogram.count(number, 1, 1, |sum, more| _ = sum.fetch_add(more, Ordering::Relaxed));
        }
        let read = histogram.read();
        let buckets: Vec<_> = read.buckets().collect();
        assert_eq!(buckets, [(4.0, 3), (8.0, 2), (16.0, 2), (f64::INFINITY, 2)]);
        assert_eq!((read.count(), read.sum()), (9, 9));
        let mut both = Distribution::default();
        both += &read;
        both += &read;
        assert_eq!((both.count(), both.buckets().nth(1)), (18, Some((8.0, 4))));
    }
}
