//! The full path: any octets in, the right octets out.
//!
//! ```text
//!               ┌─→ silence
//!   screen ─────┼─→ blank, chaos ──────────────────────────→ reply
//!               └─→ handler ─→ authority ─→ encode ─→ edns → reply
//!                                   └─→ elsewhere ─→ forwarder, then all of it again
//! ```

mod blank;
mod chaos;
mod designated;
mod encode;
mod forwarding;
mod handler;
mod queue;
mod screen;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arc_swap::Guard;
use hickory_net::xfer::Protocol;
use hickory_server::server::Request;
use tokio_util::sync::CancellationToken;

use self::blank::{BADVERS, FORMERR, NOERROR, NOTAUTH, NOTIMP, REFUSED, SERVFAIL};
use self::blank::{NOTIFY, QUERY, UPDATE, blank, single};
use self::encode::encode;
use self::forwarding::Forwarding;
use self::handler::zone_version;
use self::screen::Outline;
use super::edns::{Budget, Edns, Malformed, OptReply};
use super::{Code, Counters, Peer, Policies, Policy, Transport, View};
use crate::forward::Asked;
use crate::index::{Generation, Index};

pub(super) use self::encode::{QUESTION_POINTER, write_data};
pub(super) use self::forwarding::UpstreamAnswer;
#[cfg(test)]
pub(super) use self::queue::QUEUE;
pub(super) use self::queue::{Full, Offer, Queue, Recipient};
pub(super) use self::screen::{OPT, has_keepalive};

/// The outcome of a message on the full path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is no request: nothing is said.
    Silence,
    /// The reply is written.
    Reply,
    /// Others must be asked; then [`Responder::finish`] has the reply.
    Foreign(Asked),
}

/// Answers messages from the newest generation.
#[derive(Debug, Clone)]
pub struct Responder {
    /// Where that is found.
    index: Arc<Index>,
    /// How messages are answered.
    policies: Arc<Policies>,
    /// Where replies are counted, by whoever sends them.
    counters: Arc<Counters>,
    /// Told to stop.
    ending: CancellationToken,
}

impl Responder {
    /// A responder that reads an index, with nothing configured.
    #[must_use]
    pub fn new(index: Arc<Index>) -> Self {
        Self::with(index, Arc::default())
    }

    /// A responder that reads an index and answers by the policy of the moment.
    #[must_use]
    pub fn with(index: Arc<Index>, policies: Arc<Policies>) -> Self {
        Self { index, policies, counters: Arc::default(), ending: CancellationToken::new() }
    }

    /// The same until it is told to stop.
    #[must_use]
    pub(super) fn until(self, ending: CancellationToken) -> Self {
        Self { ending, ..self }
    }

    /// Whether a reply of a code is left unsaid: what cannot be answered while this server ends
    /// may well be by another, which a client asks sooner if it hears nothing, or nothing more,
    /// of this one.
    pub(super) fn withholds(&self, code: Code) -> bool {
        code == Code::SERVFAIL && self.ending.is_cancelled()
    }

    /// The same, with its replies counted elsewhere.
    #[must_use]
    pub(super) fn counting(self, counters: Arc<Counters>) -> Self {
        Self { counters, ..self }
    }

    /// Where replies are counted.
    pub(super) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Where generations are found.
    pub(super) const fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Where policies are found.
    pub(super) const fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// The newest generation.
    pub(super) fn generation(&self) -> Guard<Arc<Generation>> {
        self.index.load()
    }

    /// Answers one message: writes the reply over what is in `reply`, and
    /// says whether there is any. It waits for nothing, and asks nobody else.
    ///
    /// Silence is for what is no request: less than a header, a response, or the source
    /// port 0, to which nothing can be sent. All else is answered (RFC 8906), with SERVFAIL
    /// where a fault of ours makes the answer panic: the caller never unwinds.
    pub fn respond(&self, message: &[u8], from: Peer, reply: &mut Vec<u8>) -> bool {
        let mut elsewhere = Forwarding::nowhere();
        let (generation, policy) = (self.index.load(), self.policies.load());
        let view = View { generation: &generation, policy: &policy };
        self.write(view, message, from, &mut elsewhere, reply) != Outcome::Silence
    }

