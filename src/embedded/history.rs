//! The revisions that are kept: a bounded ring of generations.

use std::collections::VecDeque;
use std::sync::Arc;

use super::keys::{Generation, Keys};
use super::limits::Limits;
use super::refusal::RequestRefusal;

/// The kept revisions, without gaps, the newest last; there is always one.
pub(super) struct History {
    /// The revisions before the newest, oldest first.
    past: VecDeque<Arc<Generation>>,
    /// The newest revision.
    newest: Arc<Generation>,
    /// The oldest revision that may be read; see [`History::compact`].
    compacted: i64,
    /// What the past costs, by [`Generation::bytes`].
    bytes: usize,
}

impl History {
    /// The history of a registry that holds nothing yet: etcd's revision 1.
    pub(super) fn new() -> Self {
        let empty = Generation { revision: 1, keys: Keys::default(), events: Vec::new() };
        Self { past: VecDeque::new(), newest: Arc::new(empty), compacted: 0, bytes: 0 }
    }

    /// The newest revision.
    pub(super) fn newest(&self) -> &Arc<Generation> {
        &self.newest
    }

    /// The revision that was compacted last.
    pub(super) fn compacted(&self) -> i64 {
        self.compacted
    }

    /// The generation at `revision`; zero or less means the newest.
    pub(super) fn at(&self, revision: i64) -> Result<&Arc<Generation>, RequestRefusal> {
        if revision <= 0 {
            return Ok(&self.newest);
        }
        if revision < self.compacted {
            return Err(RequestRefusal::Compacted);
        }
        self.position(revision).map_or(Err(RequestRefusal::FutureRevision), |i| self.nth(i))
    }

    /// At most `limit` generations from `revision` on, also compacted ones that are
    /// still here; `None` if the first of them is gone.
    pub(super) fn since(&self, revision: i64, limit: usize) -> Option<Vec<Arc<Generation>>> {
        if revision > self.newest.revision {
            return Some(Vec::new());
        }
        let first = self.position(revision)?;
        let all = self.past.iter().chain([&self.newest]);
        Some(all.skip(first).take(limit).cloned().collect())
    }

    /// Adds the next revision, and lets the oldest go for it as `limits` demand.
    pub(super) fn push(&mut self, generation: Generation, limits: &Limits) {
        let last = std::mem::replace(&mut self.newest, Arc::new(generation));
        self.bytes += last.bytes();
        self.past.push_back(last);
        while self.past.len() >= limits.history_revisions || self.bytes > limits.history_bytes {
            let Some(oldest) = self.past.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
        }
        self.compacted = self.compacted.max(self.automatically_compacted());
    }

    /// Refuses reads and new watches before `revision` from now on. Nothing is freed:
    /// the ring is bounded anyway, and a watch that is still on its way to the newest
    /// revision must not lose events to a compaction that etcd would let it survive.
    pub(super) fn compact(&mut self, revision: i64) -> Result<(), RequestRefusal> {
        if revision <= self.compacted {
            return Err(RequestRefusal::Compacted);
        }
        if revision > self.newest.revision {
            return Err(RequestRefusal::FutureRevision);
        }
        self.compacted = revision;
        Ok(())
    }

    /// The oldest revision that is still here, once the ring has let go of any.
    fn automatically_compacted(&self) -> i64 {
        let oldest = self.oldest();
        if oldest > 1 { oldest } else { 0 }
    }

    /// The number of the oldest revision that is here.
    fn oldest(&self) -> i64 {
        self.past.front().unwrap_or(&self.newest).revision
    }

    /// Where the generation of `revision` is, counted from the oldest.
    fn position(&self, revision: i64) -> Option<usize> {
        let inside = (self.oldest()..=self.newest.revision).contains(&revision);
        inside.then(|| usize::try_from(revision - self.oldest()).ok()).flatten()
    }

    /// The generation at a position that [`History::position`] gave.
    fn nth(&self, position: usize) -> Result<&Arc<Generation>, RequestRefusal> {
        Ok(self.past.get(position).unwrap_or(&self.newest))
    }
}

#[cfg(test)]
mod tests {
    use super::{Generation, History, Keys, Limits, RequestRefusal};

    /// A history with the revisions 1 to `newest` that keeps `kept` of them.
    fn history(newest: i64, kept: usize) -> History {
        let limits = Limits { history_revisions: kept, ..Limits::default() };
        let mut history = History::new();
        for revision in 2..=newest {
            let generation = Generation { revision, keys: Keys::default(), events: Vec::new() };
            history.push(generation, &limits);
        }
        history
    }

    /// The numbers of the generations that a watch would be given.
    fn since(history: &History, revision: i64) -> Option<Vec<i64>> {
        let found = history.since(revision, 3)?;
        Some(found.iter().map(|generation| generation.revision).collect())
    }

    #[test]
    fn a_revision_is_found_while_it_is_kept() {
        let history = history(10, 4);
        assert_eq!(history.at(7).map(|g| g.revision), Ok(7));
        assert_eq!(history.at(10).map(|g| g.revision), Ok(10));
        assert_eq!(history.at(0).map(|g| g.revision), Ok(10));
        assert_eq!(history.at(6).err(), Some(RequestRefusal::Compacted));
        assert_eq!(history.at(11).err(), Some(RequestRefusal::FutureRevision));
        assert_eq!(history.compacted(), 7);
    }

    #[test]
    fn compaction_refuses_readers_but_not_running_watches() {
        let mut history = history(5, 100);
        assert_eq!(history.compact(4), Ok(()));
        assert_eq!(history.at(3).err(), Some(RequestRefusal::Compacted));
        assert_eq!(history.at(4).map(|g| g.revision), Ok(4));
        assert_eq!(history.compact(4), Err(RequestRefusal::Compacted));
        assert_eq!(history.compact(6), Err(RequestRefusal::FutureRevision));
        assert_eq!(since(&history, 3), Some(vec![3, 4, 5]));
    }

    #[test]
    fn a_watch_is_given_what_is_kept() {
        let history = history(10, 4);
        assert_eq!(since(&history, 6), None);
        assert_eq!(since(&history, 7), Some(vec![7, 8, 9]));
        assert_eq!(since(&history, 10), Some(vec![10]));
        assert_eq!(since(&history, 11), Some(vec![]));
    }
}
