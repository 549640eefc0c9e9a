//! Datagrams in and out, as many a system call as the system allows.
//!
//! ```text
//!   UdpSocket ─→ Batch::receive ─→ exchange(at) ─→ reply(at) ─→ Batch::send ─→ UdpSocket
//! ```
//!
//! A socket that is bound to every address of the machine is asked at one of them, and
//! must reply from that very one, or the client takes the reply for a stranger's. There
//! each datagram is read with the address it was sent to, and its reply is sent from
//! there. A socket that is bound to one address needs none of that, and is spared it.
//!
//! On Linux, `recvmmsg` and `sendmmsg` move up to 64 datagrams at once; they have no safe
//! wrapper, so `linux` is the one file of srvd with unsafe code. Elsewhere (on the machines
//! where srvd is developed) `portable` moves them one by one.

#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[cfg(target_os = "linux")]
pub(in crate::wire) use self::linux::{BATCH, Batch, UdpSocket};
#[cfg(not(target_os = "linux"))]
pub(in crate::wire) use self::portable::{BATCH, Batch, UdpSocket};

/// Octets of a datagram that are looked at. A query has one question of at most 259 and an
/// OPT record. What is longer than this is shown as its header alone, which is a format
/// error whatever the rest was.
const REQUEST_MAX: usize = 4096;
/// Octets of a reply.
const REPLY_MAX: usize = crate::wire::UDP_MOST as usize;
/// How long replies wait for room in the socket's buffer. A busy network card makes some in
/// far less; what waits for longer is lost, as any datagram may be, and the worker goes on.
const SEND_WAIT: Duration = Duration::from_millis(2);

/// How often a worker looks whether it is to end at a socket that somebody else keeps: that must not
/// be shut down to wake it. It is a part of what a restart takes.
const LOOK: Duration = Duration::from_millis(50);

/// The route of a reply: the client, or the proxy that asks for it, and the address that it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct Route {
    /// Who sent the datagram.
    pub(in crate::wire) client: SocketAddr,
    /// The address of ours that was asked, if the socket has several.
    pub(in crate::wire) asked: Option<IpAddr>,
}

/// Replies that could not be sent: to where no route leads, or from a broadcast address.
#[derive(Debug)]
pub(in crate::wire) struct Unsent {
    /// How many.
    pub(in crate::wire) count: usize,
    /// What the system said of the last.
    pub(in crate::wire) fault: io::Error,
}

/// The contents of a socket's receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct Buffer {
    /// Octets that are taken, with what the kernel itself needs for each datagram.
    pub(in crate::wire) used: u32,
    /// Octets that there are.
    pub(in crate::wire) size: u32,
    /// Datagrams that the kernel dropped so far, for lack of room or by a sieve; it begins again
    /// after 2^32.
    pub(in crate::wire) dropped: u32,
}

/// A part of a client network's datagrams that the kernel keeps; the others it drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct Sieve {
    /// An address of the network.
    pub(in crate::wire) address: IpAddr,
    /// How many of 2^32.
    pub(in crate::wire) kept: u32,
}
