//! Freshness: when a registry was last heard of.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// The trust that what is held is what the registry says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Staleness {
    /// The registry was heard of a moment ago.
    Fresh,
    /// It has been silent for too long, or what is held is from before this process: it is
    /// answered, and marked.
    Stale,
    /// It has been silent for longer than old answers are wanted (`max-stale`).
    Expired,
}

/// What stands for the time of a move where there is none.
const STAYS: i64 = -1;
/// The longest wait for the next look: the limits may be far away, or not set.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// The time when a registry was last heard of, and whether that is too long ago. Readers and the
/// one writer share it; it stands outside the generations, since it concerns every answer
/// and changes none. Only durations count; wall time comes in once, as the age of a
/// snapshot.
///
/// Two times are kept. A word (a page of a list) proves that the registry is there. Only a
/// confirmation (a whole list, or a message of the watch behind it) proves that what is
/// held is still true, and only that ends what `max-stale` or a restart began.
#[derive(Debug)]
pub struct Freshness {
    /// What times are counted from.
    start: Instant,
    /// Milliseconds from the start to the last word.
    heard: AtomicI64,
    /// Milliseconds from the start to the last confirmation, which may be before it.
    confirmed: AtomicI64,
    /// Whether a word is not enough to be fresh again.
    needs_confirmation: AtomicBool,
    /// Milliseconds from the start to when the zone began to move to another registry, whose word
    /// says nothing of what is held; [`STAYS`] while it does not.
    moves_since: AtomicI64,
    /// Milliseconds without a confirmation after which nothing is answered.
    max_stale: AtomicI64,
    /// The standing, as it was last judged: all that a query reads.
    standing: AtomicU8,
}

impl Freshness {
    /// Sets how long without a confirmation old answers are given; for ever where there is no
    /// limit, as by default.
    pub fn expire_after(&self, limit: Option<Duration>) {
        let limit = limit.map_or(i64::MAX, milliseconds);
        self.max_stale.store(limit, Ordering::Relaxed);
    }

    /// What is held now was confirmed so long before this moment, by another process.
    pub fn restored(&self, age: Duration) {
        let then = self.elapsed().saturating_sub(milliseconds(age));
        self.heard.store(then, Ordering::Relaxed);
        self.confirmed.store(then, Ordering::Relaxed);
        self.needs_confirmation.store(true, Ordering::Relaxed);
        self.judge(Duration::ZERO);
    }

    /// Something came, a page of a list for example.
    pub fn heard(&self) {
        self.heard.store(self.elapsed(), Ordering::Relaxed);
        if !self.needs_confirmation.load(Ordering::Relaxed) && self.moving() == STAYS {
            self.stand(Staleness::Fresh);
        }
    }

    /// From now on another registry is heard of; what is held was the earlier one's, until the
    /// next confirmation.
    pub fn moves(&self) {
        self.moves_since.store(self.elapsed(), Ordering::Relaxed);
    }

    /// When the zone began to move.
    fn moving(&self) -> i64 {
        self.moves_since.load(Ordering::Relaxed)
    }

    /// What is held is what the registry says: a list is complete, or the watch speaks.
    pub fn confirmed(&self) {
        self.confirmed.store(self.elapsed(), Ordering::Relaxed);
        self.needs_confirmation.store(false, Ordering::Relaxed);
        self.moves_since.store(STAYS, Ordering::Relaxed);
        self.heard();
    }

    /// How long nothing has come that tells of what is held.
    #[must_use]
    pub fn silence(&self) -> Duration {
        if self.moving() == STAYS { self.since(&self.heard) } else { self.since(&self.moves_since) }
    }