    /// The same from a generation and by a policy that were loaded already; others may have
    /// to be asked.
    pub(super) fn respond_by(
        &self,
        view: View<'_>,
        message: &[u8],
        from: Peer,
        reply: &mut Vec<u8>,
    ) -> Outcome {
        let mut elsewhere = Forwarding::of(view.policy, from.ip());
        self.write(view, message, from, &mut elsewhere, reply)
    }

    /// Answers a message again by the same policy, now that others were asked. What they said
    /// may lead to another question for them.
    pub(super) fn finish(
        &self,
        policy: &Policy,
        message: &[u8],
        from: Peer,
        found: &[UpstreamAnswer],
        reply: &mut Vec<u8>,
    ) -> Outcome {
        let mut elsewhere = Forwarding::found(policy, from.ip(), found);
        let view = View { generation: &self.index.load(), policy };
        self.write(view, message, from, &mut elsewhere, reply)
    }

    /// Writes the reply to a message, if there is any.
    fn write(
        &self,
        view: View<'_>,
        message: &[u8],
        from: Peer,
        elsewhere: &mut Forwarding<'_>,
        reply: &mut Vec<u8>,
    ) -> Outcome {
        let View { generation, policy } = view;
        let may_query = policy.may_query(from.ip());
        let outline = if may_query { Outline::read } else { Outline::of_stranger };
        let read = catch_panic(|| outline(message)).flatten();
        let Some(outline) = read.filter(|_| from.address.port() != 0) else {
            return Outcome::Silence;
        };
        let Some(exchange) = catch_panic(|| Exchange::new(&outline, policy, from)) else {
            return Outcome::Silence;
        };
        let shown = Some(generation).filter(|_| may_query);
        or_servfail(&exchange, reply, |reply| {
            match (exchange.screen(), chaos::answer(&outline, policy)) {
                (Some(code), _) => blank(&exchange, code, reply),
                (None, Some(record)) if shown.is_some() => single(&exchange, &record, reply),
                (None, _) => answer(shown, message, from, &exchange, elsewhere, reply),
            }
        });
        elsewhere.take().map_or(Outcome::Reply, Outcome::Foreign)
    }
}

/// One request, and what its reply depends on beside the answer.
struct Exchange<'x> {
    /// The request.
    outline: &'x Outline<'x>,
    /// What its OPT record says, and the reply's will; none if it has no such record.
    edns: Option<Edns>,
    /// Whether its form is good, options included.
    form: Result<(), Malformed>,
    /// How messages are answered.
    policy: &'x Policy,
}

impl<'x> Exchange<'x> {
    /// Reads what the request's options say. Those of another version mean nothing to us.
    fn new(outline: &'x Outline<'x>, policy: &'x Policy, from: Peer) -> Self {
        let (mut edns, mut form) = (None, outline.form);
        if let Some(opt) = &outline.opt {
            let read = match opt.version {
                0 => Edns::new(opt, policy, from),
                _ => Ok(Edns::without_options(opt)),
            };
            form = form.and(read.as_ref().map(drop).map_err(|malformed| *malformed));
            edns = Some(read.unwrap_or_else(|_| Edns::without_options(opt)));
        }
        Self { outline, edns, form, policy }
    }

    /// The code that the request is turned away with; none when it is to be answered.
    fn screen(&self) -> Option<u16> {
        let outline = self.outline;
        match (outline.opcode(), &outline.opt) {
            (NOTIFY | UPDATE, _) => Some(REFUSED),
            (QUERY, _) if self.form.is_err() => Some(FORMERR),
            // RFC 7873 section 5.4: a client asks for a cookie alone.
            (QUERY, _) if self.has_cookie() && outline.count(0) == 0 => Some(NOERROR),
            (QUERY, _) if outline.question.is_none() => Some(FORMERR),
            (QUERY, Some(opt)) if opt.version > 0 => Some(BADVERS),
            (QUERY, _) => outline.tsig.map(|_| NOTAUTH),
            _ => Some(NOTIMP),
        }
    }

    /// Whether the client sent a cookie, and gets one.
    fn has_cookie(&self) -> bool {
        self.edns.as_ref().is_some_and(Edns::has_cookie)
    }

