//! Both paths in one, for threads that no datagram waits for.

use std::net::SocketAddr;
use std::sync::Arc;

use super::full::contain;
use super::{Fast, READY_MAX, Responder, Transport, UDP_MAX, Verdict};
use crate::index::Generation;

/// Answers messages one after the other: from ready-made answers, which it makes however
/// large their service is, or else by the full path.
pub(super) struct Answerer {
    /// The full path.
    responder: Responder,
    /// The fast path.
    fast: Fast,
    /// A reply of the fast path.
    ready: Box<[u8; READY_MAX]>,
    /// A reply of the full path.
    reply: Vec<u8>,
}

impl Answerer {
    /// One that answers as a responder does.
    pub(super) fn new(responder: Responder) -> Self {
        let ready = Box::new([0; READY_MAX]);
        let fast = Fast::patient(Arc::clone(responder.policy()));
        Self { responder, fast, ready, reply: Vec::new() }
    }

    /// The full path.
    pub(super) const fn responder(&self) -> &Responder {
        &self.responder
    }

    /// The reply to a message, if there is any.
    pub(super) fn answer(
        &mut self,
        generation: &Generation,
        message: &[u8],
        from: (SocketAddr, Transport),
    ) -> Option<&mut [u8]> {
        let room = if from.1 == Transport::Udp { usize::from(UDP_MAX) } else { READY_MAX };
        let Self { fast, ready, .. } = self;
        let respond = || fast.respond(generation, message, from, &mut ready[..room]);
        match contain(respond).unwrap_or(Verdict::Full) {
            Verdict::Reply { octets, .. } => self.ready.get_mut(..octets),
            Verdict::Silence => None,
            Verdict::Full => {
                let reply = &mut self.reply;
                self.responder.respond_from(generation, message, from, reply).then_some(reply)
            }
        }
    }
}
