//! Samples of how much was asked and changed lately, for those who look at it: a few minutes,
//! looked at every other second.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use utoipa::ToSchema;

use crate::http::Subject;
use crate::lock::Lock;
use crate::wire::Code;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How many looks are remembered: five minutes of them.
const REMEMBERED: usize = 150;

/// The samples of the last few minutes.
#[derive(Debug)]
pub(in crate::http) struct Samples {
    /// When the server began, for durations.
    pub(in crate::http) begun: Instant,
    /// The looks, the latest last.
    looks: Lock<VecDeque<CountSample>>,
}

/// The counts of some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::http) struct CountSample {
    /// Queries that came.
    pub(in crate::http) queries: u64,
    /// Changes of the zones.
    pub(in crate::http) changes: u64,
    /// Replies.
    pub(in crate::http) replies: u64,
    /// Replies that are SERVFAIL.
    pub(in crate::http) servfail: u64,
    /// Replies that are NXDOMAIN.
    pub(in crate::http) nxdomain: u64,
}

/// The numbers of each of the latest intervals, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Lately {
    /// How many seconds an interval has.
    seconds: u64,
    /// Queries that came in each.
    queries: Vec<u64>,
    /// Changes of instances, aliases and entries in each.
    changes: Vec<u64>,
    /// Replies in each.
    replies: Vec<u64>,
    /// Replies in each that are SERVFAIL.
    servfail: Vec<u64>,
    /// Replies in each that are NXDOMAIN.
    nxdomain: Vec<u64>,
}

impl Samples {
    /// Nothing yet.
    pub(in crate::http) fn new() -> Self {
        Self { begun: Instant::now(), looks: Lock::default() }
    }

    /// Looks again and again.
    pub(in crate::http) async fn run(&self, subject: &Subject) -> Infallible {
        let mut clock = interval(EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            clock.tick().await;
            self.add(CountSample::now(subject));
        }
    }

    /// How much happened lately.
    pub(in crate::http) fn lately(&self) -> Lately {
        let looks = self.looks();
        let steps = |count: fn(&CountSample) -> u64| {
            let pairs = looks.iter().zip(looks.iter().skip(1));
            pairs.map(|(one, next)| count(next).saturating_sub(count(one))).collect()
        };
        Lately {
            seconds: EVERY.as_secs(),
            queries: steps(|it| it.queries),
            changes: steps(|it| it.changes),
            replies: steps(|it| it.replies),
            servfail: steps(|it| it.servfail),
            nxdomain: steps(|it| it.nxdomain),
        }
    }

    /// Remembers a look, and forgets the oldest.
    fn add(&self, look: CountSample) {
        let mut looks = self.looks();
        looks.push_back(look);
        if looks.len() > REMEMBERED + 1 {
            looks.pop_front();
        }
    }

    /// The looks, locked.
    fn looks(&self) -> MutexGuard<'_, VecDeque<CountSample>> {
        self.looks.lock()
    }
}

impl CountSample {
    /// What is counted now.
    pub(in crate::http) fn now(subject: &Subject) -> Self {
        let counts = subject.counters.total();
        let replies = subject.counters.replies();
        let generation = subject.index.load();
        Self {
            queries: counts.fast.received + counts.tcp.answered,
            changes: generation.zones().iter().map(|zone| zone.changes()).sum(),
            replies: replies.sum(),
            servfail: replies.of(Code::SERVFAIL),
            nxdomain: replies.of(Code::NXDOMAIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_lately_is_bounded() {
        let samples = Samples::new();
        assert!(samples.lately().queries.is_empty());
        for number in 0..2 * REMEMBERED as u64 {
            samples.add(CountSample { queries: number * number, changes: 7, ..Default::default() });
        }
        let lately = samples.lately();
        assert_eq!((lately.queries.len(), lately.changes.len()), (REMEMBERED, REMEMBERED));
        let last = 2 * REMEMBERED as u64 - 1;
        assert_eq!(lately.queries.last(), Some(&(last * last - (last - 1) * (last - 1))));
        assert!(lately.changes.iter().all(|it| *it == 0));
    }
}
