//! Connections: framed messages, answered as fast as they are read (RFC 7766), the same over TCP
//! and over TLS on it (RFC 7858). Those that
//! others must be asked for are answered when these have said something, and the ones
//! behind them before that.
//!
//! What a connection can hold of ours is bounded: one message that is not whole yet, about
//! [`FLUSH`] octets of replies, and [`FOREIGN`] questions for others. While these are not
//! taken, nothing more is read. It is taken down what it holds, and what all hold is bounded,
//! too (`connections`); buffers that were large are given back.
//!
//! What it can take of others' time is bounded too. A reply over TCP can cost a thousand
//! times what one over UDP does, so connections have threads of their own, where neither
//! datagrams nor the mirror wait for them; and among themselves client networks take turns
//! (`turns`), one connection answering about [`FLUSH`] octets or for about [`TURN`] at a time.
//! What can mean much of a zone takes as long as hundreds of other replies, and is made by the
//! thread that makes them for datagrams; its connection waits for it, and others do not.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::accept::Common;
use super::connections::ConnectionSlot;
use super::framing::{KEPT, PREFIX, READ, end_of_stream, frame, send, shrink, whole_message};
use super::later::{Awaited, Later};
use super::turns::Turns;
use crate::index::Generation;
use crate::names::Share;
use crate::wire::full::{Queue, Recipient};
use crate::wire::listen::TCP_BUFFER;
use crate::wire::proxy::{STRANGER, begins_with_header};
use crate::wire::query_handler::{Handled, QueryHandler};
use crate::wire::{Origin, Path, Peer, Policy, ProxyOutcome, Replied, Responder, View};

/// How long a message may take from its first octet to its last.
const MESSAGE: Duration = Duration::from_secs(5);
/// How long a client may take no replies.
const WRITE: Duration = Duration::from_secs(5);
/// How many queries one connection answers: a client that never ends comes back, and a
/// load balancer can then send it elsewhere.
const QUERIES_MAX: u32 = 1_000_000;
/// Octets of replies that are written at once.
pub(in crate::wire) const FLUSH: usize = 16 * 1024;
/// How long a connection answers before others have their turn. Most replies take some
/// microseconds; one that takes longer than this ends the turn that it is in.
pub(in crate::wire) const TURN: Duration = Duration::from_millis(1);
/// Octets that are still read when told to stop: what the client had sent before.
const LAST: usize = 64 * 1024;
/// How long these are waited for.
const LAST_WAIT: Duration = Duration::from_millis(50);
/// How long others are waited for: longer than the forwarder does.
const FOREIGN_WAIT: Duration = Duration::from_secs(5);
/// Questions of one connection that others are asked at once.
const FOREIGN: usize = 64;

/// One connection.
pub(super) struct Connection<S> {
    /// The socket, or TLS on it.
    stream: S,
    /// The client.
    peer: Peer,
    /// Answers.
    handler: QueryHandler,
    /// Counts.
    responder: Responder,
    /// What was read and not answered yet.
    input: Vec<u8>,
    /// Replies with their lengths, not written yet.
    output: Vec<u8>,
    /// How many of them there are.
    replies: usize,
    /// How many queries were taken.
    answered: u32,
    /// How long the client may say nothing.
    idle: Duration,
    /// When the next octets must have come.
    deadline: Instant,
    /// Whether nothing more is to be read.
    ending: bool,
    /// Replies that it waits for.
    awaited: Awaited,
    /// Octets of a message that another thread answers; nothing more is answered meanwhile.
    lent: usize,
    /// Where such messages go.
    patterns: Queue,
    /// Whose turn it is to answer.
    turns: Arc<Turns>,
    /// Told to stop.
    shutdown: CancellationToken,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection that nothing was read from.
    pub(super) fn new(stream: S, peer: Peer, common: &Common) -> Self {
        let Common { responder, turns, patterns, shutdown, .. } = common;
        let idle = responder.policies().load().tcp.idle;
        Self {
            stream,
            peer,
            handler: QueryHandler::new(responder.clone()).leaving_patterns(),
            responder: responder.clone(),
            input: Vec::new(),
            output: Vec::new(),
            replies: 0,
            answered: 0,
            idle,
            deadline: Instant::now() + idle,
            ending: false,
            awaited: Awaited::new(FOREIGN),
            lent: 0,
            patterns: patterns.clone(),
            turns: Arc::clone(turns),
            shutdown: shutdown.clone(),
        }
    }

