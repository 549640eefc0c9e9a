//! The watchdog of the loops that hold registrations.
//!
//! A watchdog that is fed by a timer of its own says only that the timer runs. Here each
//! loop promises, before it sleeps, when it will be back; as long as one keeps its promise
//! the process makes progress. Nothing is promised while nothing is held.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::Lock;
use crate::registry::RegistryUrl;

/// How much later than promised a loop may come: a busy machine is no reason for a restart.
const SLACK: Duration = Duration::from_secs(30);
/// Calls that a loop makes before it promises again, each of which may try every endpoint.
const CALLS_PER_ROUND: u32 = 4;
/// Endpoints that are thought of at the least: the member list may bring some.
const ENDPOINTS_MIN: u32 = 5;

/// The time at which a loop must be back. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LoopWatchdog {
    /// When, at the latest.
    due: Arc<Lock<Option<Instant>>>,
    /// How much later than promised it may be.
    slack: Duration,
}

impl LoopWatchdog {
    /// For loops that ask a registry.
    #[must_use]
    pub fn of(registry: &RegistryUrl) -> Self {
        let endpoints = u32::try_from(registry.endpoints.len()).unwrap_or(u32::MAX);
        let round = registry.timeout.saturating_mul(endpoints.max(ENDPOINTS_MIN));
        Self { due: Arc::default(), slack: SLACK + round.saturating_mul(CALLS_PER_ROUND) }
    }

    /// A loop will be back then.
    pub(super) fn promise(&self, by: Instant) {
        self.set(by.checked_add(self.slack));
    }

    /// A loop waits for what may never come.
    pub(super) fn rest(&self) {
        self.set(None);
    }

    /// Whether the last promise is kept, or not yet due.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.is_alive_at(Instant::now())
    }

    /// The same, at a moment.
    fn is_alive_at(&self, now: Instant) -> bool {
        let due = *self.due.lock();
        due.is_none_or(|due| now <= due)
    }

    /// Keeps the newest word.
    fn set(&self, due: Option<Instant>) {
        *self.due.lock() = due;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_that_is_not_kept_shows() {
        let pulse = LoopWatchdog::of(&"http://10.0.0.1?timeout=1s".parse().unwrap());
        let (now, slack) = (Instant::now(), SLACK + Duration::from_secs(20));
        assert!(pulse.is_alive_at(now));
        pulse.promise(now + Duration::from_secs(5));
        assert!(pulse.is_alive_at(now + slack + Duration::from_secs(4)));
        let late = now + slack + Duration::from_secs(6);
        assert!(!pulse.is_alive_at(late));
        pulse.rest();
        assert!(pulse.is_alive_at(late));
    }
}
