//! The fast path: from a query of the usual form to a reply, from ready-made answers.
//!
//! ```text
//!   query ─→ resolve ─┬─→ no such zone, not ready ────────────────────────┐
//!                     ├─→ no such name ─→ the zone's SOA ─────────────────┼─→ compose
//!                     └─→ node ─→ slot ─→ records, or the zone's SOA ─────┘
//!                                  └─ empty: compile, from `authority`'s answer
//! ```
//!
//! It is no second truth: names are followed by the authority's own `resolve_kept`, and every
//! octet of a record comes from encoding the authority's answer. What it does not take
//! goes to the full path, which says the same, slower.

mod compile;
mod compose;
mod query;

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use self::compile::{Drawn, compile, start_of_authority};
use self::compose::{Composer, Declined, WriteResult};
use self::query::{Query, Unusual};
use super::counters::zone_of;
use super::edns::{Budget, Edns, OptReply, ZoneVersion};
use super::{Kind, Peer, Topic, Transport, View};
use crate::authority::{Draw, Position, Reason, Resolved, may_hold, resolve_kept};
use crate::index::skydns::is_any_label;
use crate::index::{AnswerSlot, Generation, Node, Ready, Sample, Schema, StoredAnswer, Zone};
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

/// A ready-made answer.
enum ReadyAnswer<'g> {
    /// It is kept with its service.
    StoredAnswer(&'g StoredAnswer),
    /// It could not be kept.
    Made(Box<StoredAnswer>),
}

