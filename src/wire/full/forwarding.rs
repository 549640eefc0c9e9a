//! Names that are not ours: who must be asked for them, and what they said.
//!
//! A message whose name leads elsewhere is answered twice: first to learn what is to be
//! asked of others, and when they have answered, again, with what they said. So all that
//! makes a reply is said in one place, whoever knows the answer.
//!
//! Aliases may lead back: of a name in our zones nobody but us says anything, so what others
//! said ends there, and our own answer goes on. It may lead elsewhere once more.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use hickory_server::server::Request;

use super::designated::designated;
use crate::authority::{self, Answer, Draw, Question, Reason, Resolved, resolve};
use crate::forward::Asked;
use crate::index::Generation;
use crate::names::WireName;
use crate::wire::Policy;

/// How often others are asked for one message: aliases that lead to and fro are of no use.
const TURNS: usize = 4;

/// The answer of upstreams to a question.
#[derive(Debug, Clone)]
pub(in crate::wire) struct UpstreamAnswer {
    /// The question.
    pub(in crate::wire) asked: Asked,
    /// What they said.
    pub(in crate::wire) answer: Answer,
}

/// The forwarding of one message: whether upstreams can be asked, and what comes of it.
#[derive(Debug)]
pub(super) struct Forwarding<'p> {
    /// For whom, by which policy; none where nobody is asked.
    ask: Option<(&'p Policy, IpAddr)>,
    /// What they said already, to one question after the other.
    found: &'p [UpstreamAnswer],
    /// What they are to be asked.
    wanted: Option<Asked>,
}

impl<'p> Forwarding<'p> {
    /// Nobody is asked.
    pub(super) const fn nowhere() -> Self {
        Self { ask: None, found: &[], wanted: None }
    }

    /// Others are asked for a client, if the policy has it so.
    pub(super) fn of(policy: &'p Policy, client: IpAddr) -> Self {
        let ask = policy.forwarder.is_some().then_some((policy, client));
        Self { ask, ..Self::nowhere() }
    }

    /// Others were asked.
    pub(super) fn found(policy: &'p Policy, client: IpAddr, found: &'p [UpstreamAnswer]) -> Self {
        Self { found, ..Self::of(policy, client) }
    }

    /// What others must be asked.
    pub(super) const fn take(&mut self) -> Option<Asked> {
        self.wanted.take()
    }

    /// Completes an answer whose name leads elsewhere with what others said. Says whether
    /// they were asked, which is what RA tells. Had nobody been asked yet, the answer is of
    /// no use: it will be made again.
    pub(super) fn complete(
        &mut self,
        generation: Option<&Generation>,
        request: &Request,
        question: &Question<'_>,
        answer: &mut Answer,
    ) -> bool {
        let (Some((policy, client)), mut left) = (self.ask, self.found.to_vec()) else {
            return false;
        };
        while let Some(asked) = wanted(policy, request, question, answer) {
            if !policy.forwarder.as_ref().is_some_and(|it| it.covers(&asked.name)) {
                break;
            }
            if !policy.may_recurse(client) {
                let is_ours = answer.authoritative;
                answer.reason = if is_ours { answer.reason } else { Some(Reason::Prohibited) };
                return false;
            }
            if let Some(found) = designated(policy, &asked) {
                join(answer, found);
                return true;
            }
            let Some(at) = left.iter().position(|found| found.asked == asked) else {
                // What was followed already is not followed again.
                let is_new = self.found.iter().all(|found| found.asked != asked);
                self.wanted = (is_new && self.found.len() < TURNS).then_some(asked);
                return true;
            };
            let found = left.swap_remove(at).answer;
            join(answer, come_home(policy, generation, question, found));
        }
        left.len() < self.found.len()
    }
}

/// The question for others that an answer leads to, if the client wants them asked (RD).
fn wanted(
    policy: &Policy,
    request: &Request,
    question: &Question<'_>,
    answer: &Answer,
) -> Option<Asked> {
    let is_foreign = answer.reason == Some(Reason::NotAuthoritative)
        && answer.code == ResponseCode::Refused
        && matches!(question.class, DNSClass::IN | DNSClass::ANY);
    let elsewhere = answer.leaves.as_ref().or(is_foreign.then_some(question.name));
    let name = elsewhere.or_else(|| missing(policy, question, answer))?;
    let checking_disabled = request.metadata.checking_disabled;
    let asked = Asked { name: name.clone(), kind: question.kind, checking_disabled };
    request.metadata.recursion_desired.then_some(asked)
}

/// The name that does not exist in a zone of ours, where others are asked for it then.
fn missing<'a>(policy: &Policy, question: &Question<'a>, answer: &'a Answer) -> Option<&'a Name> {
    let is_missing = answer.code == ResponseCode::NXDomain && answer.authoritative;
    let forwarder = policy.forwarder.as_ref().filter(|it| is_missing && it.has_fallthrough())?;
    let alias = answer.answers.last().and_then(|set| set.data.first());
    let name = match alias {
        Some(RData::CNAME(target)) => &target.0,
        _ => question.name,
    };
    forwarder.falls_through(name).then_some(name)
}

/// Appends what others said to what our zones say: aliases that lead there, or nothing. The
/// code is that of the last name, AA that of the first (RFC 6604 sections 2.1 and 3).
fn join(answer: &mut Answer, found: Answer) {
    // Nothing of ours is in it where the very name does not exist here.
    let is_ours = answer.authoritative && !answer.answers.is_empty();
    let (authoritative, stale) = (is_ours, answer.reason);
    let mut answers = std::mem::take(&mut answer.answers);
    answers.extend(found.answers);
    let ours = stale.filter(|_| authoritative);
    let reason = found.reason.or(ours);
    *answer = Answer { answers, authoritative, reason, ..found };
}

/// What others said, up to the first alias that leads into a zone of ours, and what that says.
fn come_home(
    policy: &Policy,
    generation: Option<&Generation>,
    question: &Question<'_>,
    mut found: Answer,
) -> Answer {
    let home = |generation| {
        let mut sets = found.answers.iter().enumerate();
        sets.find_map(|(at, set)| match set.data.first()? {
            RData::CNAME(target) if is_ours(policy, generation, &target.0) => {
                Some((generation, at, target.0.clone()))
            }
            _ => None,
        })
    };
    let is_followed = !matches!(question.kind, RecordType::CNAME | RecordType::ANY);
    let Some((generation, at, name)) = generation.filter(|_| is_followed).and_then(home) else {
        return found;
    };
    let own = Question { name: &name, ..*question };
    let own = authority::answer(generation, &own, &mut Draw::new());
    found.answers.truncate(at + 1);
    found.answers.extend(own.answers);
    let reason = own.reason.or(found.reason);
    Answer { answers: found.answers, authoritative: false, reason, is_own: false, ..own }
}

/// Whether a name is in a zone of ours, and nobody else is asked for it.
fn is_ours(policy: &Policy, generation: &Generation, name: &Name) -> bool {
    let falls_through = || policy.forwarder.as_ref().is_some_and(|it| it.falls_through(name));
    let wire = WireName::from_labels(name.iter());
    wire.is_ok_and(|wire| match resolve(generation, &wire) {
        Resolved::Foreign => false,
        Resolved::Missing(_) => !falls_through(),
        Resolved::NotReady | Resolved::Existing(..) => true,
    })
}
