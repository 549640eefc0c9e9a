//! The full path: any octets in, the right octets out.
//!
//! ```text
//!               ┌─→ silence
//!   screen ─────┼─→ blank ─────────────────────────→ reply
//!               └─→ handler ─→ authority ─→ encode → reply
//!                                   └─→ elsewhere ─→ forwarder, then all of it again
//! ```

mod blank;
mod elsewhere;
mod encode;
mod handler;
mod queue;
mod screen;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arc_swap::Guard;
use hickory_net::xfer::Protocol;
use hickory_server::server::Request;

use self::blank::{
    BADVERS, FORMERR, NOTAUTH, NOTIFY, NOTIMP, QUERY, REFUSED, SERVFAIL, UPDATE, blank,
};
use self::elsewhere::Elsewhere;
use self::encode::encode;
use self::screen::Outline;
use super::{Policy, Transport};
use crate::forward::Asked;
use crate::index::{Generation, Index};

pub(super) use self::elsewhere::Found;
pub(super) use self::encode::{QUESTION_POINTER, write_data};
#[cfg(test)]
pub(super) use self::queue::QUEUE;
pub(super) use self::queue::{Full, Queue};
pub(super) use self::screen::{OPT, walk_options};

/// What becomes of a message.
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
    policy: Arc<Policy>,
}

impl Responder {
    /// A responder that reads an index, with nothing configured.
    #[must_use]
    pub fn new(index: Arc<Index>) -> Self {
        Self::with(index, Arc::default())
    }

    /// A responder that reads an index and answers by a policy.
    #[must_use]
    pub const fn with(index: Arc<Index>, policy: Arc<Policy>) -> Self {
        Self { index, policy }
    }

    /// Where generations are found.
    pub(super) const fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// How messages are answered.
    pub(super) const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The newest generation.
    pub(super) fn generation(&self) -> Guard<Arc<Generation>> {
        self.index.load()
    }

    /// Answers one message from `source`: writes the reply over what is in `reply`, and
    /// says whether there is any. It waits for nothing, and asks nobody else.
    ///
    /// Silence is for what is no request: less than a header, a response, or the source
    /// port 0, to which nothing can be sent. All else is answered (RFC 8906), with SERVFAIL
    /// where a fault of ours makes the answer panic: the caller never unwinds.
    pub fn respond(
        &self,
        message: &[u8],
        source: SocketAddr,
        transport: Transport,
        reply: &mut Vec<u8>,
    ) -> bool {
        let mut elsewhere = Elsewhere::nowhere();
        let generation = self.index.load();
        let from = (source, transport);
        self.write(&generation, message, from, &mut elsewhere, reply) != Outcome::Silence
    }

    /// The same from a generation that was loaded already; others may have to be asked.
    pub(super) fn respond_from(
        &self,
        generation: &Generation,
        message: &[u8],
        from: (SocketAddr, Transport),
        reply: &mut Vec<u8>,
    ) -> Outcome {
        let mut elsewhere = Elsewhere::of(&self.policy, from.0.ip());
        self.write(generation, message, from, &mut elsewhere, reply)
    }

    /// Answers a message again, now that others were asked.
    pub(super) fn finish(
        &self,
        message: &[u8],
        from: (SocketAddr, Transport),
        found: Found,
        reply: &mut Vec<u8>,
    ) {
        let mut elsewhere = Elsewhere::found(&self.policy, from.0.ip(), found);
        self.write(&self.index.load(), message, from, &mut elsewhere, reply);
    }

    /// Writes the reply to a message, if there is any.
    fn write(
        &self,
        generation: &Generation,
        message: &[u8],
        (source, transport): (SocketAddr, Transport),
        elsewhere: &mut Elsewhere<'_>,
        reply: &mut Vec<u8>,
    ) -> Outcome {
        let read = contain(|| Outline::read(message)).flatten();
        let Some(outline) = read.filter(|_| source.port() != 0) else {
            return Outcome::Silence;
        };
        or_servfail(&outline, reply, |reply| match screen(&outline) {
            Some(code) => blank(&outline, code, reply),
            None => {
                answer(generation, message, (source, transport), &outline, elsewhere, reply);
            }
        });
        elsewhere.take().map_or(Outcome::Reply, Outcome::Foreign)
    }
}

/// Answers a query of sound build.
fn answer(
    generation: &Generation,
    message: &[u8],
    (source, transport): (SocketAddr, Transport),
    outline: &Outline<'_>,
    elsewhere: &mut Elsewhere<'_>,
    octets: &mut Vec<u8>,
) {
    let protocol = match transport {
        Transport::Udp => Protocol::Udp,
        Transport::Tcp => Protocol::Tcp,
    };
    let Ok(request) = Request::from_bytes(message.to_vec(), source, protocol) else {
        return blank(outline, FORMERR, octets);
    };
    let Some(mut reply) = handler::reply(generation, &request, elsewhere) else {
        return blank(outline, FORMERR, octets);
    };
    match encode(&mut reply, octets) {
        Ok(false) => {}
        Ok(true) => tracing::debug!("an RRset is larger than a message: some are drawn"),
        Err(fault) => {
            tracing::error!(%fault, "an answer could not be encoded");
            blank(outline, SERVFAIL, octets);
        }
    }
}

/// Writes a reply, or SERVFAIL if that panics.
fn or_servfail(outline: &Outline<'_>, reply: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if contain(|| write(reply)).is_none() {
        blank(outline, SERVFAIL, reply);
    }
}

/// Does some work; none if it panics, so that one bad packet harms itself alone, and
/// neither the socket it came over nor the connection. What the work may leave half done
/// is only the reply, which is written anew: a generation never changes, and the work
/// holds no lock.
pub(super) fn contain<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.inspect_err(|_| tracing::error!("an answer panicked; this is a fault of srvd")).ok()
}

/// The code that a request is turned away with; none when it is to be answered.
fn screen(outline: &Outline<'_>) -> Option<u16> {
    match (outline.opcode(), &outline.opt) {
        (NOTIFY | UPDATE, _) => Some(REFUSED),
        (QUERY, _) if outline.form.is_err() || outline.question.is_none() => Some(FORMERR),
        (QUERY, Some(opt)) if opt.version > 0 => Some(BADVERS),
        (QUERY, _) => outline.tsig.map(|_| NOTAUTH),
        _ => Some(NOTIMP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_servfail() {
        // An id, RD, one question: the root, type A, class IN.
        let query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        let outline = Outline::read(&query).unwrap();
        let mut reply = Vec::new();
        or_servfail(&outline, &mut reply, |reply| {
            reply.extend([0xff; 100]);
            panic!("injected");
        });
        let servfail = [0x12, 0x34, 0x81, SERVFAIL as u8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        assert_eq!(reply, servfail);
        or_servfail(&outline, &mut reply, Vec::clear);
        assert_eq!(reply, [0; 0]);
        assert_eq!((contain(|| 1), contain(|| -> u8 { panic!("injected") })), (Some(1), None));
    }
}
