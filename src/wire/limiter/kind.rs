//! The kind of a reply, and its truncated form. Replies are read as they are sent, so
//! that both paths are limited alike; they are our own, and of sound build.

use std::hash::{Hash, Hasher};

use crate::wire::HEADER;
use crate::wire::full::OPT;

/// The flag TC, in the third octet.
const TRUNCATED: u8 = 0x02;
/// NXDOMAIN (RFC 1035 section 4.1.1).
const NXDOMAIN: u8 = 3;
/// Octets of a question after its name.
const TYPE_AND_CLASS: usize = 4;
/// Octets of a record between its name and its data.
const FIXED: usize = 10;

/// Kinds of reply that are counted apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReplyKind<'r> {
    /// There are records, or would be if they fitted.
    Positive,
    /// There are none, as a zone says: its apex, in any case. A flood of random names of one
    /// zone is one account. A referral counts for what it refers to.
    Negative(&'r [u8]),
    /// Anything else.
    Error,
}

impl<'r> ReplyKind<'r> {
    /// The kind of a reply.
    pub(super) fn of(reply: &'r [u8]) -> Self {
        let Some(header) = reply.first_chunk::<HEADER>() else { return Self::Error };
        let code = header[3] & 0x0f;
        let is_said = header[2] & TRUNCATED != 0 || count(reply, 1) > 0;
        match code {
            0 if is_said => Self::Positive,
            0 | NXDOMAIN if count(reply, 2) > 0 => Self::Negative(apex(reply).unwrap_or(&[0])),
            _ => Self::Error,
        }
    }
}

impl Hash for ReplyKind<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Positive => state.write_u8(0),
            Self::Error => state.write_u8(1),
            Self::Negative(apex) => {
                state.write_u8(2);
                apex.iter().for_each(|octet| state.write_u8(octet.to_ascii_lowercase()));
            }
        }
    }
}

/// Empties a reply: TC, no records but OPT. Gives the octets that are left.
pub(in crate::wire) fn empty(reply: &mut [u8]) -> usize {
    let Some(end) = question_end(reply) else { return reply.len() };
    let opt = records(reply, end).find(|record| record.kind == OPT);
    let opt = opt.map_or(0..0, |record| record.start..record.end);
    let octets = opt.len();
    reply[2] |= TRUNCATED;
    reply[6..HEADER].fill(0);
    reply[HEADER - 1] = u8::from(octets > 0);
    reply.copy_within(opt, end);
    end + octets
}

/// The owner of the first record of the authority section: octets of the question, of which
/// it is an end. None if it stands anywhere else.
fn apex(reply: &[u8]) -> Option<&[u8]> {
    let first = records(reply, question_end(reply)?).nth(count(reply, 1).into())?;
    let name = match *reply.get(first.start..)? {
        [high @ 0xc0..=0xff, low, ..] => usize::from(u16::from_be_bytes([high & 0x3f, low])),
        _ => first.start,
    };
    let end = name_end(reply, name)?;
    reply.get(name..end)
}

/// A record's place in a reply.
struct Subject {
    /// Where it begins.
    start: usize,
    /// Its type.
    kind: u16,
    /// Where it ends.
    end: usize,
}

/// The records of all sections.
fn records(reply: &[u8], mut at: usize) -> impl Iterator<Item = Subject> {
    std::iter::from_fn(move || {
        let fixed = name_end(reply, at)?;
        let number = |from: usize| Some(u16::from_be_bytes(*reply.get(from..)?.first_chunk()?));
        let (kind, length) = (number(fixed)?, number(fixed + FIXED - 2)?);
        let start = std::mem::replace(&mut at, fixed + FIXED + usize::from(length));
        Some(Subject { start, kind, end: at }).filter(|place| place.end <= reply.len())
    })
}

/// Where the question ends, if there is at most one; else where it would begin.
fn question_end(reply: &[u8]) -> Option<usize> {
    match count(reply, 0) {
        1 => Some(name_end(reply, HEADER)? + TYPE_AND_CLASS).filter(|end| *end <= reply.len()),
        _ => (reply.len() >= HEADER).then_some(HEADER),
    }
}

