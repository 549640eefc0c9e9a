//! `ADDR`, the label of an address: `10-0-0-1`, `2001-db8--1`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The label of an address: its RFC 5952 text in pure hex with `-` for `.` and `:`. A
/// leading or trailing `-` gets a `0`, since glibc refuses names that begin with one.
#[must_use]
pub fn address_label(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string().replace('.', "-"),
        IpAddr::V6(address) => ipv6_label(address),
    }
}

/// The address that a label in lower case stands for, if it is written just as
/// [`address_label`] writes it.
#[must_use]
pub fn parse_address_label(label: &[u8]) -> Option<IpAddr> {
    parse_ipv4(label).map(IpAddr::V4).or_else(|| parse_ipv6(label))
}

/// Four decimal numbers, of which none has a zero too many.
fn parse_ipv4(label: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut at, mut digits) = ([0_u8; 4], 0, 0);
    for octet in label {
        let number = octets.get_mut(at)?;
        match octet {
            b'-' if digits > 0 => (at, digits) = (at + 1, 0),
            b'0'..=b'9' if digits == 0 || *number > 0 => {
                *number = number.checked_mul(10)?.checked_add(octet - b'0')?;
                digits += 1;
            }
            _ => return None,
        }
    }
    (at == 3 && digits > 0).then(|| octets.into())
}

/// Eight hex groups, some of them left out.
fn parse_ipv6(label: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(label).ok().filter(|text| may_be_ipv6(text))?;
    let address = text.replace('-', ":").parse::<Ipv6Addr>().ok().map(IpAddr::V6)?;
    (address_label(address) == text).then_some(address)
}

/// A cheap refusal of what is no address, before anything is allocated: ids often are an address
/// and a port.
fn may_be_ipv6(text: &str) -> bool {
    let is_whole = || text.bytes().filter(|octet| *octet == b'-').count() == 7;
    text.bytes().all(|octet| octet.is_ascii_hexdigit() || octet == b'-')
        && (text.contains("--") || is_whole())
}

/// RFC 5952 section 4, with `-` for `:`.
fn ipv6_label(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let zeros = longest_zeros(&groups);
    if zeros.is_empty() {
        return hex(&groups);
    }
    let text = format!("{}--{}", hex(&groups[..zeros.start]), hex(&groups[zeros.end..]));
    let lead = if text.starts_with('-') { "0" } else { "" };
    let trail = if text.ends_with('-') { "0" } else { "" };
    format!("{lead}{text}{trail}")
}

/// Groups in hex, joined.
fn hex(groups: &[u16]) -> String {
    groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join("-")
}

/// The first of the longest runs of at least two zero groups (RFC 5952 section 4.2).
fn longest_zeros(groups: &[u16; 8]) -> std::ops::Range<usize> {
    let mut best = 0..0;
    for start in 0..groups.len() {
        let run = groups[start..].iter().take_while(|group| **group == 0).count();
        if run > best.len() && run > 1 {
            best = start..start + run;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_the_contracts() {
        for (address, label) in [
            ("10.0.0.1", "10-0-0-1"),
            ("2001:db8::1", "2001-db8--1"),
            ("::1", "0--1"),
            ("fe80::", "fe80--0"),
            ("::", "0--0"),
            ("1:0:0:2:0:0:0:3", "1-0-0-2--3"),
            ("1:2:3:4:5:6:0:8", "1-2-3-4-5-6-0-8"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(address_label(address), label);
            assert_eq!(parse_address_label(label.as_bytes()), Some(address));
        }
    }

    #[test]
    fn other_spellings_are_no_addresses() {
        for label in [
            "010-0-0-1",
            "00-0-0-1",
            "10-0-0",
            "10-0-0-",
            "-1-0-0-1",
            "10--0-1",
            "10-0-0-1-1",
            "10-0-0-1-8080",
            "0-0-0-0-0-0-0-1",
            "--1",
            "abc",
            "1-2-3-256",
            "1-2-3-2560",
            "1-2-3-999",
            "",
        ] {
            assert_eq!(parse_address_label(label.as_bytes()), None, "{label}");
        }
    }

    proptest! {
        #[test]
        fn every_address_comes_back(octets: [u8; 16]) {
            let address = IpAddr::V6(Ipv6Addr::from(octets));
            prop_assert_eq!(parse_address_label(address_label(address).as_bytes()), Some(address));
        }

        #[test]
        fn every_short_address_comes_back(octets: [u8; 4]) {
            let address = IpAddr::V4(Ipv4Addr::from(octets));
            prop_assert_eq!(parse_address_label(address_label(address).as_bytes()), Some(address));
        }

        #[test]
        fn what_is_read_is_spelt_so(label in "[0-9]{0,3}(-[0-9]{0,3}){0,4}") {
            let read = parse_address_label(label.as_bytes());
            prop_assert!(read.is_none_or(|address| address_label(address) == label));
            let text = label.replace('-', ".");
            prop_assert_eq!(matches!(read, Some(IpAddr::V4(_))), text.parse::<Ipv4Addr>().is_ok());
        }

        #[test]
        fn any_octets_are_survived(label: Vec<u8>) {
            let _ = parse_address_label(&label);
        }
    }
}
