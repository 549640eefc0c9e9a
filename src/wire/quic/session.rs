//! The queries of one connection, answered together in its network's turn.
//!
//! What a connection can hold of ours is bounded: as many queries and replies as it may have streams,
//! which are taken down like those of TCP. Whoever takes no replies, or ends no query, is closed; and so
//! is who takes queries back before they are answered, again and again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use quinn::{Connection, RecvStream, SendStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::fault::{DoqCode, DoqFault};
use super::stream::{StreamQuery, StreamStep, framed, made, receive, reply};
use crate::names::Share;
use crate::wire::full::{Recipient, has_keepalive};
use crate::wire::query_handler::{Handled, QueryHandler};
use crate::wire::tcp::{
    Awaited, Common, ConnectionSlot, FLUSH, HeldOctets, KEPT, Later, PREFIX, TURN,
};
use crate::wire::{Origin, Path, Peer, Policy, Replied, View};

/// How many queries one connection answers; then its client comes back, perhaps elsewhere.
const QUERIES_MAX: usize = 1_000_000;
/// Queries that a client may take back beyond as many as it had answers to: all that it may have at
/// once.
const TAKEN_BACK_MAX: usize = 100;
/// How long a connection that is to end may still take for what is under way.
const LAST: Duration = Duration::from_secs(1);
/// How long the runtime has to send what is said last, when the server ends.
const LAST_WORD: Duration = Duration::from_millis(20);

/// One connection.
struct DoqSession {
    connection: Connection,
    /// The client.
    peer: Peer,
    /// What connections share.
    common: Common,
    /// Its place among them.
    place: ConnectionSlot,
    /// Answers.
    handler: QueryHandler,
    /// Streams that wait for the client, or for others.
    streams: FuturesUnordered<BoxFuture<'static, StreamStep>>,
    /// Queries that wait for a turn.
    asked: VecDeque<StreamQuery>,
    /// How many queries had a reply.
    answered: usize,
    /// How many were taken back.
    taken_back: usize,
    /// When something came or was taken.
    active: Instant,
}

/// Serves a connection until its client is done, is too slow, or its place is taken.
pub(super) async fn serve(
    connection: Connection,
    peer: Peer,
    common: Common,
    place: ConnectionSlot,
) {
    let (close, shutdown) = (place.close.clone(), common.shutdown.clone());
    let counters = Arc::clone(common.responder.counters());
    let mut session = DoqSession::new(connection.clone(), peer, common, place);
    let ended = close.run_until_cancelled(session.converse()).await;
    let fault = ended.unwrap_or(Err(DoqFault::Evicted)).err();
    if fault.is_some_and(DoqFault::is_late) {
        session.place.time_out();
    }
    if connection.close_reason().is_some() {
        return;
    }
    let code = fault.map_or(DoqCode::NoError, DoqFault::code);
    let why = fault.map(|fault| fault.to_string()).unwrap_or_default();
    connection.close(code.into(), why.as_bytes());
    counters.quic.close(code);
    if fault.is_some() {
        tracing::debug!(client = %peer.address, "connection ended: {why}");
    }
    if shutdown.is_cancelled() {
        sleep(LAST_WORD).await;
    }
}

impl DoqSession {
    /// A connection that nothing was asked on.
    fn new(connection: Connection, peer: Peer, common: Common, place: ConnectionSlot) -> Self {
        let handler = QueryHandler::new(common.responder.clone()).leaving_patterns();
        Self {
            connection,
            peer,
            common,
            place,
            handler,
            streams: FuturesUnordered::new(),
            asked: VecDeque::new(),
            answered: 0,
            taken_back: 0,
            active: Instant::now(),
        }
    }

    /// Takes queries and answers them; when told to stop, those that have come.
    async fn converse(&mut self) -> Result<(), DoqFault> {
        while self.answered < QUERIES_MAX && (!self.asked.is_empty() || self.wait().await?) {
            self.gather()?;
            self.take_turn().await?;
        }
        timeout(LAST, self.finish()).await.unwrap_or(Ok(()))
    }

    /// Waits for what comes next; false at the end. Streams have their own time, and a connection
    /// without any may be idle for as long as others.
    async fn wait(&mut self) -> Result<bool, DoqFault> {
        let idle = self.common.responder.policies().load().tcp.idle;
        let (end, is_quiet) = (self.active + idle, self.streams.is_empty());
        let Self { connection, streams, common, .. } = self;
        tokio::select! {
            opened = connection.accept_bi() => match opened {
                Ok(opened) => self.open(opened),
                Err(_) => return Ok(false),
            },
            Ok(_) = connection.accept_uni() => return Err(DoqFault::Unidirectional),
            Some(step) = streams.next(), if !is_quiet => self.take_step(step)?,
            () = sleep_until(end), if is_quiet => {
                self.place.time_out();
                return Ok(false);
            }
            () = common.shutdown.cancelled() => return Ok(false),
        }
        Ok(true)
    }

