//! The pace of checks, as it may be asked for.

use std::time::Duration;

/// The shortest interval and timeout: below it checks are the load.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest: what is checked once a day is not checked.
const LONGEST: Duration = Duration::from_secs(86_400);
/// The most failures in a row that can be asked for.
const FAILURES_MAX: u32 = 1_000;

/// The pace of checks, and what follows from failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckTerms {
    /// Between two checks.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// Failures in a row that take an instance out.
    pub failures: u32,
}

/// A part of the pace that is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckFault {
    /// The interval.
    #[error("interval {} is not 100ms to 24h", humantime::format_duration(*.0))]
    Interval(Duration),
    /// The timeout.
    #[error("timeout {} is not 100ms to 24h", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// The failures.
    #[error("failures {0} is not 1 to {FAILURES_MAX}")]
    Failures(u32),
}

impl CheckTerms {
    /// Whether checks can be made so.
    ///
    /// # Errors
    /// [`CheckFault`]: what is out of bounds.
    pub fn check(&self) -> Result<(), CheckFault> {
        let fits = |time: Duration| (SHORTEST..=LONGEST).contains(&time);
        if !fits(self.interval) {
            return Err(CheckFault::Interval(self.interval));
        }
        if !fits(self.timeout) {
            return Err(CheckFault::Timeout(self.timeout));
        }
        let is_fine = (1..=FAILURES_MAX).contains(&self.failures);
        if is_fine { Ok(()) } else { Err(CheckFault::Failures(self.failures)) }
    }
}

impl Default for CheckTerms {
    /// Every 5 s, soon enough for DNS with its TTL of 5 s; 2 s for each; 3 failures in a row,
    /// since one may be chance.
    fn default() -> Self {
        Self { interval: Duration::from_secs(5), timeout: Duration::from_secs(2), failures: 3 }
    }
}
