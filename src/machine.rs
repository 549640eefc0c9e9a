//! This machine's addresses: what others reach it at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses that only the default route leads to, set aside for documentation (RFC 5737
/// and RFC 3849), IPv4 first. Nothing is sent there.
const FAR: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1)),
];
/// A port to name where none matters (discard, RFC 863).
const ANY_PORT: u16 = 9;

/// Where this machine may be reached: the addresses that the default routes speak from, IPv4
/// first, then those of its interfaces. Some may mean nothing to others: see
/// [`is_reachable`].
pub fn candidates() -> impl Iterator<Item = IpAddr> {
    let routed = FAR.into_iter().filter_map(source_towards);
    routed.chain(std::iter::once_with(interface_addresses).flatten())
}

/// All addresses of this machine, IPv4 first.
#[must_use]
pub fn interface_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!("the interfaces of this machine cannot be read: {error}");
        Vec::new()
    });
    let mut addresses: Vec<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses
}

/// Whether an address means something outside this machine and its links.
#[must_use]
pub fn is_reachable(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !is_link_local && !address.is_loopback() && !address.is_unspecified()
}

/// The address that a datagram to `far` would come from. Connecting a UDP socket looks at
/// the routes and sends nothing.
fn source_towards(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match far {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::from((any, 0))).ok()?;
    socket.connect(SocketAddr::from((far, ANY_PORT))).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
