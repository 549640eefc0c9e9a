//! Datagrams: a thread per socket, which reads many at once, answers what it can from
//! ready-made answers, and sends the replies at once. For such a datagram it takes no lock,
//! allocates nothing and wakes no task. A small answer that is not ready is made on the
//! way; what needs more is handed to the full path, and the worker goes on.

mod behind;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::relief::Relief;
use crate::index::Index;
use crate::wire::counters::{DatagramCounters, DatagramEvent, ReplyCounters};
use crate::wire::fast::{Fast, Verdict};
use crate::wire::full::{Offer, Queue, Recipient, catch_panic};
use crate::wire::limiter::RateVerdict;
use crate::wire::proxy::{STRANGER, begins_with_header};
use crate::wire::{
    Code, Counters, Family, Peer, Policies, Policy, ProxyOutcome, QueryLog, RefusalCause, Replied,
    Transport, Truncation, View,
};

/// How long a socket that reports an error is left alone. Such errors (an ICMP message, a
/// lack of memory) pass; without a pause one that does not would take a whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(10);
/// Datagrams that are still answered after the end: those that had come before it, as far
/// as the socket's buffer has room for them. There is no end to those that come after.
const LAST: usize = 4096;

/// A fast path: from a generation, a policy, a message and its client to a reply.
trait FastAnswer: FnMut(View<'_>, &[u8], Peer, &mut [u8]) -> Verdict {}

impl<F: FnMut(View<'_>, &[u8], Peer, &mut [u8]) -> Verdict> FastAnswer for F {}

/// A socket with its buffers, and what answers on it.
pub(super) struct Worker {
    /// The socket and the buffers.
    pub(super) batch: Batch,
    /// Where the newest generation is found.
    pub(super) index: Arc<Index>,
    /// The full path.
    pub(super) queue: Queue,
    /// That of names in no zone of ours, where others are asked for them.
    pub(super) foreign: Queue,
    /// That of names that can mean much of a zone.
    pub(super) patterns: Queue,
    /// Counts.
    pub(super) tally: DatagramCounters,
    /// Counts what is rare, with others.
    pub(super) counters: Arc<Counters>,
    /// Counts its replies.
    pub(super) own: ReplyCounters,
    /// The same of the clients of another family, where proxies ask for any.
    pub(super) other: Option<ReplyCounters>,
    /// The family of the socket.
    pub(super) family: Family,
    /// How messages are answered.
    pub(super) policies: Arc<Policies>,
    /// Set before the socket is ended.
    pub(super) stop: Arc<AtomicBool>,
    /// Whether it relieves the socket, which it may share, of floods.
    pub(super) relieves: bool,
}

impl Worker {
    /// Answers datagrams until told to stop, and then those that had come by then.
    pub(super) fn serve(self) {
        let mut fast = Fast::new();
        self.run(|view, message, from, reply| fast.respond(view, message, from, reply));
    }

    /// Does so with any fast path.
    fn run(mut self, mut fast: impl FastAnswer) {
        let (mut last, mut faults) = (0, 0);
        let is_kept = self.batch.socket().is_kept();
        let mut relief = self.relieves.then(|| Relief::of(self.batch.socket()));
        while last < LAST {
            let is_ending = self.stop.load(Ordering::Acquire);
            if is_ending && is_kept {
                // What was not read waits for the next process.
                break;
            }
            match self.batch.receive() {
                Ok(0) if is_ending => break,
                Ok(count) => {
                    faults = 0;
                    self.answer(count, &mut fast);
                    if let Some(relief) = &mut relief {
                        relief.look(&self.batch, count, &self.policies, &mut self.tally);
                    }
                    last += if is_ending { count } else { 0 };
                }
                Err(_) if is_ending => break,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                    if let Some(relief) = &mut relief {
                        relief.rest(self.batch.socket());
                    }
                }
                Err(fault) => {
                    faults += 1;
                    pause(&fault, faults);
                }
            }
        }
        relief.into_iter().for_each(|relief| relief.end(self.batch.socket()));
    }

    /// Answers the datagrams of a batch, all of them from one generation and by one policy,
    /// neither of which is kept while the socket is quiet. The clock is read twice, whatever
    /// their number: all replies leave together.
    fn answer(&mut self, count: usize, fast: &mut impl FastAnswer) {
        let now = Instant::now();
        self.tally.count(DatagramEvent::Received, count);
        let generation = self.index.load();
        let policy = self.policies.load();
        let view = View { generation: &generation, policy: &policy };
        let replies = match &policy.proxies {
            None => (0..count).filter(|at| self.answer_sender(*at, view, now, fast)).count(),
            Some(proxies) => self.answer_behind(proxies, count, view, now, fast),
        };
        drop((generation, policy));
        if let Err(unsent) = self.batch.send() {
            self.tally.count(DatagramEvent::Unsent, unsent.count);
            tracing::debug!("{} replies not sent: {}", unsent.count, unsent.fault);
        }
        self.tally.count(DatagramEvent::Answered, replies);
        self.own.time(replies, now.elapsed());
    }

    /// Answers whoever sent the datagram at a place of the batch, and says whether it did.
    fn answer_sender(
        &mut self,
        at: usize,
        view: View<'_>,
        now: Instant,
        fast: &mut impl FastAnswer,
    ) -> bool {
        self.answer_one((at, self.batch.client(at)), view, now, fast)
    }

    /// Answers the datagram of a client at a place of the batch, and says whether it did. One that
    /// makes the fast path panic is for the full path, which says SERVFAIL if it panics as well.
    fn answer_one(
        &mut self,
        (at, client): (usize, Option<SocketAddr>),
        view: View<'_>,
        now: Instant,
        fast: &mut impl FastAnswer,
    ) -> bool {
        let Some((client, (message, reply))) = client.zip(self.batch.exchange(at)) else {
            self.tally.count(DatagramEvent::Silent, 1);
            return false;
        };
        match catch_panic(|| fast(view, message, Peer::udp(client), reply)).unwrap_or(Verdict::Full)
        {
            Verdict::Reply { octets, code, truncated, topic } => {
                let (code, truncation) =
                    (Code::of(code.into()), truncated.then_some(Truncation::Size));
                // Another server is asked sooner if this one says nothing.
                if code == Code::SERVFAIL && self.stop.load(Ordering::Acquire) {
                    self.tally.count(DatagramEvent::Withheld, 1);
                    return false;
                }
                let refusal = (code == Code::REFUSED).then(|| refusal(view.policy, client));
                let replied = Replied { topic, code, octets, truncation, refusal };
                return self.reply(view.policy, at, replied, (client, now));
            }
            Verdict::Silence => self.tally.count(DatagramEvent::Silent, 1),
            verdict @ (Verdict::Full | Verdict::Foreign | Verdict::Pattern) => {
                self.hand_over((at, client), verdict);
            }
        }
        false
    }

    /// Sends a reply with the batch, as far as the client's network may be sent it, and says
    /// whether it does.
    fn reply(
        &mut self,
        policy: &Policy,
        at: usize,
        mut replied: Replied,
        from: (SocketAddr, Instant),
    ) -> bool {
        if policy.rate_limit.is_some() {
            match self.judge(policy, (at, replied.octets), from) {
                RateVerdict::Sent => {}
                RateVerdict::Slipped(octets) => {
                    self.tally.count(DatagramEvent::Slipped, 1);
                    (replied.octets, replied.truncation) = (octets, Some(Truncation::Rate));
                }
                RateVerdict::Dropped => {
                    self.tally.count(DatagramEvent::Limited, 1);
                    return false;
                }
            }
        }
        self.batch.reply(at, replied.octets);
        self.own.reply(&replied);
        if let Some(log) = &policy.query_log {
            self.log(log, at, &replied, from);
        }
        true
    }

    /// What becomes of the reply at a place of the batch, where replies are limited.
    fn judge(
        &mut self,
        policy: &Policy,
        (at, octets): (usize, usize),
        (client, now): (SocketAddr, Instant),
    ) -> RateVerdict {
        let exchange = self.batch.exchange(at);
        let exchange = exchange.and_then(|(message, it)| Some((message, it.get_mut(..octets)?)));
        let judge = |(message, reply)| policy.judge(message, client, reply, now);
        exchange.map_or(RateVerdict::Sent, judge)
    }

    /// Logs the query at a place of the batch.
    fn log(
        &mut self,
        log: &QueryLog,
        at: usize,
        replied: &Replied,
        (client, now): (SocketAddr, Instant),
    ) {
        let reply = self.batch.exchange(at).and_then(|(_, reply)| reply.get(..replied.octets));
        let Some(reply) = reply else { return };
        log.offer(Peer::udp(client), reply, replied, || now.elapsed());
    }

    /// Hands the datagram of a client at a place to one of the full paths, or loses it.
    fn hand_over(&mut self, (at, client): (usize, SocketAddr), verdict: Verdict) {
        let queue = match verdict {
            Verdict::Foreign => &self.foreign,
            Verdict::Pattern => &self.patterns,
            _ => &self.queue,
        };
        if self.batch.exchange(at).is_some_and(|(message, _)| begins_with_header(message)) {
            self.counters.proxy.count(Transport::Udp, ProxyOutcome::Stranger, 1);
            self.tally.count(DatagramEvent::Unproxied, 1);
            tracing::debug!(%client, "datagram dropped: {STRANGER}");
            return;
        }
        let (route, socket) = (self.batch.route(at), Arc::clone(self.batch.socket()));
        let offer =
            route.zip(self.batch.exchange(at)).map_or(Offer::Lost, |(route, (message, _))| {
                queue.offer(message, Recipient::Datagram(client, route, socket))
            });
        let is_taken = offer != Offer::Lost;
        self.tally.count(if is_taken { DatagramEvent::Handed } else { DatagramEvent::Dropped }, 1);
        if offer == Offer::Instead {
            self.tally.count(DatagramEvent::Evicted, 1);
        }
    }
}

/// Why the fast path refuses a client: it leaves alone what others could be asked for.
fn refusal(policy: &Policy, client: SocketAddr) -> RefusalCause {
    if policy.may_query(client.ip()) { RefusalCause::Foreign } else { RefusalCause::Client }
}

/// Waits a little after an error, and logs ever fewer of a row of them.
fn pause(fault: &io::Error, number: u32) {
    if number.is_power_of_two() {
        tracing::debug!(number, "datagrams not received: {fault}");
    }
    sleep(ERROR_PAUSE);
}

#[cfg(test)]
mod tests;
