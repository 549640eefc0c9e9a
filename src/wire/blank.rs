//! Replies that carry no records, to requests that were not understood.

use super::UDP_MAX;
use super::screen::Outline;

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
/// BADVERS, whose upper bits stand in the OPT record (RFC 6891 section 9).
pub(super) const BADVERS: u16 = 16;

/// Flags copied from a query: RD, and CD in the octet after it (RFC 6895 section 2).
const COPIED: [u8; 2] = [0x01, 0x10];

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
    reply.extend([0, u8::from(outline.question.is_some()), 0, 0, 0, 0]);
    reply.extend([0, u8::from(outline.opt.is_some())]);
    reply.extend_from_slice(outline.question.unwrap_or_default());
    if let Some(opt) = outline.opt {
        let [size_high, size_low] = UDP_MAX.to_be_bytes();
        let flags = if opt.dnssec_ok { 0x80 } else { 0 };
        reply.extend([0, 0, 41, size_high, size_low, code_high, 0, flags, 0, 0, 0]);
    }
}
