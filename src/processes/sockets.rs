//! The sockets of this network namespace that wait for others, and who holds them.
//!
//! The kernel lists sockets by inode (/proc/net/tcp, /proc/net/udp, proc(5)), and each process's
//! descriptors by the same (/proc/PID/fd). Where there is no /proc, there are no sockets; whose
//! descriptors may not be read is known by the user alone.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::unistd::{Uid, User};

use super::{Process, all, sockets};

/// The protocol of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A socket that waits for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Where.
    pub(crate) address: IpAddr,
    /// Whose it is.
    pub(crate) user: u32,
    /// What descriptors name it by.
    pub(crate) inode: u64,
}

/// The holder of an address that cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// Where it listens: the same address, or one that stands for all.
    pub address: IpAddr,
    /// Its command and process, or else its user.
    pub name: String,
}

/// The sockets that wait on a port; nothing where the kernel does not list them.
pub(crate) fn listening(protocol: Protocol, port: u16) -> Option<Vec<Listener>> {
    let tables = protocol.tables().map(std::fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        return None;
    }
    let lines = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    Some(lines.filter_map(|line| Listener::on(protocol, port, line)).collect())
}

/// Who of these holds one of the sockets, and whether somebody's descriptors cannot be read.
pub(crate) fn owner<'p>(
    processes: &[&'p Process],
    inodes: &HashSet<u64>,
) -> (Option<&'p Process>, bool) {
    let mut is_hidden = false;
    for process in processes {
        match sockets(process.id) {
            Ok(sockets) if !sockets.is_disjoint(inodes) => return (Some(process), is_hidden),
            Ok(_) => (),
            Err(error) => is_hidden |= error.kind() == ErrorKind::PermissionDenied,
        }
    }
    (None, is_hidden)
}

/// Who keeps an address from being bound, as far as it can be seen.
#[must_use]
pub fn occupant(protocol: Protocol, wanted: SocketAddr) -> Option<Occupant> {
    let listeners = listening(protocol, wanted.port())?;
    let listener = listeners.into_iter().find(|it| it.excludes(wanted.ip()))?;
    let all = all();
    let (process, _) = owner(&all.iter().collect::<Vec<_>>(), &HashSet::from([listener.inode]));
    let name = process.map_or_else(|| user(listener.user), |it| it.to_string());
    Some(Occupant { address: listener.address, name })
}

/// A user in words.
fn user(id: u32) -> String {
    let name = User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name);
    format!("a process of user {}", name.unwrap_or_else(|| id.to_string()))
}

impl Protocol {
    /// The kernel's tables of its sockets, IPv4 first.
    const fn tables(self) -> [&'static str; 2] {
        match self {
            Self::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
            Self::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        }
    }

    /// The state of a socket there that waits for anybody: TCP_LISTEN, or for UDP, which does
    /// not listen, TCP_CLOSE.
    const fn waiting(self) -> &'static str {
        match self {
            Self::Tcp => "0A",
            Self::Udp => "07",
        }
    }
}

impl Display for Protocol {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

impl Listener {
    /// The socket of a line in the kernel's table, if it waits on this port.
    fn on(protocol: Protocol, port: u16, line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, user, _, inode, ..] = fields[..] else { return None };
        let (address, its_port) = local.split_once(':')?;
        let is_meant = state == protocol.waiting() && u16::from_str_radix(its_port, 16) == Ok(port);
        is_meant.then_some(())?;
        let (address, user) = (address_of(address)?, user.parse().ok()?);
        Some(Self { address, user, inode: inode.parse().ok()? })
    }

    /// Whether it is asked by who sends to an address.
    pub(crate) fn answers(&self, at: IpAddr) -> bool {
        let at = at.to_canonical();
        match self.address.to_canonical() {
            // One for IPv6 mostly answers over IPv4, too.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => at.is_ipv4(),
            address => address == at,
        }
    }

    /// Whether an address cannot be bound because of it.
    fn excludes(&self, wanted: IpAddr) -> bool {
        let is_any = wanted.is_unspecified() && wanted.is_ipv4() == self.address.is_ipv4();
        self.answers(wanted) || is_any
    }
}

/// An address as the kernel writes it: words of 32 bits in hex, in the machine's order.
fn address_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = text.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let octets = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_lines_are_read() {
        let on = |port, line: &str| Listener::on(Protocol::Tcp, port, line);
        let line = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0";
        let wanted = Listener { address: Ipv4Addr::LOCALHOST.into(), user: 1_000, inode: 4_711 };
        assert_eq!(on(8080, line), Some(wanted));
        assert_eq!(on(8081, line), None);
        assert_eq!(on(8080, &line.replace(" 0A ", " 01 ")), None);
        let line = "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 9 1";
        assert_eq!(on(80, line).unwrap().address, Ipv6Addr::LOCALHOST);
    }

    #[test]
    fn who_connects_is_answered_by_sockets_for_that_address() {
        let answers = |address: &str, at: &str| {
            let address = address.parse().unwrap();
            Listener { address, user: 0, inode: 0 }.answers(at.parse().unwrap())
        };
        for (address, at) in [
            ("0.0.0.0", "10.0.0.1"),
            ("::", "10.0.0.1"),
            ("::", "2001:db8::1"),
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            assert!(answers(address, at), "{address} {at}");
        }
        for (address, at) in [("127.0.0.1", "10.0.0.1"), ("0.0.0.0", "::1")] {
            assert!(!answers(address, at), "{address} {at}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_holds_an_address_is_named_and_that_of_all_is_held_by_any() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(occupant(Protocol::Tcp, tcp), None, "it was closed");
        let (tcp, udp) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let addresses = [tcp.local_addr().unwrap(), udp.local_addr().unwrap()];
        for (protocol, at) in [Protocol::Tcp, Protocol::Udp].into_iter().zip(addresses) {
            let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port()));
            for wanted in [at, any] {
                let found = occupant(protocol, wanted).unwrap();
                let us = format!("(process {})", std::process::id());
                assert!(found.address == at.ip() && found.name.contains(&us), "{found:?}");
            }
        }
    }
}
