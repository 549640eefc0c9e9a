//! A request that was understood, to what is said in return.

use hickory_proto::op::{Metadata, ResponseCode};
use hickory_proto::rr::Name;
use hickory_server::server::Request;

use super::forwarding::Forwarding;
use crate::authority::{Answer, Draw, Overflow, Question, Reason, Room, answer, resolve};
use crate::index::Generation;
use crate::names::WireName;
use crate::wire::edns::{Budget, ZoneVersion};
use crate::wire::{HEADER, Peer, Transport};

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
    /// Octets that it may have without an OPT record.
    pub(super) room: u16,
    /// What becomes of answers that do not fit.
    pub(super) overflow: Overflow,
}

/// What one generation replies to a request, where names lead elsewhere together with what
/// others say; or that it is refused to a client that may ask none. None if it does not ask
/// one question.
pub(super) fn reply<'r>(
    generation: Option<&Generation>,
    request: &'r Request,
    from: Peer,
    budget: Budget,
    elsewhere: &mut Forwarding<'_>,
) -> Option<Reply<'r>> {
    let [query] = request.queries.queries() else { return None };
    let (query, question) = (query.original(), request.queries.as_bytes());
    let overflow = match from.transport {
        Transport::Udp => Overflow::Truncate,
        Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => Overflow::Cut,
    };
    let room = budget.limit - budget.reserved;
    let octets = usize::from(room).saturating_sub(HEADER + question.len());
    let asked = Question {
        name: query.name(),
        kind: query.query_type(),
        class: query.query_class(),
        room: Room { octets, overflow },
    };
    let mut answer = match generation {
        Some(generation) => answer(generation, &asked, &mut Draw::new().for_client(from.ip())),
        None => Answer::error(ResponseCode::Refused, Some(Reason::Prohibited)),
    };
    let recursion_available = elsewhere.complete(generation, request, &asked, &mut answer);
    let mut metadata = metadata(&request.metadata, &answer);
    metadata.recursion_available = recursion_available;
    // What others said is not ours to leave out.
    let overflow = if recursion_available { Overflow::Truncate } else { overflow };
    Some(Reply { question, name: query.name(), metadata, answer, room, overflow })
}

/// The version of the zone that a request is answered from, if a zone of ours answers.
pub(super) fn zone_version(
    generation: &Generation,
    request: &Request,
    answer: &Answer,
) -> Option<ZoneVersion> {
    let [query] = request.queries.queries() else { return None };
    let name = WireName::from_labels(query.original().name().iter()).ok()?;
    // What is refused, for its class or type, is refused whatever zone the name is in.
    let is_answered = matches!(answer.code, ResponseCode::NoError | ResponseCode::NXDomain);
    is_answered.then(|| ZoneVersion::of(&resolve(generation, &name), &name)).flatten()
}

/// The header of an answer: RD and CD are copied, AD stays clear.
fn metadata(request: &Metadata, answer: &Answer) -> Metadata {
    let mut metadata = Metadata::response_from_request(request);
    metadata.response_code = answer.code;
    metadata.authoritative = answer.authoritative;
    metadata.truncation = answer.truncated;
    metadata
}
