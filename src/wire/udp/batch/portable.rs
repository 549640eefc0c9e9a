//! One datagram a system call, for systems without `recvmmsg`; errors are as in `linux`.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::slice::from_mut;
use std::sync::Arc;

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::Socket;

#[cfg(not(target_os = "linux"))]
use super::{Buffer, Sieve};
use super::{LOOK, REPLY_MAX, REQUEST_MAX, Route, SEND_WAIT, Unsent};
use crate::wire::HEADER;

/// Datagrams that one system call may move.
#[cfg(not(target_os = "linux"))]
pub(in crate::wire) const BATCH: usize = 1;

/// A bound socket, and whether it has several addresses.
#[derive(Debug)]
pub(in crate::wire) struct UdpSocket {
    /// The socket, in blocking mode.
    socket: Socket,
    /// How to read and send with addresses on it.
    state: UdpSocketState,
    /// Whether it is bound to every address of the machine.
    is_wildcard: bool,
    /// Whether somebody else has it as well, and keeps it when we end.
    is_kept: bool,
}

impl UdpSocket {
    /// Prepares a bound socket, which somebody else may keep.
    pub(in crate::wire) fn new(socket: Socket, is_kept: bool) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(LOOK))?;
        socket.set_write_timeout(Some(SEND_WAIT))?;
        let bound = socket.local_addr()?.as_socket();
        let is_wildcard = bound.is_some_and(|address| address.ip().is_unspecified());
        Ok(Self { socket, state, is_wildcard, is_kept })
    }

    /// Whether somebody else keeps it when we end.
    pub(in crate::wire) const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Sends one reply, from the address that was asked.
    pub(in crate::wire) fn send(&self, reply: &[u8], route: &Route) -> io::Result<()> {
        let (destination, src_ip) = (route.client, route.asked);
        let transmit =
            Transmit { destination, ecn: None, contents: reply, segment_size: None, src_ip };
        self.state.try_send((&self.socket).into(), &transmit)
    }

    /// This system does not tell what the buffer holds.
    #[cfg(not(target_os = "linux"))]
    pub(in crate::wire) const fn buffer(&self) -> Option<Buffer> {
        None
    }

    /// This system has no filters.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] with a sieve.
    #[cfg(not(target_os = "linux"))]
    pub(in crate::wire) fn sift(&self, sieve: Option<&Sieve>) -> io::Result<()> {
        sieve.map_or(Ok(()), |_| Err(io::ErrorKind::Unsupported.into()))
    }

    /// Whoever receives sees by itself that it is to end.
    pub(in crate::wire) const fn end(&self) {}
}

/// The buffers of one thread.
pub(in crate::wire) struct Batch {
    /// What datagrams come by.
    socket: Arc<UdpSocket>,
    /// The request. One octet more tells whether it was cut.
    request: Vec<u8>,
    /// What the system says of the request.
    received: RecvMeta,
    reply: Vec<u8>,
    /// How much of it is to be sent.
    octets: Option<usize>,
}

impl Batch {
    /// Buffers for a socket.
    pub(in crate::wire) fn new(socket: Arc<UdpSocket>) -> Self {
        let (request, reply) = (vec![0; REQUEST_MAX + 1], vec![0; REPLY_MAX]);
        Self { socket, request, received: RecvMeta::default(), reply, octets: None }
    }

    /// The socket.
    pub(in crate::wire) const fn socket(&self) -> &Arc<UdpSocket> {
        &self.socket
    }

    /// Waits for a datagram, but not for long; how many have come.
    pub(in crate::wire) fn receive(&mut self) -> io::Result<usize> {
        let UdpSocket { socket, state, .. } = &*self.socket;
        let mut buffer = IoSliceMut::new(&mut self.request);
        match state.recv(socket.into(), from_mut(&mut buffer), from_mut(&mut self.received)) {
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => Ok(0),
            received => received,
        }
    }

    /// The datagram, and room for its reply; none if it is empty, or came from port 0, to
    /// which nothing can be sent.
    pub(in crate::wire) fn exchange(&mut self, _at: usize) -> Option<(&[u8], &mut [u8])> {
        let octets = self.received.len;
        let request = &self.request[..if octets > REQUEST_MAX { HEADER } else { octets }];
        let is_sound = octets > 0 && self.received.addr.port() != 0;
        is_sound.then_some((request, &mut self.reply))
    }

    /// Takes off the datagram what stands before its message: as many octets as are found.
    pub(in crate::wire) fn strip(&mut self, _at: usize, find: impl FnOnce(&[u8]) -> usize) {
        let octets = self.received.len;
        let before = find(&self.request[..octets.min(REQUEST_MAX)]).min(octets);
        self.request.copy_within(before..octets, 0);
        // One that was cut stays longer than any may be.
        self.received.len = if octets > REQUEST_MAX { octets } else { octets - before };
    }

    /// Who sent the datagram.
    pub(in crate::wire) fn client(&self, _at: usize) -> Option<SocketAddr> {
        Some(self.received.addr)
    }

    /// Who sent the datagram, and where to.
    pub(in crate::wire) fn route(&self, _at: usize) -> Option<Route> {
        let asked = self.received.dst_ip.filter(|_| self.socket.is_wildcard);
        Some(Route { client: self.received.addr, asked })
    }

    /// Sends a reply with the next [`send`](Self::send): that many octets of the room.
    pub(in crate::wire) fn reply(&mut self, _at: usize, octets: usize) {
        self.octets = Some(octets.min(REPLY_MAX));
    }

    /// Sends the reply, if there is one.
    pub(in crate::wire) fn send(&mut self) -> Result<(), Unsent> {
        let (Some(octets), Some(route)) = (self.octets.take(), self.route(0)) else {
            return Ok(());
        };
        let sent = self.socket.send(&self.reply[..octets], &route);
        sent.map_err(|fault| Unsent { count: 1, fault })
    }
}
