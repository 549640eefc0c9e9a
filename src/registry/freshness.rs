//! When a registry was last heard of.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a registry was last heard of, and whether that is too long ago. Readers and the
/// one writer share it; it stands outside the generations, since it concerns every answer
/// and changes none. Only durations count, never wall time.
#[derive(Debug)]
pub struct Freshness {
    /// What times are counted from.
    start: Instant,
    /// Milliseconds from the start to the last word.
    heard: AtomicU64,
    /// Whether the silence has become too long.
    stale: AtomicBool,
}

impl Freshness {
    /// Something came: an event, progress, a list.
    pub fn heard(&self) {
        self.heard.store(self.elapsed(), Ordering::Relaxed);
        self.stale.store(false, Ordering::Relaxed);
    }

    /// How long nothing has come.
    #[must_use]
    pub fn silence(&self) -> Duration {
        Duration::from_millis(self.elapsed().saturating_sub(self.heard.load(Ordering::Relaxed)))
    }

    /// Marks a silence of at least `limit`. Gives how long it may still last.
    pub fn judge(&self, limit: Duration) -> Duration {
        let left = limit.saturating_sub(self.silence());
        self.stale.store(left.is_zero(), Ordering::Relaxed);
        if left.is_zero() { limit } else { left }
    }

    /// Whether nothing has come for too long.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// Milliseconds since the start.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for Freshness {
    fn default() -> Self {
        let (heard, stale) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { start: Instant::now(), heard, stale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_makes_stale_and_a_word_mends_it() {
        let freshness = Freshness::default();
        freshness.judge(Duration::from_secs(60));
        assert!(!freshness.is_stale());
        freshness.judge(Duration::ZERO);
        assert!(freshness.is_stale());
        freshness.heard();
        assert!(!freshness.is_stale());
    }
}