    /// Takes all else that is here already.
    fn gather(&mut self) -> Result<(), DoqFault> {
        loop {
            if let Some(Ok(opened)) = self.connection.accept_bi().now_or_never() {
                self.open(opened);
            } else if let Some(step) = self.streams.next().now_or_never().flatten() {
                self.take_step(step)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Ends what is under way.
    async fn finish(&mut self) -> Result<(), DoqFault> {
        loop {
            self.gather()?;
            self.take_turn().await?;
            if !self.asked.is_empty() {
                continue;
            }
            match self.streams.next().await {
                Some(step) => self.take_step(step)?,
                None => return Ok(()),
            }
        }
    }

    /// The client has opened a stream.
    fn open(&mut self, (send, from): (SendStream, RecvStream)) {
        self.active = Instant::now();
        self.streams.push(receive(send, from, self.place.account()).boxed());
    }

    /// Something became of a stream.
    fn take_step(&mut self, step: StreamStep) -> Result<(), DoqFault> {
        self.active = Instant::now();
        match step {
            StreamStep::Asked(asked) => self.asked.push_back(asked),
            StreamStep::Made(send, later) => self.take(send, later),
            StreamStep::Done => {}
            StreamStep::TakenBack => {
                self.taken_back += 1;
                if self.taken_back > TAKEN_BACK_MAX + self.answered {
                    return Err(DoqFault::TakenBack);
                }
            }
            StreamStep::Fault(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Answers what can be in one turn, once it is this connection's, which is passed on after
    /// sockets were looked at and other tasks have run.
    async fn take_turn(&mut self) -> Result<(), DoqFault> {
        if self.asked.is_empty() {
            return Ok(());
        }
        self.place.touch();
        let turn = self.common.turns.next(Share::of(self.peer.ip())).await.ok_or(DoqFault::Busy)?;
        self.answer()?;
        tokio::task::yield_now().await;
        drop(turn);
        Ok(())
    }

    /// Answers queries, up to as many octets as others write at once, or for as long as a turn takes.
    fn answer(&mut self) -> Result<(), DoqFault> {
        let (mut octets, mut replies, now) = (0, [0; 2], Instant::now());
        let generation = self.common.responder.generation();
        let policy = Arc::clone(&self.common.responder.policies().load());
        let view = View { generation: &generation, policy: &policy };
        while octets < FLUSH
            && let Some(asked) = self.asked.pop_front()
        {
            let Some((path, length)) = self.answer_one(view, &policy, asked, now)? else {
                continue;
            };
            (octets, replies[path as usize]) = (octets + length, replies[path as usize] + 1);
            // Ready-made replies are bounded by their octets, without a look at the clock.
            if path != Path::Fast && now.elapsed() >= TURN {
                self.place.cut_turn();
                break;
            }
        }
        let (took, counters) = (now.elapsed(), self.common.responder.counters());
        for (path, replies) in [Path::Fast, Path::Full].into_iter().zip(replies) {
            counters.time(Origin::of(self.peer, path), replies, took);
        }
        self.handler.shrink(KEPT);
        Ok(())
    }

    /// Answers a query, or has others do so. Gives by which path it was answered, and the octets of
    /// the reply.
    fn answer_one(
        &mut self,
        view: View<'_>,
        policy: &Arc<Policy>,
        asked: StreamQuery,
        now: Instant,
    ) -> Result<Option<(Path, usize)>, DoqFault> {
        let (message, from) = (asked.message(), self.peer);
        check(view, message, from)?;
        let mut awaited = Awaited::new(1);
        let account = self.place.account();
        match self.handler.answer(view, message, from) {
            Handled::Silence => return Err(DoqFault::NoQuery),
            Handled::Reply(octets, path) => {
                let octets = framed(octets, account);
                let length = octets.len();
                let is_sent = self.send(view, (asked.send, octets), path, now);
                return Ok(is_sent.then_some((path, length)));
            }
            Handled::Foreign(question) => {
                let promise = awaited.promise(policy, now, account, 0);
                let done = move |reply| promise.keep(reply, Path::Forwarded);
                self.handler.forward(Arc::clone(policy), question, message.into(), from, done);
            }
            // Where it is lost, the promise says so.
            Handled::Pattern => {
                let promise = awaited.promise(policy, now, account, 0);
                let _ = self.common.patterns.offer(message, Recipient::Stream(from, promise));
            }
        }
        self.streams.push(made(asked.send, awaited).boxed());
        Ok(None)
    }

    /// Takes a reply that others have made; where it never comes, there is too much to do.
    fn take(&mut self, mut send: SendStream, later: Option<Later>) {
        let made = later.and_then(|it| it.reply.map(|reply| (reply, it.by, it.since)));
        let Some(((octets, path), by, since)) = made else {
            let _ = send.reset(DoqCode::InternalError.into());
            return;
        };
        let generation = self.common.responder.generation();
        let view = View { generation: &generation, policy: &by };
        let octets = framed(&octets, self.place.account());
        if self.send(view, (send, octets), path, since) {
            let origin = Origin::of(self.peer, path);
            self.common.responder.counters().time(origin, 1, since.elapsed());
        }
    }

    /// Counts a reply and sends it. A server that ends leaves its failures to others; false then.
    fn send(
        &mut self,
        view: View<'_>,
        (mut send, octets): (SendStream, HeldOctets),
        path: Path,
        since: Instant,
    ) -> bool {
        let (responder, message) = (&self.common.responder, &octets[PREFIX..]);
        let replied = Replied::read(view, self.peer.ip(), message);
        if responder.withholds(replied.code) {
            let _ = send.reset(DoqCode::InternalError.into());
            return false;
        }
        responder.count(view.policy, (self.peer, path), message, &replied, since.elapsed());
        self.place.count(1);
        self.answered += 1;
        self.streams.push(reply(send, octets).boxed());
        true
    }
}

/// Checks what a message must not be over QUIC (RFC 9250 sections 4.2.1 and 5.5.2).
fn check(view: View<'_>, message: &[u8], from: Peer) -> Result<(), DoqFault> {
    match message {
        [0, 0, ..] if has_keepalive(message, view.policy.may_query(from.ip())) => {
            Err(DoqFault::Keepalive)
        }
        [] | [_] | [0, 0, ..] => Ok(()),
        _ => Err(DoqFault::Id),
    }
}
