//! The holder of the port that COMMAND is to listen on: it must be COMMAND, or what it started,
//! before the port is registered as its.
//!
//! The kernel lists listening sockets by inode (/proc/net/tcp), and each process's descriptors
//! by the same (/proc/PID/fd). COMMAND's are those of its process group, of its descendants,
//! and of what it left to run by itself: that still has COMMAND's variables. Where it cannot be
//! seen who holds the port, COMMAND is taken to: never to register would be worse.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::join::Registrant;
use crate::machine::processes::{self, Process};

/// The state of a listening socket in the kernel's tables (TCP_LISTEN).
const LISTENING: &str = "0A";

/// The holder of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// COMMAND, or what it started.
    Command,
    /// Somebody else, in words.
    Other(String),
    /// Nobody can tell, and why; nothing where there is no /proc.
    Unknown(Option<String>),
}

/// COMMAND and its port, as far as they are known.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    /// Its id, and that of its process group.
    pub(super) id: u32,
    /// When it was started, in ticks after the boot.
    started: u64,
    /// Its variables `SRVD_NAME` and `SRVD_ID`.
    marks: [(&'static str, String); 2],
    port: u16,
    /// Sockets that were listening there before it was started.
    earlier: HashSet<u64>,
}

/// A listening socket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listener {
    /// Where it listens.
    address: IpAddr,
    /// Whose it is.
    user: u32,
    /// What descriptors name it by.
    inode: u64,
}

/// The sockets that listen on a port now.
pub(super) fn listening(port: u16) -> HashSet<u64> {
    listeners(port).into_iter().flatten().map(|it| it.inode).collect()
}

impl Claimant {
    /// COMMAND, just started, on a port where these sockets were listening before.
    pub(super) fn new(id: u32, registrant: &Registrant, earlier: HashSet<u64>) -> Self {
        let marks = [("SRVD_NAME", registrant.name.clone()), ("SRVD_ID", registrant.id.clone())];
        let started = processes::read(id).map_or(0, |it| it.started);
        Self { id, started, marks, port: registrant.port.get(), earlier }
    }

    /// Who holds the port at an address that accepts connections.
    pub(super) fn holder(&self, at: IpAddr) -> Holder {
        let Some(all) = listeners(self.port) else { return Holder::Unknown(None) };
        let listeners: Vec<_> = all.into_iter().filter(|it| it.answers(at)).collect();
        let inodes: HashSet<_> = listeners.iter().map(|it| it.inode).collect();
        if inodes.is_empty() {
            return unknown("it is not a socket of this network namespace that listens there");
        }
        let processes = processes::all();
        let (ours, others) = self.part(&processes);
        let (is_ours, is_hidden) = search(&ours, &inodes);
        if is_ours.is_some() {
            return Holder::Command;
        }
        let is_earlier = inodes.is_subset(&self.earlier);
        if is_hidden && !is_earlier {
            return unknown("the descriptors of its processes cannot be read");
        }
        match search(&others, &inodes).0 {
            Some(other) => Holder::Other(format!("`{}` (process {})", other.name, other.id)),
            None if is_earlier => {
                let user = listeners.first().map_or(0, |it| it.user);
                Holder::Other(format!(
                    "a process of user {user} that cannot be seen, and was there before COMMAND"
                ))
            }
            None => unknown("whoever listens there cannot be seen"),
        }
    }

    /// COMMAND's processes, and all others.
    fn part<'p>(&self, all: &'p [Process]) -> (Vec<&'p Process>, Vec<&'p Process>) {
        let descendants = processes::descendants(all, self.id);
        all.iter().partition(|it| {
            it.group == self.id || descendants.contains(&it.id) || self.is_left_by_us(it)
        })
    }

    /// Whether COMMAND started a process that has nothing else to do with it any more. An
    /// earlier run may have left one, too.
    fn is_left_by_us(&self, process: &Process) -> bool {
        process.started >= self.started
            && self
                .marks
                .iter()
                .all(|(name, value)| processes::has_variable(process.id, name, value))
    }
}

/// It cannot be told, and why.
fn unknown(why: &str) -> Holder {
    Holder::Unknown(Some(why.to_owned()))
}

/// Who of these holds one of the sockets, and whether somebody's descriptors cannot be read.
fn search<'p>(processes: &[&'p Process], inodes: &HashSet<u64>) -> (Option<&'p Process>, bool) {
    let mut is_hidden = false;
    for process in processes {
        match processes::sockets(process.id) {
            Ok(sockets) if !sockets.is_disjoint(inodes) => return (Some(process), is_hidden),
            Ok(_) => (),
            Err(error) => is_hidden |= error.kind() == ErrorKind::PermissionDenied,
        }
    }
    (None, is_hidden)
}

/// The sockets that listen on a port; nothing where the kernel does not list them.
fn listeners(port: u16) -> Option<Vec<Listener>> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        return None;
    }
    let lines = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    Some(lines.filter_map(|line| Listener::on(port, line)).collect())
}

impl Listener {
    /// The socket of a line in the kernel's table, if it listens on this port.
    fn on(port: u16, line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, _, LISTENING, _, _, _, user, _, inode, ..] = fields[..] else { return None };
        let (address, its_port) = local.split_once(':')?;
        (u16::from_str_radix(its_port, 16).ok()? == port).then_some(())?;
        let (address, user) = (address_of(address)?, user.parse().ok()?);
        Some(Self { address, user, inode: inode.parse().ok()? })
    }

    /// Whether it is asked by who connects to an address.
    fn answers(&self, at: IpAddr) -> bool {
        let at = at.to_canonical();
        match self.address.to_canonical() {
            // One for IPv6 mostly answers over IPv4, too.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => at.is_ipv4(),
            address => address == at,
        }
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
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_lines_are_read() {
        let line = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0";
        let wanted = Listener { address: Ipv4Addr::LOCALHOST.into(), user: 1_000, inode: 4_711 };
        assert_eq!(Listener::on(8080, line), Some(wanted));
        assert_eq!(Listener::on(8081, line), None);
        assert_eq!(Listener::on(8080, &line.replace(" 0A ", " 01 ")), None);
        let line = "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 9 1";
        assert_eq!(Listener::on(80, line).unwrap().address, Ipv6Addr::LOCALHOST);
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
}
