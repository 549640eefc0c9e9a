//! Both paths in one, for threads that no datagram waits for.

use std::sync::Arc;

use super::full::{Outcome, UpstreamAnswer, catch_panic};
use super::{Fast, Path, Peer, Policy, READY_MAX, Responder, UDP_MOST, Verdict, View};
use crate::forward::Asked;
use crate::names::client;

/// The result of a message.
pub(super) enum Handled<'a> {
    /// Nothing is said to it.
    Silence,
    /// The reply, and by which path it was made.
    Reply(&'a mut [u8], Path),
    /// Others must be asked first.
    Foreign(Asked),
    /// It can mean much of a zone: another thread is to answer it.
    Pattern,
}

/// Answers messages one after the other: from ready-made answers, which it makes however
/// large their service is, or else by the full path.
pub(super) struct QueryHandler {
    /// The full path.
    responder: Responder,
    /// The fast path.
    fast: Fast,
    /// A reply of the fast path.
    ready: Box<[u8; READY_MAX]>,
    /// A reply of the full path.
    reply: Vec<u8>,
    /// Whether it leaves patterns to another thread.
    leaves_patterns: bool,
}

impl QueryHandler {
    /// One that answers as a responder does.
    pub(super) fn new(responder: Responder) -> Self {
        let ready = Box::new([0; READY_MAX]);
        let (fast, reply) = (Fast::unbounded(), Vec::new());
        Self { responder, fast, ready, reply, leaves_patterns: false }
    }

    /// The same, but for messages that can mean much of a zone.
    pub(super) fn leaving_patterns(self) -> Self {
        Self { leaves_patterns: true, ..self }
    }

    /// The full path.
    pub(super) const fn responder(&self) -> &Responder {
        &self.responder
    }

    /// Gives back what a large reply took, but for so many octets.
    pub(super) fn shrink(&mut self, kept: usize) {
        self.reply.clear();
        self.reply.shrink_to(kept);
    }

    /// Answers a message from a generation, by a policy, if it can be.
    pub(super) fn answer(&mut self, view: View<'_>, message: &[u8], from: Peer) -> Handled<'_> {
        let room = if from.transport.is_datagram() { usize::from(UDP_MOST) } else { READY_MAX };
        let Self { fast, ready, .. } = self;
        let respond = || fast.respond(view, message, from, &mut ready[..room]);
        match catch_panic(respond).unwrap_or(Verdict::Full) {
            Verdict::Reply { octets, .. } => Handled::Reply(&mut self.ready[..octets], Path::Fast),
            Verdict::Silence => Handled::Silence,
            Verdict::Pattern if self.leaves_patterns => Handled::Pattern,
            Verdict::Full | Verdict::Foreign | Verdict::Pattern => {
                let reply = &mut self.reply;
                match self.responder.respond_by(view, message, from, reply) {
                    Outcome::Silence => Handled::Silence,
                    Outcome::Reply => Handled::Reply(reply, Path::Full),
                    Outcome::Foreign(asked) => Handled::Foreign(asked),
                }
            }
        }
    }

    /// Asks others for a name that a message leads to. The reply is handed to `done`, on
    /// whatever thread has it, which must not wait. Those who are asked stay, with the policy
    /// that names them, until then.
    pub(super) fn forward(
        &self,
        policy: Arc<Policy>,
        asked: Asked,
        message: Box<[u8]>,
        from: Peer,
        done: impl FnOnce(Vec<u8>) + Send + 'static,
    ) {
        let (responder, found) = (self.responder.clone(), Vec::new());
        Errand { responder, policy, message, from, found }.ask(asked, Box::new(done));
    }
}

/// A message whose answer others know, wholly or in part.
struct Errand {
    /// Makes the reply.
    responder: Responder,
    /// By which policy.
    policy: Arc<Policy>,
    message: Box<[u8]>,
    /// Who sent it.
    from: Peer,
    /// What others said.
    found: Vec<UpstreamAnswer>,
}

impl Errand {
    /// Asks others, until what they say leads to no more questions for them.
    fn ask(mut self, asked: Asked, done: Box<dyn FnOnce(Vec<u8>) + Send>) {
        let Some(forwarder) = self.policy.forwarder.clone() else { return };
        forwarder.ask(client(self.from.ip()), asked.clone(), move |answer| {
            self.found.push(UpstreamAnswer { asked, answer });
            let (Self { responder, policy, message, from, found }, mut reply) = (&self, Vec::new());
            match responder.finish(policy, message, *from, found, &mut reply) {
                Outcome::Foreign(next) => self.ask(next, done),
                Outcome::Reply | Outcome::Silence => done(reply),
            }
        });
    }
}
