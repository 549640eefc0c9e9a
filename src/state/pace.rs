//! The pace at which snapshots are written.

use std::time::{Duration, Instant};

/// A zone that did not change for so long is written.
const QUIET: Duration = Duration::from_secs(2);
/// The least time from the end of one snapshot to the next.
const SPACING: Duration = Duration::from_secs(10);
/// A change waits no longer than this for quiet.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many times longer than it took to write a snapshot the next one waits, so that a
/// large zone on a slow disk takes a twentieth of its time at most.
const REST: u32 = 20;
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// The state of a zone: how many changes made it what it is, and its serial.
pub(super) type ZoneState = (u64, u32);

/// Decides by what it is told; it looks at no clock.
#[derive(Debug)]
pub(super) struct Pace {
    /// The state that is on disk, if any is.
    written: Option<ZoneState>,
    /// The newest state that was seen.
    seen: Option<ZoneState>,
    /// When that was first seen.
    changed: Instant,
    /// When the first state was seen that is not on disk.
    waiting: Option<Instant>,
    /// Nothing is written before.
    not_before: Instant,
}

impl Pace {
    /// Nothing was seen and nothing is on disk.
    pub(super) const fn new(now: Instant) -> Self {
        Self { written: None, seen: None, changed: now, waiting: None, not_before: now }
    }

    /// A state was seen. Whether it is to be written now.
    pub(super) fn is_due(&mut self, state: ZoneState, now: Instant) -> bool {
        if self.seen != Some(state) {
            (self.seen, self.changed) = (Some(state), now);
        }
        if self.written == Some(state) {
            self.waiting = None;
            return false;
        }
        let waiting = *self.waiting.get_or_insert(now);
        let is_quiet = now.saturating_duration_since(self.changed) >= QUIET;
        let is_impatient = now.saturating_duration_since(waiting) >= PATIENCE;
        (is_quiet || is_impatient) && now >= self.not_before
    }

    /// Whether a state is on disk.
    pub(super) fn is_written(&self, state: ZoneState) -> bool {
        self.written == Some(state)
    }

    /// A state is on disk since this moment; writing it took so long.
    pub(super) fn wrote(&mut self, state: ZoneState, took: Duration, now: Instant) {
        (self.written, self.waiting) = (Some(state), None);
        self.not_before = now + SPACING.max(took * REST);
    }

    /// What was on disk is not there any more.
    pub(super) fn lost(&mut self) {
        self.written = None;
    }

    /// It could not be written.
    pub(super) fn failed(&mut self, now: Instant) {
        self.not_before = now + RETRY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks twice a second for so many seconds at states by their half second. Gives when
    /// it would write, in half seconds.
    fn writes(seconds: u64, state: impl Fn(u64) -> u64) -> Vec<u64> {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        let look = |half: &u64| {
            let now = begun + Duration::from_millis(500) * *half as u32;
            let is_due = pace.is_due((state(*half), 0), now);
            if is_due {
                pace.wrote((state(*half), 0), Duration::ZERO, now);
            }
            is_due
        };
        (0..seconds * 2).filter(look).collect()
    }

    #[test]
    fn a_quiet_zone_is_written_once() {
        assert_eq!(writes(100, |_| 1), [4]);
        assert_eq!(writes(100, |half| half.min(7)), [11], "two seconds after the last change");
    }

    #[test]
    fn snapshots_keep_their_distance() {
        // A change at 0 s, and one at 3 s, right after the first was written.
        assert_eq!(writes(100, |half| u64::from(half >= 6)), [4, 24]);
    }

    #[test]
    fn a_steady_stream_is_written_every_half_minute() {
        assert_eq!(writes(100, |half| half), [60, 121, 182]);
    }

    #[test]
    fn a_slow_disk_is_left_in_peace() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.wrote((1, 0), Duration::from_secs(5), now);
        let later = |seconds| now + Duration::from_secs(seconds);
        let is_due = |pace: &mut Pace, at| pace.is_due((2, 0), at);
        assert!(!is_due(&mut pace, now) && !is_due(&mut pace, later(99)));
        assert!(is_due(&mut pace, later(100)));
        pace.failed(later(100));
        assert!(!is_due(&mut pace, later(129)) && is_due(&mut pace, later(130)));
    }

    #[test]
    fn what_was_lost_is_written_again_though_nothing_changed() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.wrote((1, 0), Duration::ZERO, now);
        let later = now + Duration::from_secs(60);
        assert!(!pace.is_due((1, 0), now) && !pace.is_due((1, 0), later));
        pace.lost();
        assert!(pace.is_due((1, 0), later));
    }

    #[test]
    fn a_serial_that_moved_is_written_though_nothing_else_changed() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.wrote((1, 7), Duration::ZERO, now);
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(!pace.is_due((1, 7), later(60)) && !pace.is_due((1, 8), later(61)));
        assert!(pace.is_due((1, 8), later(63)));
    }
}
