//! Whether the loops that hold registrations go round.
//!
//! A watchdog that is fed by a timer of its own says only that the timer runs. Here each
//! loop promises, before it sleeps, when it will be back; as long as one keeps its promise
//! the process makes progress. Nothing is promised while nothing is held.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much later than promised a loop may come: it waits for etcd in between, and a busy
/// machine is no reason for a restart.
const SLACK: Duration = Duration::from_secs(30);

/// When a loop is to be back. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<Mutex<Option<Instant>>>);

impl Pulse {
    /// A loop will be back then.
    pub(super) fn promise(&self, by: Instant) {
        self.set(Some(by + SLACK));
    }

    /// A loop waits for what may never come.
    pub(super) fn rest(&self) {
        self.set(None);
    }

    /// Whether the last promise is kept, or not yet due.
    pub(super) fn is_alive(&self) -> bool {
        self.is_alive_at(Instant::now())
    }

    /// The same, at a moment.
    fn is_alive_at(&self, now: Instant) -> bool {
        let due = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.is_none_or(|due| now <= due)
    }

    /// Keeps the newest word.
    fn set(&self, due: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_that_is_not_kept_shows() {
        let (pulse, now) = (Pulse::default(), Instant::now());
        assert!(pulse.is_alive_at(now));
        pulse.promise(now + Duration::from_secs(5));
        assert!(pulse.is_alive_at(now + SLACK + Duration::from_secs(4)));
        let late = now + SLACK + Duration::from_secs(6);
        assert!(!pulse.is_alive_at(late));
        pulse.rest();
        assert!(pulse.is_alive_at(late));
    }
}
