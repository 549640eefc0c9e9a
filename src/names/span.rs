//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration in words, `1m 30s`: with no more digits than anybody measures by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// From here on seconds are enough.
const IN_SECONDS: Duration = Duration::from_secs(10);
/// From here on milliseconds are enough.
const IN_MILLISECONDS: Duration = Duration::from_millis(10);

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(rounded(self.0)).fmt(formatter)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |_| format!("`{text}` is no duration; write it like 30s or 1h");
        humantime::parse_duration(text).map(Self).map_err(fault)
    }
}

/// The nearest duration that is worth saying; what was written by people, whole milliseconds,
/// as it is.
fn rounded(time: Duration) -> Duration {
    let nanos = time.as_nanos();
    let unit = match time {
        _ if nanos.is_multiple_of(1_000_000) => 1_000_000,
        _ if time >= IN_SECONDS => 1_000_000_000,
        _ if time >= IN_MILLISECONDS => 1_000_000,
        _ => 1_000,
    };
    let whole = (nanos + unit / 2) / unit * unit;
    Duration::new((whole / 1_000_000_000) as u64, (whole % 1_000_000_000) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_as_many_digits_as_they_deserve() {
        for (nanos, expected) in [
            (0, "0s"),
            (1_500, "2us"),
            (1_666_666_666, "1s 667ms"),
            (12_345_678_901, "12s"),
            (2_001_000_000, "2s 1ms"),
            (90_000_000_000, "1m 30s"),
        ] {
            assert_eq!(Span(Duration::from_nanos(nanos)).to_string(), expected);
        }
    }
}
