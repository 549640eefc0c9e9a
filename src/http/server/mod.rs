//! The machinery under every endpoint: connections and their limits, TLS, who may ask, what is
//! read of a request and how it is refused.
//!
//! There are so many connections at once, each with so long to ask.

pub(super) mod access;
mod connections;
pub(super) mod extract;
pub(super) mod guards;
pub(super) mod heavy;
pub(super) mod place;
pub(super) mod refusal;
pub(super) mod samples;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::access::Access;
use self::connections::{CONNECTIONS_MAX, Connections};
use self::place::{CONNECTION_LIFE, Impatient, Place, UNREAD_TIMEOUT};
use self::tls::Tls;
use crate::names::Span;

/// Places that must be free for a connection to be kept after a reply: ten thousand clients
/// that renew every five seconds, and keep a connection meanwhile, would leave no place to
/// each other.
const FREE_TO_KEEP: usize = CONNECTIONS_MAX / 2;
/// How long a client may take to send the head of a request, also between two of them: a
/// probe's and a scraper's next one comes sooner, or opens another connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Fields in the head of a request: more than any browser sends.
const FIELDS_MAX: usize = 64;
/// Octets of the head of a request and of what is buffered of it; hyper's least.
const BUFFER_OCTETS: usize = 8192;
/// The wait after a connection could not be accepted, for want of descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take to begin TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers every connection, for as long as it is polled.
pub(super) async fn run(listener: TcpListener, routes: Router, access: Arc<Access>) -> Infallible {
    let tls = Tls::new(Arc::clone(&access));
    let places = Connections::new(CONNECTIONS_MAX);
    let mut connections = JoinSet::new();
    loop {
        let (stream, client) = accept(&listener).await;
        let place = places.admit(client.ip()).await;
        let routes = routes.clone();
        let tls = access.rules().certificate.as_ref().map(|_| tls.clone());
        connections.spawn(serve(stream, tls, routes, place));
        while connections.try_join_next().is_some() {}
    }
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                notice_loss(&stream);
                return (stream, client);
            }
            Err(error) => {
                tracing::debug!("an HTTP connection was not accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Has the system give up a client that is gone without a word, or does not read, as soon as
/// what was sent has been on its way for too long.
fn notice_loss(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT)) {
        tracing::debug!("an HTTP connection is watched less closely: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
}

/// Serves a connection until it ends or another gets its place.
async fn serve(stream: TcpStream, tls: Option<Tls>, routes: Router, place: Place) {
    tokio::select! {
        () = begin(stream, tls, routes, place.clone()) => (),
        () = place.closed() => (),
    }
}

/// Begins TLS, where that is spoken, and answers.
async fn begin(stream: TcpStream, tls: Option<Tls>, routes: Router, place: Place) {
    let Some(tls) = tls else { return answer(stream, routes, place).await };
    match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => answer(stream, routes, place).await,
        Ok(Err(error)) => tracing::debug!("an HTTP client did not begin TLS: {error}"),
        Err(_) => {
            tracing::debug!("an HTTP client took over {} to begin TLS", Span(HANDSHAKE_TIMEOUT));
        }
    }
}

/// Answers the requests of one connection. Each request finds its place among what was sent
/// with it.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, routes: Router, place: Place) {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(FIELDS_MAX)
        .max_buf_size(BUFFER_OCTETS);
    let routes = TowerToHyperService::new(routes);
    let (own, end) = (place.clone(), place.clone().expired());
    let service = service_fn(move |mut request: Request<Incoming>| {
        own.work();
        request.extensions_mut().insert(own.clone());
        let (own, reply) = (own.clone(), routes.call(request));
        async move {
            let mut reply = reply.await?;
            own.rest();
            if own.is_wanted(FREE_TO_KEEP) {
                reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(reply)
        }
    });
    let served = protocol.serve_connection(TokioIo::new(Impatient::new(stream, place)), service);
    tokio::select! {
        // However it ended, its place is free from now on.
        ended = served => if let Err(error) = ended {
            tracing::debug!("an HTTP connection ended: {error}");
        },
        () = end => {
            tracing::debug!("an HTTP connection was closed after {}", Span(CONNECTION_LIFE));
        }
    }
}
