//! DNS over HTTPS: each question is the body of a POST, on a stream of its own of HTTP/2.
//!
//! Questions are handed over in turns: one head after the other and the bodies behind them, as
//! hyper sends many at once, looks like a flood to BIND (9.18.49). It reads nothing more from the
//! connection then, and answers nothing on it.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;

use super::{Channel, IDLE, IN_FLIGHT, SecureQuery};
use crate::forward::DEADLINE;

/// What is sent and awaited.
const MEDIA_TYPE: &str = "application/dns-message";
/// Octets of a reply: what one over TCP may have.
const BODY: usize = 65_535;
/// Octets of a reply's header lines.
const HEAD: u32 = 16 << 10;
/// How often a connection is tried with which questions wait, and how long it may keep silent:
/// together so much less than a question waits that it is asked on another connection in time.
const PING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(1500));

/// A question, as the body of a request that has its turn until it is taken.
struct QuestionBody {
    /// The message, until it is taken.
    octets: Option<Bytes>,
    /// The turn, until then.
    turn: Option<OwnedSemaphorePermit>,
}

/// Carries questions until there are none for a while, or the connection ends.
pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    path: &str,
    channel: &Channel,
    queries: &mut mpsc::Receiver<SecureQuery>,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_header_list_size(HEAD);
    builder.keep_alive_interval(PING.0).keep_alive_timeout(PING.1);
    let (sender, connection) = match builder.handshake(TokioIo::new(stream)).await {
        Ok(made) => made,
        Err(fault) => return channel.complain(format!("it does not speak HTTP/2: {fault}")),
    };
    let url = url(channel, path);
    let (mut connection, mut running) = (pin!(connection), FuturesUnordered::new());
    let (mut used, turns) = (Instant::now(), Arc::new(Semaphore::new(1)));
    loop {
        tokio::select! {
            query = queries.recv(), if running.len() < IN_FLIGHT => {
                let Some(query) = query else { return };
                let ways = (sender.clone(), Arc::clone(&turns));
                running.push(carry(ways, &url, channel, query));
            }
            Some(()) = running.next() => used = Instant::now(),
            _ = &mut connection => return,
            () = sleep_until(used + IDLE), if running.is_empty() => return,
        }
    }
}

/// The url that is asked.
fn url(channel: &Channel, path: &str) -> String {
    let encryption = channel.server.encryption.as_ref();
    let authority = encryption.map(|it| it.authority(channel.server.at)).unwrap_or_default();
    format!("https://{authority}{path}")
}

/// Sends a question and hands on what is said.
async fn carry(
    (sender, turns): (SendRequest<QuestionBody>, Arc<Semaphore>),
    url: &str,
    channel: &Channel,
    query: SecureQuery,
) {
    let SecureQuery { mut octets, reply, _place } = query;
    octets[..2].fill(0);
    match timeout(DEADLINE, post(sender, turns, url, octets)).await {
        Ok(Ok(octets)) => {
            channel.praise();
            let _ = reply.send(Ok(octets));
        }
        Ok(Err(PostFault::Said(fault))) => {
            channel.complain(fault);
            let _ = reply.send(Err(()));
        }
        // Whoever asks hears of it, and may ask on another connection.
        Ok(Err(PostFault::Cut)) | Err(_) => {}
    }
}

/// The reason that there is no reply.
enum PostFault {
    /// The connection, or the stream, ended.
    Cut,
    /// It says something that is none.
    Said(String),
}

/// What a message is replied with.
async fn post(
    mut sender: SendRequest<QuestionBody>,
    turns: Arc<Semaphore>,
    url: &str,
    octets: Vec<u8>,
) -> Result<Vec<u8>, PostFault> {
    let cut = |_| PostFault::Cut;
    let turn = turns.acquire_owned().await.map_err(|_| PostFault::Cut)?;
    let request = Request::post(url)
        .header(CONTENT_TYPE, MEDIA_TYPE)
        .header(ACCEPT, MEDIA_TYPE)
        .body(QuestionBody { octets: Some(octets.into()), turn: Some(turn) });
    let request = request.map_err(|fault| PostFault::Said(format!("{url}: {fault}")))?;
    sender.ready().await.map_err(cut)?;
    let response = sender.send_request(request).await.map_err(cut)?;
    check(&response).map_err(PostFault::Said)?;
    let body = Limited::new(response.into_body(), BODY).collect().await;
    let octets = body.map_err(|_| PostFault::Cut)?.to_bytes().to_vec();
    match octets.first_chunk() {
        Some([0, 0]) => Ok(octets),
        _ => Err(PostFault::Said("its reply has another id than the query".to_owned())),
    }
}

/// Checks that a response has a message in it.
fn check<B>(response: &Response<B>) -> Result<(), String> {
    if response.status() != StatusCode::OK {
        return Err(format!("it answers {} there; check the path", response.status()));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind.is_none_or(|kind| !kind.eq_ignore_ascii_case(MEDIA_TYPE)) {
        return Err(format!("what it answers there is no {MEDIA_TYPE}; check the path"));
    }
    Ok(())
}

impl Body for QuestionBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.turn = None;
        Poll::Ready(self.octets.take().map(|octets| Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.octets.as_ref().map_or(0, |octets| octets.len() as u64))
    }
}
