//! A request that was understood, to what is said in return.

use hickory_net::xfer::Protocol;
use hickory_proto::op::{Edns, Metadata};
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_server::server::Request;

use super::elsewhere::Elsewhere;
use crate::authority::{Answer, Draw, Overflow, Question, Reason, Room, answer};
use crate::index::Generation;
use crate::wire::{EXTENDED_ERROR, HEADER, OPT_MAX, TCP_MAX, UDP_MAX, datagram_max};

/// A reply before it is encoded.
pub(super) struct Reply<'r> {
    /// The question's octets, to be echoed as they are.
    pub(super) question: &'r [u8],
    /// The question's name.
    pub(super) name: &'r Name,
    /// The header, but for the counts.
    pub(super) metadata: Metadata,
    /// What is said.
    pub(super) answer: Answer,
    /// The OPT record, if asked for.
    pub(super) edns: Option<Edns>,
    /// Octets that the whole may have.
    pub(super) limit: u16,
    /// Octets of these that are kept free for the OPT record.
    pub(super) reserved: u16,
    /// What becomes of answers that do not fit.
    pub(super) overflow: Overflow,
}

/// What one generation replies to a request, where names lead elsewhere together with what
/// others say. None if it does not ask one question.
pub(super) fn reply<'r>(
    generation: &Generation,
    request: &'r Request,
    elsewhere: &mut Elsewhere<'_>,
) -> Option<Reply<'r>> {
    let [query] = request.queries.queries() else { return None };
    let (query, question) = (query.original(), request.queries.as_bytes());
    let (limit, overflow) = limit(request);
    let reserved = if request.edns.is_some() { OPT_MAX } else { 0 };
    let octets = usize::from(limit - reserved).saturating_sub(HEADER + question.len());
    let asked = Question {
        name: query.name(),
        kind: query.query_type(),
        class: query.query_class(),
        room: Room { octets, overflow },
    };
    let mut answer = answer(generation, &asked, &mut Draw::new());
    let recursion_available = elsewhere.complete(request, &asked, &mut answer);
    let mut metadata = metadata(&request.metadata, &answer);
    metadata.recursion_available = recursion_available;
    // What others said is not ours to leave out.
    let overflow = if recursion_available { Overflow::Truncate } else { overflow };
    let edns = request.edns.as_ref().map(|asked| edns(asked, answer.reason));
    Some(Reply { question, name: query.name(), metadata, answer, edns, limit, reserved, overflow })
}

/// How large a reply may be, and what to do with a larger one.
fn limit(request: &Request) -> (u16, Overflow) {
    if request.protocol() != Protocol::Udp {
        return (TCP_MAX, Overflow::Cut);
    }
    let offered = request.edns.as_ref().map(Edns::max_payload);
    (datagram_max(offered), Overflow::Truncate)
}

/// The header of an answer: RD and CD are copied, AD stays clear.
fn metadata(request: &Metadata, answer: &Answer) -> Metadata {
    let mut metadata = Metadata::response_from_request(request);
    metadata.response_code = answer.code;
    metadata.authoritative = answer.authoritative;
    metadata.truncation = answer.truncated;
    metadata
}

/// The OPT record: our own size, their DO flag, the reason if there is one.
fn edns(asked: &Edns, reason: Option<Reason>) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_MAX).set_dnssec_ok(asked.flags().dnssec_ok);
    if let Some(reason) = reason {
        let code = reason.info_code().to_be_bytes().to_vec();
        edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, code));
    }
    edns
}
