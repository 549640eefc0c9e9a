//! Upstream replies as answers of ours.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record};

use super::Asked;
use super::chain::{Chain, single};
use super::message::Reply;
use super::upstream::UpstreamFault;
use crate::authority::{Answer, Reason, RrSet};

/// The longest a negative answer is believed, in seconds (RFC 2308 section 5).
pub(super) const NEGATIVE_MAX: u32 = 3600;

/// An answer of an upstream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// The answer.
    pub(super) answer: Answer,
    /// How long it holds, in seconds; not at all where there is nothing, and no SOA.
    pub(super) ttl: u32,
}

impl Said {
    /// Ends at the first alias whose target others are asked for, which says where it leads.
    pub(super) fn leave_where(&mut self, leads_away: impl Fn(&Name) -> bool) {
        let answers = &mut self.answer.answers;
        let leaving = answers.iter().enumerate().find_map(|(at, set)| match set.data.first()? {
            RData::CNAME(target) if leads_away(&target.0) => Some((at, target.0.clone())),
            _ => None,
        });
        let Some((at, target)) = leaving else { return };
        answers.truncate(at + 1);
        self.ttl = answers.iter().map(|set| set.ttl).min().unwrap_or(0);
        (self.answer.code, self.answer.authority) = (ResponseCode::NoError, None);
        self.answer.leaves = Some(target);
    }
}

/// What a reply says to a question, and nothing else that is in it.
pub(super) fn read(asked: &Asked, reply: Reply) -> Said {
    let chain = Chain::follow(asked, reply.answers);
    let code = if chain.has_data { ResponseCode::NoError } else { reply.code };
    let mut answer = Answer::foreign(code, None);
    if !chain.has_data {
        let mut authority = reply.authority.into_iter();
        answer.authority = authority.find_map(|record| testimony(record, &chain.end));
    }
    answer.answers = chain.sets;
    let ttls = answer.answers.iter().chain(&answer.authority).map(|set| set.ttl);
    let holds = chain.has_data || answer.authority.is_some();
    let ttl = ttls.min().filter(|_| holds).unwrap_or(0);
    Said { answer, ttl }
}

/// The answer where no upstream gave any.
pub(super) fn failure(fault: UpstreamFault) -> Answer {
    let (code, reason) = match fault {
        UpstreamFault::Nobody | UpstreamFault::Silent | UpstreamFault::Refused => {
            (ResponseCode::ServFail, Some(Reason::NoReachableAuthority))
        }
        UpstreamFault::Broken => (ResponseCode::ServFail, Some(Reason::NetworkError)),
        UpstreamFault::Code(code) => (code, None),
    };
    Answer::foreign(code, reason)
}

/// The answer where too many questions wait already.
pub(super) fn no_room() -> Answer {
    Answer::foreign(ResponseCode::ServFail, None)
}

/// The answer to a probe of ours that came back.
pub(super) fn looped() -> Answer {
    Answer::foreign(ResponseCode::Refused, Some(Reason::Prohibited))
}

/// Whether an answer is given after its time.
pub(super) const fn is_stale(answer: &Answer) -> bool {
    matches!(answer.reason, Some(Reason::Stale | Reason::StaleNxDomain))
}

/// The SOA of a zone that a name is in, which testifies that there is nothing, and for how
/// long (RFC 2308 section 5).
fn testimony(record: Record, name: &Name) -> Option<RrSet> {
    let RData::SOA(soa) = &record.data else { return None };
    let most = soa.minimum.min(NEGATIVE_MAX);
    let mut set = record.name.zone_of(name).then(|| single(record))?;
    set.ttl = set.ttl.min(most);
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_reasons() {
        for (fault, code, reason) in [
            (UpstreamFault::Nobody, ResponseCode::ServFail, Some(22)),
            (UpstreamFault::Silent, ResponseCode::ServFail, Some(22)),
            (UpstreamFault::Refused, ResponseCode::ServFail, Some(22)),
            (UpstreamFault::Broken, ResponseCode::ServFail, Some(23)),
            (UpstreamFault::Code(ResponseCode::NotImp), ResponseCode::NotImp, None),
        ] {
            let answer = failure(fault);
            assert_eq!((answer.code, answer.reason.map(Reason::info_code)), (code, reason));
            assert!(!answer.authoritative);
        }
    }
}
