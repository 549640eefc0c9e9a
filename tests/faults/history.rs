//! What may be said: for each question that is watched, every answer that the registry's
//! states would give, in their order. An answer is right if it is that of the state the
//! last answer was of, or of a later one: time never goes back.

use std::collections::{BTreeMap, BTreeSet};

use super::asker::Run;
use super::dns::{Question, Said};
use super::hand::{Event, Hand};
use super::model::Model;

/// The states of the registry.
pub(super) struct History {
    /// The newest.
    model: Model,
    /// Its revision.
    revision: i64,
    /// What each question's answer was and became.
    states: BTreeMap<Question, Vec<Said>>,
    /// Services that ever were.
    services: BTreeSet<String>,
}

/// How many answers there were, and what was wrong about them.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Answers, right and wrong ones.
    pub(super) answers: u64,
    /// Those that no state explains.
    pub(super) wrong: u64,
    /// The first wrong ones, for a reader.
    pub(super) examples: Vec<String>,
}

impl History {
    /// Begins with what is in the registry now. A server that has not read it yet says so
    /// (`is_unread`).
    pub(super) fn begin(hand: &Hand, watched: &[Question], is_unread: bool) -> Self {
        let (revision, pairs) = hand.list();
        let model = Model::of(&pairs);
        let first = |question: &Question| {
            let unread = is_unread.then_some(Said::NotReady);
            (question.clone(), unread.into_iter().chain([model.said(question)]).collect())
        };
        let states = watched.iter().map(first).collect();
        let services = model.services().map(str::to_owned).collect();
        Self { model, revision, states, services }
    }

    /// Reads on, to the newest revision.
    pub(super) fn read_on(&mut self, hand: &Hand) {
        let events = hand.history(self.revision);
        for revision in events.chunk_by(|one, other| one.0 == other.0) {
            self.apply(revision);
        }
    }

    /// The registry is another one now, whatever its revision.
    pub(super) fn begin_again(&mut self, hand: &Hand) {
        let (revision, pairs) = hand.list();
        (self.revision, self.model) = (revision, Model::of(&pairs));
        self.services.extend(self.model.services().map(str::to_owned));
        self.note_states(|_| true);
    }

    /// Takes the events of one revision.
    fn apply(&mut self, events: &[Event]) {
        let mut touched = BTreeSet::new();
        for (revision, key, value) in events {
            self.revision = *revision;
            touched.extend(match value {
                Some(value) => self.model.put(key, value),
                None => self.model.delete(key),
            });
        }
        self.note_states(|question| {
            touched.iter().any(|service| question.name.contains(service.as_str()))
        });
        self.services.extend(touched);
    }

    /// Notes what these questions' answers are now.
    fn note_states(&mut self, is_touched: impl Fn(&Question) -> bool) {
        let touched = self.states.iter_mut().filter(|(question, _)| is_touched(question));
        for (question, states) in touched {
            let said = self.model.said(question);
            if states.last() != Some(&said) {
                states.push(said);
            }
        }
    }

    /// Judges what was said, in its order. What was said last is where the next judgement
    /// begins.
    pub(super) fn judge(&mut self, runs: &BTreeMap<Question, Vec<Run>>) -> Verdict {
        let mut verdict = Verdict::default();
        for (question, runs) in runs {
            let states = self.states.get_mut(question).expect("only watched questions are asked");
            let mut at = 0;
            for run in runs {
                verdict.answers += run.count;
                match states[at..].iter().position(|state| *state == run.said) {
                    Some(later) => at += later,
                    None => verdict.note(question, run, &states[at..]),
                }
            }
            states.drain(..at);
        }
        verdict
    }

    /// Services that were there once.
    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }
}

impl Verdict {
    /// Notes a wrong answer.
    fn note(&mut self, question: &Question, run: &Run, states: &[Said]) {
        /// Examples that are kept.
        const SHOWN: usize = 5;
        self.wrong += run.count;
        if self.examples.len() < SHOWN {
            let next: Vec<_> = states.iter().take(3).collect();
            self.examples.push(format!("{question:?}: {run:?}, but the states were {next:?}…"));
        }
    }
}

#[test]
fn only_states_in_their_order_are_right() {
    let question = Question::a("web");
    let one = |address: &str| Said::Records([address.to_owned()].into());
    let states = [Said::NotReady, Said::Absent, one("10.0.0.1"), Said::Absent, one("10.0.0.2")];
    let judged = |all: &[Said]| {
        let mut history = History {
            model: Model::default(),
            revision: 1,
            states: [(question.clone(), states.to_vec())].into(),
            services: BTreeSet::new(),
        };
        let run = |said: &Said| Run { said: said.clone(), count: 3 };
        let runs = [(question.clone(), all.iter().map(run).collect())].into();
        let verdict = history.judge(&runs);
        (verdict.answers, verdict.wrong)
    };
    assert_eq!(judged(&states), (15, 0));
    assert_eq!(judged(&[Said::NotReady, one("10.0.0.2")]), (6, 0), "states may be missed");
    assert_eq!(judged(&[one("10.0.0.2"), one("10.0.0.1")]), (6, 3), "time goes back");
    assert_eq!(judged(&[Said::Absent, Said::NotReady]), (6, 3), "not ready after the first list");
    for wrong in [one("10.0.0.3"), Said::NoData, Said::Silence] {
        assert_eq!(judged(&[Said::Absent, wrong, one("10.0.0.1")]), (9, 3));
    }
}