    /// How large the reply to a message may be.
    fn budget(&self, transport: Transport, message: &[u8]) -> Budget {
        let octets = [message.len(), self.outline.question.map_or(0, <[u8]>::len)];
        Budget::new(self.policy, transport, self.edns.as_ref(), octets)
    }
}

/// Whether a message shows a valid cookie of ours, so that its source is not forged.
pub(super) fn shows_cookie(message: &[u8], policy: &Policy, from: Peer) -> bool {
    let read = || Exchange::new(&Outline::read(message)?, policy, from).edns;
    policy.cookies.is_some()
        && catch_panic(read).flatten().is_some_and(|edns| edns.has_valid_cookie())
}

/// Answers a query of sound build, or refuses it where no generation may be shown.
fn answer(
    generation: Option<&Generation>,
    message: &[u8],
    from: Peer,
    exchange: &Exchange<'_>,
    elsewhere: &mut Forwarding<'_>,
    octets: &mut Vec<u8>,
) {
    let protocol = match from.transport {
        Transport::Udp => Protocol::Udp,
        Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => Protocol::Tcp,
    };
    let Ok(request) = Request::from_bytes(bare(exchange.outline), from.address, protocol) else {
        return blank(exchange, FORMERR, octets);
    };
    let budget = exchange.budget(from.transport, message);
    let Some(mut reply) = handler::reply(generation, &request, from, budget, elsewhere) else {
        return blank(exchange, FORMERR, octets);
    };
    match encode(&mut reply, octets) {
        Ok(false) => {}
        Ok(true) => tracing::debug!("an RRset is larger than a message: some are drawn"),
        Err(fault) => {
            tracing::error!(%fault, "an answer could not be encoded");
            return blank(exchange, SERVFAIL, octets);
        }
    }
    if let Some(edns) = &exchange.edns {
        let wants_version = edns.wants_zone_version();
        let shown = generation.filter(|_| wants_version);
        let version = shown.and_then(|shown| zone_version(shown, &request, &reply.answer));
        let reason = reply.answer.reason;
        edns.append(exchange.policy, &OptReply { code: 0, reason, version }, octets);
    }
}

/// The message that hickory reads: the header and the one question of a request, and none of
/// its records. hickory parses every record of a message, following each pointer to its end,
/// and finds fault with options that mean nothing to us.
fn bare(outline: &Outline<'_>) -> Vec<u8> {
    let [id_high, id_low, flags_high, flags_low, ..] = *outline.header;
    let mut bare = vec![id_high, id_low, flags_high, flags_low, 0, 1, 0, 0, 0, 0, 0, 0];
    bare.extend_from_slice(outline.question.unwrap_or_default());
    bare
}

/// Writes a reply, or SERVFAIL if that panics.
fn or_servfail(exchange: &Exchange<'_>, reply: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if catch_panic(|| write(reply)).is_none() {
        blank(exchange, SERVFAIL, reply);
    }
}

/// Does some work; none if it panics, so that one bad packet harms itself alone, and
/// neither the socket it came over nor the connection. What the work may leave half done
/// is only the reply, which is written anew: a generation never changes, and the work
/// holds no lock.
pub(super) fn catch_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.inspect_err(|_| tracing::error!("an answer panicked; this is a fault of srvd")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_servfail() {
        // An id, RD, one question: the root, type A, class IN.
        let query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        let (outline, policy) = (Outline::read(&query).unwrap(), Policy::default());
        let from = Peer::udp("192.0.2.1:5353".parse().unwrap());
        let exchange = Exchange::new(&outline, &policy, from);
        let mut reply = Vec::new();
        or_servfail(&exchange, &mut reply, |reply| {
            reply.extend([0xff; 100]);
            panic!("injected");
        });
        let servfail = [0x12, 0x34, 0x81, SERVFAIL as u8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        assert_eq!(reply, servfail);
        or_servfail(&exchange, &mut reply, Vec::clear);
        assert_eq!(reply, [0; 0]);
        assert_eq!(
            (catch_panic(|| 1), catch_panic(|| -> u8 { panic!("injected") })),
            (Some(1), None)
        );
    }
}
