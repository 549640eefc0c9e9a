//! The accounts: how much each may still be sent, in one word of memory each.
//!
//! An account is a time, that of virtual scheduling (GCRA, ITU-T I.371): each reply moves it
//! on by the time that one may take, and a reply is over the rate when that would move it
//! more than [`BURST`] ahead of the clock. So an account that was quiet has a burst of one
//! second's replies, then exactly its rate, and is as good as new a second after it ends;
//! what is refused costs it nothing.
//!
//! The table has a fixed size. An account is looked for in one cache line, by a part of its
//! hash; one that is not there takes the place of one that is as good as new, or else of
//! the one that will be soonest. A flood from very many networks can so make others forget
//! a part of a second of what they were sent, and nothing else.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Accounts that are kept: 512 KiB, and more networks than are sent their whole rate within
/// a second.
const ACCOUNTS: usize = 1 << 16;
/// Accounts of a cache line, among which one is looked for.
const WAYS: usize = 8;
/// How far an account may be ahead of the clock.
const BURST: Duration = Duration::from_secs(1);
/// Bits of a word that are the time: microseconds of nine years since the start.
const TIME_BITS: u32 = 48;
/// The part of a word that is the time.
const TIME: u64 = (1 << TIME_BITS) - 1;

/// All accounts.
#[derive(Debug)]
pub(super) struct Table {
    /// They, by a part of their hash.
    lines: Box<[CacheLine]>,
    /// The time zero of all of them.
    start: Instant,
}

/// The time that a reply takes, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval(u64);

/// Accounts that are looked at together: each a word of 16 bits of its hash, then its time.
/// All bits clear is one that is as good as new.
#[derive(Debug, Default)]
#[repr(align(64))]
struct CacheLine([AtomicU64; WAYS]);

impl Table {
    /// A table of accounts that are as good as new.
    pub(super) fn new() -> Self {
        let lines = (0..ACCOUNTS / WAYS).map(|_| CacheLine::default()).collect();
        Self { lines, start: Instant::now() }
    }

    /// Takes one reply, which takes so long, from the account with a hash; false if it has
    /// none left.
    pub(super) fn take(&self, hash: u64, Interval(interval): Interval, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.start).as_micros() as u64 & TIME;
        let line = &self.lines[hash as usize % self.lines.len()];
        let tag = hash & !TIME;
        // Whoever is outrun by another thread looks again; one of them always gets on.
        loop {
            let (place, seen) = line.find(tag);
            let ahead = if seen & !TIME == tag { (seen & TIME).max(now) } else { now };
            if ahead + interval > now + BURST.as_micros() as u64 {
                return false;
            }
            let next = tag | (ahead + interval) & TIME;
            let (set, look) = (Ordering::Relaxed, Ordering::Relaxed);
            if place.compare_exchange_weak(seen, next, set, look).is_ok() {
                return true;
            }
        }
    }
}

impl Interval {
    /// That of so many replies a second.
    pub(super) fn of(per_second: NonZeroU32) -> Self {
        let interval = BURST.as_micros() as u64 / u64::from(per_second.get());
        Self(interval.max(1))
    }
}

impl CacheLine {
    /// The place of an account, and what is there: its own, or one whose loss matters least.
    fn find(&self, tag: u64) -> (&AtomicU64, u64) {
        let mut least = (&self.0[0], u64::MAX);
        for place in &self.0 {
            let seen = place.load(Ordering::Relaxed);
            if seen & !TIME == tag {
                return (place, seen);
            }
            if seen & TIME < least.1 & TIME {
                least = (place, seen);
            }
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with a rate, and a clock that is set by hand.
    fn table(per_second: u32) -> ((Table, Interval), impl Fn(u64) -> Instant) {
        let (table, rate) = (Table::new(), NonZeroU32::new(per_second).unwrap());
        let start = table.start;
        ((table, Interval::of(rate)), move |milliseconds| {
            start + Duration::from_millis(milliseconds)
        })
    }

    /// How many of so many replies an account is sent at once.
    fn taken(table: &(Table, Interval), hash: u64, now: Instant, replies: usize) -> usize {
        (0..replies).filter(|_| table.0.take(hash, table.1, now)).count()
    }

    #[test]
    fn an_account_has_a_burst_then_its_rate_and_recovers() {
        for rate in [1, 10, 1_000, super::super::RATE_MAX] {
            let (table, at) = table(rate);
            let much = 2 * rate as usize;
            assert_eq!(taken(&table, 7, at(0), much), rate as usize);
            // What was refused has cost nothing.
            assert_eq!(taken(&table, 7, at(500), much), (rate / 2) as usize);
            assert_eq!(taken(&table, 7, at(1_000), much), rate.div_ceil(2) as usize);
            assert_eq!(taken(&table, 7, at(60_000), much), rate as usize);
            // A clock that another thread read before gives nothing away.
            assert_eq!(taken(&table, 7, at(59_000), 1), 0);
        }
    }

    #[test]
    fn accounts_of_a_line_are_apart_while_there_is_room() {
        let (table, at) = table(10);
        let account = |number: u64| number << TIME_BITS;
        for number in 1..=WAYS as u64 {
            assert_eq!(
                taken(&table, account(number), at(0), 10 - number as usize),
                10 - number as usize
            );
        }
        // One more takes the place of the one that was sent least.
        assert_eq!(taken(&table, account(100), at(0), 20), 10);
        for number in 1..WAYS {
            assert_eq!(taken(&table, account(number as u64), at(0), 1), 1, "{number}");
        }
        assert_eq!(taken(&table, account(1), at(0), 1), 0, "it was sent ten");
        // Other lines are untouched.
        assert_eq!(taken(&table, account(100) + 1, at(0), 20), 10);
    }

    #[test]
    fn threads_share_what_an_account_has() {
        let (table, at) = table(50_000);
        let now = at(0);
        let sum: usize = std::thread::scope(|scope| {
            let take = || taken(&table, 42, now, 40_000);
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(sum, 50_000);
    }
}
