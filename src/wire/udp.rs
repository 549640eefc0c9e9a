//! Datagrams: one loop per socket, one query at a time, nothing queued but in the kernel.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Responder, Transport};

/// Octets of a datagram that are read. A query has one question of at most 259 and an OPT
/// record; what is longer than this is cut by the kernel, and so a format error.
const REQUEST_MAX: usize = 4096;
/// How long a socket that reports an error is left alone. Such errors (an ICMP message, a
/// lack of memory) pass; without a pause one that does not would take a whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// Datagrams that are still answered after the end: those that had come before it.
const LAST: usize = 1024;
/// How long these are waited for.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// Answers datagrams until told to stop, and then those that had come by then.
pub(super) async fn serve(socket: UdpSocket, responder: Responder, shutdown: CancellationToken) {
    let (mut request, mut reply) = (vec![0; REQUEST_MAX], Vec::with_capacity(REQUEST_MAX));
    while let Some(received) = shutdown.run_until_cancelled(socket.recv_from(&mut request)).await {
        match received {
            Ok((octets, source)) => {
                if responder.respond(&request[..octets], source, Transport::Udp, &mut reply) {
                    send(&socket, &reply, source).await;
                }
            }
            Err(fault) => pause(&fault).await,
        }
    }
    let end = Instant::now() + LAST_WAIT;
    for _ in 0..LAST {
        let Ok(Ok((octets, source))) = timeout_at(end, socket.recv_from(&mut request)).await else {
            break;
        };
        if responder.respond(&request[..octets], source, Transport::Udp, &mut reply) {
            send(&socket, &reply, source).await;
        }
    }
}

/// Sends a reply. One that cannot be sent is lost, as any datagram may be.
async fn send(socket: &UdpSocket, reply: &[u8], client: SocketAddr) {
    if let Err(fault) = socket.send_to(reply, client).await {
        tracing::debug!(%client, "reply not sent: {fault}");
    }
}

/// Waits a little after an error.
async fn pause(fault: &io::Error) {
    tracing::debug!("datagram not received: {fault}");
    tokio::time::sleep(ERROR_PAUSE).await;
}
