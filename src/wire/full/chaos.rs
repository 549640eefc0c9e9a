//! The class CHAOS: who this server is, and of which version (RFC 4892). Nothing is said
//! unless the configuration wants it.

use super::screen::Outline;
use crate::wire::Policy;

/// The class CHAOS (RFC 1035 section 3.2.4).
const CHAOS: [u8; 2] = [0, 3];
/// The types that are answered: TXT, and ANY.
const KINDS: [[u8; 2]; 2] = [[0, 16], [0, 255]];
/// Names of who the server is, on the wire.
const IDENTITY: [&[u8]; 2] = [b"\x02id\x06server\0", b"\x08hostname\x04bind\0"];
/// Names of which version it is.
const VERSION: [&[u8]; 2] = [b"\x07version\x06server\0", b"\x07version\x04bind\0"];

/// The answer to a question of the class CHAOS, if it is one and may be answered: a TXT
/// record, its owner a pointer to the question.
pub(super) fn answer(outline: &Outline<'_>, policy: &Policy) -> Option<Vec<u8>> {
    let identity = policy.chaos.as_deref()?;
    let (rest, class) = outline.question?.split_last_chunk::<2>()?;
    let (name, kind) = rest.split_last_chunk::<2>()?;
    let is = |known: &&[u8]| known.eq_ignore_ascii_case(name);
    let text = match name {
        _ if *class != CHAOS || !KINDS.contains(kind) => return None,
        _ if IDENTITY.iter().any(is) => identity,
        _ if VERSION.iter().any(is) => concat!("srvd ", env!("CARGO_PKG_VERSION")).as_bytes(),
        _ => return None,
    };
    // One string holds 255 octets.
    let text = &text[..text.len().min(255)];
    let mut record = vec![0xc0, 12, 0, 16, CHAOS[0], CHAOS[1], 0, 0, 0, 0];
    record.extend([0, text.len() as u8 + 1, text.len() as u8]);
    record.extend_from_slice(text);
    Some(record)
}
