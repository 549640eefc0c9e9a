//! Aliases: CNAME (RFC 1034 section 3.6.2) and DNAME (RFC 6672), and where they lead.
//!
//! The answer to an alias is that alias, then what stands where it leads, and so on. The code
//! is that of the last name (RFC 6604 section 3); AA is that of the first (RFC 1035 section
//! 4.1.1). Where a chain leaves our zones, the rest is for whoever can ask others.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{CNAME, NULL};
use hickory_proto::rr::{Name, RData, RecordType};

use super::additional::octets;
use super::resolver::{Resolver, Step};
use super::{Answer, Draw, Question, Room, RrSet};
use crate::index::{Owner, RecordSet};
use crate::names::WireName;

/// The most aliases of one answer. Longer chains are loops or mistakes, and each link costs a
/// look-up.
const CHAIN_MAX: usize = 16;

/// An alias and where it leads.
pub(super) struct ResolvedAlias {
    /// The records that say so: a CNAME, behind a DNAME if it was made of one.
    pub(super) sets: Vec<RrSet>,
    /// Where.
    pub(super) target: Name,
    /// The most aliases of an answer that begins with it and is given for its end alone:
    /// where there is no end, there is no alias either.
    pub(super) most: Option<usize>,
}

impl Resolver<'_> {
    /// Answers from where a chain of aliases leads; none where it leads nowhere, and must.
    pub(super) fn follow(&self, alias: ResolvedAlias, draw: &mut Draw) -> Option<Answer> {
        let most = alias.most;
        let answer = self.followed(alias, draw);
        most.is_none_or(|most| answer.leads_somewhere(most)).then_some(answer)
    }

    /// Answers from where a chain of aliases leads.
    fn followed(&self, alias: ResolvedAlias, draw: &mut Draw) -> Answer {
        let ResolvedAlias { sets: mut chain, mut target, .. } = alias;
        for _ in 1..CHAIN_MAX {
            let taken = chain.iter().map(octets).sum();
            let room = self.question.room;
            let room = Room { octets: room.octets.saturating_sub(taken), ..room };
            let question = Question { name: &target, room, ..*self.question };
            match Resolver::new(self.generation, &question, self.visits).step(draw) {
                Step::Foreign(_) => return Answer { leaves: Some(target), ..Answer::alias(chain) },
                Step::Done(answer) => return answer.behind(chain),
                Step::Alias(next) if is_loop(&chain, &next) => break,
                Step::Alias(next) => {
                    chain.extend(next.sets);
                    target = next.target;
                }
            }
        }
        Answer::alias(chain)
    }
}

/// Whether a chain has met the owner of a next alias already: names that a pair of DNAME
/// records makes of each other are new ones for ever, and longer each time.
fn is_loop(chain: &[RrSet], next: &ResolvedAlias) -> bool {
    let is_met = |it: &RrSet| chain.iter().any(|set| set.kind == it.kind && set.owner == it.owner);
    next.sets.iter().any(is_met)
}

impl Answer {
    /// Aliases that lead to nothing more.
    pub(super) fn alias(chain: Vec<RrSet>) -> Self {
        Self { answers: chain, is_own: false, ..Self::own(ResponseCode::NoError) }
    }

    /// Whether it has more than aliases, and at most so many of these; or fails, or leaves
    /// our zones.
    fn leads_somewhere(&self, most: usize) -> bool {
        let is_cname = |set: &&RrSet| set.kind == RecordType::CNAME;
        let aliases = self.answers.iter().filter(is_cname).count();
        let has_more = self.answers.len() > aliases || self.leaves.is_some();
        let is_error = self.truncated || self.code == ResponseCode::ServFail;
        is_error || has_more && aliases <= most
    }

    /// The same answer where a chain of aliases leads to it. One that failed is no answer.
    fn behind(self, mut chain: Vec<RrSet>) -> Self {
        if self.code == ResponseCode::ServFail {
            return self;
        }
        chain.extend(self.answers);
        Self { answers: chain, authoritative: true, is_own: false, ..self }
    }
}

/// The alias that a CNAME record is.
pub(super) fn cname(owner: &Name, set: &RecordSet) -> Option<ResolvedAlias> {
    let [RData::CNAME(cname)] = &set.data[..] else { return None };
    let sets = vec![RrSet::of(owner.clone(), set)];
    Some(ResolvedAlias { sets, target: cname.0.clone(), most: None })
}

/// The alias that a DNAME record makes of a name below its owner (RFC 6672 section 2.2).
///
/// # Errors
/// The answer instead: YXDOMAIN where the name would be too long, with the record.
pub(super) fn dname(name: &Name, owner: &Owner) -> Result<ResolvedAlias, Box<Answer>> {
    let none = || Box::new(Answer::error(ResponseCode::ServFail, None));
    let set = owner.set(RecordType::DNAME).ok_or_else(none)?;
    let redirected = RrSet::of(owner.name().clone(), set);
    let to = target(set).ok_or_else(none)?;
    let kept = labels(name).saturating_sub(labels(owner.name()));
    let Some(target) = substituted(name.iter().take(kept).chain(to.iter()).collect()) else {
        let answer = Answer::positive(redirected);
        return Err(Box::new(Answer { code: ResponseCode::YXDomain, is_own: false, ..answer }));
    };
    let data = vec![RData::CNAME(CNAME(target.clone()))];
    let alias = RrSet::plain(name.clone(), RecordType::CNAME, set.ttl, data);
    Ok(ResolvedAlias { sets: vec![redirected, alias], target, most: None })
}

/// A name of labels, if it is none that is too long.
fn substituted(labels: Vec<&[u8]>) -> Option<Name> {
    WireName::from_labels(labels.iter().copied()).ok()?;
    Name::from_labels(labels).ok()
}

/// How many labels a name has, a wildcard's `*` included.
fn labels(name: &Name) -> usize {
    name.iter().count()
}

/// Where a DNAME record leads. hickory knows the type only as octets.
fn target(set: &RecordSet) -> Option<Name> {
    let [RData::Unknown { rdata: NULL { anything, .. }, .. }] = &set.data[..] else { return None };
    let mut wire = WireName::root();
    wire.read(anything).filter(|read| *read == anything.len())?;
    Name::from_labels(wire.iter()).ok()
}
