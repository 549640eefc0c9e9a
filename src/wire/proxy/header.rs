//! A PROXY header of version 2, read from octets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The octets that every header begins with. As a message of DNS they would be one of an
/// operation that is long gone (IQUERY), with a response's code.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Octets before the addresses: signature, version and command, family, length.
pub(super) const FIXED: usize = 16;
/// Octets of the longest header. What proxies add to addresses, names and certificates' subjects
/// among it, takes some hundred; it fits a datagram, with the longest query behind it.
pub const HEADER_MAX: usize = 2048;
/// The version, in the upper half of its octet.
const VERSION: u8 = 0x20;
/// Octets of the addresses and ports of a connection over IPv4.
const V4: usize = 12;
/// The same over IPv6.
const V6: usize = 36;
/// The same of sockets in the file system.
const UNIX: usize = 216;

/// A header that stands before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyHeader {
    /// Octets that it takes.
    pub octets: usize,
    /// Who asks through the proxy; none where it asks for itself, or the client has no address.
    pub client: Option<SocketAddr>,
}

/// The reason why there is no header before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// It begins otherwise.
    #[error("it begins without a PROXY header of version 2; turn it on in the proxy")]
    Missing,
    /// It has fewer octets than it says.
    #[error("its PROXY header is cut short")]
    Cut,
    /// It has more octets than are read.
    #[error("its PROXY header has over {HEADER_MAX} octets; let the proxy send fewer TLVs")]
    TooLong,
    /// It has a version, a command or a family that there is none of, or fewer octets than its
    /// family has.
    #[error("its PROXY header is none of version 2")]
    Malformed,
}

impl ProxyHeader {
    /// Reads the header that octets begin with.
    ///
    /// # Errors
    /// [`HeaderFault`] where they begin with none that can be used.
    pub fn read(octets: &[u8]) -> Result<Self, HeaderFault> {
        if !octets.starts_with(&SIGNATURE) {
            let is_cut = !octets.is_empty() && SIGNATURE.starts_with(octets);
            return Err(if is_cut { HeaderFault::Cut } else { HeaderFault::Missing });
        }
        let (fixed, rest) = octets.split_first_chunk::<FIXED>().ok_or(HeaderFault::Cut)?;
        let length = length(fixed)?;
        let rest = rest.get(..length).ok_or(HeaderFault::Cut)?;
        let client = match fixed[12] {
            // LOCAL: nothing behind it counts.
            VERSION => None,
            command if command == VERSION | 1 => client(fixed[13], rest)?,
            _ => return Err(HeaderFault::Malformed),
        };
        Ok(Self { octets: FIXED + length, client })
    }
}

/// How many octets follow those that every header has.
pub(super) fn length(fixed: &[u8; FIXED]) -> Result<usize, HeaderFault> {
    if !begins_with_header(fixed) {
        return Err(HeaderFault::Missing);
    }
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if FIXED + length > HEADER_MAX { Err(HeaderFault::TooLong) } else { Ok(length) }
}

/// Whether octets begin as a header does.
pub(in crate::wire) fn begins_with_header(octets: &[u8]) -> bool {
    octets.starts_with(&SIGNATURE)
}