impl ReadyAnswer<'_> {
    /// The answer.
    fn ready(&self) -> &Ready {
        match self {
            Self::StoredAnswer(kept) => &kept.ready,
            Self::Made(made) => &made.ready,
        }
    }
}

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
        let (resolved, (code, reason)) = self.resolve(view, from.ip(), query.kind);
        let mut composer = Composer::new(query, budget, reply)?;
        match resolved {
            Resolved::Foreign if query.wants_recursion() && policy.forwarder.is_some() => {
                return Err(Declined);
            }
            Resolved::Foreign | Resolved::NotReady => {}
            // Spelt as in keys, it exists: the full path knows.
            Resolved::Missing(position) if position.meant(&self.name).is_some() => {
                return Err(Declined);
            }
            Resolved::Missing(position) => self.negative(generation, &position, &mut composer)?,
            Resolved::Existing(position, node) => {
                let client = from.ip();
                self.existing(generation, query, (position, node), client, &mut composer)?;
            }
        }
        let truncated = composer.is_truncated();
        if truncated && from.transport == Transport::Tcp {
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

    /// Where the name leads, and what is said of it; to clients that may ask nothing it is as
    /// if it were not ours.
    fn resolve<'g>(
        &self,
        View { generation, policy }: View<'g>,
        client: IpAddr,
        kind: RecordType,
    ) -> (Resolved<'g>, (ResponseCode, Option<Reason>)) {
        if !policy.may_query(client) {
            let refused = (ResponseCode::Refused, Some(Reason::Prohibited));
            return (Resolved::Foreign, refused);
        }
        let resolved = resolve_kept(generation, &self.name, kind);
        (resolved, resolved.code())
    }

    /// Writes the answer of a name that exists.
    fn existing(
        &mut self,
        generation: &Generation,
        query: &Query<'_>,
        (position, node): (Position<'_>, Node<'_>),
        client: IpAddr,
        composer: &mut Composer<'_>,
    ) -> WriteResult {
        if !may_hold(node, query.kind) {
            return self.negative(generation, &position, composer);
        }
        // Names there gain by compression, which ready-made records do without; and names of
        // instances are spelt after the question's, which an alias can share with its service.
        // Of aliases, referrals and entries of SkyDNS only the full path knows.
        let is_alias = matches!(node, Node::Static(owner) if owner.alias(query.kind).is_some());
        // Names in their data gain by compression, which decides whether they fit.
        let is_spelt = matches!(query.kind, RecordType::PTR | RecordType::MX | RecordType::NS);
        let is_full = matches!(node, Node::Apex(_) | Node::Cut(_) | Node::SkyDns(_));
        if is_alias || is_spelt || is_full {
            return Err(Declined);
        }
        let held = self.hold(generation, query, (position, node))?;
        composer.authoritative();
        match held.ready() {
            Ready::Elsewhere => Err(Declined),
            Ready::NoData => self.negative(generation, &position, composer),
            Ready::Records(records) => composer.records(records, &mut self.draw, client),
            Ready::Sample(sample) => {
                self.renew(sample, generation, query.kind, (position, node))?;
                composer.records(&sample.records.load(), &mut self.draw, client)
            }
        }
    }

    /// Counts a use of a sample, and takes another in its place where it was used for long:
    /// that is for a thread that no datagram waits for.
    fn renew(
        &mut self,
        sample: &Sample,
        generation: &Generation,
        kind: RecordType,
        (position, node): (Position<'_>, Node<'_>),
    ) -> WriteResult {
        let is_unbounded = self.instances_max == usize::MAX;
        if sample.is_worn_by_this() && !is_unbounded {
            return Err(Declined);
        }
        if is_unbounded && sample.is_worn() {
            let drawn = drawn(kind, position, node);
            if let Ready::Sample(next) =
                compile(generation, &self.name, kind, drawn, &mut self.draw)
            {
                sample.records.store(next.records.load_full());
            }
        }
        Ok(())
    }

    /// The ready-made answer: the kept one, or one that is made now, and kept if it can be.
    fn hold<'g>(
        &mut self,
        generation: &'g Generation,
        query: &Query<'_>,
        (position, node): (Position<'g>, Node<'g>),
    ) -> Result<ReadyAnswer<'g>, Declined> {
        let below = match node {
            // The labels that are not the service's own.
            Node::Address(..)
            | Node::Instance(_)
            | Node::Port(..)
            | Node::Tag(_)
            | Node::TagPort(..) => {
                &self.name.as_wire()[..self.name.offset(position.below.saturating_sub(1))]
            }
            // The service's name alone does not tell transports apart.
            Node::Announced(..) => &self.name.as_wire()[..self.name.offset(position.below)],
            _ => &[],
        };
        let slot = node.slot(query.kind, below);
        if let Some(kept) = slot.and_then(AnswerSlot::get) {
            return Ok(ReadyAnswer::StoredAnswer(kept));
        }
        if node.outnumbers(self.instances_max, &self.name) {
            return Err(Declined);
        }
        let drawn = drawn(query.kind, position, node);
        let ready = compile(generation, &self.name, query.kind, drawn, &mut self.draw);
        // That there is nothing below a service is quickly told, and of many types.
        let slot = slot.filter(|_| below.is_empty() || !matches!(ready, Ready::NoData));
        let made = Box::new(StoredAnswer { below: below.into(), kind: query.kind, ready });
        let Some(slot) = slot else { return Ok(ReadyAnswer::Made(made)) };
        match slot.set(made) {
            Ok(()) => slot.get().map(|kept| ReadyAnswer::StoredAnswer(kept)).ok_or(Declined),
            // Another thread came first, and not necessarily for the same question.
            Err(made) => Ok(ReadyAnswer::Made(made)),
        }
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

/// How many records an answer has at most, and which: only what registrations give is limited.
fn drawn(kind: RecordType, position: Position<'_>, node: Node<'_>) -> Drawn {
    let settings = position.zone.settings();
    let most = match (kind, node) {
        (_, Node::Static(_)) => usize::MAX,
        (RecordType::A | RecordType::AAAA | RecordType::SRV, _) => settings.most_answers(),
        _ => usize::MAX,
    };
    (most, settings.answers_order)
}

impl Default for Fast {
    fn default() -> Self {
        Self::new()
    }
}
