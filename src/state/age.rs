//! The age of a snapshot. The only place where wall time counts.

use std::time::{Duration, SystemTime};

/// How long ago a snapshot was confirmed: its header says when at least, its file's time of
/// modification may say later. A time in the future proves nothing (a clock went back, a
/// file was touched), so that it never makes a snapshot younger than its header says; where
/// both are in the future, nothing better is known than that it is not older than now.
pub(super) fn age(header: SystemTime, modified: Option<SystemTime>, now: SystemTime) -> Duration {
    let since = |time: SystemTime| now.duration_since(time).ok();
    let modified = modified.filter(|it| *it >= header).and_then(since);
    since(header).map_or(Duration::ZERO, |age| modified.unwrap_or(age).min(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_makes_nothing_younger() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let seconds = Duration::from_secs;
        assert_eq!(age(at(100), None, at(160)), seconds(60));
        assert_eq!(age(at(100), Some(at(150)), at(160)), seconds(10));
        assert_eq!(age(at(100), Some(at(50)), at(160)), seconds(60), "a copy with an old time");
        assert_eq!(age(at(100), Some(at(500)), at(160)), seconds(60), "a time in the future");
        assert_eq!(age(at(100), Some(at(150)), at(90)), Duration::ZERO, "never negative");
    }
}
