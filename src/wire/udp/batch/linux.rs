//! Up to 64 datagrams a system call.
//!
//! The kernel is given pointers to buffers, so these stand in one allocation that never
//! moves, and that only this file can reach.
#![allow(unsafe_code, reason = "recvmmsg and sendmmsg have no safe wrapper that copies nothing")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use libc::{iovec, mmsghdr, msghdr};
use socket2::{SockAddr, Socket};

use super::super::overload::EASING;
use super::address::{Client, Control};
use super::filter::program;
use super::{Buffer, LOOK, REPLY_MAX, REQUEST_MAX, Route, SEND_WAIT, Sieve, Unsent};
use crate::wire::HEADER;

/// Datagrams that one system call may move: more of them hardly save any more time.
pub(in crate::wire) const BATCH: usize = 64;
/// Numbers that the kernel tells of a socket's memory (linux/sock_diag.h, SK_MEMINFO_VARS).
const MEMORY: usize = 9;

/// A bound socket, and whether it has several addresses.
#[derive(Debug)]
pub(in crate::wire) struct UdpSocket {
    /// The socket, in blocking mode.
    socket: Socket,
    /// Whether it is bound to every address of the machine.
    is_wildcard: bool,
    /// Whether somebody else has it as well, and keeps it when we end.
    is_kept: bool,
}

impl UdpSocket {
    /// Prepares a bound socket, which somebody else may keep.
    ///
    /// # Errors
    /// [`io::Error`] when the system does not tell which address a datagram was sent to.
    pub(in crate::wire) fn new(socket: Socket, is_kept: bool) -> io::Result<Self> {
        let bound = socket.local_addr()?.as_socket();
        let is_wildcard = bound.is_some_and(|address| address.ip().is_unspecified());
        socket.set_nonblocking(false)?;
        socket.set_write_timeout(Some(SEND_WAIT))?;
        if is_kept {
            socket.set_read_timeout(Some(LOOK))?;
            // The process before may have ended amid a flood. Mostly there is none.
            let _ = socket.detach_filter();
        }
        if bound.is_some_and(|address| address.is_ipv4()) {
            // Nobody may talk us into fragments by a forged ICMP message; and what is larger
            // than the network takes, because it was configured so, is sent in fragments
            // rather than not at all. Some sandboxes do not know the option; then there is
            // nothing to be talked into either. IPv6 takes UDP_MAX whole.
            let _ = set(&socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT);
            set(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, is_wildcard.into())?;
        } else {
            set(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, is_wildcard.into())?;
        }
        Ok(Self { socket, is_wildcard, is_kept })
    }

    /// Whether somebody else keeps it when we end.
    pub(in crate::wire) const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Sends one reply, from the address that was asked.
    ///
    /// # Errors
    /// [`io::Error`] when it could not be sent.
    pub(in crate::wire) fn send(&self, reply: &[u8], route: &Route) -> io::Result<()> {
        let client = SockAddr::from(route.client);
        let mut part = iovec { iov_base: reply.as_ptr().cast_mut().cast(), iov_len: reply.len() };
        // SAFETY: zeroes are a message without address, content and control data, and control
        // data that says nothing: numbers, octets, and pointers that are null.
        let (mut header, mut control) = unsafe { zeroed::<(msghdr, Control)>() };
        header.msg_name = client.as_ptr().cast_mut().cast();
        header.msg_namelen = client.len();
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        if let Some(asked) = route.asked {
            header.msg_controllen = control.send_from(asked) as _;
            header.msg_control = (&raw mut control).cast();
        }
        // SAFETY: all that the header points to lives until the end of this function, and the
        // kernel only reads it.
        retry(|| unsafe { libc::sendmsg(self.socket.as_raw_fd(), &raw const header, 0) as i32 })?;
        Ok(())
    }

