//! What is counted of one zone's data path, to be read at any time.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Figures of one zone, from its registry to its snapshot. They are for people and for
/// metrics: nothing is decided by them. Figures are read and written one by one, relaxed.
///
/// How long ago the registry was last confirmed is [`Freshness::age`](super::Freshness::age).
#[derive(Debug, Default)]
pub struct Vitals {
    /// The revision that is held whole; 0 before the first list or snapshot.
    pub revision: Number,
    /// The newest revision that the registry was heard to have; 0 before the first word.
    pub newest: Number,
    /// The cluster it is from.
    pub cluster: Count,
    /// Sessions with the registry that ended, by cause: each is followed by a list. A list
    /// that shows another history than the one that was followed counts as such, too.
    resyncs: [Count; Cause::ALL.len()],
    /// Audits that were completed.
    pub audits: Count,
    /// Differences that audits found, and repaired.
    pub repaired: Count,
    /// Instances that are answered although the registry has them no more: the collapse
    /// guard holds their removal.
    pub held: Count,
    /// Aliases that are shown for the same reason.
    pub held_aliases: Count,
    /// How many instances there were before the collapse whose removals are held, and until when
    /// these are; none while nothing is held.
    pub collapse: Told<(u64, SystemTime)>,
    /// Where the registry is asked; none before that begins.
    pub endpoint: Told<String>,
    /// Why the registry is not followed; none while it is.
    pub trouble: Told<String>,
    /// How often the collapse guard began to hold.
    pub collapses: Count,
    /// What became of the snapshot.
    pub snapshot: SnapshotVitals,
}

/// Figures of one zone's snapshot. All are 0 where no `state` is configured.
#[derive(Debug, Default)]
pub struct SnapshotVitals {
    /// Whether this process began with the instances of a snapshot.
    pub restored: Flag,
    /// When the newest one was known to be true: seconds since 1970, 0 for none.
    pub confirmed_at: Count,
    /// How many were written.
    pub writes: Count,
    /// How many could not be written, or not be read.
    pub failures: Count,
    /// Octets of the newest.
    pub octets: Count,
    /// Milliseconds that it took to write the newest.
    pub write_millis: Count,
}

/// Why a session with the registry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No complete list could be read.
    ListFailed,
    /// The watch fell silent.
    Silent,
    /// History was compacted before it was read.
    Compacted,
    /// The revision went back, or another cluster answered.
    HistoryWentBack,
    /// The watch ended otherwise: the member died, closed it or refused.
    Ended,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ListFailed, Self::Silent, Self::Compacted, Self::HistoryWentBack, Self::Ended];

    /// The cause as a word, for a metric's label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListFailed => "list-failed",
            Self::Silent => "silent",
            Self::Compacted => "compacted",
            Self::HistoryWentBack => "history-went-back",
            Self::Ended => "ended",
        }
    }
}

impl Vitals {
    /// Whether something is shown that the registry has no more.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.held.get() > 0 || self.held_aliases.get() > 0
    }

    /// How many sessions ended for a cause.
    #[must_use]
    pub const fn resyncs(&self, cause: Cause) -> &Count {
        &self.resyncs[cause as usize]
    }
}

/// A number that is not negative.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// Any number.
#[derive(Debug, Default)]
pub struct Number(AtomicI64);

/// Yes or no.
#[derive(Debug, Default)]
pub struct Flag(AtomicBool);

/// What is told to people alone: behind a lock, which no query waits for.
#[derive(Debug)]
pub struct Told<T>(Mutex<Option<T>>);

impl<T> Default for Told<T> {
    /// Nothing.
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Told<T> {
    /// What is told now.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.lock().clone()
    }

    /// Tells something else, or nothing any more.
    pub fn set(&self, told: Option<T>) {
        *self.lock() = told;
    }

    /// What is told. It is whole even if another thread panicked meanwhile.
    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the number.
    pub fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// Adds to the number.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

impl Number {
    /// The number.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the number.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }
}

impl Flag {
    /// Whether it is set.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_counted_apart() {
        let vitals = Vitals::default();
        for (at, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, at, "{}", cause.as_str());
            vitals.resyncs(cause).add(at as u64);
        }
        assert_eq!(Cause::ALL.map(|cause| vitals.resyncs(cause).get()), [0, 1, 2, 3, 4]);
    }
}
