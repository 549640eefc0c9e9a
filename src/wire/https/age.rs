//! The age that a cache of HTTP may let a reply have (RFC 8484 section 5.1), read from its octets.

use crate::wire::HEADER;

/// The types that matter here.
const SOA: u16 = 6;
const OPT: u16 = 41;
/// The option code of extended errors, and those that say that an answer is an old one (RFC 8914).
const EXTENDED_ERROR: u16 = 15;
const STALE: [u16; 2] = [3, 19];
/// Octets of a record after its name and before its data.
const FIXED: usize = 10;
/// NOERROR and NXDOMAIN: what may be kept.
const KEPT: [u8; 2] = [0, 3];

/// A record, as far as it matters.
struct RecordHead<'r> {
    kind: u16,
    ttl: u32,
    data: &'r [u8],
}

/// Seconds for which a reply may be kept: the least TTL of its answers, or where there are none
/// that of its SOA record (RFC 2308 section 5). None where it may not be: it is an error, cut
/// short, or known to be old.
pub(super) fn max_age(reply: &[u8]) -> Option<u32> {
    let header = reply.first_chunk::<HEADER>()?;
    let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    if !KEPT.contains(&(header[3] & 0x0f)) || header[2] & 0x02 != 0 || count(4) != 1 {
        return None;
    }
    let mut at = name_end(reply, HEADER)? + 4;
    let (mut answers, mut negative) = (None::<u32>, None::<u32>);
    for section in [6, 8, 10] {
        for _ in 0..count(section) {
            let (record, end) = record(reply, at)?;
            at = end;
            match (section, record.kind) {
                (6, _) => answers = Some(answers.unwrap_or(u32::MAX).min(record.ttl)),
                (8, SOA) => {
                    let minimum = record.data.last_chunk::<4>()?;
                    negative = Some(record.ttl.min(u32::from_be_bytes(*minimum)));
                }
                (10, OPT) if is_stale(record.data) => return None,
                _ => {}
            }
        }
    }
    match (answers, negative) {
        // A chain of aliases that ends nowhere is kept as long as the least of both.
        (Some(answers), Some(negative)) => Some(answers.min(negative)),
        (answers, negative) => answers.or(negative),
    }
}

/// The record at a place, and where it ends.
fn record(reply: &[u8], at: usize) -> Option<(RecordHead<'_>, usize)> {
    let at = name_end(reply, at)?;
    let fixed = reply.get(at..)?.first_chunk::<FIXED>()?;
    let [kind_high, kind_low, _, _, ttl @ .., high, low] = *fixed;
    let end = at + FIXED + usize::from(u16::from_be_bytes([high, low]));
    let data = reply.get(at + FIXED..end)?;
    let (kind, ttl) = (u16::from_be_bytes([kind_high, kind_low]), u32::from_be_bytes(ttl));
    Some((RecordHead { kind, ttl, data }, end))
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

/// Whether options say that the answer is an old one.
fn is_stale(mut options: &[u8]) -> bool {
    while let [code_high, code_low, high, low, rest @ ..] = options {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((data, after)) = rest.split_at_checked(length) else { return false };
        let is_error = u16::from_be_bytes([*code_high, *code_low]) == EXTENDED_ERROR;
        if let [info_high, info_low, ..] = data
            && is_error
            && STALE.contains(&u16::from_be_bytes([*info_high, *info_low]))
        {
            return true;
        }
        options = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reply of a code, with counts of answers, authority and additional records.
    fn reply(code: u8, counts: [u8; 3], records: &[u8]) -> Vec<u8> {
        let [answers, authority, additional] = counts;
        let head = [0, 0, 0x84, code, 0, 1, 0, answers, 0, authority, 0, additional];
        [&head[..], &[1, b'a', 0, 0, 1, 0, 1], records].concat()
    }

    /// An address with a TTL, its owner a pointer.
    fn address(ttl: u8) -> Vec<u8> {
        vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, 10, 0, 0, 1]
    }

    /// An SOA record with a TTL and a minimum.
    fn soa(ttl: u8, minimum: u8) -> Vec<u8> {
        let mut data = vec![0, 0];
        data.extend([0; 16]);
        data.extend([0, 0, 0, minimum]);
        [&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, ttl, 0, 22][..], &data].concat()
    }

    #[test]
    fn rfc8484_s5_1_the_least_ttl_is_the_age() {
        let two = [address(9), address(5)].concat();
        assert_eq!(max_age(&reply(0, [2, 0, 0], &two)), Some(5));
        assert_eq!(max_age(&reply(3, [0, 1, 0], &soa(30, 7))), Some(7));
        assert_eq!(max_age(&reply(0, [0, 1, 0], &soa(6, 60))), Some(6));
        let alias = [address(9), soa(30, 4)].concat();
        assert_eq!(max_age(&reply(3, [1, 1, 0], &alias)), Some(4));
        assert_eq!(max_age(&reply(0, [0, 0, 0], &[])), None);
    }

    #[test]
    fn errors_and_old_answers_are_not_kept() {
        let opt = |info: u8| vec![0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, info];
        for code in [1, 2, 4, 5] {
            assert_eq!(max_age(&reply(code, [1, 0, 0], &address(9))), None, "{code}");
        }
        for (info, age) in [(3, None), (19, None), (18, Some(9))] {
            let records = [address(9), opt(info)].concat();
            assert_eq!(max_age(&reply(0, [1, 0, 1], &records)), age, "{info}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_have_an_age_or_none(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = max_age(&octets);
            let _ = max_age(&reply(0, [3, 2, 1], &octets));
        }
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let whole = reply(0, [1, 1, 0], &[address(9), soa(1, 1)].concat());
        for end in 0..whole.len() {
            assert_eq!(max_age(&whole[..end]), None, "{end}");
        }
    }
}
