//! The check of a service's health, by an async closure of the program.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use crate::join::Check;
use crate::names::Span;

/// One look, under way.
type Looking = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A closure that looks whether the program is healthy.
pub(super) struct HealthCheck {
    /// The closure.
    look: Box<dyn Fn() -> Looking + Send + Sync>,
    /// How long one look may take.
    timeout: Duration,
}

impl HealthCheck {
    /// A closure that may take so long.
    pub(super) fn new<F, L, E>(look: F, timeout: Duration) -> Self
    where
        F: Fn() -> L + Send + Sync + 'static,
        L: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let look = move || {
            let looking = look();
            Box::pin(async move { looking.await.map_err(|reason| reason.to_string()) }) as Looking
        };
        Self { look: Box::new(look), timeout }
    }

    /// The same with another limit.
    pub(super) fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

impl Check for HealthCheck {
    /// A closure that panics says that the program is not healthy.
    async fn check(&self) -> Result<(), String> {
        let looking = AssertUnwindSafe(async { (self.look)().await }).catch_unwind();
        match timeout(self.timeout, looking).await {
            Ok(Ok(health)) => health,
            Ok(Err(_)) => Err("the check panicked".to_owned()),
            Err(_) => Err(format!("no answer within {}", Span(self.timeout))),
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Debug for HealthCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HealthCheck").field("timeout", &self.timeout).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_no_good_answer_is_a_reason() {
        let limit = Duration::from_secs(2);
        let ill = HealthCheck::new(|| async { Err("no disk") }, limit);
        assert_eq!(ill.check().await, Err("no disk".to_owned()));
        let hung = HealthCheck::new(std::future::pending::<Result<(), String>>, limit);
        assert_eq!(hung.check().await, Err("no answer within 2s".to_owned()));
        let broken = HealthCheck::new(|| async { panic!("broken") as Result<(), String> }, limit);
        assert_eq!(broken.check().await, Err("the check panicked".to_owned()));
        assert_eq!(HealthCheck::new(|| async { Ok::<_, String>(()) }, limit).check().await, Ok(()));
    }
}
