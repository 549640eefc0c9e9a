//! What upstreams said, as an answer of ours.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use hickory_resolver::MAX_TTL;
use hickory_resolver::net::{DnsError, NetError, NoRecords};

use super::upstream::{Fault, Said};
use crate::authority::{Answer, Reason, RrSet};

/// The longest a negative answer is believed, in seconds (RFC 2308 section 5).
pub(super) const NEGATIVE_MAX: u32 = 3600;

/// The answer that says what an upstream said.
pub(super) fn answer(said: Said) -> Answer {
    match said {
        Ok(message) => positive(message),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => negative(none),
        Err(_) => failure(Fault::Broken),
    }
}

/// The answer where no upstream gave any.
pub(super) fn failure(fault: Fault) -> Answer {
    let (code, reason) = match fault {
        Fault::Nobody | Fault::Silent | Fault::Refused => {
            (ResponseCode::ServFail, Some(Reason::NoReachableAuthority))
        }
        Fault::Broken => (ResponseCode::ServFail, Some(Reason::NetworkError)),
        Fault::Code(code) => (code, None),
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

/// Whether a message says that there is no record of a type, aliases aside.
pub(super) fn is_negative(message: &Message, kind: RecordType) -> bool {
    let is_sought = |record: &Record| kind == RecordType::ANY || record.record_type() == kind;
    message.metadata.response_code == ResponseCode::NXDomain
        || !message.answers.iter().any(is_sought)
}

/// How long a negative answer holds (RFC 2308 section 5); none without an SOA.
pub(super) fn negative_ttl(authority: &[Record]) -> Option<u32> {
    authority.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum).min(NEGATIVE_MAX)),
        _ => None,
    })
}

/// Answers, or aliases that lead to none.
fn positive(message: Message) -> Answer {
    let ttl = negative_ttl(&message.authorities);
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA;
    let soa = message.authorities.into_iter().find(is_soa);
    let mut answer = Answer::foreign(message.metadata.response_code, None);
    answer.answers = sets(message.answers);
    answer.authority = soa.zip(ttl).map(|(soa, ttl)| set(soa, ttl));
    answer
}

/// No answers.
fn negative(none: NoRecords) -> Answer {
    let mut answer = Answer::foreign(none.response_code, None);
    answer.authority = none.soa.map(|soa| {
        let ttl = soa.ttl.min(soa.data.minimum).min(NEGATIVE_MAX);
        set(soa.into_record_of_rdata(), ttl)
    });
    answer
}

/// Records, joined to RRsets where those of one stand together. An RRset has one TTL, the
/// least (RFC 2181 section 5.2).
fn sets(records: Vec<Record>) -> Vec<RrSet> {
    let mut sets: Vec<RrSet> = Vec::new();
    for record in records {
        let kind = record.record_type();
        match sets.last_mut().filter(|last| last.kind == kind && last.owner == record.name) {
            Some(last) => {
                last.ttl = last.ttl.min(record.ttl);
                last.data.push(record.data);
            }
            None => sets.push({
                let ttl = record.ttl.min(MAX_TTL);
                set(record, ttl)
            }),
        }
    }
    sets
}

/// An RRset of one record.
fn set(record: Record, ttl: u32) -> RrSet {
    let kind = record.record_type();
    RrSet {
        owner: record.name,
        kind,
        ttl,
        data: vec![record.data],
        ranks: Vec::new(),
        is_cut: false,
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::A;

    use super::*;

    #[test]
    fn records_that_stand_together_are_an_rrset_with_the_least_ttl() {
        let record = |owner: &str, ttl, last| {
            let owner = Name::from_ascii(owner).unwrap();
            Record::from_rdata(owner, ttl, RData::A(A::new(192, 0, 2, last)))
        };
        let records = [("a.", 9, 1), ("A.", 7, 2), ("b.", 100_000, 3), ("a.", 5, 4)];
        let sets = sets(records.map(|(owner, ttl, last)| record(owner, ttl, last)).to_vec());
        let shape = sets.iter().map(|set| (set.owner.to_ascii(), set.ttl, set.data.len()));
        let expected = [("a.", 7, 2), ("b.", MAX_TTL, 1), ("a.", 5, 1)];
        assert!(shape.eq(expected.map(|(owner, ttl, len)| (owner.to_owned(), ttl, len))));
    }

    #[test]
    fn faults_have_reasons() {
        for (fault, code, reason) in [
            (Fault::Nobody, ResponseCode::ServFail, Some(22)),
            (Fault::Silent, ResponseCode::ServFail, Some(22)),
            (Fault::Refused, ResponseCode::ServFail, Some(22)),
            (Fault::Broken, ResponseCode::ServFail, Some(23)),
            (Fault::Code(ResponseCode::NotImp), ResponseCode::NotImp, None),
        ] {
            let answer = failure(fault);
            assert_eq!((answer.code, answer.reason.map(Reason::info_code)), (code, reason));
            assert!(!answer.authoritative);
        }
    }
}