    /// Answers until the client is done, too slow, or its place is taken.
    pub(super) async fn serve(mut self, mut place: ConnectionSlot) {
        let close = place.close.clone();
        let end = close.run_until_cancelled(self.converse(&mut place)).await;
        if let Some(Err(fault)) = end {
            if fault.kind() == io::ErrorKind::TimedOut {
                place.time_out();
            }
            tracing::debug!(client = %self.peer.address, "connection ended: {fault}");
        }
        // Under TLS it is said that this is the end; whoever takes nothing is not waited for.
        let _ = self.stream.shutdown().now_or_never();
    }

    /// Reads and answers in turn. When told to stop, what has come is answered first.
    async fn converse(&mut self, place: &mut ConnectionSlot) -> io::Result<()> {
        while !self.ending && self.read().await? {
            self.refuse_stranger()?;
            place.touch();
            place.hold(self.held());
            self.reply(place).await?;
        }
        while self.receive().await {
            self.reply(place).await?;
        }
        Ok(())
    }

    /// Ends a connection whose first message is a PROXY header of somebody who is not believed.
    fn refuse_stranger(&self) -> io::Result<()> {
        if self.answered > 0 || !begins_with_header(&self.input) {
            return Ok(());
        }
        let counters = self.responder.counters();
        counters.proxy.count(self.peer.transport, ProxyOutcome::Stranger, 1);
        Err(io::Error::other(STRANGER))
    }

    /// Answers what can be, and writes the replies.
    async fn reply(&mut self, place: &mut ConnectionSlot) -> io::Result<()> {
        loop {
            let is_used = self.take_turn(place).await?;
            if !self.output.is_empty() {
                place.count(std::mem::take(&mut self.replies));
                self.write(place).await?;
            }
            if !is_used {
                return Ok(());
            }
        }
    }

    /// Answers what can be in one turn, once it is this connection's; false if there is nothing.
    /// The turn is passed on after sockets were looked at and other tasks have run: the runtime
    /// would go on with whoever has it next, and new connections and replies would wait for
    /// several turns of others.
    async fn take_turn(&mut self, place: &ConnectionSlot) -> io::Result<bool> {
        if !self.has_room() || whole_message(&self.input).is_none() {
            return Ok(false);
        }
        let turn = self.turns.next(Share::of(self.peer.ip())).await;
        let turn = turn.ok_or_else(|| io::Error::other("too many connections wait for a turn"))?;
        self.answer(place);
        tokio::task::yield_now().await;
        drop(turn);
        Ok(true)
    }

    /// Waits for a reply that others were asked for; false if there is none to come. They
    /// have less time than is waited here.
    async fn receive(&mut self) -> bool {
        if self.awaited.count() == 0 {
            return false;
        }
        let later = timeout(FOREIGN_WAIT, self.awaited.next()).await.ok().flatten();
        later.map(|later| self.take(later)).is_some()
    }

    /// Reads some octets, or takes a reply of others; false at the end. Nothing is read
    /// while others are asked for as much as they may be, or another thread answers.
    async fn read(&mut self) -> io::Result<bool> {
        if self.awaited.count() == FOREIGN || self.lent > 0 {
            return Ok(self.receive().await);
        }
        self.input.reserve(READ);
        let fresh = self.input.is_empty();
        // Who waits for others is not idle.
        let others = (self.awaited.count() > 0).then(|| Instant::now() + FOREIGN_WAIT);
        let deadline = self.deadline.max(others.unwrap_or(self.deadline));
        let Self { stream, input, awaited, shutdown, .. } = self;
        let read = shutdown.run_until_cancelled(stream.read_buf(input));
        let octets = tokio::select! {
            read = timeout_at(deadline, read) => match read? {
                Some(octets) => end_of_stream(octets)?,
                None => self.read_last().await,
            },
            Some(later) = awaited.next() => {
                self.take(later);
                return Ok(true);
            }
        };
        if fresh {
            self.deadline = Instant::now() + MESSAGE;
        }
        Ok(octets > 0)
    }

    /// Reads what was sent before the end, and is here or nearly so.
    async fn read_last(&mut self) -> usize {
        self.ending = true;
        let (before, end) = (self.input.len(), Instant::now() + LAST_WAIT);
        while self.input.len() - before < LAST
            && matches!(timeout_at(end, self.stream.read_buf(&mut self.input)).await, Ok(Ok(1..)))
        {
            self.input.reserve(READ);
        }
        self.input.len() - before
    }

