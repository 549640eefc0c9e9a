//! Numbers of machines and networks: EUI48 and EUI64 (RFC 7043), NID, L32 and L64 (RFC 6742).

use std::net::Ipv4Addr;

use super::{hex, number};

/// How EUI48 is written (RFC 7043 section 3.2).
pub(super) const EUI48: &str = "six pairs of hex digits, as in 00-00-5e-00-53-2a";
/// How EUI64 is written (RFC 7043 section 4.2).
pub(super) const EUI64: &str = "eight pairs of hex digits, as in 00-00-5e-ef-10-00-00-2a";
/// How NID is written (RFC 6742 section 2.1.2).
pub(super) const NID: &str = "PREFERENCE and four groups of hex, as in 10 0014:4fff:ff20:ee64";
/// How L32 is written (RFC 6742 section 2.2.2).
pub(super) const L32: &str = "PREFERENCE and an IPv4 form, as in 10 10.1.2.0";
/// How L64 is written (RFC 6742 section 2.3.2).
pub(super) const L64: &str = "PREFERENCE and four groups of hex, as in 10 2001:db8:1140:1000";

/// The octets of an EUI-48.
pub(super) fn eui48(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    pairs(words, 6)
}

/// The octets of an EUI-64.
pub(super) fn eui64(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    pairs(words, 8)
}

/// So many pairs of digits, with hyphens between.
fn pairs(words: &[&str], count: usize) -> Option<Vec<u8>> {
    let [word] = words else { return None };
    let pairs: Vec<_> = word.split('-').collect();
    let is_form = pairs.len() == count && pairs.iter().all(|pair| pair.len() == 2);
    is_form.then(|| hex(&pairs.concat()))?
}

/// A preference and a number of 64 bits.
pub(super) fn identifier(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    let [preference, groups] = words else { return None };
    let group =
        |text: &str| hex(&format!("{text:0>4}")).filter(|it| it.len() == 2 && !text.is_empty());
    let groups: Vec<_> = groups.split(':').map(group).collect::<Option<_>>()?;
    let octets = groups.concat();
    (groups.len() == 4).then(|| Some([&number(preference)?[..], &octets].concat()))?
}

/// A preference and a number of 32 bits.
pub(super) fn locator_32(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    let [preference, locator] = words else { return None };
    let locator: Ipv4Addr = locator.parse().ok()?;
    Some([&number(preference)?[..], &locator.octets()].concat())
}