    /// What the buffer of what was not read holds; none where the system does not tell.
    pub(in crate::wire) fn buffer(&self) -> Option<Buffer> {
        let (mut memory, mut size) = ([0_u32; MEMORY], size_of::<[u32; MEMORY]>() as _);
        let socket = self.socket.as_raw_fd();
        let place = (&raw mut memory).cast();
        // SAFETY: the kernel writes no more octets than it is told there are.
        let told = retry(|| unsafe {
            libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_MEMINFO, place, &raw mut size)
        });
        // In the order of SK_MEMINFO_RMEM_ALLOC, _RCVBUF and, as the last, _DROPS.
        let [used, size, .., dropped] = memory;
        told.ok().map(|_| Buffer { used, size, dropped })
    }

    /// Lets the kernel drop what does not pass a sieve, or nothing without one. With one,
    /// [`Batch::receive`] fails with [`io::ErrorKind::WouldBlock`] when nothing comes for
    /// [`EASING`].
    ///
    /// # Errors
    /// [`io::Error`] where the system has no such filters.
    pub(in crate::wire) fn sift(&self, sieve: Option<&Sieve>) -> io::Result<()> {
        match sieve {
            Some(sieve) => self.socket.attach_filter(&program(sieve))?,
            None => self.socket.detach_filter()?,
        }
        let rest = self.is_kept.then_some(LOOK);
        self.socket.set_read_timeout(sieve.map(|_| EASING).or(rest))
    }

    /// Wakes whoever receives: once nothing is left to be read, they read nothing at once. At a
    /// socket that is kept they see by themselves that they are to end.
    pub(in crate::wire) fn end(&self) {
        if !self.is_kept {
            // Linux says that the socket is not connected, and does it all the same.
            let _ = self.socket.shutdown(Shutdown::Read);
        }
    }
}

/// The buffers of one thread, and the headers that point to them.
pub(in crate::wire) struct Batch {
    /// What datagrams come by.
    socket: Arc<UdpSocket>,
    /// The buffers. Whatever points into them is made from this pointer.
    memory: NonNull<Memory>,
    /// How many headers the kernel has filled, and must be made ready for the next time.
    filled: usize,
    /// How many replies are to be sent.
    replies: usize,
}

/// Buffers and headers. The kernel fills `received` in order; `replies` are made in order
/// for those that get one.
#[repr(C)]
struct Memory {
    /// What the headers point to.
    slots: [BufferSlot; BATCH],
    /// Of requests.
    received: [mmsghdr; BATCH],
    /// Of replies.
    replies: [mmsghdr; BATCH],
}

/// A request and its reply. The size is no multiple of 4,096, so that the beginnings of 64
/// requests do not all compete for one set of the cache.
#[repr(C, align(64))]
struct BufferSlot {
    client: Client,
    /// Where the request is put.
    request_part: iovec,
    /// Where the reply is found.
    reply_part: iovec,
    /// The address that was asked.
    control: Control,
    reply: [u8; REPLY_MAX],
    request: [u8; REQUEST_MAX],
}

// SAFETY: the memory belongs to the batch alone, so it may go to another thread with it.
unsafe impl Send for Batch {}

impl Batch {
    /// Buffers for a socket.
    pub(in crate::wire) fn new(socket: Arc<UdpSocket>) -> Self {
        let layout = Layout::new::<Memory>();
        // SAFETY: the layout is not of size 0, and zeroes are a valid `Memory`: numbers,
        // octets, and pointers that are null.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<Memory>());
        let memory = memory.unwrap_or_else(|| handle_alloc_error(layout));
        let mut batch = Self { socket, memory, filled: BATCH, replies: 0 };
        (0..BATCH).for_each(|at| batch.point(at));
        batch
    }

    /// The socket.
    pub(in crate::wire) const fn socket(&self) -> &Arc<UdpSocket> {
        &self.socket
    }