/// The client's address and port: the first of two of a family. IPv4 inside IPv6 is IPv4.
fn client(family: u8, rest: &[u8]) -> Result<Option<SocketAddr>, HeaderFault> {
    let protocol = family & 0x0f;
    if protocol > 2 {
        return Err(HeaderFault::Malformed);
    }
    let addresses = |octets: usize| rest.get(..octets).ok_or(HeaderFault::Malformed);
    let (ip, port): (IpAddr, _) = match family >> 4 {
        0 => return Ok(None),
        1 => {
            let addresses = addresses(V4)?;
            let ip: [u8; 4] = std::array::from_fn(|at| addresses[at]);
            (Ipv4Addr::from(ip).into(), [addresses[8], addresses[9]])
        }
        2 => {
            let addresses = addresses(V6)?;
            let ip: [u8; 16] = std::array::from_fn(|at| addresses[at]);
            (Ipv6Addr::from(ip).to_canonical(), [addresses[32], addresses[33]])
        }
        3 => return addresses(UNIX).map(|_| None),
        _ => return Err(HeaderFault::Malformed),
    };
    // A family without a protocol names nobody.
    Ok((protocol > 0).then(|| SocketAddr::new(ip, u16::from_be_bytes(port))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with a command, a family, and what follows.
    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    /// Addresses of IPv4, ports 4000 and 53.
    const FROM_V4: [u8; V4] = [192, 0, 2, 7, 127, 0, 0, 1, 0x0f, 0xa0, 0, 53];

    /// The same of IPv6, from an address.
    fn from_v6(text: &str) -> Vec<u8> {
        let ip: Ipv6Addr = text.parse().unwrap();
        [&ip.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &FROM_V4[8..]].concat()
    }

    /// The client that a header names before a message.
    fn named(header: &[u8]) -> Option<String> {
        let octets = [header, b"message"].concat();
        let read = ProxyHeader::read(&octets).unwrap();
        assert_eq!(read.octets, header.len());
        read.client.map(|it| it.to_string())
    }

    #[test]
    fn the_client_is_the_first_address_whatever_the_transport() {
        for protocol in [1, 2] {
            let v4 = header(0x21, 0x10 | protocol, &FROM_V4);
            assert_eq!(named(&v4).as_deref(), Some("192.0.2.7:4000"));
            let of = |text| named(&header(0x21, 0x20 | protocol, &from_v6(text)));
            assert_eq!(of("2001:db8::7").as_deref(), Some("[2001:db8::7]:4000"));
            assert_eq!(of("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7:4000"));
        }
    }

    #[test]
    fn parts_behind_the_addresses_are_stepped_over() {
        let parts = [&FROM_V4[..], &[0x04, 0, 1, 0], &[0xe0, 0xff, 0xff, 1]].concat();
        assert_eq!(named(&header(0x21, 0x12, &parts)).as_deref(), Some("192.0.2.7:4000"));
        let most = [&FROM_V4[..], &[0; HEADER_MAX - FIXED - V4]].concat();
        assert_eq!(named(&header(0x21, 0x12, &most)).as_deref(), Some("192.0.2.7:4000"));
        let more = header(0x21, 0x12, &[&most[..], &[0]].concat());
        assert_eq!(ProxyHeader::read(&more), Err(HeaderFault::TooLong));
    }

    #[test]
    fn who_asks_for_itself_or_has_no_address_is_the_proxy() {
        for (command, family, rest) in [
            (0x20, 0x00, &[][..]),
            (0x20, 0x11, &FROM_V4),
            (0x20, 0xff, &[1, 2, 3]),
            (0x21, 0x00, &[]),
            (0x21, 0x00, &[9; 40]),
            (0x21, 0x02, &[]),
            (0x21, 0x10, &FROM_V4),
            (0x21, 0x31, &[0; UNIX]),
        ] {
            assert_eq!(named(&header(command, family, rest)), None, "{command:x} {family:x}");
        }
    }

    #[test]
    fn what_is_no_header_says_why() {
        let whole = header(0x21, 0x11, &FROM_V4);
        for cut in 1..whole.len() {
            assert_eq!(ProxyHeader::read(&whole[..cut]), Err(HeaderFault::Cut), "{cut}");
        }
        for octets in [&b""[..], b"PROXY TCP4 192.0.2.7 127.0.0.1 4000 53\r\n", &[0; 40]] {
            assert_eq!(ProxyHeader::read(octets), Err(HeaderFault::Missing));
        }
        for (command, family, rest) in [
            (0x11, 0x11, &FROM_V4[..]),
            (0x31, 0x11, &FROM_V4),
            (0x22, 0x11, &FROM_V4),
            (0x21, 0x13, &FROM_V4),
            (0x21, 0x41, &FROM_V4),
            (0x21, 0x11, &FROM_V4[..11]),
            (0x21, 0x21, &[0; 35]),
            (0x21, 0x32, &[0; 215]),
        ] {
            let octets = header(command, family, rest);
            assert_eq!(ProxyHeader::read(&octets), Err(HeaderFault::Malformed), "{octets:?}");
        }
    }
}
