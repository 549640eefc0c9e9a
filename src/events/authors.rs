//! Authors: the names of the tokens that were shown for what was written through this server.
//!
//! A key's change may come from the registry before the reply to the write that made it. What is
//! being written is therefore known by its key, and what was written by its revision, too. Neither
//! is what stood there before the write began: who renews a registration did not write it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::lock::Lock;

/// Writes that are remembered: more than events that are told late.
const REMEMBERED: usize = 4_096;

/// The authors of what was written lately.
#[derive(Debug, Default)]
pub struct Authors(Lock<Known>);

/// Writes that are known.
#[derive(Debug, Default)]
struct Known {
    /// Writes under way, by their numbers.
    begun: HashMap<u64, Write>,
    /// The number of the next.
    next: u64,
    /// Writes that are done, by revision.
    done: HashMap<i64, Write>,
    /// Their revisions, in the order in which they were done.
    order: VecDeque<i64>,
}

/// A write of a key.
#[derive(Debug, Clone)]
struct Write {
    /// The key.
    key: Box<str>,
    /// Whether all below it is written, too, as a directory is.
    is_tree: bool,
    /// The author.
    name: Arc<str>,
    /// The newest revision that was known when it began.
    after: i64,
}

/// A write under way, which is forgotten unless it is done.
#[derive(Debug)]
pub struct PendingWrite<'a> {
    /// Where it is known.
    authors: &'a Authors,
    /// Its number.
    number: u64,
}

impl Authors {
    /// Somebody writes a key, of a zone that is known up to a revision.
    #[must_use]
    pub fn begin(&self, key: &str, name: &Arc<str>, after: i64) -> PendingWrite<'_> {
        let name = Arc::clone(name);
        self.add(Write { key: key.into(), is_tree: false, name, after })
    }

    /// The same of a key and all keys below it, `KEY/…`.
    #[must_use]
    pub fn begin_tree(&self, key: &str, name: &Arc<str>, after: i64) -> PendingWrite<'_> {
        let name = Arc::clone(name);
        self.add(Write { key: key.into(), is_tree: true, name, after })
    }

    /// A write that is under way from now on.
    fn add(&self, write: Write) -> PendingWrite<'_> {
        let mut known = self.0.lock();
        let number = known.next;
        known.next += 1;
        known.begun.insert(number, write);
        PendingWrite { authors: self, number }
    }

    /// Who made a key what it is since a revision, if that was somebody here.
    #[must_use]
    pub fn of(&self, key: &str, revision: i64) -> Option<Arc<str>> {
        let known = self.0.lock();
        let is_of_key = |write: &&Write| write.has(key) && revision > write.after;
        let done = known.done.get(&revision).filter(is_of_key);
        let found = done.or_else(|| known.begun.values().find(is_of_key))?;
        Some(Arc::clone(&found.name))
    }
}

impl Write {
    /// Whether a key is written.
    fn has(&self, key: &str) -> bool {
        let Some(rest) = key.strip_prefix(&*self.key) else { return false };
        rest.is_empty() || self.is_tree && rest.starts_with('/')
    }
}

impl PendingWrite<'_> {
    /// It was done at a revision. Says whether that is new: who renews finds what stands there.
    pub fn done(self, revision: i64) -> bool {
        let mut known = self.authors.0.lock();
        let oldest = known.order.front().copied().unwrap_or_default();
        let is_old = known.order.len() == REMEMBERED && revision < oldest;
        let is_new = |write: &Write| revision > write.after && !is_old;
        let Some(write) = known.begun.remove(&self.number).filter(is_new) else {
            return false;
        };
        if known.done.insert(revision, write).is_some() {
            return false;
        }
        known.order.push_back(revision);
        if known.order.len() > REMEMBERED
            && let Some(oldest) = known.order.pop_front()
        {
            known.done.remove(&oldest);
        }
        true
    }
}

impl Drop for PendingWrite<'_> {
    fn drop(&mut self) {
        self.authors.0.lock().begun.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_known_while_it_goes_on_and_when_it_is_done() {
        let (authors, name) = (Authors::default(), Arc::<str>::from("ci"));
        let of = |key, revision| authors.of(key, revision).map(|it| it.to_string());
        let write = authors.begin("/a", &name, 6);
        assert_eq!(of("/a", 6), None, "it was there before");
        assert_eq!((of("/a", 7), of("/b", 7)), (Some("ci".to_owned()), None));
        assert!(write.done(7));
        assert_eq!((of("/a", 7), of("/a", 8), of("/b", 7)), (Some("ci".to_owned()), None, None));
        assert!(!authors.begin("/a", &name, 7).done(7), "it stood there");
        drop(authors.begin("/a", &name, 7));
        assert_eq!(of("/a", 9), None, "it was not done");
    }

    #[test]
    fn a_tree_is_written_whole() {
        let (authors, name) = (Authors::default(), Arc::<str>::from("ci"));
        assert!(authors.begin_tree("/a", &name, 6).done(7));
        let is_known = |key| authors.of(key, 7).is_some();
        assert!(is_known("/a") && is_known("/a/b") && is_known("/a/b/c"));
        assert!(!is_known("/ab") && !is_known("/"));
    }

    #[test]
    fn old_writes_are_forgotten() {
        let (authors, name) = (Authors::default(), Arc::<str>::from("ci"));
        for revision in 1..=REMEMBERED as i64 + 1 {
            assert!(authors.begin("/a", &name, 0).done(revision));
        }
        assert!(authors.of("/a", 1).is_none() && authors.of("/a", 2).is_some());
        assert!(!authors.begin("/a", &name, 0).done(1), "it is renewed, and nothing new");
    }
}