/// Where a name ends.
fn name_end(reply: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *reply.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

/// One of the four counts.
fn count(reply: &[u8], at: usize) -> u16 {
    let octets = reply.get(4 + 2 * at..).and_then(|rest| rest.first_chunk());
    octets.map_or(0, |octets| u16::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Www.a.`, type A, class IN.
    const QUESTION: [u8; 11] = [3, b'W', b'w', b'w', 1, b'a', 0, 0, 1, 0, 1];
    /// An OPT record with an extended error.
    const OPT_RECORD: [u8; 17] = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 3];

    /// A record of the name at an offset, with an address or with what looks like one.
    fn record(offset: u8, kind: u8) -> Vec<u8> {
        vec![0xc0, offset, 0, kind, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2, 1]
    }

    /// A reply with a code and so many records of each section, OPT among the last.
    fn reply(code: u8, [answers, authority, additional]: [u8; 3], records: &[Vec<u8>]) -> Vec<u8> {
        let counts = [0, 1, 0, answers, 0, authority, 0, additional];
        let head = [&[1, 2, 0x84, code][..], &counts, &QUESTION].concat();
        [&[head], records].concat().concat()
    }

    #[test]
    fn names_that_do_not_exist_are_one_kind_of_their_zone() {
        let apex =
            |code, sections, records: &[_]| match ReplyKind::of(&reply(code, sections, records)) {
                ReplyKind::Negative(apex) => apex.to_vec(),
                other => panic!("{other:?}"),
            };
        let opt = OPT_RECORD.to_vec();
        assert_eq!(apex(3, [0, 1, 0], &[record(16, 6)]), [1, b'a', 0]);
        assert_eq!(apex(0, [0, 1, 1], &[record(16, 6), opt.clone()]), [1, b'a', 0]);
        // Behind an alias.
        assert_eq!(apex(3, [1, 1, 0], &[record(12, 5), record(16, 6)]), [1, b'a', 0]);
        // The root's, which is no pointer.
        let root = record(0, 6)[2..].to_vec();
        assert_eq!(apex(3, [0, 1, 0], &[[vec![0], root].concat()]), [0]);
    }

    #[test]
    fn the_rest_is_positive_or_an_error() {
        let opt = OPT_RECORD.to_vec();
        let positive = reply(0, [1, 0, 1], &[record(12, 1), opt.clone()]);
        assert!(matches!(ReplyKind::of(&positive), ReplyKind::Positive));
        let mut truncated = reply(0, [0, 0, 0], &[]);
        truncated[2] |= TRUNCATED;
        assert!(matches!(ReplyKind::of(&truncated), ReplyKind::Positive));
        for code in [1, 2, 4, 5] {
            assert!(matches!(
                ReplyKind::of(&reply(code, [0, 0, 1], std::slice::from_ref(&opt))),
                ReplyKind::Error
            ));
        }
        // BADVERS, whose upper bits are elsewhere.
        assert!(matches!(ReplyKind::of(&reply(0, [0, 0, 1], &[opt])), ReplyKind::Error));
        assert!(matches!(ReplyKind::of(&[0; 5]), ReplyKind::Error));
    }

    #[test]
    fn an_emptied_reply_keeps_its_question_and_opt() {
        let opt = OPT_RECORD.to_vec();
        let records = [record(12, 1), record(16, 6), record(12, 1), opt.clone()];
        let mut full = reply(3, [1, 1, 2], &records);
        let octets = empty(&mut full);
        let mut wanted = reply(3, [0, 0, 1], &[opt]);
        wanted[2] |= TRUNCATED;
        assert_eq!(full[..octets], wanted);
        let mut plain = reply(0, [1, 0, 1], &[record(12, 1), record(12, 1)]);
        let octets = empty(&mut plain);
        let mut wanted = reply(0, [0, 0, 0], &[]);
        wanted[2] |= TRUNCATED;
        assert_eq!(plain[..octets], wanted);
    }

    #[test]
    fn what_is_no_reply_of_ours_harms_nobody() {
        let whole = reply(3, [1, 1, 1], &[record(12, 1), record(16, 6), OPT_RECORD.to_vec()]);
        for octets in 0..whole.len() {
            let mut cut = whole[..octets].to_vec();
            let _ = ReplyKind::of(&cut);
            assert!(empty(&mut cut) <= octets);
        }
    }
}
