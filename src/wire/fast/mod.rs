//! The fast path: from a query of the usual form to a reply, from ready-made answers.
//!
//! ```text
//!   query ─→ resolve ─┬─→ no such zone, not ready ────────────────────────┐
//!                     ├─→ no such name ─→ the zone's SOA ─────────────────┼─→ compose
//!                     └─→ node ─→ held ─→ records, whole, or the SOA ─────┘
//!                                  └─ not yet: compile, from `authority`'s answer
//! ```
//!
//! An answer is made ready in one of two forms: record by record, so that the order of each reply
//! can be drawn (`compile`, `order`), or as it stands, where names in it are compressed or one
//! thing leads to another (`whole`). Where it is kept, and how long it is true, `held` knows with
//! [`index`](crate::index).
//!
//! It is no second truth: names are followed by the authority's own `resolve_answer`, and every
//! octet of a record comes from encoding the authority's answer. What it does not take
//! goes to the full path, which says the same, slower.

mod compile;
mod compose;
mod held;
mod order;
mod query;
mod whole;

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use self::compile::start_of_authority;
use self::compose::{Composer, Declined, WriteResult};
use self::held::Inquiry;
use self::query::{Query, Unusual};
use super::counters::zone_of;
use super::edns::{Budget, Edns, OptReply, ZoneVersion};
use super::{Kind, Peer, Policy, Topic, View};
use crate::authority::{Draw, Position, Reason, Resolved, resolve_answer};
use crate::index::skydns::is_any_label;
use crate::index::{FoundAnswer, Generation, Schema, Zone};
use crate::names::WireName;

/// The verdict of the fast path on a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The reply is written.
    Reply {
        /// How many octets of the buffer it takes.
        octets: usize,
        /// Its response code.
        code: u8,
        /// Whether it asks to come back over TCP.
        truncated: bool,
        /// What was asked.
        topic: Topic,
    },
    /// It is no request: nothing is said.
    Silence,
    /// The full path must answer.
    Full,
    /// The full path must answer, or have others asked: the name is in no zone of ours.
    Foreign,
    /// The full path must answer: the name has labels that stand for any, so that it can mean
    /// much of a zone.
    Pattern,
}

/// Answers messages from ready-made answers. Each thread has its own.
#[derive(Debug)]
pub struct Fast {
    /// The name of the query at hand.
    name: WireName,
    /// Where orders come from.
    draw: Draw,
    /// How many instances are looked at to make an answer.
    instances_max: usize,
}

/// How many instances a thread looks at to make an answer while datagrams wait: what takes
/// more is left to the full path, whose thread makes it.
const INLINE_BUILD_MAX: usize = 256;

impl Fast {
    /// One that nobody foresees the orders of.
    #[must_use]
    pub fn new() -> Self {
        Self::with_draw(Draw::new())
    }

    /// One that orders by a draw.
    #[must_use]
    pub fn with_draw(draw: Draw) -> Self {
        Self { name: WireName::root(), draw, instances_max: INLINE_BUILD_MAX }
    }