    /// How long ago what is held was last confirmed; since the start, if never.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.since(&self.confirmed)
    }

    /// Judges the silence: stale from `limit` on, expired past what was set. Gives how long
    /// the judgement may stand.
    pub fn judge(&self, limit: Duration) -> Duration {
        let max_stale = Duration::from_millis(self.max_stale.load(Ordering::Relaxed) as u64);
        let until_stale = limit.saturating_sub(self.silence());
        let until_expired = max_stale.saturating_sub(self.age());
        if until_expired.is_zero() {
            self.needs_confirmation.store(true, Ordering::Relaxed);
            self.stand(Staleness::Expired);
            // It may be confirmed in a moment, and then fall silent again.
            return limit.min(max_stale).max(MILLISECOND).min(LOOK_AGAIN);
        }
        if until_stale.is_zero() || self.needs_confirmation.load(Ordering::Relaxed) {
            self.stand(Staleness::Stale);
            return until_expired.min(limit.max(MILLISECOND)).min(LOOK_AGAIN);
        }
        self.stand(Staleness::Fresh);
        until_stale.min(until_expired).min(LOOK_AGAIN)
    }

    /// How far what is held can be trusted. One relaxed load.
    #[must_use]
    pub fn standing(&self) -> Staleness {
        match self.standing.load(Ordering::Relaxed) {
            0 => Staleness::Fresh,
            1 => Staleness::Stale,
            _ => Staleness::Expired,
        }
    }

    /// Sets the standing.
    fn stand(&self, standing: Staleness) {
        self.standing.store(standing as u8, Ordering::Relaxed);
    }

    /// How long ago a time was.
    fn since(&self, time: &AtomicI64) -> Duration {
        let since = self.elapsed().saturating_sub(time.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(since).unwrap_or(0))
    }

    /// Milliseconds since the start.
    fn elapsed(&self) -> i64 {
        milliseconds(self.start.elapsed())
    }
}

/// The least wait between two looks.
const MILLISECOND: Duration = Duration::from_millis(1);

/// A duration in milliseconds, as far as they can be counted.
fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            heard: AtomicI64::new(0),
            confirmed: AtomicI64::new(0),
            needs_confirmation: AtomicBool::new(false),
            moves_since: AtomicI64::new(STAYS),
            max_stale: AtomicI64::new(i64::MAX),
            standing: AtomicU8::new(Staleness::Fresh as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit that is not reached.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn another_registry_makes_nothing_fresh_before_its_list_is_whole() {
        let freshness = Freshness::default();
        freshness.confirmed();
        freshness.moves();
        freshness.judge(LONG);
        assert_eq!(freshness.standing(), Staleness::Fresh, "it has just begun");
        freshness.judge(Duration::ZERO);
        freshness.heard();
        assert_eq!(freshness.standing(), Staleness::Stale);
        freshness.confirmed();
        assert_eq!(freshness.standing(), Staleness::Fresh);
    }

    #[test]
    fn silence_makes_stale_and_a_word_mends_it() {
        let freshness = Freshness::default();
        assert!(freshness.judge(LONG) <= LONG);
        assert_eq!(freshness.standing(), Staleness::Fresh);
        freshness.judge(Duration::ZERO);
        assert_eq!(freshness.standing(), Staleness::Stale);
        freshness.heard();
        assert_eq!(freshness.standing(), Staleness::Fresh);
    }

    #[test]
    fn what_was_restored_is_stale_until_it_is_confirmed() {
        let freshness = Freshness::default();
        freshness.restored(Duration::from_secs(5));
        assert_eq!(freshness.standing(), Staleness::Stale);
        freshness.heard();
        freshness.judge(LONG);
        assert_eq!(freshness.standing(), Staleness::Stale, "a page is no list");
        assert!(freshness.age() >= Duration::from_secs(5));
        freshness.confirmed();
        assert_eq!(freshness.standing(), Staleness::Fresh);
        assert!(freshness.age() < Duration::from_secs(5));
    }

    #[test]
    fn past_the_limit_only_a_confirmation_counts() {
        let freshness = Freshness::default();
        freshness.expire_after(Some(LONG));
        freshness.judge(Duration::ZERO);
        assert_eq!(freshness.standing(), Staleness::Stale);
        freshness.restored(LONG);
        assert_eq!(freshness.standing(), Staleness::Expired);
        freshness.heard();
        assert!(freshness.judge(LONG) > Duration::ZERO, "it would be judged without a pause");
        assert_eq!(freshness.standing(), Staleness::Expired);
        freshness.confirmed();
        freshness.judge(LONG);
        assert_eq!(freshness.standing(), Staleness::Fresh);
    }

    #[test]
    fn what_has_expired_once_is_watched_as_closely_as_before() {
        let freshness = Freshness::default();
        let limit = Duration::from_secs(2);
        freshness.expire_after(Some(limit));
        freshness.restored(LONG);
        assert!(freshness.judge(LONG) <= limit, "a second outage would be noticed late");
    }

    #[test]
    fn an_age_beyond_all_counting_is_survived() {
        let freshness = Freshness::default();
        freshness.restored(Duration::MAX);
        assert!(freshness.age() > LONG);
        freshness.expire_after(None);
        freshness.judge(LONG);
    }
}
