//! The report of a server: all of its states at one moment. What any surface says is read from
//! one.

use std::fmt::{self, Write as _};

use super::{Condition, State};

/// States that one line names; the others are counted. A line of `systemctl status` is read by
/// people.
const NAMED: usize = 3;

/// The report of a server at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is so of it as a whole, and is not as usual.
    pub server: Vec<State>,
    /// Its zones, each with its name, in the order of the configuration.
    pub zones: Vec<(String, Condition)>,
}

/// A state that is not as usual, of the server or of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The zone; none of the server as a whole.
    pub zone: Option<String>,
    /// The state.
    pub state: State,
}

impl Report {
    /// Whether the server was told to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.server.contains(&State::Draining)
    }

    /// Whether queries are worth sending here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.server.iter().all(State::is_answered)
            && self.zones.iter().all(|(_, condition)| condition.is_answered())
    }

    /// The server in a word or two.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.is_draining(), self.is_ready()) {
            (true, _) => "draining",
            (_, true) => "ready",
            _ => "not ready",
        }
    }

    /// All that is not as usual, the gravest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let server = self.server.iter().map(|state| Finding { zone: None, state: state.clone() });
        let of_zone = |(zone, condition): &(String, Condition)| {
            let finding = |state| Finding { zone: Some(zone.clone()), state };
            condition.states().into_iter().map(finding).collect::<Vec<_>>()
        };
        let zones = self.zones.iter().flat_map(of_zone);
        let mut all: Vec<_> = server.chain(zones).filter(|it| it.state != State::Fresh).collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.state.gravity()));
        all
    }

    /// How many times each word is so, of the server and of its zones.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); State::WORDS.len()] {
        let zones = self.zones.iter().flat_map(|(_, condition)| condition.states());
        let words: Vec<_> = self.server.iter().cloned().chain(zones).map(|it| it.word()).collect();
        State::WORDS.map(|word| (word, words.iter().filter(|it| **it == word).count() as u64))
    }

    /// One line: how the server is, what it does, and what is not as usual.
    #[must_use]
    pub fn line(&self, does: &str) -> String {
        let mut line = format!("{}: {does}", self.word());
        let findings: Vec<_> =
            self.findings().into_iter().filter(|it| it.state != State::Draining).collect();
        for finding in findings.iter().take(NAMED) {
            write!(line, "; {finding}").expect("a string takes all that is written");
        }
        if let Some(more @ 1..) = findings.len().checked_sub(NAMED) {
            write!(line, "; and {more} more").expect("a string takes all that is written");
        }
        line
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.zone.as_ref().map_or(Ok(()), |zone| write!(formatter, "{zone}: "))?;
        write!(formatter, "{}", self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::one_of_each;
    use super::super::{Freshness, Vitals};
    use super::*;

    /// A zone that is well.
    fn well() -> (String, Condition) {
        let condition = Condition::of(true, &Freshness::default(), &Vitals::default());
        ("a.test".to_owned(), condition)
    }

    #[test]
    fn what_is_well_is_not_worth_a_word() {
        let report = Report { server: vec![], zones: vec![well()] };
        assert_eq!((report.is_ready(), report.findings()), (true, vec![]));
        assert_eq!(report.line("answering"), "ready: answering");
        let fresh: Vec<_> = report.counts().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(fresh, [("fresh", 1)]);
    }

    #[test]
    fn every_state_is_counted_and_found() {
        for state in one_of_each() {
            let (word, text) = (state.word(), state.to_string());
            let report = Report { server: vec![state.clone()], zones: vec![] };
            assert_eq!(report.is_ready(), state.is_answered(), "{word}");
            let counts: Vec<_> = report.counts().into_iter().filter(|it| it.1 > 0).collect();
            assert_eq!(counts, [(word, 1)]);
            let found: Vec<_> = report.findings().iter().map(ToString::to_string).collect();
            assert_eq!(found.concat(), if word == "fresh" { String::new() } else { text });
        }
    }

    #[test]
    fn a_line_names_the_gravest_and_counts_the_others() {
        let report = Report { server: one_of_each(), zones: vec![well()] };
        let line = report.line("answering");
        assert!(line.starts_with("draining: answering; not ready: "), "{line}");
        assert!(line.ends_with("; and 5 more") && line.matches("; holding").count() == 1, "{line}");
    }
}
