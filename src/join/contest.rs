//! The contest for a key of another owner: its lease is watched until it is seen renewed, or
//! seen running out.
//!
//! etcd gives what is left of a lease in whole seconds, rounded down. So an answer says
//! two things: the lease ends no earlier than `asked + left`, and, unless it is renewed, no
//! later than `answered + left + 1 s`. The least of the latter is kept; once the former
//! lies beyond it, the lease was renewed. Looking several times a second brings the bound
//! close to the truth as soon as the seconds tick over.
//!
//! An election renews all leases, and says nothing of their owners: with another raft term
//! the looking begins anew.

use std::time::Duration;

use tokio::time::Instant;

use crate::etcd::Remaining;

/// What etcd rounds away.
const ROUNDED_AWAY: Duration = Duration::from_secs(1);
/// The part of its TTL under which a lease that nobody renews may be taken over: owners
/// renew at half of it, and what is left must do to put the key without a gap.
const RUN_OUT_PART: u32 = 4;
/// Looks at a lease in its lifetime: five of them fall into its last quarter.
const LOOKS_PER_LEASE: u32 = 20;
/// Contests in one process beyond which each looks only when its lease is about to end: a
/// process that held ten thousand crashed, and is back. Few look often, for a person waits.
const CROWD: usize = 100;
/// Looks in the last quarter where there is a crowd.
const LOOKS_IN_CROWD: u32 = 4;
/// The shortest and the longest time between two looks.
const PAUSE_RANGE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The observation of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseObservation {
    /// The key may be taken.
    Free,
    /// The owner lives.
    OwnLease,
    /// Neither was seen yet.
    Unclear,
}

/// The observations of another owner's lease.
#[derive(Debug)]
pub(super) struct Contest {
    /// The key it is about.
    key: String,
    /// When the lease ends at the latest, unless it is renewed after the last look.
    ends_by: Option<Instant>,
    /// Whether it was seen renewed. From then on only its end frees the key: its owner may
    /// renew later than we do.
    is_kept: bool,
    /// What the lease was granted for.
    granted: Duration,
    /// The raft term of what is known.
    term: u64,
}

impl Contest {
    /// Nothing is known yet.
    pub(super) const fn new(key: String) -> Self {
        Self { key, ends_by: None, is_kept: false, granted: Duration::ZERO, term: 0 }
    }

    /// How long to wait before the next look, where so many contests go on.
    pub(super) fn pause(&self, contests: usize, now: Instant) -> Duration {
        if contests <= CROWD {
            return (self.granted / LOOKS_PER_LEASE).clamp(PAUSE_RANGE.0, PAUSE_RANGE.1);
        }
        let quarter = self.granted / RUN_OUT_PART;
        let left = self.ends_by.map_or(Duration::ZERO, |end| end.saturating_duration_since(now));
        let quiet = left.saturating_sub(quarter + ROUNDED_AWAY);
        quiet.max(quarter / LOOKS_IN_CROWD).max(PAUSE_RANGE.0)
    }

    /// Takes in what etcd said of the lease between `asked` and `answered`.
    pub(super) fn judge(
        &mut self,
        asked: Instant,
        answered: Instant,
        remaining: Option<&Remaining>,
    ) -> LeaseObservation {
        let Some(remaining) = remaining.filter(|it| it.keys.iter().any(|key| self.is_key(key)))
        else {
            return LeaseObservation::Free;
        };
        self.granted = remaining.granted;
        if self.term != remaining.term {
            (self.term, self.ends_by) = (remaining.term, None);
        }
        let latest = answered + remaining.left + ROUNDED_AWAY;
        let known = self.ends_by.unwrap_or(latest);
        let is_renewed = asked + remaining.left > known;
        self.is_kept |= is_renewed;
        let ends_by = if is_renewed { latest } else { latest.min(known) };
        self.ends_by = Some(ends_by);
        match ends_by.saturating_duration_since(answered) < remaining.granted / RUN_OUT_PART {
            _ if self.is_kept => LeaseObservation::OwnLease,
            true => LeaseObservation::Free,
            false => LeaseObservation::Unclear,
        }
    }

