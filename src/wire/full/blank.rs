//! Replies that carry no records of a zone: to requests that were not understood, or are
//! about the server itself.

use super::Exchange;
use super::screen::Tsig;
use crate::wire::COPIED;
use crate::wire::edns::OptReply;

/// The opcode of queries (RFC 1035 section 4.1.1).
pub(super) const QUERY: u8 = 0;
/// The opcode of notifications (RFC 1996).
pub(super) const NOTIFY: u8 = 4;
/// The opcode of dynamic updates (RFC 2136).
pub(super) const UPDATE: u8 = 5;

/// NOERROR (RFC 1035 section 4.1.1).
pub(super) const NOERROR: u16 = 0;
/// FORMERR.
pub(super) const FORMERR: u16 = 1;
/// SERVFAIL.
pub(super) const SERVFAIL: u16 = 2;
/// NOTIMP.
pub(super) const NOTIMP: u16 = 4;
/// REFUSED.
pub(super) const REFUSED: u16 = 5;
/// NOTAUTH (RFC 8945 section 5.2.1: an unknown key).
pub(super) const NOTAUTH: u16 = 9;
/// BADVERS, whose upper bits stand in the OPT record (RFC 6891 section 9).
pub(super) const BADVERS: u16 = 16;

/// BADKEY, which stands in the TSIG record.
const BADKEY: u8 = 17;
/// The flag AA.
const AUTHORITATIVE: u8 = 0x04;

/// Writes a reply of nothing but a code, the question and, if asked, an OPT record.
pub(super) fn blank(exchange: &Exchange<'_>, code: u16, reply: &mut Vec<u8>) {
    begin(exchange, code, reply);
    append_opt(exchange, code, reply);
    if let Some(tsig) = exchange.outline.tsig.filter(|_| code == NOTAUTH) {
        append_unknown_key(tsig, reply);
    }
}

/// Writes a reply whose one answer is given on the wire.
pub(super) fn single(exchange: &Exchange<'_>, answer: &[u8], reply: &mut Vec<u8>) {
    begin(exchange, NOERROR, reply);
    reply[2] |= AUTHORITATIVE;
    reply[7] = 1;
    reply.extend_from_slice(answer);
    append_opt(exchange, NOERROR, reply);
}

/// Writes a header and the question.
fn begin(exchange: &Exchange<'_>, code: u16, reply: &mut Vec<u8>) {
    let outline = exchange.outline;
    let [id_high, id_low, flags_high, flags_low, ..] = *outline.header;
    // The flags of other opcodes mean nothing here (RFC 8906 section 3.1.4).
    let copied = if outline.opcode() == QUERY { COPIED } else { [0, 0] };
    reply.clear();
    reply.extend([id_high, id_low]);
    reply.push(0x80 | outline.opcode() << 3 | flags_high & copied[0]);
    reply.push(flags_low & copied[1] | (code & 0x0f) as u8);
    reply.extend([0, u8::from(outline.question.is_some()), 0, 0, 0, 0, 0, 0]);
    reply.extend_from_slice(outline.question.unwrap_or_default());
}

/// Writes the OPT record, if there is to be one.
fn append_opt(exchange: &Exchange<'_>, code: u16, reply: &mut Vec<u8>) {
    if let Some(edns) = &exchange.edns {
        let told = OptReply { code: (code >> 4) as u8, ..OptReply::default() };
        edns.append(exchange.policy, &told, reply);
    }
}

/// Writes the TSIG record of a refusal: the request's, unsigned, with the error BADKEY.
fn append_unknown_key(tsig: Tsig<'_>, reply: &mut Vec<u8>) {
    let length = tsig.algorithm_and_time.len() + 8;
    let id = [reply[0], reply[1]];
    reply[11] += 1;
    reply.extend_from_slice(tsig.key);
    // Type TSIG, class ANY, TTL 0.
    reply.extend([0, 250, 0, 255, 0, 0, 0, 0]);
    reply.extend((length as u16).to_be_bytes());
    reply.extend_from_slice(tsig.algorithm_and_time);
    // No MAC, the original id, the error, no other data.
    reply.extend([0, 0, id[0], id[1], 0, BADKEY, 0, 0]);
}
