//! The condition of a zone: how new what is held of it is, and what else is to be said.

use std::fmt;
use std::time::SystemTime;

use super::{Freshness, Holding, ListProgress, Outdated, Staleness, State, Vitals};

/// Characters of an error that are shown: it may name several endpoints, each with its reason.
const TROUBLE_MAX: usize = 400;

/// The condition of a zone at one moment, for people. Nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How new what is held is.
    state: State,
    /// When the registry last confirmed what is held.
    confirmed: SystemTime,
    /// Where the registry is asked, once it is.
    endpoint: Option<String>,
    /// Why the registry is not followed; none while it is.
    trouble: Option<String>,
    /// How far a list is that is under way.
    listing: Option<ListProgress>,
    /// The collapse whose removals are held.
    holding: Option<Holding>,
}

impl Condition {
    /// How a zone is that something is held of, or not yet.
    #[must_use]
    pub fn of(is_held: bool, freshness: &Freshness, vitals: &Vitals) -> Self {
        let now = SystemTime::now();
        let confirmed = now.checked_sub(freshness.age()).unwrap_or(SystemTime::UNIX_EPOCH);
        let (trouble, listing) = (vitals.trouble.get(), vitals.listing.get());
        let endpoint = vitals.endpoint.get();
        let is_restored = vitals.snapshot.restored.get();
        let outdated = || Outdated { confirmed, is_restored, trouble: trouble.clone() };
        let state = match (is_held, freshness.standing(), &trouble) {
            (true, Staleness::Fresh, _) => State::Fresh,
            (true, Staleness::Stale, _) => State::Stale(outdated()),
            (true, Staleness::Expired, _) => State::Expired(outdated()),
            // An earlier failure is over once keys come.
            (false, _, Some(trouble)) if listing.is_none_or(|it| it.keys == 0) => {
                State::NotReady { trouble: trouble.clone() }
            }
            (false, ..) => State::Starting { endpoint: endpoint.clone(), listing },
        };
        let holding =
            vitals.collapse.get().map(|(of, until)| Holding { held: vitals.held.get(), of, until });
        Self { state, confirmed, endpoint, trouble, listing, holding }
    }

    /// How new what is held is.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// All that is so, how new what is held is first.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        let holding = self.holding.clone().map(State::Holding);
        std::iter::once(self.state.clone()).chain(holding).collect()
    }

    /// Whether names of the zone get answers.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.state.is_answered()
    }

    /// How new what is held is, in a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        self.state.word()
    }

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

    /// Where the registry is asked.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// How far a list is that is under way.
    #[must_use]
    pub const fn listing(&self) -> Option<ListProgress> {
        self.listing
    }

    /// When the registry last confirmed what is held, where that is some time ago.
    #[must_use]
    pub const fn since(&self) -> Option<SystemTime> {
        match self.state {
            State::Stale(_) | State::Expired(_) => Some(self.confirmed),
            _ => None,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.state)?;
        let Some(holding) = &self.holding else { return Ok(()) };
        let joint = if self.state == State::Fresh { "," } else { ";" };
        write!(formatter, "{joint} {holding}")
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_zone_goes_through_its_conditions() {
        let (freshness, vitals) = (Freshness::default(), Vitals::default());
        let is = |is_held, word, sentence: &str| {
            let condition = Condition::of(is_held, &freshness, &vitals);
            assert_eq!(condition.word(), word);
            assert!(State::STANDINGS.contains(&word));
            assert!(condition.to_string().starts_with(sentence), "{condition}");
            condition
        };
        let unlisted = "not ready: the registry has not been listed yet";
        assert!(!is(false, "starting", unlisted).is_answered());
        vitals.endpoint.set(Some("http://a:1".to_owned()));
        is(false, "starting", &format!("{unlisted}; asked: http://a:1"));
        vitals.failed("http://a:1", &"refused");
        is(false, "not-ready", &format!("{unlisted}; last error: http://a:1: refused"));
        vitals.listing.set(Some(ListProgress::default()));
        is(false, "not-ready", unlisted);
        vitals.listing.set(Some(ListProgress { keys: 2, of: Some(7) }));
        is(false, "starting", &format!("{unlisted}; asked: http://a:1, 2 of 7 keys listed"));
        vitals.listing.set(None);
        assert_eq!(is(true, "fresh", "ready").to_string(), "ready");
        freshness.restored(Duration::from_secs(60));
        vitals.snapshot.restored.set();
        let stale = is(true, "stale", "ready, stale: last confirmed by the registry at 2");
        assert!(stale.is_answered() && stale.since().is_some());
        assert!(stale.to_string().contains("Z (this process began with a snapshot); last error: "));
        freshness.expire_after(Some(Duration::from_secs(1)));
        freshness.judge(Duration::ZERO);
        let expired = is(true, "expired", "not ready: last confirmed by the registry at 2");
        assert!(expired.to_string().contains("Z, past max-stale (this"), "{expired}");
        freshness.confirmed();
        vitals.trouble.set(None);
        vitals.held.set(5);
        vitals.collapse.set(Some((30, SystemTime::UNIX_EPOCH)));
        let sentence = "ready, holding the removal of 5 of 30 instances until 1970-01-01T00:00:00Z";
        let words: Vec<_> = is(true, "fresh", sentence).states().iter().map(State::word).collect();
        assert_eq!(words, ["fresh", "holding"]);
    }
}
