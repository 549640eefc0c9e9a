//! Datagrams: one loop per socket, one query at a time, nothing queued but in the kernel.
//!
//! A socket that is bound to every address of the machine is asked at one of them, and
//! must reply from that very one, or the client takes the reply for a stranger's. So each
//! datagram is read with the address it was sent to, and its reply is sent from there.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::Socket;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Responder, Transport};

/// Octets of a datagram that are looked at. A query has one question of at most 259 and an
/// OPT record; what is longer than this is cut, and so a format error.
const REQUEST_MAX: usize = 4096;
/// Octets of a buffer. The kernel may hand over datagrams of one client as one piece
/// (GRO), of as many octets as an IP packet can have. What is not used stays unmapped.
const BUFFER: usize = 64 * 1024;
/// Buffers that one system call may fill: more of them hardly save any more time.
const BATCH: usize = 32;
/// How long a socket that reports an error is left alone. Such errors (an ICMP message, a
/// lack of memory) pass; without a pause one that does not would take a whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// Datagrams that are still answered after the end: those that had come before it.
const LAST: usize = 1024;
/// How long these are waited for.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// One socket and what answers on it.
pub(super) struct Worker {
    /// The socket.
    socket: UdpSocket,
    /// How to read and send with addresses on it.
    state: UdpSocketState,
    /// Answers.
    responder: Responder,
    /// The reply to one query.
    reply: Vec<u8>,
}

/// Who asked, and where.
#[derive(Debug, Clone, Copy)]
struct Route {
    /// The client.
    client: SocketAddr,
    /// The address of ours that was asked, as far as the system says.
    asked: Option<IpAddr>,
}

impl Worker {
    /// A worker on a bound socket.
    ///
    /// # Errors
    /// [`io::Error`] when the runtime cannot take the socket, or the system does not tell
    /// which address a datagram was sent to.
    pub(super) fn new(socket: Socket, responder: Responder) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state, responder, reply: Vec::with_capacity(REQUEST_MAX) })
    }

    /// Answers datagrams until told to stop, and then those that had come by then.
    pub(super) async fn serve(mut self, shutdown: CancellationToken) {
        let mut octets = vec![0; BATCH * BUFFER];
        let mut buffers: Vec<_> = octets.chunks_mut(BUFFER).map(IoSliceMut::new).collect();
        let mut metas = [RecvMeta::default(); BATCH];
        while let Some(received) =
            shutdown.run_until_cancelled(self.receive(&mut buffers, &mut metas)).await
        {
            match received {
                Ok(filled) => self.answer(&buffers, &metas[..filled]).await,
                Err(fault) => pause(&fault).await,
            };
        }
        let (end, mut answered) = (Instant::now() + LAST_WAIT, 0);
        while answered < LAST {
            let received = timeout_at(end, self.receive(&mut buffers, &mut metas)).await;
            let Ok(Ok(filled)) = received else { break };
            answered += self.answer(&buffers, &metas[..filled]).await;
        }
    }

    /// Reads what is there; how many buffers were filled.
    async fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        let read = || self.state.recv((&self.socket).into(), buffers, metas);
        self.socket.async_io(Interest::READABLE, read).await
    }

    /// Answers every datagram of the filled buffers; how many there were.
    async fn answer(&mut self, buffers: &[IoSliceMut<'_>], metas: &[RecvMeta]) -> usize {
        let mut count = 0;
        for (buffer, meta) in buffers.iter().zip(metas) {
            let route = Route { client: meta.addr, asked: meta.dst_ip };
            for datagram in datagrams(&buffer[..meta.len], meta.stride) {
                count += 1;
                if self.respond(datagram, route.client) {
                    self.send(route).await;
                }
            }
        }
        count
    }

    /// Makes the reply to a datagram, if there is any.
    fn respond(&mut self, datagram: &[u8], client: SocketAddr) -> bool {
        let request = &datagram[..datagram.len().min(REQUEST_MAX)];
        self.responder.respond(request, client, Transport::Udp, &mut self.reply)
    }

    /// Sends the reply from where the query was sent to. One that cannot be sent is lost,
    /// as any datagram may be; so is the reply to a broadcast, which no host can send from.
    async fn send(&self, Route { client, asked }: Route) {
        let transmit = Transmit {
            destination: client,
            ecn: None,
            contents: &self.reply,
            segment_size: None,
            src_ip: asked,
        };
        let write = || self.state.try_send((&self.socket).into(), &transmit);
        if let Err(fault) = self.socket.async_io(Interest::WRITABLE, write).await {
            tracing::debug!(%client, "reply not sent: {fault}");
        }
    }
}

/// The datagrams that one buffer holds: all of one size, but for the last.
fn datagrams(octets: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    // An empty datagram has the size 0; there is nothing in it to be answered.
    octets.chunks(size.max(1))
}

/// Waits a little after an error.
async fn pause(fault: &io::Error) -> usize {
    tracing::debug!("datagram not received: {fault}");
    tokio::time::sleep(ERROR_PAUSE).await;
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(octets: usize, size: usize) -> Vec<usize> {
        datagrams(&vec![0; octets], size).map(<[u8]>::len).collect()
    }

    #[test]
    fn a_buffer_is_cut_into_its_datagrams() {
        assert_eq!(sizes(40, 40), [40]);
        assert_eq!(sizes(100, 40), [40, 40, 20]);
        assert_eq!(sizes(0, 0), [0; 0]);
    }
}
