//! INDEX → ANSWER: what one generation says to one question. Pure: no I/O, no clock, and
//! the randomness comes in as a value.
//!
//! ```text
//!   Question ─→ class, meta types ─→ zone ─→ readiness ─→ node ─→ RRset ─→ additional
//!                      │              │          │          │       │
//!                   REFUSED        REFUSED    SERVFAIL   NXDOMAIN  NODATA
//! ```
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 1034 s4.3.2, 1035 | the closest zone, then the node, then the type; AA on own data | done; CNAME and cuts come with zone files |
//! | 1982 | the serial follows the registry's revision | done |
//! | 2181 s5, s9, s10 | one TTL per RRset; whole RRsets; SRV targets that are no aliases | done |
//! | 2308 s3, s5 | SOA in every negative answer, TTL min(SOA TTL, MINIMUM) | done |
//! | 2782 | SRV, ordered by priority and weight, addresses in the additional section | done |
//! | 4343 | names compare without case, the owner is spelt as it was asked for | done |
//! | 5936, 1995 | AXFR and IXFR are REFUSED | done: not offered |
//! | 6895 s3.1 | meta types that are no question are FORMERR | done |
//! | 8020 | NXDOMAIN only when nothing is below | done |
//! | 8482 s4.1 | ANY gets one RRset | done |
//! | 8914 | extended errors 3, 14, 18, 19, 20 | done |
//! | 6763 s4, s6, s7, s9, s11 | instances, TXT, subtypes, kinds of services, domains | done |
//! | 6763 s12 | what PTR records lead to, in the additional section | done |
//!
//! One concern per file: `resolved` follows the name, `srv`, `address`, `txt`, `browse` and
//! `apex` make RRsets, `draw` and `order` put them in order, `additional` adds the addresses of
//! targets, `negative` says what is not there.

mod additional;
mod address;
mod answer;
mod apex;
mod browse;
mod draw;
mod negative;
mod order;
mod question;
mod resolved;
mod srv;
mod txt;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, RecordType};

use crate::index::{Generation, Node, Settings};
use crate::names::WireName;

pub use self::answer::{Answer, Rank, Reason, RrSet};
pub use self::draw::Draw;
pub use self::order::pick;
pub use self::question::{Overflow, Question, Room};
pub use self::resolved::{Position, Resolved, may_hold, resolve};

/// The type of TKEY queries (RFC 2930), which hickory has no name for.
const TKEY: RecordType = RecordType::Unknown(249);
/// The meta type NXNAME (RFC 9824 section 3.5: a query for it is a format error).
const NXNAME: RecordType = RecordType::Unknown(128);

/// The RRset is larger than the room; what was built of it is of no use.
struct TooLarge;

/// An RRset, none, or one larger than the room.
type Found = Result<Option<RrSet>, TooLarge>;

/// A question on its way through one generation.
struct Lookup<'l> {
    /// What is true.
    generation: &'l Generation,
    /// Where the question's name stands.
    position: Position<'l>,
    /// What is asked.
    question: &'l Question<'l>,
    /// The question's name, to compare.
    name: &'l WireName,
    /// What is said beside the answer.
    reason: Option<Reason>,
}

/// Answers a question from one generation.
#[must_use]
pub fn answer(generation: &Generation, question: &Question<'_>, draw: &mut Draw) -> Answer {
    if let Some(refusal) = refuse(question) {
        return refusal;
    }
    let Ok(name) = WireName::from_labels(question.name.iter()) else {
        return Answer::error(ResponseCode::FormErr, None);
    };
    let resolved = resolve(generation, &name);
    let (code, reason) = resolved.code();
    let lookup = |position| Lookup { generation, position, question, name: &name, reason };
    match resolved {
        Resolved::Foreign | Resolved::NotReady => Answer::error(code, reason),
        Resolved::Missing(position) => lookup(position).negative(code),
        Resolved::Existing(position, node) => lookup(position).existing(node, draw),
    }
}

/// What is refused whatever the name is. A class or a transfer that is not offered is
/// refused; a type that only ever stands in other sections makes no sense as a question.
fn refuse(question: &Question<'_>) -> Option<Answer> {
    let (code, reason) = match (question.class, question.kind) {
        (DNSClass::IN, RecordType::AXFR | RecordType::IXFR) => {
            (ResponseCode::Refused, Some(Reason::Prohibited))
        }
        (DNSClass::IN, RecordType::OPT | RecordType::TSIG | TKEY | NXNAME) => {
            (ResponseCode::FormErr, None)
        }
        (DNSClass::IN, _) => return None,
        _ => (ResponseCode::Refused, Some(Reason::NotAuthoritative)),
    };
    Some(Answer::error(code, reason))
}

impl Lookup<'_> {
    /// The settings of the zone that the question's name is in.
    fn settings(&self) -> &Settings {
        self.position.zone.settings()
    }

    /// The answer of a name that exists.
    fn existing(&self, node: Node<'_>, draw: &mut Draw) -> Answer {
        let any = self.question.kind == RecordType::ANY;
        let found = if any { self.any(node, draw) } else { self.rrset(node, draw) };
        let mut answer = match found {
            Ok(None) => return self.negative(ResponseCode::NoError),
            Ok(Some(answers)) => Answer::positive(answers),
            Err(TooLarge) => Answer::truncated(),
        };
        answer.reason = self.reason;
        if let Some(answers) = answer.answers.last().filter(|_| !any) {
            let additional = self.additional(node, answers, draw);
            (answer.additional, answer.is_own) = (additional.sets, additional.is_own);
        }
        answer
    }

    /// The RRset of the question's type at a node.
    fn rrset(&self, node: Node<'_>, draw: &mut Draw) -> Found {
        self.rrset_of(node, self.question.kind, draw)
    }

    /// RFC 8482 section 4.1: of all the RRsets at a node one is enough.
    fn any(&self, node: Node<'_>, draw: &mut Draw) -> Found {
        const SOUGHT: [RecordType; 6] = [
            RecordType::SOA,
            RecordType::A,
            RecordType::AAAA,
            RecordType::SRV,
            RecordType::TXT,
            RecordType::PTR,
        ];
        for kind in SOUGHT {
            if let Some(found) = self.rrset_of(node, kind, draw)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The RRset of a type at a node.
    fn rrset_of(&self, node: Node<'_>, kind: RecordType, draw: &mut Draw) -> Found {
        match kind {
            _ if !may_hold(node, kind) => Ok(None),
            RecordType::SRV => self.srv(node, draw),
            RecordType::A | RecordType::AAAA => self.addresses(node, kind, draw),
            RecordType::TXT => self.txt(node),
            RecordType::PTR => self.ptr(node, draw),
            RecordType::SOA => Ok(self.soa(node)),
            RecordType::NS => Ok(self.ns(node)),
            _ => Ok(None),
        }
    }
}
