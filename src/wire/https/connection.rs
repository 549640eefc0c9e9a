//! One connection of HTTP, by hyper. What it can hold is bounded: streams, heads, bodies, replies
//! that nobody takes; and so is what it can have done: requests that are taken back before they
//! are looked at end it (CVE-2023-44487), and each question waits for its network's turn.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::PROTOCOLS;
use super::session::HttpSession;
use crate::wire::Peer;
use crate::wire::tcp::{Common, ConnectionSlot};

/// Requests of a connection that are answered at once.
const STREAMS: u32 = 100;
/// Requests that a client may take back before they were looked at, or have refused as no HTTP; one
/// more ends the connection.
const RESETS: usize = 20;
/// Octets of the head of a request: a question in base64 with what browsers say of themselves.
const HEAD_OCTETS: u32 = 8192;
/// Fields of it.
const FIELDS: usize = 64;
/// Octets of bodies that a client may send before they are read, and of a reply that are made
/// ready to be sent.
const WINDOW: u32 = 65_536;
/// How long a connection that is to end may still take for what is under way.
const LAST: Duration = Duration::from_secs(2);

/// Serves a connection until its client is done, is too slow, or its place is taken.
pub(in crate::wire) async fn serve(
    stream: TlsStream<TcpStream>,
    peer: Peer,
    common: Common,
    place: ConnectionSlot,
) {
    let is_second = stream.get_ref().1.alpn_protocol() == Some(PROTOCOLS[0]);
    let (close, shutdown) = (place.close.clone(), common.shutdown.clone());
    let session = Arc::new(HttpSession::new(peer, common, place));
    let (io, own) = (TokioIo::new(stream), Arc::clone(&session));
    let service = service_fn(move |request| Arc::clone(&own).respond(request));
    let ending = shutdown.run_until_cancelled(session.quiet());
    let served = async {
        if is_second {
            let connection = second().serve_connection(io, service);
            drive(connection, |it| it.graceful_shutdown(), ending).await
        } else {
            let connection = first().serve_connection(io, service);
            drive(connection, |it| it.graceful_shutdown(), ending).await
        }
    };
    if let Some(Err(fault)) = close.run_until_cancelled(served).await {
        tracing::debug!(client = %peer.address, "connection ended: {fault}");
    }
}

/// Drives a connection to its end; once that is asked for, to the end of what is under way.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    end: impl FnOnce(Pin<&mut C>),
    ending: impl Future,
) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = ending => {}
    }
    end(connection.as_mut());
    timeout(LAST, connection).await.unwrap_or(Ok(()))
}

/// HTTP/1.1, within bounds. A head that never ends is that of a client that asks nothing, for which
/// the session has a bound. Replies are written from where they are, and counted until then.
fn first() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(None);
    protocol.max_headers(FIELDS).max_buf_size(HEAD_OCTETS as usize).writev(true);
    protocol
}

/// HTTP/2, within bounds.
fn second() -> http2::Builder<TokioExecutor> {
    let mut protocol = http2::Builder::new(TokioExecutor::new());
    protocol
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_OCTETS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(WINDOW as usize);
    protocol
}
