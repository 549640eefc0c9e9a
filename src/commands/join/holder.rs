//! The holder of the port that COMMAND is to listen on: it must be COMMAND, or what it started,
//! before the port is registered as its.
//!
//! COMMAND's processes are those of its process group, of its descendants, and of what it left to
//! run by itself: that still has COMMAND's variables. Where it cannot be seen who holds the port, COMMAND is taken to: never to register would be worse.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::join::Registrant;
use crate::processes::sockets::{self, Protocol};
use crate::processes::{self, Process};

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

/// The sockets that listen on a port now.
pub(super) fn listening(port: u16) -> HashSet<u64> {
    sockets::listening(Protocol::Tcp, port).into_iter().flatten().map(|it| it.inode).collect()
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
        let Some(all) = sockets::listening(Protocol::Tcp, self.port) else {
            return Holder::Unknown(None);
        };
        let listeners: Vec<_> = all.into_iter().filter(|it| it.answers(at)).collect();
        let inodes: HashSet<_> = listeners.iter().map(|it| it.inode).collect();
        if inodes.is_empty() {
            return unknown("it is not a socket of this network namespace that listens there");
        }
        let processes = processes::all();
        let (ours, others) = self.part(&processes);
        let (is_ours, is_hidden) = sockets::owner(&ours, &inodes);
        if is_ours.is_some() {
            return Holder::Command;
        }
        let is_earlier = inodes.is_subset(&self.earlier);
        if is_hidden && !is_earlier {
            return unknown("the descriptors of its processes cannot be read");
        }
        match sockets::owner(&others, &inodes).0 {
            Some(other) => Holder::Other(other.to_string()),
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
