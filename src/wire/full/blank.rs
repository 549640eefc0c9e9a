//! Replies that carry no records, to requests that were not understood.

use super::screen::{Outline, Tsig};
use crate::wire::{COPIED, opt_record};

/// The opcode of queries (RFC 1035 section 4.1.1).
pub(super) const QUERY: u8 = 0;
/// The opcode of notifications (RFC 1996).
pub(super) const NOTIFY: u8 = 4;
/// The opcode of dynamic updates (RFC 2136).
pub(super) const UPDATE: u8 = 5;

/// FORMERR (RFC 1035 section 4.1.1).
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

/// Writes a reply of nothing but a code, the question and, if asked, an OPT record.
pub(super) fn blank(outline: &Outline<'_>, code: u16, reply: &mut Vec<u8>) {
    let [id_high, id_low, flags_high, flags_low, ..] = *outline.header;
    // The flags of other opcodes mean nothing here (RFC 8906 section 3.1.4).
    let copied = if outline.opcode() == QUERY { COPIED } else { [0, 0] };
    let [code_high, code_low] = [(code >> 4) as u8, (code & 0x0f) as u8];
    reply.clear();
    reply.extend([id_high, id_low]);
    reply.push(0x80 | outline.opcode() << 3 | flags_high & copied[0]);
    reply.push(flags_low & copied[1] | code_low);
    let tsig = outline.tsig.filter(|_| code == NOTAUTH);
    let additional = u8::from(outline.opt.is_some()) + u8::from(tsig.is_some());
    reply.extend([0, u8::from(outline.question.is_some()), 0, 0, 0, 0, 0, additional]);
    reply.extend_from_slice(outline.question.unwrap_or_default());
    if let Some(opt) = outline.opt {
        reply.extend(opt_record(code_high, opt.dnssec_ok, 0));
    }
    if let Some(tsig) = tsig {
        unknown_key(tsig, [id_high, id_low], reply);
    }
}

/// Writes the TSIG record of a refusal: the request's, unsigned, with the error BADKEY.
fn unknown_key(tsig: Tsig<'_>, [id_high, id_low]: [u8; 2], reply: &mut Vec<u8>) {
    let length = tsig.algorithm_and_time.len() + 8;
    reply.extend_from_slice(tsig.key);
    // Type TSIG, class ANY, TTL 0.
    reply.extend([0, 250, 0, 255, 0, 0, 0, 0]);
    reply.extend((length as u16).to_be_bytes());
    reply.extend_from_slice(tsig.algorithm_and_time);
    // No MAC, the original id, the error, no other data.
    reply.extend([0, 0, id_high, id_low, 0, BADKEY, 0, 0]);
}