    /// Whether it is the key that the contest is about.
    fn is_key(&self, key: &[u8]) -> bool {
        self.key.as_bytes() == key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every 100 ms at a lease that has `left(at)` milliseconds left.
    fn watch(granted: u64, left: impl Fn(u64) -> Option<u64>) -> (LeaseObservation, u64) {
        watch_terms(granted, left, |_| 2)
    }

    /// The same, in the raft term `term(at)`.
    fn watch_terms(
        granted: u64,
        left: impl Fn(u64) -> Option<u64>,
        term: impl Fn(u64) -> u64,
    ) -> (LeaseObservation, u64) {
        let start = Instant::now();
        let mut contest = Contest::new("k".to_owned());
        for at in (0..60_000).step_by(100) {
            let remaining = left(at).map(|left| Remaining {
                left: Duration::from_secs(left / 1000),
                granted: Duration::from_secs(granted),
                keys: vec![b"k".to_vec()],
                term: term(at),
            });
            let now = start + Duration::from_millis(at);
            match contest.judge(now, now, remaining.as_ref()) {
                LeaseObservation::Unclear => (),
                seen => return (seen, at),
            }
        }
        panic!("nothing was seen in a minute");
    }

    #[test]
    fn a_lease_that_runs_out_is_taken_in_its_last_quarter() {
        for (granted, rest) in [(10, 9_800_u64), (10, 3_100), (2, 1_700), (3, 2_950)] {
            let (seen, at) = watch(granted, |at| rest.checked_sub(at));
            let left = rest - at;
            assert_eq!(seen, LeaseObservation::Free);
            assert!(left < granted * 250 && left > 0, "{left} ms left of {granted} s");
        }
    }

    #[test]
    fn in_a_crowd_a_lease_is_looked_at_a_few_times() {
        let start = Instant::now();
        let (granted, rest) = (Duration::from_secs(10), Duration::from_millis(9_300));
        let (mut contest, mut at, mut looks) = (Contest::new("k".to_owned()), Duration::ZERO, 0);
        loop {
            looks += 1;
            let left = Duration::from_secs((rest - at).as_secs());
            let remaining = Remaining { left, granted, keys: vec![b"k".to_vec()], term: 2 };
            let now = start + at;
            if contest.judge(now, now, Some(&remaining)) == LeaseObservation::Free {
                break;
            }
            at += contest.pause(CROWD + 1, now);
        }
        let left = rest - at;
        assert!(looks <= 6 && left < granted / 4, "{looks} looks, {left:?} left");
        assert!(left > Duration::from_millis(500), "{left:?} left");
    }

    #[test]
    fn a_renewed_lease_is_seen_at_its_first_renewal() {
        let renewed_each = |interval: u64| move |at: u64| Some(10_000 - (3_000 + at) % interval);
        assert_eq!(watch(10, renewed_each(5_000)), (LeaseObservation::OwnLease, 2_000));
        let (seen, at) = watch(10, renewed_each(100));
        assert!(seen == LeaseObservation::OwnLease && at <= 1_200, "{at}");
    }

    #[test]
    fn an_election_renews_a_lease_and_says_nothing_of_its_owner() {
        /// When another leader begins all leases anew.
        const ELECTED: u64 = 1_000;
        let left = |at| if at < ELECTED { 6_000 - at } else { 10_000 - (at - ELECTED) };
        let term = |at| if at < ELECTED { 2 } else { 3 };
        let (seen, at) = watch_terms(10, |at| Some(left(at)), term);
        assert!(
            seen == LeaseObservation::Free && left(at) < 2_500,
            "{seen:?} with {} ms left",
            left(at)
        );
        // Who is alive renews it again.
        let left = |at| if at < ELECTED { 6_000 - at } else { 10_000 - (at - ELECTED) % 3_000 };
        assert_eq!(watch_terms(10, |at| Some(left(at)), term).0, LeaseObservation::OwnLease);
    }

    #[test]
    fn a_lease_without_the_key_is_no_obstacle() {
        let now = Instant::now();
        let (left, granted) = (Duration::from_secs(9), Duration::from_secs(10));
        let elsewhere = Remaining { left, granted, keys: vec![b"other".to_vec()], term: 2 };
        assert_eq!(
            Contest::new("k".to_owned()).judge(now, now, Some(&elsewhere)),
            LeaseObservation::Free
        );
        assert_eq!(Contest::new("k".to_owned()).judge(now, now, None), LeaseObservation::Free);
    }
}
