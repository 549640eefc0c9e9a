//! The full path of datagrams: a bounded queue, and a thread behind it that answers
//! whatever a ready-made answer is not enough for. Connections have patterns answered here,
//! too, each of which takes longer than many turns.
//!
//! It has one thread for two UDP workers, so that a flood of such messages leaves the
//! workers most of the machine; one more for names that others are asked for, and one for
//! patterns, each of which can mean much of a zone: so a flood of these leaves the rest its own
//! queue. Within a queue client networks are served in turns ([`Fair`]). What it has no room
//! for is lost: who asks over UDP asks again, and a worker that waited would delay those it
//! could answer at once.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use arc_swap::Guard;

use super::Responder;
use crate::lock::{Lock, wait};
use crate::names::Share;
use crate::wire::counters::{DatagramCounters, DatagramEvent};
use crate::wire::fair::Fair;
use crate::wire::limiter::RateVerdict;
use crate::wire::query_handler::{Handled, QueryHandler};
use crate::wire::tcp::Promise;
use crate::wire::udp::batch::{Route, UdpSocket};
use crate::wire::{Origin, Path, Peer, Policies, Replied, Truncation, View};

/// Messages that may wait. With messages of at most 4,096 octets, they hold 4 MiB at the
/// worst.
pub(in crate::wire) const QUEUE: usize = 1024;

/// How long a datagram may wait. Usual ones are answered in some microseconds; who has waited
/// for so long behind others asks again, and is not answered sooner if both are.
const WAIT: Duration = Duration::from_secs(1);
/// How long a message of a connection may wait, which is not sent again. The connection waits a
/// little longer.
const WAIT_STREAM: Duration = Duration::from_secs(4);

/// A message with all that is needed to answer it.
struct Handed {
    /// Its octets, and no more of them.
    message: Box<[u8]>,
    /// Who is to have the reply.
    to: Recipient,
    /// When it was handed over.
    since: Instant,
}

/// The recipient of a reply.
pub(in crate::wire) enum Recipient {
    /// The client of a datagram; where the reply goes, and the socket that it came by.
    Datagram(SocketAddr, Route, Arc<UdpSocket>),
    /// A client that is connected, by a promise to its connection.
    Stream(Peer, Promise),
}

/// The end of a queue where workers hand messages over. It ends with the last of its clones.
#[derive(Clone)]
pub(in crate::wire) struct Queue {
    /// Open until it is dropped.
    open: Arc<CloseOnDrop>,
}

/// Closes a queue when it is dropped.
struct CloseOnDrop(Arc<Shared>);

/// The state that workers and the thread behind them share.
struct Shared {
    /// The queue. The lock is held for some dozen instructions: messages are copied before, and
    /// answered after.
    waiting: Lock<Waiting>,
    /// Wakes the thread behind the queue.
    more: Condvar,
}

/// A queue.
struct Waiting {
    messages: Fair<Handed>,
    /// Whether the thread behind it has nothing to do, and must be woken.
    is_idle: bool,
    /// Whether nobody can hand over any more.
    is_closed: bool,
}

/// The result of an offered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Offer {
    /// It waits.
    Taken,
    /// It waits, and another is lost for it, of the client network that has the most waiting.
    Instead,
    /// There is no room for it.
    Lost,
}

/// The full path behind a queue.
pub(in crate::wire) struct Full {
    /// The other end of the queue.
    shared: Arc<Shared>,
    /// Answers.
    handler: QueryHandler,
    /// How they are answered.
    policies: Arc<Policies>,
    /// Counts.
    tally: DatagramCounters,
}

impl Queue {
    /// Hands a copy of a message over, if there is room for it.
    pub(in crate::wire) fn offer(&self, message: &[u8], to: Recipient) -> Offer {
        let client = to.client();
        let handed = Handed { message: message.into(), to, since: Instant::now() };
        let Shared { more, .. } = &*self.open.0;
        let mut waiting = self.open.0.waiting.lock();
        let lost = waiting.messages.offer(Share::of(client.ip()), handed);
        let was_idle = std::mem::take(&mut waiting.is_idle);
        drop(waiting);
        if was_idle {
            more.notify_one();
        }
        match lost {
            Ok(None) => Offer::Taken,
            Ok(Some(_)) => Offer::Instead,
            Err(_) => Offer::Lost,
        }
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.waiting.lock().is_closed = true;
        self.0.more.notify_all();
    }
}

