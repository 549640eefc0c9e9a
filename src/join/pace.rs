//! The pace of heartbeats.
//!
//! Whatever happens to a heartbeat, the next one lies in the future: a loop that waits for it
//! always waits. While the registry is away the next comes at once when it is back, which one
//! finds out for all.

use std::time::Duration;

use tokio::time::Instant;

use super::registration::RETRY;
use crate::backoff::{Backoff, drawn};

/// A heartbeat may come this part of the interval early, so that a fleet that registered
/// together does not beat together.
const JITTER: f64 = 0.15;
/// The least part of the interval after which the first heartbeat comes, also the first
/// after an outage: all have beaten together then.
const FIRST_MIN: f64 = 0.2;
/// How often each tries by itself while the registry is away: one looks for all every second,
/// and thousands that tried as well would be the load.
pub(super) const AWAY: Duration = Duration::from_secs(30);

/// An occasion to look at the registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A heartbeat is due.
    Due,
    /// The registry was away, and is back.
    Back,
    /// The key may have changed.
    Changed,
}

/// The time of the next heartbeat, and whether the registry's return hastens it.
#[derive(Debug)]
pub(super) struct Pace {
    /// Between two heartbeats.
    interval: Duration,
    /// When the next is due.
    next: Instant,
    /// Between heartbeats that failed.
    backoff: Backoff,
    /// While the registry is away: when its return may call for a heartbeat. One that
    /// answers our look and nothing else would call all the time.
    heeds_from: Option<Instant>,
}

impl Call {
    /// Whether the lease is renewed.
    pub(super) const fn is_heartbeat(self) -> bool {
        matches!(self, Self::Due | Self::Back)
    }
}

impl Pace {
    /// The first heartbeat comes at some moment of the interval.
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        let backoff = Backoff::new(RETRY.0, interval.max(RETRY.0));
        let next = now + drawn(interval, FIRST_MIN, 1.0);
        Self { interval, next, backoff, heeds_from: None }
    }

    /// When the next heartbeat is due.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// When the registry's return may call for a heartbeat, if it is away.
    pub(super) const fn heeds_from(&self) -> Option<Instant> {
        self.heeds_from
    }

    /// All is well.
    pub(super) fn went_well(&mut self, call: Call, now: Instant) {
        if !call.is_heartbeat() {
            return;
        }
        let from = if self.heeds_from.take().is_some() { FIRST_MIN } else { 1.0 - JITTER };
        self.backoff.reset();
        self.next = now + drawn(self.interval, from, 1.0);
    }

    /// It failed: for want of a registry, or for another reason.
    pub(super) fn failed(&mut self, call: Call, is_away: bool, now: Instant) {
        let wait = match (is_away, call) {
            // One finds out for all when it is back.
            (true, Call::Due | Call::Changed) => RETRY.0,
            _ => self.backoff.wait(),
        };
        self.heeds_from = is_away.then(|| now + wait);
        let again = now + if is_away { drawn(AWAY, 1.0 - JITTER, 1.0) } else { wait };
        // What is due is put off, and nothing else is.
        self.next =
            if self.next <= now || call.is_heartbeat() { again } else { self.next.min(again) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(3);
    const CALLS: [Call; 3] = [Call::Due, Call::Back, Call::Changed];

    #[test]
    fn the_next_heartbeat_is_never_due_already() {
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut now = Instant::now();
            let mut pace = Pace::new(INTERVAL, now);
            for _ in 0..200 {
                assert!(pace.next() > now && pace.next() <= now + AWAY);
                let call = CALLS[rng.usize(..CALLS.len())];
                now = if call == Call::Due { pace.next() } else { now };
                // What was done took its time, maybe longer than the interval.
                now += Duration::from_millis(rng.u64(..4_000));
                if rng.bool() {
                    pace.failed(call, rng.bool(), now);
                } else {
                    pace.went_well(call, now);
                }
                // A call that is no heartbeat may leave one overdue, which comes then.
                if pace.next() <= now {
                    assert_eq!(call, Call::Changed);
                    pace.failed(Call::Due, rng.bool(), now);
                }
            }
        }
    }

    /// Heartbeats in ten minutes in which each fails like this.
    fn heartbeats(is_away: bool) -> usize {
        let begun = Instant::now();
        let (mut now, mut pace, mut count) = (begun, Pace::new(INTERVAL, begun), 0);
        while now < begun + Duration::from_secs(600) {
            now = pace.next();
            pace.failed(Call::Due, is_away, now);
            count += 1;
        }
        count
    }

    #[test]
    fn what_fails_is_not_tried_more_often_than_what_goes_well() {
        let at_peace = 600 / 3;
        assert!(heartbeats(true) <= at_peace / 8, "{}", heartbeats(true));
        // Each wait is drawn between half and the whole of the interval.
        assert!(heartbeats(false) <= at_peace * 2, "{}", heartbeats(false));
    }

    #[test]
    fn a_registry_that_only_seems_to_be_back_is_heeded_less_and_less() {
        let now = Instant::now();
        let mut pace = Pace::new(INTERVAL, now);
        pace.failed(Call::Due, true, now);
        assert_eq!(pace.heeds_from(), Some(now + RETRY.0));
        for _ in 0..10 {
            pace.failed(Call::Back, true, now);
        }
        assert!(pace.heeds_from().unwrap() >= now + INTERVAL / 2);
        pace.went_well(Call::Back, now);
        assert_eq!(pace.heeds_from(), None);
    }
}
