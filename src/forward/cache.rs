//! What upstreams said, for as long as it holds.

use std::time::Instant;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::BinEncodable;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::{ResponseCache, TtlConfig};

use super::Asked;
use super::answer;
use super::upstream::Said;
use crate::authority::{Answer, Reason};

/// Answers that are kept. With all of them as large as they may be, and some octets of
/// memory for each on the wire, this is about 100 MiB; usual ones take a twentieth.
const ENTRIES: u64 = 10_000;
/// Octets of an answer that is kept. Larger ones are rare, and asked for again.
const ENTRY_OCTETS: usize = 2048;
/// For how many seconds a failure is (RFC 9520 section 3.2: one at least).
const FAILURE_TTL: u32 = 1;

/// What upstreams said.
#[derive(Debug)]
pub(super) struct Cache {
    /// hickory's cache, which counts TTLs down.
    said: ResponseCache,
}

impl Cache {
    /// A cache with nothing in it.
    pub(super) fn new() -> Self {
        Self { said: ResponseCache::new(ENTRIES, TtlConfig::default()) }
    }

    /// What was said to a question, if it still holds. Who disables checking wants to hear
    /// it from upstreams.
    pub(super) fn get(&self, asked: &Asked) -> Option<Answer> {
        if asked.checking_disabled {
            return None;
        }
        let said = self.said.get(&asked.query(), Instant::now())?;
        let mut answer = answer::answer(said);
        if answer.code == ResponseCode::ServFail {
            answer.reason = Some(Reason::CachedError);
        }
        Some(answer)
    }

    /// Keeps what was said to a question.
    pub(super) fn put(&self, asked: &Asked, said: &Said) {
        if asked.checking_disabled {
            return;
        }
        let said = match said {
            Ok(message) => Ok(shorten(message, asked.kind)),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => Err(lean(none).into()),
            Err(_) => return,
        };
        if said.as_ref().map_or(true, |message| octets(&message.answers) <= ENTRY_OCTETS) {
            self.said.insert(asked.query(), said, Instant::now());
        }
    }

    /// Remembers for a moment that there is no answer.
    pub(super) fn fail(&self, asked: &Asked, code: ResponseCode) {
        let mut none = NoRecords::new(asked.query(), code);
        none.negative_ttl = Some(FAILURE_TTL);
        self.put(asked, &Err(none.into()));
    }
}

/// A message with only what is answered, which holds as long as all of it does: hickory
/// looks at the aliases alone where they lead to nothing, and not at the SOA.
fn shorten(message: &Message, kind: RecordType) -> Message {
    let mut message = message.clone();
    message.additionals.clear();
    if answer::is_negative(&message, kind) {
        let ttl = answer::negative_ttl(&message.authorities).unwrap_or(0);
        message.answers.iter_mut().for_each(|record| record.ttl = record.ttl.min(ttl));
    } else {
        message.authorities.clear();
    }
    message
}

/// A negative answer with no more than its SOA.
fn lean(none: &NoRecords) -> NoRecords {
    let mut lean = NoRecords::new(none.query.clone(), none.response_code);
    lean.soa.clone_from(&none.soa);
    lean.negative_ttl = none.negative_ttl.map(|ttl| ttl.min(answer::NEGATIVE_MAX));
    lean
}

/// Octets of records, written one by one; far too many where they cannot be written.
fn octets(records: &[Record]) -> usize {
    records.iter().map(|record| record.to_bytes().map_or(ENTRY_OCTETS, |it| it.len())).sum()
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, CNAME, SOA, TXT};
    use hickory_proto::rr::{Name, RData};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn asked(text: &str) -> Asked {
        Asked { name: name(text), kind: RecordType::A, checking_disabled: false }
    }

    fn alias(ttl: u32) -> Record {
        Record::from_rdata(name("a.test."), ttl, RData::CNAME(CNAME(name("b.test."))))
    }

    fn soa(ttl: u32) -> Record {
        let soa = SOA::new(name("ns.test."), name("h.test."), 1, 2, 3, 4, 30);
        Record::from_rdata(name("test."), ttl, RData::SOA(soa))
    }

    #[test]
    fn aliases_to_nothing_hold_no_longer_than_the_nothing() {
        let cache = Cache::new();
        let mut message = Message::query();
        message.answers.push(alias(9999));
        message.metadata.response_code = ResponseCode::NXDomain;
        cache.put(&asked("a.test."), &Ok(message.clone()));
        message.authorities.push(soa(60));
        cache.put(&asked("A.test."), &Ok(message));
        let answer = cache.get(&asked("a.TEST.")).unwrap();
        assert_eq!((answer.answers[0].ttl, answer.code), (30, ResponseCode::NXDomain));
        assert_eq!(answer.authority.unwrap().ttl, 30);
    }

    #[test]
    fn what_is_large_or_unchecked_or_has_no_soa_is_not_kept() {
        let cache = Cache::new();
        let mut message = Message::query();
        message.answers.push(Record::from_rdata(
            name("a.test."),
            60,
            RData::A(A::new(192, 0, 2, 1)),
        ));
        let unchecked = Asked { checking_disabled: true, ..asked("a.test.") };
        cache.put(&unchecked, &Ok(message.clone()));
        let text = TXT::new(vec!["x".repeat(250); 10]);
        message.answers.push(Record::from_rdata(name("a.test."), 60, RData::TXT(text)));
        cache.put(&asked("a.test."), &Ok(message.clone()));
        assert_eq!(cache.get(&asked("a.test.")), None);
        message.answers.pop();
        cache.put(&asked("a.test."), &Ok(message));
        assert_eq!(cache.get(&asked("a.test.")).unwrap().answers[0].ttl, 60);
        assert_eq!(cache.get(&unchecked), None);
    }

    #[test]
    fn a_failure_says_that_it_is_kept() {
        let cache = Cache::new();
        cache.fail(&asked("a.test."), ResponseCode::ServFail);
        cache.fail(&asked("b.test."), ResponseCode::NotImp);
        let get = |name| cache.get(&asked(name)).map(|it| (it.code, it.reason));
        assert_eq!(get("a.test."), Some((ResponseCode::ServFail, Some(Reason::CachedError))));
        assert_eq!(get("b.test."), Some((ResponseCode::NotImp, None)));
    }
}
