//! The origin of a reply: transport, address family, and the path that answered.

use std::net::IpAddr;

use crate::wire::{Peer, Transport};

/// The path by which a query was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// From ready-made answers, at once.
    Fast,
    /// By the authority, or by a thread of the full path, which a datagram is handed to.
    Full,
    /// By other servers, which were asked or had been.
    Forwarded,
}

/// The version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The transport and family that queries came by, and the path that answered them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// What they came over.
    pub transport: Transport,
    /// The version of IP that they came by.
    pub family: Family,
    /// How they were answered.
    pub path: Path,
}

impl Family {
    /// That of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }

    /// The version as a digit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "4",
            Self::V6 => "6",
        }
    }
}

impl Path {
    /// The path as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Full => "full",
            Self::Forwarded => "forwarded",
        }
    }
}

impl Origin {
    /// How many there are.
    pub(super) const COUNT: usize = 30;

    /// That of what a client sent over a transport.
    #[must_use]
    pub const fn of(from: Peer, path: Path) -> Self {
        Self { transport: from.transport, family: Family::of(from.ip()), path }
    }

    /// All of them, by their places.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Transport::ALL.into_iter().flat_map(|transport| {
            [Family::V4, Family::V6].into_iter().flat_map(move |family| {
                let paths = [Path::Fast, Path::Full, Path::Forwarded].into_iter();
                paths.map(move |path| Self { transport, family, path })
            })
        })
    }

    /// Its place among all.
    pub(super) const fn place(self) -> usize {
        (self.transport as usize * 2 + self.family as usize) * 3 + self.path as usize
    }

    /// Whether it is that of a UDP worker whose clients are of a family.
    pub(super) fn is_own(self, family: Family) -> bool {
        (self.transport, self.family, self.path) == (Transport::Udp, family, Path::Fast)
    }
}