    /// Waits for datagrams; how many have come. None have once the socket has ended.
    ///
    /// # Errors
    /// [`io::Error`] of the system.
    pub(in crate::wire) fn receive(&mut self) -> io::Result<usize> {
        (0..self.filled).for_each(|at| self.make_ready(at));
        // After an error nobody knows.
        self.filled = BATCH;
        let (socket, memory) = (self.socket.socket.as_raw_fd(), self.memory.as_ptr());
        // SAFETY: there are BATCH headers, and each points to a slot, with the sizes of what
        // is there; no reference into the memory lives meanwhile, as `self` is exclusive.
        self.filled = retry(|| unsafe {
            let headers = (&raw mut (*memory).received).cast();
            libc::recvmmsg(socket, headers, BATCH as _, libc::MSG_WAITFORONE as _, null_mut())
        })?;
        // A datagram has a client; the end of a socket has none.
        let has_ended = self.memory().received[0].msg_hdr.msg_namelen == 0;
        Ok(if has_ended { 0 } else { self.filled })
    }

    /// A datagram, and room for its reply; none if it is empty, or came from port 0, to
    /// which nothing can be sent.
    pub(in crate::wire) fn exchange(&mut self, at: usize) -> Option<(&[u8], &mut [u8])> {
        // SAFETY: the memory is there until the batch is dropped, and `self` is exclusive.
        let memory = unsafe { self.memory.as_mut() };
        let (received, slot) = (&memory.received[at], &mut memory.slots[at]);
        let is_cut = received.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
        let octets = if is_cut { HEADER } else { received.msg_len as usize };
        let request = &slot.request[..octets.min(REQUEST_MAX)];
        (!request.is_empty() && slot.client.port() != 0).then_some((request, &mut slot.reply))
    }

    /// Takes off a datagram what stands before its message: as many octets as are found. Of one
    /// that was cut, what is found is whole.
    pub(in crate::wire) fn strip(&mut self, at: usize, find: impl FnOnce(&[u8]) -> usize) {
        // SAFETY: the memory is there until the batch is dropped, and `self` is exclusive.
        let memory = unsafe { self.memory.as_mut() };
        let (received, slot) = (&mut memory.received[at], &mut memory.slots[at]);
        let octets = (received.msg_len as usize).min(REQUEST_MAX);
        let before = find(&slot.request[..octets]).min(octets);
        slot.request.copy_within(before..octets, 0);
        received.msg_len = (octets - before) as u32;
    }

    /// Who sent a datagram; none if the system calls the client by an address of another
    /// family, which it never does.
    pub(in crate::wire) fn client(&self, at: usize) -> Option<SocketAddr> {
        self.memory().slots[at].client.address()
    }

    /// Who sent a datagram, and where to; none if the system calls the client by an address
    /// of another family, which it never does.
    pub(in crate::wire) fn route(&self, at: usize) -> Option<Route> {
        let (slot, header) = (&self.memory().slots[at], &self.memory().received[at].msg_hdr);
        let asked = slot.control.asked(header.msg_controllen as _);
        Some(Route { client: slot.client.address()?, asked })
    }

    /// Sends a reply with the next [`send`](Self::send): that many octets of the room there
    /// was. There is one for each datagram at most.
    pub(in crate::wire) fn reply(&mut self, at: usize, octets: usize) {
        let (memory, number) = (self.memory.as_ptr(), self.replies);
        assert!(at < BATCH && number < BATCH, "a reply to no datagram");
        // SAFETY: both places are within bounds, and no reference into the memory lives but
        // the one to the control data, which is not looked at by way of the header.
        unsafe {
            let mut header = (*memory).received[at].msg_hdr;
            let control = &mut (*memory).slots[at].control;
            let asked = control.asked(header.msg_controllen as _);
            header.msg_controllen = asked.map_or(0, |asked| control.send_from(asked)) as _;
            (*memory).slots[at].reply_part.iov_len = octets.min(REPLY_MAX);
            header.msg_iov = &raw mut (*memory).slots[at].reply_part;
            (*memory).replies[number].msg_hdr = header;
        }
        self.replies += 1;
    }

