//! Addresses as the Linux kernel writes them beside a datagram: fields and octets, to be
//! read without trust in what kind they are.

use std::mem::size_of;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use libc::cmsghdr;

/// Octets of `in_pktinfo`: the interface, the address to send from, the address asked.
const V4: usize = 12;
/// Octets of `in6_pktinfo`: the address, the interface.
const V6: usize = 20;

/// A `sockaddr_storage`: all addresses of the internet have their port at one place.
#[repr(C, align(8))]
pub(super) struct Client {
    /// What kind of address it is.
    family: libc::sa_family_t,
    /// The port, in the order of the network.
    port: [u8; 2],
    /// `sockaddr_in`: the address. `sockaddr_in6`: the flow, the address, the scope.
    rest: [u8; 124],
}

/// Control data: one message, which tells an address of ours.
#[repr(C)]
pub(super) struct Control {
    /// How long it is, and what kind of address it has.
    header: cmsghdr,
    /// `in_pktinfo` or `in6_pktinfo`, with what aligns the larger.
    content: [u8; V6 + 4],
}

impl Client {
    /// The port.
    pub(super) const fn port(&self) -> u16 {
        u16::from_be_bytes(self.port)
    }

    /// The address; none if it is of another family.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match i32::from(self.family) {
            libc::AF_INET => {
                let address = self.rest.first_chunk::<4>()?;
                Some(SocketAddr::from((*address, self.port())))
            }
            libc::AF_INET6 => {
                let (flow, rest) = self.rest.split_first_chunk()?;
                let (address, rest) = rest.split_first_chunk::<16>()?;
                let scope = u32::from_ne_bytes(*rest.first_chunk()?);
                let (address, flow) = (Ipv6Addr::from(*address), u32::from_ne_bytes(*flow));
                Some(SocketAddrV6::new(address, self.port(), flow, scope).into())
            }
            _ => None,
        }
    }
}

impl Control {
    /// The address of ours that a datagram was sent to, if so many octets say it.
    pub(super) fn asked(&self, length: usize) -> Option<IpAddr> {
        match (self.header.cmsg_level, self.header.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) if length >= size_of::<cmsghdr>() + V4 => {
                Some(IpAddr::from(*self.content[8..].first_chunk::<4>()?))
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if length >= size_of::<cmsghdr>() + V6 => {
                Some(IpAddr::from(*self.content.first_chunk::<16>()?))
            }
            _ => None,
        }
    }

    /// Says that a reply is sent from an address, and leaves the interface to the routes;
    /// how many octets say it.
    pub(super) fn send_from(&mut self, asked: IpAddr) -> usize {
        self.content = [0; V6 + 4];
        let (level, kind, length) = match asked {
            IpAddr::V4(address) => {
                // As the one to send from, and as the one that was asked: this may be read again.
                self.content[4..8].copy_from_slice(&address.octets());
                self.content[8..12].copy_from_slice(&address.octets());
                (libc::IPPROTO_IP, libc::IP_PKTINFO, V4)
            }
            IpAddr::V6(address) => {
                self.content[..16].copy_from_slice(&address.octets());
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, V6)
            }
        };
        let length = size_of::<cmsghdr>() + length;
        (self.header.cmsg_level, self.header.cmsg_type) = (level, kind);
        self.header.cmsg_len = length as _;
        length
    }
}

// What the kernel takes for granted (`CMSG_DATA`, `CMSG_ALIGN`): the content stands right
// after the header, which is aligned.
const _: () = assert!(size_of::<cmsghdr>().is_multiple_of(size_of::<usize>()));
const _: () = assert!(size_of::<Client>() == size_of::<libc::sockaddr_storage>());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_read_by_its_family() {
        let client = |family: i32| {
            let mut client = Client { family: family as _, port: [20, 233], rest: [0; 124] };
            client.rest[..4].copy_from_slice(&[192, 0, 2, 1]);
            client.rest[19..24].copy_from_slice(&[1, 2, 0, 0, 0]);
            client.address().map(|address| address.to_string())
        };
        assert_eq!(client(libc::AF_INET), Some("192.0.2.1:5353".to_owned()));
        let scope = u32::from_ne_bytes([2, 0, 0, 0]);
        assert_eq!(client(libc::AF_INET6), Some(format!("[::1%{scope}]:5353")));
        assert_eq!((client(libc::AF_UNIX), client(0)), (None, None));
    }

    #[test]
    fn an_address_that_is_written_is_read_again() {
        for (text, content) in [("192.0.2.1", V4), ("2001:db8::1", V6)] {
            let address: IpAddr = text.parse().unwrap();
            let header = cmsghdr { cmsg_len: 0, cmsg_level: 0, cmsg_type: 0 };
            let mut control = Control { header, content: [0xff; V6 + 4] };
            let length = control.send_from(address);
            assert_eq!(length, size_of::<cmsghdr>() + content);
            assert_eq!(control.asked(length), Some(address));
            assert_eq!((control.asked(length - 1), control.asked(0)), (None, None));
        }
    }
}
