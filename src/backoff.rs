//! Backoff: how long to wait before the next attempt.

use std::time::Duration;

/// Waits that double up to a limit, each drawn between half and the whole, so that those
/// who failed together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    /// The first wait.
    first: Duration,
    /// The longest.
    limit: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits from `first` up to `limit`.
    #[must_use]
    pub const fn new(first: Duration, limit: Duration) -> Self {
        Self { first, limit, next: first }
    }

    /// How long to wait now.
    pub fn wait(&mut self) -> Duration {
        let wait = drawn(self.next, 0.5, 1.0);
        self.next = (self.next * 2).min(self.limit);
        wait
    }

    /// It went well: the next wait is the first again.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

/// A time drawn between two parts of another, so that those who began together do not go
/// on together.
#[must_use]
pub fn drawn(time: Duration, from: f64, to: f64) -> Duration {
    time.mul_f64(from + (to - from) * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_begin_again() {
        let (first, limit) = (Duration::from_millis(100), Duration::from_millis(350));
        let mut backoff = Backoff::new(first, limit);
        for whole in [100, 200, 350, 350] {
            let wait = backoff.wait().as_millis();
            assert!((whole / 2..=whole).contains(&wait), "{wait} of {whole}");
        }
        backoff.reset();
        assert!(backoff.wait() <= first);
    }
}
