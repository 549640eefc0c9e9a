//! The requests of one connection, each answered in its network's turn.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tokio::time::{Instant, sleep_until, timeout};

use super::request::{MESSAGE_MAX, Requested, read};
use super::response::{DohReply, Response, refused, replied_with};
use crate::index::{Generation, ZoneNumber};
use crate::lock::Lock;
use crate::metrics::Staleness;
use crate::names::Share;
use crate::wire::full::Recipient;
use crate::wire::query_handler::{Handled, QueryHandler};
use crate::wire::tcp::{Awaited, Common, ConnectionSlot, HeldOctets, Later};
use crate::wire::{Origin, Path, Peer, Replied, View};

/// Octets that the room for replies keeps between two of them.
const KEPT: usize = 4096;
/// How long a client may take for a body.
const BODY: Duration = Duration::from_secs(5);
/// How long others are waited for: longer than the forwarder does.
const FOREIGN_WAIT: Duration = Duration::from_secs(5);
/// How long a connection may go without a new request, and without a reply taken, while there
/// is one under way: longer than a body and an answer of others take.
const PROGRESS: Duration = Duration::from_secs(15);
/// Requests of one connection; then its client comes back, perhaps elsewhere.
const REQUESTS_MAX: usize = 1_000_000;

/// One connection.
pub(super) struct HttpSession {
    /// The client.
    peer: Peer,
    /// What connections share.
    common: Common,
    /// Its place among them.
    place: ConnectionSlot,
    /// Answers, one question after the other. The lock is never held over an await.
    handler: Lock<QueryHandler>,
    /// When a request came or a reply was taken.
    active: Lock<Instant>,
    /// Requests under way: not answered, or their replies not taken.
    working: AtomicUsize,
    /// Requests so far.
    requests: AtomicUsize,
}

/// A request that is under way until this is dropped.
pub(super) struct UnderWay(Arc<HttpSession>);

/// The outcome of a question at once.
enum Begun {
    /// The reply.
    Reply(DohReply),
    /// Others make it.
    Awaited(Awaited),
}

impl HttpSession {
    /// A connection that nothing was asked on.
    pub(super) fn new(peer: Peer, common: Common, place: ConnectionSlot) -> Self {
        let handler = QueryHandler::new(common.responder.clone()).leaving_patterns();
        Self {
            peer,
            common,
            place,
            handler: Lock::new(handler),
            active: Lock::new(Instant::now()),
            working: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        }
    }

    /// Waits until nothing was asked or taken for too long, or enough was asked.
    pub(super) async fn quiet(&self) {
        loop {
            let idle = self.common.responder.policies().load().tcp.idle;
            let is_at_work = self.working.load(Ordering::Relaxed) > 0;
            let patience = if is_at_work { PROGRESS.max(idle) } else { idle };
            let end = *self.active.lock() + patience;
            if end <= Instant::now() {
                return self.place.time_out();
            }
            if self.requests.load(Ordering::Relaxed) >= REQUESTS_MAX {
                return;
            }
            sleep_until(end).await;
        }
    }