    /// One that makes answers of any size, for threads that no datagram waits for.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { instances_max: usize::MAX, ..Self::new() }
    }

    /// Answers a message from one generation, by one policy, into `reply`, which has room for
    /// [`UDP_MOST`](super::UDP_MOST) octets over UDP, and for [`READY_MAX`](super::READY_MAX)
    /// over TCP.
    pub fn respond(
        &mut self,
        view: View<'_>,
        message: &[u8],
        from: Peer,
        reply: &mut [u8],
    ) -> Verdict {
        match Query::read(message, &mut self.name) {
            Ok(query) => {
                self.answer(view, &query, from, reply).unwrap_or_else(|Declined| self.leave(view))
            }
            Err(Unusual::NoRequest) => Verdict::Silence,
            Err(Unusual::Nameless) => Verdict::Full,
            Err(Unusual::Named) => self.leave(view),
        }
    }

    /// Leaves a message to the full path, and says whether its name is a pattern, or where
    /// others are asked for names that are not ours, one of these.
    fn leave(&self, View { generation, policy }: View<'_>) -> Verdict {
        match generation.locate(&self.name) {
            None if policy.forwarder.is_some() => Verdict::Foreign,
            Some((site, below)) if self.is_pattern(generation.zone(site), below) => {
                Verdict::Pattern
            }
            _ => Verdict::Full,
        }
    }

    /// Whether a label below a zone's apex stands for any, as it does in SkyDNS's schema.
    fn is_pattern(&self, zone: &Zone, below: usize) -> bool {
        zone.settings().schema() == Schema::SkyDns
            && (0..below).any(|at| is_any_label(self.name.label(at)))
    }

    /// Answers a query.
    fn answer(
        &mut self,
        view: View<'_>,
        query: &Query<'_>,
        from: Peer,
        reply: &mut [u8],
    ) -> Result<Verdict, Declined> {
        let View { generation, policy } = view;
        let edns = match &query.opt {
            Some(opt) => Some(Edns::new(opt, policy, from).map_err(|_| Declined)?),
            None => None,
        };
        let octets = [query.octets, query.question.len()];
        let budget = Budget::new(policy, from.transport, edns.as_ref(), octets);
        let (resolved, answer, (mut code, reason)) = self.resolve(view, from.ip(), query.kind);
        let mut composer = Composer::new(query, budget, reply)?;
        match resolved {
            _ if self.is_for_others(&resolved, query, policy) => return Err(Declined),
            Resolved::Foreign | Resolved::NotReady => {}
            Resolved::Missing(position) => self.negative(generation, &position, &mut composer)?,
            Resolved::Existing(position, node) => {
                let (kind, client) = (query.kind, from.ip());
                let inquiry = Inquiry { generation, position, node, kind, client };
                // Where an alias leads to nothing, that is said.
                let found = self.existing(&inquiry, answer, policy, &mut composer)?;
                code = found.unwrap_or(code);
            }
        }
        let truncated = composer.is_truncated();
        if truncated && !from.transport.is_datagram() {
            return Err(Declined);
        }
        let code = code.low();
        let wants_version = edns.as_ref().is_some_and(Edns::wants_zone_version);
        let version = wants_version.then(|| ZoneVersion::of(&resolved, &self.name)).flatten();
        let edns = edns.as_ref().map(|edns| (edns, policy));
        let octets = composer.finish(code, edns, &OptReply { code: 0, reason, version })?;
        let zone = zone_of(generation, &resolved, &self.name);
        let topic = Topic { zone, kind: Kind::of(query.kind) };
        Ok(Verdict::Reply { octets, code, truncated, topic })
    }

    /// Whether only the full path knows what there is at a name that is not ours or does not exist:
    /// others may be asked for it, or it exists in another spelling, as in keys.
    fn is_for_others(&self, resolved: &Resolved<'_>, query: &Query<'_>, policy: &Policy) -> bool {
        let forwarder = policy.forwarder.as_ref().filter(|_| query.wants_recursion());
        match resolved {
            Resolved::Foreign => forwarder.is_some(),
            Resolved::Missing(position) => {
                position.meant(&self.name).is_some()
                    || forwarder.is_some_and(|it| it.has_fallthrough())
            }
            Resolved::NotReady | Resolved::Existing(..) => false,
        }
    }

    /// Where the name leads, and what is said of it; to clients that may ask nothing it is as
    /// if it were not ours.
    fn resolve<'g>(
        &self,
        View { generation, policy }: View<'g>,
        client: IpAddr,
        kind: RecordType,
    ) -> (Resolved<'g>, Option<FoundAnswer>, (ResponseCode, Option<Reason>)) {
        if !policy.may_query(client) {
            let refused = (ResponseCode::Refused, Some(Reason::Prohibited));
            return (Resolved::Foreign, None, refused);
        }
        let (resolved, answer) = resolve_answer(generation, &self.name, kind);
        (resolved, answer, resolved.code())
    }

    /// Writes a negative answer.
    fn negative(
        &self,
        generation: &Generation,
        position: &Position<'_>,
        composer: &mut Composer<'_>,
    ) -> WriteResult {
        let settings = position.zone.settings();
        let slot = settings.ready();
        if slot.get().is_none() {
            let made = start_of_authority(generation, &self.name, settings.wire());
            // Another thread may come first, with the same.
            let _ = slot.set(made.ok_or(Declined)?);
        }
        composer.authoritative();
        composer.negative(slot.get().ok_or(Declined)?, position, &self.name);
        Ok(())
    }
}

impl Default for Fast {
    fn default() -> Self {
        Self::new()
    }
}
