//! Names that are not ours: who must be asked for them, and what they said.
//!
//! A message whose name leads elsewhere is answered twice: first to learn what is to be
//! asked of others, and when they have answered, again, with what they said. So all that
//! makes a reply is said in one place, whoever knows the answer.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;
use hickory_server::server::Request;

use crate::authority::{Answer, Question, Reason};
use crate::forward::Asked;
use crate::wire::Policy;

/// What others said to a question.
#[derive(Debug)]
pub(in crate::wire) struct Found {
    /// The question.
    pub(in crate::wire) asked: Asked,
    /// What they said.
    pub(in crate::wire) answer: Answer,
}

/// Whether others can be asked for a message, and what comes of it.
#[derive(Debug)]
pub(super) struct Elsewhere<'p> {
    /// For whom, by which policy; none where nobody is asked.
    ask: Option<(&'p Policy, IpAddr)>,
    /// What they said already.
    found: Option<Found>,
    /// What they are to be asked.
    wanted: Option<Asked>,
}

impl<'p> Elsewhere<'p> {
    /// Nobody is asked.
    pub(super) const fn nowhere() -> Self {
        Self { ask: None, found: None, wanted: None }
    }

    /// Others are asked for a client, if the policy has it so.
    pub(super) fn of(policy: &'p Policy, client: IpAddr) -> Self {
        let ask = policy.forwarder.is_some().then_some((policy, client));
        Self { ask, ..Self::nowhere() }
    }

    /// Others were asked.
    pub(super) fn found(policy: &'p Policy, client: IpAddr, found: Found) -> Self {
        Self { found: Some(found), ..Self::of(policy, client) }
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
        request: &Request,
        question: &Question<'_>,
        answer: &mut Answer,
    ) -> bool {
        let Some((policy, client)) = self.ask else { return false };
        let Some(asked) = wanted(request, question, answer) else { return false };
        if !policy.may_recurse(client) {
            let is_ours = answer.authoritative;
            answer.reason = if is_ours { answer.reason } else { Some(Reason::Prohibited) };
            return false;
        }
        match self.found.take() {
            Some(found) if found.asked == asked => join(answer, found.answer),
            // A new generation leads to another name; it is not followed a second time.
            Some(_) => return false,
            None => self.wanted = Some(asked),
        }
        true
    }
}

/// The question for others that an answer leads to, if the client wants them asked (RD).
fn wanted(request: &Request, question: &Question<'_>, answer: &Answer) -> Option<Asked> {
    let is_foreign = answer.reason == Some(Reason::NotAuthoritative)
        && answer.code == ResponseCode::Refused
        && matches!(question.class, DNSClass::IN | DNSClass::ANY);
    let name = answer.leaves.as_ref().or(is_foreign.then_some(question.name))?;
    let checking_disabled = request.metadata.checking_disabled;
    let asked = Asked { name: name.clone(), kind: question.kind, checking_disabled };
    request.metadata.recursion_desired.then_some(asked)
}

/// Appends what others said to what our zones say: aliases that lead there, or nothing. The
/// code is that of the last name, AA that of the first (RFC 6604 sections 2.1 and 3).
fn join(answer: &mut Answer, found: Answer) {
    let mut answers = std::mem::take(&mut answer.answers);
    answers.extend(found.answers);
    let (authoritative, stale) = (answer.authoritative, answer.reason);
    let ours = stale.filter(|_| authoritative);
    let reason = found.reason.or(ours);
    *answer = Answer { answers, authoritative, reason, ..found };
}