    /// Answers whole messages, up to a buffer full of replies, or for as long as a turn takes.
    fn answer(&mut self, place: &ConnectionSlot) {
        let (mut used, now) = (0, Instant::now());
        let mut replies = [0; 2];
        let generation = self.handler.responder().generation();
        let policy = self.handler.responder().policies().load();
        self.idle = policy.tcp.idle;
        let input = std::mem::take(&mut self.input);
        while let Some(message) = whole_message(&input[used..]).filter(|_| self.has_room()) {
            used += PREFIX + message.len();
            self.answered += 1;
            let path = self.answer_one(&generation, &policy, message, (now, place));
            if let Some(path) = path {
                replies[path as usize] += 1;
            }
            // Ready-made replies are bounded by their octets, without a look at the clock.
            if path != Some(Path::Fast) && now.elapsed() >= TURN {
                place.cut_turn();
                break;
            }
        }
        self.time(replies, now);
        self.input = input;
        self.input.drain(..used);
        shrink(&mut self.input);
        self.handler.shrink(KEPT);
        self.ending |= self.answered >= QUERIES_MAX;
        if used > 0 {
            let wait = if self.input.is_empty() { self.idle } else { MESSAGE };
            self.deadline = Instant::now() + wait;
        }
    }

    /// Octets of memory that it holds, beside replies of others that are not taken yet.
    const fn held(&self) -> usize {
        self.input.capacity() + self.output.capacity() + self.lent
    }

    /// Whether another message can be answered.
    const fn has_room(&self) -> bool {
        self.output.len() < FLUSH && self.awaited.count() < FOREIGN && self.lent == 0
    }

    /// Counts how long replies took, those of the fast and those of the full path: as long as
    /// all that are written together.
    fn time(&self, replies: [usize; 2], since: Instant) {
        let took = since.elapsed();
        for (path, replies) in [Path::Fast, Path::Full].into_iter().zip(replies) {
            let origin = Origin::of(self.peer, path);
            self.responder.counters().time(origin, replies, took);
        }
    }

    /// Answers a message, or lets others be asked. Gives by which path it was answered.
    fn answer_one(
        &mut self,
        generation: &Generation,
        policy: &Arc<Policy>,
        message: &[u8],
        (now, place): (Instant, &ConnectionSlot),
    ) -> Option<Path> {
        let (view, from) = (View { generation, policy }, self.peer);
        match self.handler.answer(view, message, from) {
            Handled::Silence => None,
            Handled::Reply(reply, path) => {
                let replied = Replied::read(view, from.ip(), reply);
                if self.responder.withholds(replied.code) {
                    self.ending = true;
                    return None;
                }
                let took = now.elapsed();
                self.responder.count(policy, (from, path), reply, &replied, took);
                frame(reply, &mut self.output);
                self.replies += 1;
                Some(path)
            }
            Handled::Foreign(asked) => {
                let promise = self.awaited.promise(policy, now, place.account(), 0);
                let done = move |reply| promise.keep(reply, Path::Forwarded);
                self.handler.forward(Arc::clone(policy), asked, message.into(), from, done);
                None
            }
            Handled::Pattern => {
                self.lent = message.len();
                let promise = self.awaited.promise(policy, now, place.account(), self.lent);
                // Where it is lost, the promise says so.
                let _ = self.patterns.offer(message, Recipient::Stream(self.peer, promise));
                None
            }
        }
    }

    /// Takes a reply that was waited for. Where it never comes, there is too much to do, and
    /// the connection ends: its client asks again, here or elsewhere.
    fn take(&mut self, Later { reply, by, since, lent }: Later) {
        self.lent -= lent;
        let Some((reply, path)) = reply else {
            self.responder.counters().tcp.close_for_queue();
            self.ending = true;
            return;
        };
        let (from, took) = (self.peer, since.elapsed());
        let view = View { generation: &self.responder.generation(), policy: &by };
        let replied = Replied::read(view, from.ip(), &reply);
        if self.responder.withholds(replied.code) {
            self.ending = true;
            return;
        }
        self.responder.count(&by, (from, path), &reply, &replied, took);
        self.responder.counters().time(Origin::of(from, path), 1, took);
        frame(&reply, &mut self.output);
        self.replies += 1;
    }

    /// Writes the replies: each with its length, in as few segments as they need.
    async fn write(&mut self, place: &mut ConnectionSlot) -> io::Result<()> {
        let (held, mut written) = (self.held(), 0);
        let Self { stream, output, .. } = self;
        let mut send = poll_fn(|cx| send(Pin::new(&mut *stream), cx, output, &mut written));
        match (&mut send).now_or_never() {
            Some(sent) => sent?,
            None => {
                // The kernel's buffer is full, too; it has the double of what it was asked for.
                place.hold(held + 2 * TCP_BUFFER);
                timeout(WRITE, send).await??;
            }
        }
        self.output.clear();
        shrink(&mut self.output);
        place.hold(self.held());
        Ok(())
    }
}