    /// Answers a request: with 200 whatever the code of the reply is.
    pub(super) async fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let under_way = self.begin();
        let is_head = request.method() == hyper::Method::HEAD;
        let reply = match self.message(request).await {
            Ok(message) => self.answer(message).await,
            Err(status) => Err(status),
        };
        let status = reply.as_ref().map_or_else(|status| *status, |_| StatusCode::OK);
        self.common.responder.counters().https.answer(status);
        Ok(reply.map_or_else(refused, |reply| replied_with(reply, is_head, under_way)))
    }

    /// A request has come.
    fn begin(self: &Arc<Self>) -> UnderWay {
        *self.active.lock() = Instant::now();
        self.place.touch();
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.working.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// The message of a request. Its head is let go before a body is waited for.
    async fn message(&self, request: Request<Incoming>) -> Result<HeldOctets, StatusCode> {
        let (head, body) = request.into_parts();
        let requested = read(&head);
        drop(head);
        match requested {
            Err(status) => {
                // Clients that still send take a stream that is closed for one that failed.
                let _ = timeout(BODY, discard(body)).await;
                Err(status)
            }
            Ok(Requested::Message(message)) => Ok(HeldOctets::new(message, self.place.account())),
            Ok(Requested::Body) => {
                let body = timeout(BODY, self.body(body)).await;
                body.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
            }
        }
    }

    /// The message in a body.
    async fn body(&self, mut body: Incoming) -> Result<HeldOctets, StatusCode> {
        let mut message = HeldOctets::new(Vec::new(), self.place.account());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
            let data = frame.data_ref().map_or(&[][..], |data| data);
            if message.len() + data.len() > MESSAGE_MAX {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            message.extend(data);
        }
        Ok(message)
    }

    /// Answers a message in its network's turn.
    async fn answer(&self, message: HeldOctets) -> Result<DohReply, StatusCode> {
        let turn = self.common.turns.next(Share::of(self.peer.ip())).await;
        let turn = turn.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let begun = self.ask(&message);
        // Sockets are looked at before the next has its turn, which is often on this thread.
        tokio::task::yield_now().await;
        drop((turn, message));
        match begun? {
            Begun::Reply(reply) => Ok(reply),
            Begun::Awaited(mut awaited) => {
                let later = timeout(FOREIGN_WAIT, awaited.next()).await.ok().flatten();
                self.take(later.ok_or(StatusCode::SERVICE_UNAVAILABLE)?)
            }
        }
    }

    /// Answers a message, or has others do so. What is no request has no answer.
    fn ask(&self, message: &[u8]) -> Result<Begun, StatusCode> {
        let (responder, now) = (&self.common.responder, Instant::now());
        let (generation, policy) = (responder.generation(), responder.policies().load());
        let view = View { generation: &generation, policy: &policy };
        let mut awaited = Awaited::new(1);
        let mut promise = || awaited.promise(&policy, now, self.place.account(), 0);
        let mut handler = self.handler.lock();
        match handler.answer(view, message, self.peer) {
            Handled::Silence => return Err(StatusCode::BAD_REQUEST),
            Handled::Reply(reply, path) => {
                let is_stale = self.count(view, path, reply, now)?;
                let reply = HeldOctets::new(reply.to_vec(), self.place.account());
                handler.shrink(KEPT);
                return Ok(Begun::Reply(DohReply { reply, is_stale }));
            }
            Handled::Foreign(asked) => {
                let promise = promise();
                let done = move |reply| promise.keep(reply, Path::Forwarded);
                handler.forward(Arc::clone(&policy), asked, message.into(), self.peer, done);
            }
            // Where it is lost, the promise says so.
            Handled::Pattern => {
                let to = Recipient::Stream(self.peer, promise());
                let _ = self.common.patterns.offer(message, to);
            }
        }
        Ok(Begun::Awaited(awaited))
    }

    /// Takes a reply of others.
    fn take(&self, Later { reply, by, since, .. }: Later) -> Result<DohReply, StatusCode> {
        let responder = &self.common.responder;
        let (reply, path) = reply.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let view = View { generation: &responder.generation(), policy: &by };
        let is_stale = self.count(view, path, &reply, since)?;
        Ok(DohReply { reply, is_stale })
    }

    /// Counts a reply, and says whether it is of a zone that is not what it was a while ago for
    /// certain. A server that ends leaves its failures to others.
    fn count(
        &self,
        view: View<'_>,
        path: Path,
        reply: &[u8],
        since: Instant,
    ) -> Result<bool, StatusCode> {
        let (responder, took) = (&self.common.responder, since.elapsed());
        let replied = Replied::read(view, self.peer.ip(), reply);
        if responder.withholds(replied.code) {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        responder.count(view.policy, (self.peer, path), reply, &replied, took);
        responder.counters().time(Origin::of(self.peer, path), 1, took);
        self.place.count(1);
        Ok(is_stale(view.generation, replied.topic.zone))
    }
}

/// Reads a body that nobody wants, as far as one may go that is wanted.
async fn discard(mut body: Incoming) {
    let mut room = MESSAGE_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let octets = frame.data_ref().map_or(0, |data| data.len());
        let Some(left) = room.checked_sub(octets) else { return };
        room = left;
    }
}

/// Whether what a zone says may be old: a client that sends no EDNS is not told so in the reply.
fn is_stale(generation: &Generation, zone: ZoneNumber) -> bool {
    let mut zones = generation.zones().iter();
    zones.any(|it| {
        let settings = it.settings();
        let is_old = || match settings.is_reverse() {
            true => generation.reverse_standing().0,
            false => it.standing() != Staleness::Fresh,
        };
        settings.counted_as() == zone && is_old()
    })
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.active.lock() = Instant::now();
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}
