//! Metrics of one zone's data path.

use std::time::SystemTime;

use super::{Count, Flag, ListProgress, Number, Told};

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
    /// How far a list is; none while there is none under way.
    pub listing: Told<ListProgress>,
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

/// The reason why a session with the registry ended.
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

    /// Forgets what was so of a source that is not followed any more.
    pub fn begin(&self) {
        self.held.set(0);
        self.held_aliases.set(0);
        self.collapse.set(None);
        self.endpoint.set(None);
        self.trouble.set(None);
        self.listing.set(None);
        self.newest.set(0);
    }

    /// How many sessions ended for a cause.
    #[must_use]
    pub const fn resyncs(&self, cause: Cause) -> &Count {
        &self.resyncs[cause as usize]
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
