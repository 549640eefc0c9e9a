//! The way of a question through one generation: what is refused, where its name leads, and
//! the aliases that are followed from there.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, RecordType};

use super::alias::ResolvedAlias;
use super::resolved::resolve_meant;
use super::visits::{Footprint, Visits};
use super::{Answer, Draw, Lookup, Position, Question, Reason, Resolved, resolve};
use crate::index::Generation;
use crate::names::WireName;

/// The type of TKEY queries (RFC 2930), which hickory has no name for.
const TKEY: RecordType = RecordType::Unknown(249);
/// The meta type NXNAME (RFC 9824 section 3.5: a query for it is a format error).
const NXNAME: RecordType = RecordType::Unknown(128);

/// A question and all that its answer depends on, but for chance.
#[derive(Clone, Copy)]
pub(super) struct Resolver<'r> {
    /// What is true.
    pub(super) generation: &'r Generation,
    /// What is asked.
    pub(super) question: &'r Question<'r>,
    /// Whether all records are wanted, however few the zone answers with.
    pub(super) is_whole: bool,
    /// What may still be looked at for it.
    pub(super) visits: &'r Visits,
}

/// The answer of one name to a question, or where it leads.
pub(super) enum Step {
    /// The answer.
    Done(Answer),
    /// It stands for another name.
    Alias(ResolvedAlias),
    /// It is in no zone of ours; the refusal.
    Foreign(Answer),
}

/// Answers a question from one generation.
#[must_use]
pub fn answer(generation: &Generation, question: &Question<'_>, draw: &mut Draw) -> Answer {
    Resolver::new(generation, question, &Visits::new()).answer(draw)
}

/// Answers a question with all records that could be drawn for it, so that they can be kept
/// and drawn from; of more than there is room for, with a draw without regard to weights.
#[must_use]
pub fn answer_whole(generation: &Generation, question: &Question<'_>, draw: &mut Draw) -> Answer {
    traced(generation, question, true, draw).0
}

/// The same, or an answer as [`answer`] gives it, with what it depends on.
#[must_use]
pub fn traced(
    generation: &Generation,
    question: &Question<'_>,
    is_whole: bool,
    draw: &mut Draw,
) -> (Answer, Footprint) {
    let visits = Visits::traced();
    let resolver = Resolver { is_whole, ..Resolver::new(generation, question, &visits) };
    let answer = resolver.answer(draw);
    (answer, visits.into_footprint())
}

impl<'r> Resolver<'r> {
    /// A question that is answered with as many records as its zone answers with.
    pub(super) const fn new(
        generation: &'r Generation,
        question: &'r Question<'r>,
        visits: &'r Visits,
    ) -> Self {
        Self { generation, question, is_whole: false, visits }
    }

    /// The answer.
    pub(super) fn answer(&self, draw: &mut Draw) -> Answer {
        if let Some(refusal) = refuse(self.question) {
            return refusal;
        }
        match self.step(draw) {
            Step::Done(answer) | Step::Foreign(answer) => answer,
            Step::Alias(alias) => self.follow(alias, draw).unwrap_or_else(|| self.nothing()),
        }
    }

    /// What the question's own name says.
    pub(super) fn step(&self, draw: &mut Draw) -> Step {
        let Ok(mut name) = WireName::from_labels(self.question.name.iter()) else {
            return Step::Done(Answer::error(ResponseCode::FormErr, None));
        };
        let resolved = resolve_meant(self.generation, &mut name);
        let found = match resolved {
            Resolved::Missing(position) => Some((position, None)),
            Resolved::Existing(position, node) => Some((position, Some(node))),
            Resolved::Foreign => None,
            // Soon there may be something else to say.
            Resolved::NotReady => {
                self.visits.vary();
                None
            }
        };
        if let Some((Position { site, below, .. }, node)) = found {
            self.visits.trace(self.generation, (site, below), &name, node);
        }
        let (code, reason) = resolved.code();
        match resolved {
            Resolved::Foreign => Step::Foreign(Answer::error(code, reason)),
            Resolved::NotReady => Step::Done(Answer::error(code, reason)),
            Resolved::Missing(position) => {
                Step::Done(self.lookup(position, &name, reason).negative(code))
            }
            Resolved::Existing(position, node) => {
                self.lookup(position, &name, reason).at(node, draw)
            }
        }
    }

    /// The answer of a name that exists and is as if it had no data.
    fn nothing(&self) -> Answer {
        let Ok(name) = WireName::from_labels(self.question.name.iter()) else {
            return Answer::error(ResponseCode::FormErr, None);
        };
        let resolved = resolve(self.generation, &name);
        let (code, reason) = resolved.code();
        match resolved {
            Resolved::Foreign | Resolved::NotReady => Answer::error(code, reason),
            Resolved::Missing(position) | Resolved::Existing(position, _) => {
                self.lookup(position, &name, reason).negative(ResponseCode::NoError)
            }
        }
    }

    /// The look-up of a name where it stands.
    fn lookup<'l>(
        &'l self,
        position: Position<'l>,
        name: &'l WireName,
        reason: Option<Reason>,
    ) -> Lookup<'l> {
        let Self { generation, question, is_whole, visits } = *self;
        Lookup { generation, position, question, name, reason, is_whole, visits }
    }
}

/// What is refused whatever the name is. A class or a transfer that is not offered is
/// refused; a type that only ever stands in other sections makes no sense as a question.
fn refuse(question: &Question<'_>) -> Option<Answer> {
    let (code, reason) = match (question.class, question.kind) {
        // Whatever class will do: all that is here is of class IN.
        (DNSClass::IN | DNSClass::ANY, kind) => match kind {
            RecordType::AXFR | RecordType::IXFR => {
                (ResponseCode::Refused, Some(Reason::Prohibited))
            }
            RecordType::OPT | RecordType::TSIG | TKEY | NXNAME => (ResponseCode::FormErr, None),
            _ => return None,
        },
        _ => (ResponseCode::Refused, Some(Reason::NotAuthoritative)),
    };
    Some(Answer::error(code, reason))
}
