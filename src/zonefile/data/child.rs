//! CSYNC, what a child zone wants its parent to copy (RFC 7477).

use std::collections::BTreeMap;

use super::super::form::code;
use super::{decimal, number};

/// How it is written (RFC 7477 section 2.1.2).
pub(super) const WRITTEN: &str = "SERIAL FLAGS and types, as in 66 3 A NS AAAA";

/// The octets of a serial, flags and a bitmap of types.
pub(super) fn synchronization(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    let [serial, flags, types @ ..] = words else { return None };
    let types: Vec<u16> = types.iter().map(|word| code(word).ok()).collect::<Option<_>>()?;
    let serial: u32 = decimal(serial)?;
    Some([&serial.to_be_bytes()[..], &number(flags)?, &bitmap(&types)].concat())
}

/// Types as a bitmap of windows (RFC 4034 section 4.1.2).
fn bitmap(types: &[u16]) -> Vec<u8> {
    let mut windows: BTreeMap<u8, [u8; 32]> = BTreeMap::new();
    for kind in types {
        let [window, bit] = kind.to_be_bytes();
        windows.entry(window).or_default()[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    let window = |(number, bits): (u8, [u8; 32])| {
        let used = bits.iter().rposition(|octet| *octet > 0).map_or(0, |last| last + 1);
        [&[number, used as u8][..], &bits[..used]].concat()
    };
    windows.into_iter().flat_map(window).collect()
}
