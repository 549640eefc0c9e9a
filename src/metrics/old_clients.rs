//! The counts of etcd's v2 API: its requests, those that wait, and what a bound turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Count;

/// The methods that requests are counted by; the last is for all others.
const METHODS: [&str; 6] = ["GET", "HEAD", "PUT", "POST", "DELETE", "other"];
/// The statuses that replies are counted by; the last is for all others.
const CODES: [&str; 11] =
    ["200", "201", "400", "401", "403", "404", "405", "412", "500", "503", "other"];

/// The counts of etcd's v2 API.
#[derive(Debug, Default)]
pub struct OldClients {
    /// Requests, by method and status.
    requests: [[Count; CODES.len()]; METHODS.len()],
    /// Requests that wait for a change.
    waits: AtomicU64,
    /// Requests that a bound turned away.
    refused: [Count; RequestBound::ALL.len()],
}

/// A bound that turns requests away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBound {
    /// Requests that wait at once.
    Waits,
    /// Directories that are listed at once.
    Listings,
    /// Octets and segments of a key.
    Key,
    /// Octets of a form, and the time that it may take.
    Form,
    /// Octets of a value.
    Value,
}

/// A request that waits, for as long as this is kept.
#[derive(Debug)]
pub struct CountedWait(Arc<OldClients>);

impl RequestBound {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waits, Self::Listings, Self::Key, Self::Form, Self::Value];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Listings => "listings",
            Self::Key => "key",
            Self::Form => "form",
            Self::Value => "value",
        }
    }
}

impl OldClients {
    /// Counts a request and the status of its reply.
    pub fn replied(&self, method: &str, status: u16) {
        let place = |words: &[&str], word: &str| {
            words.iter().position(|it| *it == word).unwrap_or(words.len() - 1)
        };
        let code = place(&CODES, &status.to_string());
        self.requests[place(&METHODS, method)][code].add(1);
    }

    /// Counts a request that a bound turned away.
    pub fn refused(&self, bound: RequestBound) {
        self.refused[bound as usize].add(1);
    }

    /// Counts a request that waits, until what it gives is dropped.
    #[must_use]
    pub fn waiting(self: &Arc<Self>) -> CountedWait {
        self.waits.fetch_add(1, Ordering::Relaxed);
        CountedWait(Arc::clone(self))
    }

    /// How many requests there were, by method and status; those that there were none of are
    /// left out.
    pub fn requests(&self) -> impl Iterator<Item = ([&'static str; 2], u64)> {
        let all = METHODS.into_iter().zip(&self.requests);
        let all = all.flat_map(|(method, counts)| {
            CODES.into_iter().zip(counts).map(move |(code, count)| ([method, code], count.get()))
        });
        all.filter(|(_, count)| *count > 0)
    }

    /// How many requests wait.
    #[must_use]
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }

    /// How many requests each bound turned away.
    #[must_use]
    pub fn refusals(&self) -> [(&'static str, u64); RequestBound::ALL.len()] {
        RequestBound::ALL.map(|bound| (bound.as_str(), self.refused[bound as usize].get()))
    }
}

impl Drop for CountedWait {
    fn drop(&mut self) {
        self.0.waits.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_words_of_fixed_sets() {
        let counts = OldClients::default();
        counts.replied("PUT", 201);
        counts.replied("PUT", 201);
        counts.replied("BREW", 418);
        let all: Vec<_> = counts.requests().collect();
        assert_eq!(all, [(["PUT", "201"], 2), (["other", "other"], 1)]);
        counts.refused(RequestBound::Key);
        let refused: Vec<_> = counts.refusals().into_iter().filter(|(_, it)| *it > 0).collect();
        assert_eq!(refused, [("key", 1)]);
    }

    #[test]
    fn a_wait_is_counted_while_it_is_there() {
        let counts = Arc::new(OldClients::default());
        let (one, other) = (counts.waiting(), counts.waiting());
        assert_eq!(counts.waits(), 2);
        drop((one, other));
        assert_eq!(counts.waits(), 0);
    }
}
