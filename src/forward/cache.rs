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
