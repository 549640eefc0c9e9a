//! The full path of datagrams: a bounded queue, and a thread behind it that answers
//! whatever a ready-made answer is not enough for.
//!
//! It has one thread for two UDP workers, so that a flood of such messages leaves the
//! workers most of the machine; and where others are asked for names that are not ours, one
//! more for these, so that a flood of them leaves the rest its own queue. What comes while the queue is full is lost: who asks over
//! UDP asks again, and a worker that waited would delay those it could answer at once.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use arc_swap::Guard;

use super::Responder;
use crate::index::Generation;
use crate::wire::answerer::{Answered, Answerer};
use crate::wire::batch::{Route, UdpSocket};
use crate::wire::counters::{Event, Tally};
use crate::wire::limiter::Fate;
use crate::wire::{Origin, Path, Policies, Policy, Replied, Transport, Truncation};

/// Messages that may wait. With messages of at most 4,096 octets, they hold 4 MiB at the
/// worst.
pub(in crate::wire) const QUEUE: usize = 1024;

/// How long a message may wait. Usual ones are answered in some microseconds; who has waited
/// for so long behind others asks again, and is not answered sooner if both are.
const WAIT: Duration = Duration::from_secs(1);

/// A message with all that is needed to answer it.
struct Handed {
    /// Its octets, and no more of them.
    message: Box<[u8]>,
    /// Who sent it.
    route: Route,
    /// What it came by.
    socket: Arc<UdpSocket>,
    /// When it was handed over.
    since: Instant,
}

/// Where workers hand messages over.
#[derive(Clone)]
pub(in crate::wire) struct Queue {
    /// The bounded channel.
    sender: SyncSender<Handed>,
}

/// What answers messages from a queue.
pub(in crate::wire) struct Full {
    /// The other end of the queue.
    receiver: Receiver<Handed>,
    /// Answers.
    answerer: Answerer,
    /// How they are answered.
    policies: Arc<Policies>,
    /// Counts.
    tally: Tally,
}

impl Queue {
    /// Hands a copy of a message over; false if there is no room for it.
    pub(in crate::wire) fn offer(
        &self,
        message: &[u8],
        route: Route,
        socket: &Arc<UdpSocket>,
    ) -> bool {
        let (socket, since) = (Arc::clone(socket), Instant::now());
        let handed = Handed { message: message.into(), route, socket, since };
        self.sender.try_send(handed).is_ok()
    }
}

impl Full {
    /// A full path and its queue.
    pub(in crate::wire) fn new(responder: Responder) -> (Queue, Self) {
        let (sender, receiver) = sync_channel(QUEUE);
        let (tally, policies) = (responder.counters().full(), Arc::clone(responder.policies()));
        (Queue { sender }, Self { receiver, answerer: Answerer::new(responder), policies, tally })
    }

    /// Answers messages until nobody can hand over any more, and all that were are answered.
    pub(in crate::wire) fn serve(mut self) {
        while let Ok(handed) = self.receiver.recv() {
            self.tally.count(Event::Received, 1);
            self.answer(handed);
        }
    }

    /// Answers a message, or lets others be asked.
    fn answer(&mut self, handed: Handed) {
        let now = Instant::now();
        if now.duration_since(handed.since) > WAIT {
            return self.tally.count(Event::Dropped, 1);
        }
        let generation = self.answerer.responder().generation();
        let policy = self.policies.load();
        let from = (handed.route.client, Transport::Udp);
        let responder = self.answerer.responder().clone();
        match self.answerer.answer((&generation, &policy), &handed.message, from) {
            Answered::Silence => self.tally.count(Event::Silent, 1),
            Answered::Reply(reply, _) => {
                let (by, tally) = ((&**generation, &**policy), &mut self.tally);
                handed.reply(&responder, by, Path::Full, reply, |event| tally.count(event, 1));
            }
            Answered::Foreign(asked) => {
                self.tally.count(Event::Handed, 1);
                let policy = Guard::into_inner(policy);
                let (by, message) = (Arc::clone(&policy), handed.message.clone());
                let done = move |mut reply: Vec<u8>| {
                    let (by, count) = ((&**responder.generation(), &*by), |event| {
                        responder.counters().forwarded(event)
                    });
                    handed.reply(&responder, by, Path::Forwarded, &mut reply, count);
                };
                self.answerer.forward(policy, asked, message, from, done);
            }
        }
    }
}

impl Handed {
    /// Sends a reply, as far as the client's network may be sent it, and counts what becomes
    /// of it.
    fn reply(
        &self,
        responder: &Responder,
        by: (&Generation, &Policy),
        path: Path,
        mut reply: &mut [u8],
        mut count: impl FnMut(Event),
    ) {
        let Self { message, route, socket, since } = self;
        let from = (route.client, Transport::Udp);
        let mut replied = Replied::read(by, from.0.ip(), reply);
        match by.1.judge(message, route.client, reply, Instant::now()) {
            Fate::Sent => {}
            Fate::Slipped(octets) => {
                count(Event::Slipped);
                reply = &mut reply[..octets];
                (replied.octets, replied.truncation) = (octets, Some(Truncation::Rate));
            }
            Fate::Dropped => return count(Event::Limited),
        }
        if let Err(fault) = socket.send(reply, route) {
            count(Event::Unsent);
            tracing::debug!(client = %route.client, "reply not sent: {fault}");
        }
        count(Event::Answered);
        let took = since.elapsed();
        responder.count(by.1, (from, path), reply, &replied, took);
        responder.counters().time(Origin::of(from, path), 1, took);
    }
}
