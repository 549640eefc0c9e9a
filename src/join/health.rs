//! The health of an instance, and the check that finds it out.
//!
//! Before the first check has passed an instance is not registered; until then checks come
//! in quick succession, so that a server that starts fast is registered fast. After that
//! it takes some failures in a row to take it out, and one success to bring it back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::pulse::LoopWatchdog;
use crate::backoff::{Backoff, drawn};

/// The first wait between checks before one has passed; it doubles up to the interval.
const EAGER: Duration = Duration::from_millis(100);
/// Failures in a row before the first success that are told of: a server needs a moment to
/// start, and this many eager checks take some seconds.
const PATIENT: u32 = 5;

/// A check may come this part of the interval early.
const JITTER: f64 = 0.1;

/// The health of an instance at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing is known yet.
    Unknown,
    /// The check passes.
    Well,
    /// The check fails, and why.
    Ill(Arc<str>),
}

/// The health of an instance, shared with its check.
#[derive(Debug)]
pub(super) struct Health(watch::Receiver<Condition>);

/// A way to look whether an instance is healthy.
pub trait Check: Send + Sync {
    /// Looks once.
    ///
    /// # Errors
    /// Why the instance is not healthy, in words.
    fn check(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// How long one look takes at the most.
    fn timeout(&self) -> Duration;
}

/// Finds it out.
#[derive(Debug)]
pub struct Monitor<C> {
    /// The look that is taken again and again.
    pub check: C,
    /// Between two checks.
    pub interval: Duration,
    /// Failures in a row that take the instance out.
    pub failures: u32,
    /// Told that checks go on.
    pub pulse: LoopWatchdog,
}

impl Health {
    /// Of what nobody checks.
    pub(super) fn always() -> Self {
        Self(watch::channel(Condition::Well).1)
    }

    /// Of something that is checked; the other end says how it is.
    pub(super) fn unknown() -> (watch::Sender<Condition>, Self) {
        let (sender, receiver) = watch::channel(Condition::Unknown);
        (sender, Self(receiver))
    }

    /// Waits until something is known.
    pub(super) async fn known(&mut self) -> Condition {
        self.reach(|condition| *condition != Condition::Unknown).await
    }

    /// Waits until it is well.
    pub(super) async fn well(&mut self) {
        self.reach(|condition| *condition == Condition::Well).await;
    }

    /// Waits until it is ill.
    pub(super) async fn ill(&mut self) {
        self.reach(|condition| matches!(condition, Condition::Ill(_))).await;
    }

    /// Waits for a condition. When nobody checks any more it stays as it is.
    async fn reach(&mut self, wanted: impl FnMut(&Condition) -> bool) -> Condition {
        let reached = self.0.wait_for(wanted).await.map(|condition| condition.clone());
        match reached {
            Ok(condition) => condition,
            Err(_) => std::future::pending().await,
        }
    }
}

impl<C: Check> Monitor<C> {
    /// Checks for as long as it is polled.
    pub(super) async fn run(&self, health: &watch::Sender<Condition>) -> Infallible {
        let mut eager = Backoff::new(EAGER.min(self.interval), self.interval);
        let (mut failed, mut was_well) = (0_u32, false);
        loop {
            match self.check.check().await {
                Ok(()) => {
                    (failed, was_well) = (0, true);
                    health.send_replace(Condition::Well);
                }
                Err(reason) => {
                    failed = failed.saturating_add(1);
                    let enough = if was_well { self.failures } else { PATIENT };
                    tracing::debug!("the check failed, {failed} in a row: {reason}");
                    if failed >= enough {
                        health.send_replace(Condition::Ill(reason.into()));
                    }
                }
            }
            let wait =
                if was_well { drawn(self.interval, 1.0 - JITTER, 1.0) } else { eager.wait() };
            self.pulse.promise(Instant::now() + wait + self.check.timeout());
            sleep(wait).await;
        }
    }
}
