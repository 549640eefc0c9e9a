//! Names of addresses: `1.0.0.10.in-addr.arpa` (RFC 1035 section 3.5) and its like under
//! `ip6.arpa` (RFC 3596 section 2.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::WireName;

/// The parent of names of IPv4 addresses, in wire form.
const IPV4: &[u8] = b"\x07in-addr\x04arpa\0";
/// The parent of names of IPv6 addresses, in wire form.
const IPV6: &[u8] = b"\x03ip6\x04arpa\0";
/// Labels of either parent.
const PARENT: usize = 2;
/// Labels of an IPv4 address, an octet each.
const OCTETS: usize = 4;
/// Labels of an IPv6 address, four bits each.
const NIBBLES: usize = 32;

/// The addresses below a name of a reverse zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The first.
    pub first: IpAddr,
    /// The last.
    pub last: IpAddr,
}

impl Block {
    /// The addresses below a name, if it is one of a reverse zone.
    #[must_use]
    pub fn read(name: &WireName) -> Option<Self> {
        let below = name.labels().checked_sub(PARENT)?;
        match name.suffix(below) {
            IPV4 if below <= OCTETS => read_octets((0..below).rev().map(|at| name.label(at))),
            IPV6 if below <= NIBBLES => read_nibbles((0..below).rev().map(|at| name.label(at))),
            _ => None,
        }
    }

    /// The one address below the name, which is its own.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        (self.first == self.last).then_some(self.first)
    }
}

/// The first octets of an IPv4 address, a decimal label each.
fn read_octets<'l>(labels: impl Iterator<Item = &'l [u8]>) -> Option<Block> {
    let (mut first, mut last) = ([0; OCTETS], [u8::MAX; OCTETS]);
    for (at, label) in labels.enumerate() {
        let is_plain =
            label.iter().all(u8::is_ascii_digit) && (label.len() == 1 || label[0] != b'0');
        let octet = std::str::from_utf8(label).ok().filter(|_| is_plain)?.parse().ok()?;
        (first[at], last[at]) = (octet, octet);
    }
    Some(Block { first: Ipv4Addr::from(first).into(), last: Ipv4Addr::from(last).into() })
}

/// The first nibbles of an IPv6 address, a hexadecimal digit each.
fn read_nibbles<'l>(labels: impl Iterator<Item = &'l [u8]>) -> Option<Block> {
    let (mut first, mut last) = (0_u128, u128::MAX);
    for (at, label) in labels.enumerate() {
        let &[digit] = label else { return None };
        let nibble = u128::from(char::from(digit).to_digit(16)?);
        let shift = 4 * (NIBBLES - 1 - at);
        first |= nibble << shift;
        last &= !(0xf << shift) | nibble << shift;
    }
    Some(Block { first: Ipv6Addr::from(first).into(), last: Ipv6Addr::from(last).into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(name: &str) -> Option<[String; 2]> {
        let block = Block::read(&WireName::from_text(name).unwrap())?;
        Some([block.first.to_string(), block.last.to_string()])
    }

    #[test]
    fn names_are_addresses_and_networks() {
        for (name, first, last) in [
            ("4.3.2.1.in-addr.arpa", "1.2.3.4", "1.2.3.4"),
            ("0.10.IN-ADDR.arpa", "10.0.0.0", "10.0.255.255"),
            ("in-addr.arpa", "0.0.0.0", "255.255.255.255"),
            ("8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("F.e.ip6.arpa", "ef00::", "efff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert_eq!(block(name).unwrap(), [first, last], "{name}");
        }
        for name in [
            "0.4.3.2.1.in-addr.arpa",
            "256.in-addr.arpa",
            "010.in-addr.arpa",
            "00.in-addr.arpa",
            "+1.in-addr.arpa",
            "0/25.2.0.192.in-addr.arpa",
            "g.ip6.arpa",
            "10.ip6.arpa",
            "1.arpa",
            "10.in-addr.arpa.example",
        ] {
            assert_eq!(block(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_read_from_its_name(octets: [u8; 4], groups: [u8; 16]) {
            let [a, b, c, d] = octets;
            let name = WireName::from_text(&format!("{d}.{c}.{b}.{a}.in-addr.arpa")).unwrap();
            let address = Block::read(&name).and_then(|it| it.address());
            prop_assert_eq!(address, Some(IpAddr::from(octets)));
            let nibbles = groups.iter().rev().flat_map(|it| [it & 15, it >> 4]);
            let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
            let name = WireName::from_text(&format!("{labels}ip6.arpa")).unwrap();
            let address = Block::read(&name).and_then(|it| it.address());
            prop_assert_eq!(address, Some(IpAddr::from(groups)));
        }
    }
}
