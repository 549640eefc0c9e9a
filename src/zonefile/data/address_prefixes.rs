//! APL, lists of address prefixes (RFC 3123).

use std::net::{Ipv4Addr, Ipv6Addr};

/// How it is written (RFC 3123 section 5).
pub(super) const WRITTEN: &str = "[!]FAMILY:ADDRESS/PREFIX…, as in 1:192.0.2.0/24 !2:2001:db8::/32";

/// The octets of a list; it may be empty.
pub(super) fn prefixes(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    Some(words.iter().map(|word| prefix(word)).collect::<Option<Vec<_>>>()?.concat())
}

/// The octets of a prefix: of its address, those up to the last that is not zero.
fn prefix(word: &str) -> Option<Vec<u8>> {
    let (negation, rest) = word.strip_prefix('!').map_or((0, word), |rest| (0x80, rest));
    let (family, rest) = rest.split_once(':')?;
    let (address, prefix) = rest.split_once('/')?;
    let (family, octets) = match family {
        "1" => (1, address.parse::<Ipv4Addr>().ok()?.octets().to_vec()),
        "2" => (2, address.parse::<Ipv6Addr>().ok()?.octets().to_vec()),
        _ => return None,
    };
    let prefix: u8 = super::decimal(prefix)?;
    let used = octets.iter().rposition(|octet| *octet > 0).map_or(0, |last| last + 1);
    let is_prefix = usize::from(prefix) <= 8 * octets.len();
    is_prefix.then(|| [&[0, family, prefix, negation | used as u8][..], &octets[..used]].concat())
}
