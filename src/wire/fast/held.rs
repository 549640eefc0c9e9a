//! The places of ready-made answers: beside the one thing that they are made of, or with a stamp
//! of all that they are made of.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::Fast;
use super::compile::{Drawn, ReadyQuestion, compile, compile_kept};
use super::compose::{Composer, Declined, WriteResult};
use crate::authority::{Position, may_hold};
use crate::index::{
    AnswerSlot, AnswerStamp, Branch, Cut, FoundAnswer, Generation, Keeper, KeptAnswer, Lead, Node,
    Owner, Ready, Sample, Schema, Site, StoredAnswer, labels_in,
};
use crate::names::WireName;
use crate::wire::Policy;

/// How many instances less than of others are looked at for a list of names while datagrams wait:
/// all that each of them says belongs to it.
const LISTED_LESS: usize = 16;

/// A question, and where its name leads.
pub(super) struct Inquiry<'g> {
    /// From what it is answered.
    pub(super) generation: &'g Generation,
    /// Where the name stands.
    pub(super) position: Position<'g>,
    /// What stands there.
    pub(super) node: Node<'g>,
    /// The type.
    pub(super) kind: RecordType,
    /// Who asks.
    pub(super) client: IpAddr,
}

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

/// The code of a reply, where it is not that of its name.
type CodeResult = Result<Option<ResponseCode>, Declined>;

impl Fast {
    /// Writes the answer of a name that exists.
    pub(super) fn existing(
        &mut self,
        inquiry: &Inquiry<'_>,
        answer: Option<FoundAnswer>,
        policy: &Policy,
        composer: &mut Composer<'_>,
    ) -> CodeResult {
        if let Some(found) = answer.as_ref().and_then(|it| it.as_ref()) {
            return self.write(inquiry, &found.ready, policy, composer);
        }
        let Inquiry { generation, position, node, kind, .. } = *inquiry;
        let is_bare = matches!(position.site, Site::Bare(..));
        if !may_hold(node, kind) || is_bare && kind == RecordType::PTR {
            return self.negative(generation, &position, composer).map(|()| None);
        }
        if inquiry.has_slot() {
            let held = self.hold(inquiry)?;
            if !matches!(held.ready(), Ready::Elsewhere) {
                return self.write(inquiry, held.ready(), policy, composer);
            }
        }
        let (name, site) = (self.name, position.site);
        let at = (position.zone, position.below);
        let (keeper, key) = node.kept(kind, at, &name).ok_or(Declined)?;
        let kept = match keeper {
            Keeper::Few(kept) => kept,
            Keeper::Zone if self.is_unbounded() => generation.kept_or_made(site),
            Keeper::Zone => generation.kept(site).ok_or(Declined)?,
        };
        let own = site.at();
        if let Some(found) = kept.get(key, generation, own) {
            let found = found.as_ref().ok_or(Declined)?;
            return self.write(inquiry, &found.ready, policy, composer);
        }
        if !self.may_make(inquiry) {
            return Err(Declined);
        }
        let (ready, footprint) =
            compile_kept(&inquiry.asked(&name), &mut self.draw).ok_or(Declined)?;
        let stamp = AnswerStamp::of(generation, &footprint.depends, own).ok_or(Declined)?;
        let answer = Arc::new(KeptAnswer::new(key, stamp, ready));
        kept.set(&answer, generation, own);
        self.write(inquiry, &answer.ready, policy, composer)
    }

    /// Whether an answer is made now that may depend on anything: not while datagrams wait, but
    /// for what an apex says.
    const fn may_make(&self, inquiry: &Inquiry<'_>) -> bool {
        self.is_unbounded() || matches!(inquiry.node, Node::Apex(_))
    }

    /// Whether no datagram waits.
    const fn is_unbounded(&self) -> bool {
        self.instances_max == usize::MAX
    }

    /// Writes a ready-made answer.
    fn write(
        &mut self,
        inquiry: &Inquiry<'_>,
        ready: &Ready,
        policy: &Policy,
        composer: &mut Composer<'_>,
    ) -> CodeResult {
        let Inquiry { generation, ref position, client, .. } = *inquiry;
        match ready {
            Ready::Elsewhere => return Err(Declined),
            Ready::NoData => self.negative(generation, position, composer)?,
            Ready::Records(records) => {
                composer.authoritative();
                composer.records(records, &mut self.draw, client)?;
            }
            Ready::Sample(sample) => {
                composer.authoritative();
                self.renew(sample, inquiry)?;
                composer.records(&sample.records.load(), &mut self.draw, client)?;
            }
            Ready::Whole(whole) => {
                // Others are asked for the rest, or what is said of how old it is differs.
                let is_more = whole.leaves && policy.forwarder.is_some();
                if is_more || whole.is_alias && position.is_stale {
                    return Err(Declined);
                }
                if whole.is_authoritative {
                    composer.authoritative();
                }
                composer.whole(whole, (generation, &self.name), &mut self.draw)?;
                return Ok(Some(ResponseCode::from_low(whole.code)));
            }
        }
        Ok(None)
    }

