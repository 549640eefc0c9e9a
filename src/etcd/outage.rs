//! What is known of an outage: while the registry is away, one try finds out for all.
//!
//! A process may hold thousands of registrations. Each of them tries again for ever, and
//! together they would beat upon whatever comes back. So the first call that reaches no
//! endpoint closes a gate; until the next try is due, others fail at once with what is
//! known, and only one of them is let through to look. An answer opens the gate.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Error;
use crate::backoff::Backoff;

/// The first wait before the registry is tried again, and the longest: one look a second
/// is no load, and who waits for it waits no longer.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The gate. The lock is held for a look, never over an await.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Away>>);

/// The registry is away.
#[derive(Debug)]
struct Away {
    /// When the next call may try.
    next: Instant,
    /// The waits between tries.
    backoff: Backoff,
    /// What the last call met with.
    reason: Error,
}

impl Outage {
    /// Makes a call, or fails with what is known while the registry is away.
    pub(super) async fn guard<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.admit(Instant::now())?;
        let result = call.await;
        self.learn(Instant::now(), &result);
        result
    }

    /// Lets a call through while nothing speaks against it, and one each time that a try
    /// is due.
    fn admit(&self, now: Instant) -> Result<(), Error> {
        match &mut *self.lock() {
            Some(away) if now < away.next => Err(away.reason.clone()),
            Some(away) => {
                away.next = now + away.backoff.wait();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes in how a call ended. Calls that were under way together fail together, which
    /// is one failure.
    fn learn<T>(&self, now: Instant, result: &Result<T, Error>) {
        let mut state = self.lock();
        match (result, &mut *state) {
            (Err(reason), Some(away)) if is_away(reason) => away.reason.clone_from(reason),
            (Err(reason), none) if is_away(reason) => *none = Some(Away::new(now, reason.clone())),
            _ => *state = None,
        }
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Away {
    /// From now on.
    fn new(now: Instant, reason: Error) -> Self {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        Self { next: now + backoff.wait(), backoff, reason }
    }
}

/// Whether no endpoint could be reached.
const fn is_away(error: &Error) -> bool {
    matches!(error, Error::Unreachable(_) | Error::Misfit(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the calls of a minute are let through, 100 each 10 ms, that all end so.
    fn calls_in_a_minute(outage: &Outage, begun: Instant, end: &Result<(), Error>) -> usize {
        let mut made = 0;
        for at in (0..60_000).step_by(10) {
            let now = begun + Duration::from_millis(at);
            for _ in 0..100 {
                if outage.admit(now).is_ok() {
                    made += 1;
                    outage.learn(now, end);
                }
            }
        }
        made
    }

    #[test]
    fn one_try_finds_out_for_all() {
        let (outage, begun) = (Outage::default(), Instant::now());
        let away = Err(Error::Unreachable("nobody there".to_owned()));
        let made = calls_in_a_minute(&outage, begun, &away);
        assert!((50..=130).contains(&made), "{made} calls in a minute");
        let later = begun + Duration::from_secs(62);
        assert_eq!(calls_in_a_minute(&outage, later, &Ok(())), 600_000);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let gone = Err(Error::LeaseGone);
        assert_eq!(calls_in_a_minute(&Outage::default(), Instant::now(), &gone), 600_000);
    }
}
