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
                let (address, flow) = (Ipv6Addr::from(*address), u32::from_be_bytes(*flow));
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
                self.content[4..8].copy_from_slice(&address.octets());
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
