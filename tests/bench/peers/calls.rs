//! The system calls that std has not: many datagrams in one call, and when one came.
#![allow(unsafe_code, reason = "no safe wrapper of recvmmsg and sendmmsg keeps its headers")]

use std::io::{Error, Result};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use libc::{c_int, c_uint, iovec, mmsghdr, sockaddr_in, timespec};

/// Wait for the first datagram, and take with it what else is there.
pub(crate) const WAIT: c_int = libc::MSG_WAITFORONE;
/// Take what is there.
pub(crate) const GLANCE: c_int = libc::MSG_DONTWAIT;
/// Asks when the last datagram came (linux/sockios.h), which libc does not name.
const SIOCGSTAMPNS: libc::Ioctl = 0x8907;

/// Datagrams that are received or sent in one call. IPv4 only: all is on loopback.
pub(crate) struct Batch {
    /// Their octets, side by side. A `Vec` may be moved while the kernel's structures
    /// below point into it.
    octets: Vec<u8>,
    /// The most octets of one.
    size: usize,
    /// Who sent each.
    _names: Vec<sockaddr_in>,
    /// Where each one's octets are.
    slices: Vec<iovec>,
    /// What the kernel reads and writes.
    headers: Vec<mmsghdr>,
}

impl Batch {
    /// Room for so many datagrams of at most so many octets; what is longer is cut. With
    /// names, who sent each is kept, so that it can be sent back.
    pub(crate) fn new(count: usize, size: usize, is_named: bool) -> Self {
        let mut octets = vec![0; count * size];
        // SAFETY: all-zero octets are valid values of these C structures.
        let (mut names, header): (Vec<sockaddr_in>, mmsghdr) =
            unsafe { (vec![std::mem::zeroed(); count], std::mem::zeroed()) };
        let slice = |chunk: &mut [u8]| iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: size };
        let mut slices: Vec<_> = octets.chunks_mut(size).map(slice).collect();
        let mut headers = vec![header; count];
        for ((header, slice), name) in headers.iter_mut().zip(&mut slices).zip(&mut names) {
            header.msg_hdr.msg_iov = slice;
            header.msg_hdr.msg_iovlen = 1;
            if is_named {
                header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
                header.msg_hdr.msg_namelen = size_of::<sockaddr_in>() as u32;
            }
        }
        Self { octets, size, _names: names, slices, headers }
    }

    /// Receives datagrams, and says how many.
    pub(crate) fn receive(&mut self, socket: &UdpSocket, flags: c_int) -> Result<usize> {
        let (headers, count) = (self.headers.as_mut_ptr(), self.headers.len() as c_uint);
        // SAFETY: the headers point to octets and names that live and stay as long as they
        // do, and nothing else reads them during the call.
        count_of(unsafe {
            libc::recvmmsg(socket.as_raw_fd(), headers, count, flags, std::ptr::null_mut())
        })
    }

    /// Sends the first datagrams, and says how many went.
    pub(crate) fn send(&mut self, socket: &UdpSocket, count: usize) -> Result<usize> {
        assert!(count <= self.headers.len());
        let headers = self.headers.as_mut_ptr();
        // SAFETY: as in `receive`; there are so many headers.
        count_of(unsafe { libc::sendmmsg(socket.as_raw_fd(), headers, count as c_uint, 0) })
    }

    /// Sends the first datagrams back as they came.
    pub(crate) fn send_back(&mut self, socket: &UdpSocket, count: usize) -> Result<usize> {
        for (slice, header) in self.slices.iter_mut().zip(&self.headers).take(count) {
            slice.iov_len = header.msg_len as usize;
        }
        let sent = self.send(socket, count);
        self.slices[..count].iter_mut().for_each(|slice| slice.iov_len = self.size);
        sent
    }

    /// The octets of a datagram that was received.
    pub(crate) fn received(&self, at: usize) -> &[u8] {
        let length = (self.headers[at].msg_len as usize).min(self.size);
        &self.octets[at * self.size..][..length]
    }

    /// Writes a datagram that is to be sent, and gives its octets.
    pub(crate) fn write(&mut self, at: usize, datagram: &[u8]) -> &mut [u8] {
        self.slices[at].iov_len = datagram.len();
        let octets = &mut self.octets[at * self.size..][..datagram.len()];
        octets.copy_from_slice(datagram);
        octets
    }
}

/// When the datagram that was received last came to this socket, as the kernel saw it: how
/// late its reader was does not matter. The first call turns that on.
pub(crate) fn arrival(socket: &UdpSocket) -> Result<Duration> {
    let mut stamp = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: this request writes one timespec.
    count_of(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSTAMPNS, &raw mut stamp) })?;
    Ok(Duration::new(stamp.tv_sec as u64, stamp.tv_nsec as u32))
}

/// Lets this thread sleep to the microsecond: by default timers may be 50 µs late.
pub(crate) fn sleep_precisely() {
    // SAFETY: this request takes a number and changes how this thread's timers are grouped.
    count_of(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) }).unwrap();
}

/// A system call's count, or its error.
fn count_of(returned: c_int) -> Result<usize> {
    usize::try_from(returned).map_err(|_| Error::last_os_error())
}