    /// Sends the replies in the order they were made. One that cannot be sent is left out;
    /// when there is no room for any more, so are those after it.
    ///
    /// # Errors
    /// [`Unsent`] when some could not be sent.
    pub(in crate::wire) fn send(&mut self) -> Result<(), Unsent> {
        let (mut next, mut unsent) = (0, None::<Unsent>);
        while next < self.replies {
            match self.send_from(next) {
                Ok(sent) => next += sent.max(1),
                Err(fault) => {
                    let is_full = fault.kind() == io::ErrorKind::WouldBlock;
                    let lost = if is_full { self.replies - next } else { 1 };
                    let before = unsent.map_or(0, |unsent| unsent.count);
                    unsent = Some(Unsent { count: before + lost, fault });
                    next += lost;
                }
            }
        }
        self.replies = 0;
        unsent.map_or(Ok(()), Err)
    }

    /// Sends the replies from a place on, up to one that cannot be sent; how many were. An
    /// error is of the first.
    fn send_from(&self, next: usize) -> io::Result<usize> {
        let (socket, memory) = (self.socket.socket.as_raw_fd(), self.memory.as_ptr());
        let count = self.replies - next;
        // SAFETY: so many headers were made from `next` on, which point into slots; nothing
        // changes these meanwhile.
        retry(|| unsafe {
            let headers = (&raw mut (*memory).replies).cast::<mmsghdr>().add(next);
            libc::sendmmsg(socket, headers, count as _, 0)
        })
    }

    /// Lets the header of a request, and both parts of its slot, point to their buffers.
    fn point(&mut self, at: usize) {
        let (memory, is_wildcard) = (self.memory.as_ptr(), self.socket.is_wildcard);
        assert!(at < BATCH, "there is no such slot");
        // SAFETY: the place is within bounds, and no reference into the memory lives. The
        // pointers are made without one, so that none made later takes them their validity.
        unsafe {
            let slot = &raw mut (*memory).slots[at];
            (*slot).request_part.iov_base = (&raw mut (*slot).request).cast();
            (*slot).request_part.iov_len = REQUEST_MAX;
            (*slot).reply_part.iov_base = (&raw mut (*slot).reply).cast();
            let header = &raw mut (*memory).received[at].msg_hdr;
            (*header).msg_name = (&raw mut (*slot).client).cast();
            (*header).msg_iov = &raw mut (*slot).request_part;
            (*header).msg_iovlen = 1;
            if is_wildcard {
                (*header).msg_control = (&raw mut (*slot).control).cast();
            }
        }
    }

    /// Says again how much room there is, where the kernel has said how much it took.
    fn make_ready(&mut self, at: usize) {
        let control = if self.socket.is_wildcard { size_of::<Control>() } else { 0 };
        // SAFETY: the memory is there until the batch is dropped, and `self` is exclusive.
        let header = unsafe { &mut self.memory.as_mut().received[at].msg_hdr };
        header.msg_namelen = size_of::<Client>() as _;
        header.msg_controllen = control as _;
        header.msg_flags = 0;
    }

    /// The buffers, to be looked at.
    const fn memory(&self) -> &Memory {
        // SAFETY: the memory is there until the batch is dropped, and nothing changes it
        // while `self` is shared.
        unsafe { self.memory.as_ref() }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: it was allocated so, and nothing points to it any more.
        unsafe { dealloc(self.memory.as_ptr().cast(), Layout::new::<Memory>()) };
    }
}

/// Sets an option of a socket.
fn set(socket: &Socket, level: i32, name: i32, value: i32) -> io::Result<()> {
    let (place, size) = ((&raw const value).cast(), size_of::<i32>() as _);
    // SAFETY: the value lives until the end of this function, and has that size.
    retry(|| unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, place, size) })?;
    Ok(())
}

/// Makes a system call, again if a signal interrupts it; the number it returns.
fn retry(mut call: impl FnMut() -> i32) -> io::Result<usize> {
    loop {
        if let Ok(number) = usize::try_from(call()) {
            return Ok(number);
        }
        let fault = io::Error::last_os_error();
        if fault.kind() != io::ErrorKind::Interrupted {
            return Err(fault);
        }
    }
}
