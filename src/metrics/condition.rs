//! The condition of a zone, in the words that every surface uses: the log, `/readyz`,
//! `/v1/status`, the page, metrics.

use std::fmt;
use std::time::SystemTime;

use super::{Freshness, Staleness, Vitals};

/// Characters of an error that are shown: it may name several endpoints, each with its reason.
const TROUBLE_MAX: usize = 400;

/// The condition of a zone at one moment, for people. Nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How far what is held can be trusted; none before anything is held.
    standing: Option<Staleness>,
    /// When the registry last confirmed what is held.
    confirmed: SystemTime,
    /// Whether this process began with a snapshot.
    is_restored: bool,
    /// Where the registry is asked, once it is.
    endpoint: Option<String>,
    /// Why the registry is not followed; none while it is.
    trouble: Option<String>,
    /// The collapse whose removals are held.
    holding: Option<Holding>,
}

/// A collapse whose removals are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Instances that are shown although the registry has them no more.
    pub held: u64,
    /// How many instances there were before.
    pub of: u64,
    /// When the removals are published at the latest.
    pub until: SystemTime,
}

impl Condition {
    /// How a zone is that something is held of, or not yet.
    #[must_use]
    pub fn of(is_held: bool, freshness: &Freshness, vitals: &Vitals) -> Self {
        let now = SystemTime::now();
        let holding =
            vitals.collapse.get().map(|(of, until)| Holding { held: vitals.held.get(), of, until });
        Self {
            standing: is_held.then(|| freshness.standing()),
            confirmed: now.checked_sub(freshness.age()).unwrap_or(SystemTime::UNIX_EPOCH),
            is_restored: vitals.snapshot.restored.get(),
            endpoint: vitals.endpoint.get(),
            trouble: vitals.trouble.get(),
            holding,
        }
    }

    /// Whether names of the zone get answers.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.standing.is_some_and(|it| it != Staleness::Expired)
    }

    /// How new what is held is, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.standing {
            None => "not-ready",
            Some(Staleness::Fresh) => "fresh",
            Some(Staleness::Stale) => "stale",
            Some(Staleness::Expired) => "expired",
        }
    }

    /// The words that there are.
    pub const WORDS: [&str; 4] = ["not-ready", "fresh", "stale", "expired"];

    /// The collapse whose removals are held.
    #[must_use]
    pub const fn holding(&self) -> Option<&Holding> {
        self.holding.as_ref()
    }

    /// Why the registry is not followed.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let confirmed = time(self.confirmed);
        match self.standing {
            None => formatter.write_str("not ready: the registry has not been listed yet")?,
            Some(Staleness::Fresh) => formatter.write_str("ready")?,
            Some(Staleness::Stale) => {
                write!(formatter, "ready, stale: last confirmed by the registry at {confirmed}")?;
                if self.is_restored {
                    formatter.write_str(" (this process began with a snapshot)")?;
                }
            }
            Some(Staleness::Expired) => write!(
                formatter,
                "not ready: last confirmed by the registry at {confirmed}, past max-stale"
            )?,
        }
        if let Some(holding) = &self.holding {
            write!(formatter, ", {holding}")?;
        }
        match (&self.trouble, &self.endpoint, self.standing) {
            (_, _, Some(Staleness::Fresh)) => Ok(()),
            (Some(trouble), ..) => write!(formatter, "; last error: {trouble}"),
            (None, Some(endpoint), None) => write!(formatter, "; asked: {endpoint}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, of, until } = self;
        write!(
            formatter,
            "holding the removal of {held} of {of} instances until {} at the latest",
            time(*until)
        )
    }
}

impl Vitals {
    /// Notes why the registry is not followed, and at which endpoint.
    pub fn failed(&self, endpoint: &str, error: &dyn fmt::Display) {
        let text = error.to_string();
        let text = if text.contains(endpoint) { text } else { format!("{endpoint}: {text}") };
        self.trouble.set(Some(text.chars().take(TROUBLE_MAX).collect()));
    }
}

/// A time, to the second.
fn time(time: SystemTime) -> impl fmt::Display {
    humantime::format_rfc3339_seconds(time)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_condition_has_its_sentence() {
        let (freshness, vitals) = (Freshness::default(), Vitals::default());
        let of = |is_held| Condition::of(is_held, &freshness, &vitals);
        let is = |is_held, word, sentence: &str| {
            let condition = of(is_held);
            assert_eq!(condition.word(), word);
            assert!(Condition::WORDS.contains(&word));
            assert!(condition.to_string().starts_with(sentence), "{condition}");
            condition
        };
        let unlisted = "not ready: the registry has not been listed yet";
        assert!(!is(false, "not-ready", unlisted).is_answered());
        vitals.endpoint.set(Some("http://a:1".to_owned()));
        is(false, "not-ready", &format!("{unlisted}; asked: http://a:1"));
        vitals.failed("http://a:1", &"refused");
        is(false, "not-ready", &format!("{unlisted}; last error: http://a:1: refused"));
        assert_eq!(is(true, "fresh", "ready").to_string(), "ready");
        freshness.restored(Duration::from_secs(60));
        vitals.snapshot.restored.set();
        let stale = is(true, "stale", "ready, stale: last confirmed by the registry at 2");
        assert!(stale.is_answered());
        assert!(stale.to_string().contains("Z (this process began with a snapshot); last error: "));
        freshness.expire_after(Some(Duration::from_secs(1)));
        freshness.judge(Duration::ZERO);
        let expired = is(true, "expired", "not ready: last confirmed by the registry at 2");
        assert!(expired.to_string().contains("Z, past max-stale; last error"));
        freshness.confirmed();
        vitals.trouble.set(None);
        vitals.held.set(5);
        vitals.collapse.set(Some((30, SystemTime::UNIX_EPOCH)));
        let sentence = "ready, holding the removal of 5 of 30 instances until 1970-01-01T00:00:00Z";
        is(true, "fresh", sentence);
    }
}