    /// Counts a use of a sample, and takes another in its place where it was used for long:
    /// that is for a thread that no datagram waits for.
    fn renew(&mut self, sample: &Sample, inquiry: &Inquiry<'_>) -> WriteResult {
        if sample.is_worn_by_this() && !self.is_unbounded() {
            return Err(Declined);
        }
        if self.is_unbounded() && sample.is_worn() {
            let asked = inquiry.asked(&self.name);
            let next = match inquiry.node.service() {
                Some(_) => Some(compile(&asked, &mut self.draw)),
                None => compile_kept(&asked, &mut self.draw).map(|(next, _)| next),
            };
            if let Some(Ready::Sample(next)) = next {
                sample.records.store(next.records.load_full());
            }
        }
        Ok(())
    }

    /// The ready-made answer: the kept one, or one that is made now, and kept if it can be.
    fn hold<'g>(&mut self, inquiry: &Inquiry<'g>) -> Result<ReadyAnswer<'g>, Declined> {
        let below = &self.name.as_wire()[..self.name.offset(inquiry.told_by())];
        let slot = inquiry.node.slot(inquiry.kind, below);
        if let Some(kept) = slot.and_then(AnswerSlot::get) {
            return Ok(ReadyAnswer::StoredAnswer(kept));
        }
        let less = if inquiry.kind == RecordType::PTR { LISTED_LESS } else { 1 };
        if !self.is_unbounded() && inquiry.node.outnumbers(self.instances_max / less, &self.name) {
            return Err(Declined);
        }
        let ready = compile(&inquiry.asked(&self.name), &mut self.draw);
        let made = Box::new(StoredAnswer { below: below.into(), kind: inquiry.kind, ready });
        let Some(slot) = slot else { return Ok(ReadyAnswer::Made(made)) };
        match slot.set(made) {
            Ok(()) => slot.get().map(|kept| ReadyAnswer::StoredAnswer(kept)).ok_or(Declined),
            // Another thread came first, and not necessarily for the same question.
            Err(made) => Ok(ReadyAnswer::Made(made)),
        }
    }
}

impl<'g> Inquiry<'g> {
    /// Whether the answer may be made of one service or RRset alone, and stands beside that.
    fn has_slot(&self) -> bool {
        match self.node {
            Node::Static(owner) => self.is_separable() && owner.alias(self.kind).is_none(),
            node => node.service().is_some(),
        }
    }

    /// Whether the answer's records can be given one by one: names in them are not compressed.
    fn is_separable(&self) -> bool {
        use RecordType::{CNAME, MX, NS, PTR, SOA};
        let is_cut = matches!(self.node, Node::Cut(_));
        !is_cut && !matches!(self.kind, CNAME | MX | NS | PTR | SOA)
    }

    /// Whether it stands among the entries of a SkyDNS zone.
    fn is_in_tree(&self) -> bool {
        let is_elsewhere = matches!(self.node, Node::Static(_) | Node::Apex(_) | Node::Cut(_));
        self.position.zone.settings().schema() == Schema::SkyDns && !is_elsewhere
    }

    /// How many labels from the left tell the node apart from others of its service.
    fn told_by(&self) -> usize {
        let below = self.position.below;
        match (self.node, self.kind) {
            // The labels that are not the service's own.
            (
                Node::Address(..)
                | Node::Instance(_)
                | Node::Port(..)
                | Node::Tag(_)
                | Node::TagPort(..),
                _,
            ) => below.saturating_sub(1),
            // The service's name alone does not tell transports apart; and names of instances are
            // spelt after the question's, which an alias can share with its service.
            (Node::Announced(..), _)
            | (Node::Transport(..) | Node::Subtype(..), RecordType::PTR) => below,
            _ => 0,
        }
    }

    /// The question that the answer is made ready for.
    fn asked<'a>(&self, name: &'a WireName) -> ReadyQuestion<'a>
    where
        'g: 'a,
    {
        ReadyQuestion {
            generation: self.generation,
            name,
            position: self.position,
            kind: self.kind,
            drawn: self.drawn(),
            is_separable: self.is_separable(),
            is_in_tree: self.is_in_tree(),
            shared: self.shared(name),
        }
    }

    /// How many right labels all names have that inquiry to the node.
    fn shared(&self, name: &WireName) -> usize {
        let labels = |owner: &Owner| owner.name().iter().count();
        match self.node {
            Node::Static(owner) if owner.name().is_wildcard() => labels(owner) - 1,
            Node::Cut(Cut::Delegation(owner)) => labels(owner),
            Node::SkyDns(Branch { by: Lead::Wildcard(encloser), .. }) => {
                let below = self.position.below;
                name.labels() - below + labels_in(name, below, encloser)
            }
            _ => name.labels(),
        }
    }

    /// How many records an answer has at most, and which: only what registrations give is limited.
    fn drawn(&self) -> Drawn {
        let settings = self.position.zone.settings();
        let most = match (self.kind, self.node) {
            (_, Node::Static(_) | Node::Apex(_)) => usize::MAX,
            (RecordType::A | RecordType::AAAA | RecordType::SRV, _) => settings.most_answers(),
            _ => usize::MAX,
        };
        (most, settings.answers_order)
    }
}
