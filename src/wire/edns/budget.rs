//! The size budget of a reply.

use super::Edns;
use crate::wire::{HEADER, PLAIN_MAX, Policy, TCP_MAX, Transport};

/// How many times larger than its query a reply over UDP may be whose client is not known,
/// where `strict-amplification` is set. A forged address is then of little use to whoever
/// wants to flood it; QUIC has the same limit for the same reason (RFC 9000 section 8.1).
pub const AMPLIFICATION_MAX: usize = 3;

/// Octets of the shortest question: the root, a type, a class.
const QUESTION_LEAST: usize = 5;

/// Whether an OPT record of so many octets keeps the reply to a request with these options
/// small, even one that has nothing else in it.
pub(super) const fn admits(reserved: u16, options: &[u8]) -> bool {
    let request = HEADER + QUESTION_LEAST + 11 + options.len();
    HEADER + QUESTION_LEAST + reserved as usize <= AMPLIFICATION_MAX * request
}

/// The octets of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct Budget {
    /// Octets of the whole.
    pub(in crate::wire) limit: u16,
    /// Octets of these that are kept free for the OPT record.
    pub(in crate::wire) reserved: u16,
}

impl Budget {
    /// The budget of the reply to a request: how large that is, and its question.
    pub(in crate::wire) fn new(
        policy: &Policy,
        transport: Transport,
        edns: Option<&Edns>,
        [request, question]: [usize; 2],
    ) -> Self {
        let reserved = edns.map_or(0, Edns::reserved);
        if !transport.is_datagram() {
            return Self { limit: TCP_MAX, reserved };
        }
        let limit =
            edns.map_or(PLAIN_MAX, |edns| edns.size.clamp(PLAIN_MAX, policy.udp_size.get()));
        if !policy.strict_amplification || edns.is_some_and(Edns::has_valid_cookie) {
            return Self { limit, reserved };
        }
        // Whoever is sent back to TCP must be told so in a whole message.
        let least = HEADER + question + usize::from(reserved);
        let strict = (AMPLIFICATION_MAX * request).max(least).min(limit.into());
        Self { limit: strict as u16, reserved }
    }
}
