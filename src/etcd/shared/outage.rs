//! The gate of an outage: while the registry is away, one try finds out for all.
//!
//! A process may hold thousands of registrations. Each of them tries again for ever, and
//! together they would beat upon whatever comes back. So the first call that reaches no
//! endpoint closes a gate; until the next try is due, others fail at once with what is
//! known, and only one of them is let through to look. An answer opens the gate. A login that
//! is refused closes it as well: nobody's call would be let in.
//!
//! Who has nothing to do but to wait for the registry need not try: of those who wait, one
//! looks when a try is due, and all are told when the gate opens.

use std::time::Duration;

use tokio::sync::{Mutex as Turn, watch};
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::etcd::Error;
use crate::lock::Lock;

/// The first wait before the registry is tried again, and the longest: one look a second
/// is no load, and who waits for it waits no longer.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The gate.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// What is known while it is closed. The lock is held for a look, never over an await.
    away: Lock<Option<Away>>,
    /// Told when it opens.
    opened: watch::Sender<()>,
    /// The turn of the one who looks for all who wait.
    scout: Turn<()>,
}

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

    /// Waits until the gate is open. Of those who wait, one makes the look when it is due.
    pub(super) async fn is_over<F>(&self, look: impl Fn() -> F)
    where
        F: Future<Output = Result<(), Error>>,
    {
        let mut opened = self.opened.subscribe();
        if self.next_try().is_none() {
            return;
        }
        tokio::select! {
            // The sender is here, so that this is the gate.
            _ = opened.changed() => (),
            () = self.scout(look) => (),
        }
    }

    /// Looks whenever a try is due, until the gate is open.
    async fn scout<F>(&self, look: impl Fn() -> F)
    where
        F: Future<Output = Result<(), Error>>,
    {
        let _turn = self.scout.lock().await;
        while let Some(next) = self.next_try() {
            sleep_until(next).await;
            // Whoever else tries meanwhile has put the next try off.
            let _ = self.guard(look()).await;
        }
    }

    /// When the next call may try, while the gate is closed.
    fn next_try(&self) -> Option<Instant> {
        self.away.lock().as_ref().map(|away| away.next)
    }

    /// Lets a call through while nothing speaks against it, and one each time that a try
    /// is due.
    fn admit(&self, now: Instant) -> Result<(), Error> {
        match &mut *self.away.lock() {
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
        let mut state = self.away.lock();
        match (result, &mut *state) {
            (Err(reason), Some(away)) if reason.is_away() => away.reason.clone_from(reason),
            (Err(reason), none) if reason.is_away() => *none = Some(Away::new(now, reason.clone())),
            (_, None) => (),
            (_, closed) => {
                *closed = None;
                self.opened.send_replace(());
            }
        }
    }
}

impl Away {
    /// From now on.
    fn new(now: Instant, reason: Error) -> Self {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        Self { next: now + backoff.wait(), backoff, reason }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

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

    #[tokio::test(start_paused = true)]
    async fn of_many_who_wait_one_looks_and_all_are_told() {
        let (outage, looks) = (Arc::new(Outage::default()), Arc::new(AtomicUsize::new(0)));
        outage.is_over(|| async { panic!("the gate is open") }).await;
        let away = || Err(Error::Unreachable("nobody there".to_owned()));
        outage.learn(Instant::now(), &away());
        let begun = Instant::now();
        let waiters = (0..2_000).map(|_| {
            let (outage, looks) = (Arc::clone(&outage), Arc::clone(&looks));
            tokio::spawn(async move {
                let look = || async {
                    looks.fetch_add(1, Ordering::Relaxed);
                    if begun.elapsed() < Duration::from_secs(60) { away() } else { Ok(()) }
                };
                outage.is_over(look).await;
            })
        });
        let waiters: Vec<_> = waiters.collect();
        for waiter in waiters {
            waiter.await.unwrap();
        }
        let (looks, took) = (looks.load(Ordering::Relaxed), begun.elapsed());
        assert!((50..=130).contains(&looks), "{looks} looks in a minute");
        assert!(took <= Duration::from_secs(61), "{took:?}");
    }

    #[test]
    fn a_refused_login_keeps_all_out() {
        let denied = Err(Error::Denied("no such user".to_owned()));
        let made = calls_in_a_minute(&Outage::default(), Instant::now(), &denied);
        assert!((50..=130).contains(&made), "{made} calls in a minute");
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let gone = Err(Error::LeaseGone);
        assert_eq!(calls_in_a_minute(&Outage::default(), Instant::now(), &gone), 600_000);
    }
}