impl Shared {
    /// Waits for the next message; none once there will be no more.
    fn take(&self) -> Option<Handed> {
        let mut waiting = self.waiting.lock();
        loop {
            if let Some(handed) = waiting.messages.take() {
                return Some(handed);
            }
            if waiting.is_closed {
                return None;
            }
            waiting.is_idle = true;
            waiting = wait(&self.more, waiting);
        }
    }
}

impl Full {
    /// A full path and its queue.
    pub(in crate::wire) fn new(responder: Responder) -> (Queue, Self) {
        let (is_idle, is_closed) = (false, false);
        let waiting = Lock::new(Waiting { messages: Fair::new(QUEUE), is_idle, is_closed });
        let shared = Arc::new(Shared { waiting, more: Condvar::new() });
        let open = Arc::new(CloseOnDrop(Arc::clone(&shared)));
        let (tally, policies) = (responder.counters().full(), Arc::clone(responder.policies()));
        (Queue { open }, Self { shared, handler: QueryHandler::new(responder), policies, tally })
    }

    /// Answers messages until nobody can hand over any more, and all that were are answered.
    pub(in crate::wire) fn serve(mut self) {
        while let Some(handed) = self.shared.take() {
            self.answer(handed);
        }
    }

    /// Answers a message, or lets others be asked. Those of connections are counted by these.
    fn answer(&mut self, handed: Handed) {
        let now = Instant::now();
        let is_datagram = matches!(handed.to, Recipient::Datagram(..));
        let tally = &mut self.tally;
        let mut count = |event| tally.count(event, usize::from(is_datagram));
        count(DatagramEvent::Received);
        if now.duration_since(handed.since) > handed.to.patience() {
            return count(DatagramEvent::Dropped);
        }
        let generation = self.handler.responder().generation();
        let policy = self.policies.load();
        let from = handed.to.client();
        let responder = self.handler.responder().clone();
        let view = View { generation: &generation, policy: &policy };
        match self.handler.answer(view, &handed.message, from) {
            Handled::Silence | Handled::Pattern => count(DatagramEvent::Silent),
            Handled::Reply(reply, _) => {
                handed.reply(&responder, view, Path::Full, reply, count);
            }
            Handled::Foreign(asked) => {
                count(DatagramEvent::Handed);
                let policy = Guard::into_inner(policy);
                let (by, message) = (Arc::clone(&policy), handed.message.clone());
                let done = move |mut reply: Vec<u8>| {
                    let view = View { generation: &responder.generation(), policy: &by };
                    let count = |event| responder.counters().forwarded(event);
                    handed.reply(&responder, view, Path::Forwarded, &mut reply, count);
                };
                self.handler.forward(policy, asked, message, from, done);
            }
        }
    }
}

impl Recipient {
    /// The client, and what it asked by.
    const fn client(&self) -> Peer {
        match self {
            Self::Datagram(client, ..) => Peer::udp(*client),
            Self::Stream(client, _) => *client,
        }
    }

    /// How long its message may wait.
    const fn patience(&self) -> Duration {
        match self {
            Self::Datagram(..) => WAIT,
            Self::Stream(..) => WAIT_STREAM,
        }
    }
}

impl Handed {
    /// Hands a reply to its connection, or sends it, as far as the client's network may be sent
    /// it, and counts what becomes of it.
    fn reply(
        self,
        responder: &Responder,
        view: View<'_>,
        path: Path,
        mut reply: &mut [u8],
        mut count: impl FnMut(DatagramEvent),
    ) {
        let Self { message, to, since } = self;
        let from = to.client();
        let (route, socket) = match to {
            Recipient::Datagram(_, route, socket) => (route, socket),
            Recipient::Stream(_, promise) => return promise.keep(reply.to_vec(), path),
        };
        let mut replied = Replied::read(view, from.ip(), reply);
        if responder.withholds(replied.code) {
            return count(DatagramEvent::Withheld);
        }
        match view.policy.judge(&message, from.address, reply, Instant::now()) {
            RateVerdict::Sent => {}
            RateVerdict::Slipped(octets) => {
                count(DatagramEvent::Slipped);
                reply = &mut reply[..octets];
                (replied.octets, replied.truncation) = (octets, Some(Truncation::Rate));
            }
            RateVerdict::Dropped => return count(DatagramEvent::Limited),
        }
        if let Err(fault) = socket.send(reply, &route) {
            count(DatagramEvent::Unsent);
            tracing::debug!(client = %from.address, "reply not sent: {fault}");
        }
        count(DatagramEvent::Answered);
        let took = since.elapsed();
        responder.count(view.policy, (from, path), reply, &replied, took);
        responder.counters().time(Origin::of(from, path), 1, took);
    }
}
