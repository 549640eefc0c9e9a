//! Kept answers that depend on more than what they stand beside.
//!
//! # What has which answer ready
//! | asked | made of | kept | gone with |
//! | --- | --- | --- | --- |
//! | SRV, A, AAAA, TXT of a service and below it | its instances | in the service | its next change |
//! | PTR of its instances, where all they lead to is its own | its instances | in the service | its next change |
//! | the same where hosts have names | other services too | by name, in the zone | a change of a zone that was looked at |
//! | A, AAAA, TXT and the like of a zone file | one RRset | in the RRset | a reload |
//! | SRV, MX, NS, CNAME, PTR of a zone file; SOA and NS of an apex; referrals | RRsets, glue, targets | beside the owner | a reload, or a change of a zone of registrations that was looked at |
//! | a name of a SkyDNS zone, of a reverse zone, of DNS-SD itself | entries, instances | by name, in the zone | a change of a zone that was looked at |
//!
//! Names that follow a pattern, DNAME and what a stored wildcard of SkyDNS makes are never kept:
//! there is no end of them. What is larger than a datagram is made for each question.
//!
//! # Stamps
//! An answer that is made of more than what it stands beside has a stamp: the number of the
//! configuration, and how many changes each zone had seen that was looked at for it, whether or
//! not anything was found there. It is given only from a generation of which both are true still,
//! and while none of the other zones is stale. So no answer is older than its generation, nor
//! newer: two states of a zone with the same number of changes hold the same. A change costs
//! nothing here; what it made old is found so by the next question, and replaced. Zones that are
//! files never change but by a reload.
//!
//! # Bounds
//! A zone keeps so many answers by name, an owner of a zone file so many by type, and each takes
//! little more than a datagram of the usual size. Of more, those that are asked for next take the place of others. Only names
//! that exist have any.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use foldhash::fast::FixedState;
use hickory_proto::rr::RecordType;

use super::{Branch, Cut, Generation, Lead, Node, Ready, Schema, Zone};
use crate::metrics::Staleness;
use crate::names::WireName;

/// Answers that a zone of SkyDNS's schema or a reverse zone keeps by name. Their places take
/// 256 KiB, made when first needed.
const BY_NAME: usize = 32_768;
/// Answers that a zone of registrations keeps by name, beside those that its services have.
const BY_NAME_BESIDE: usize = 4_096;
/// Answers that an owner of a zone file keeps, by type: few are asked for more.
pub(super) const BY_KIND: usize = 4;
/// How many places a name may stand in.
const TRIES: usize = 4;
/// Zones that are looked at for one answer. One of more is not kept.
const ZONES_MAX: usize = 8;

/// A place for an answer that is replaced when it is old.
type AnswerPlace = ArcSwapOption<KeptAnswer>;

/// An answer that was found.
pub type FoundAnswer = Guard<Option<Arc<KeptAnswer>>>;

/// Answers to be found again.
pub struct KeptAnswers(Box<[AnswerPlace]>);

/// An answer, to which question, and how long it is true.
#[derive(Debug)]
pub struct KeptAnswer {
    /// The name in lower-cased wire form; nothing where the owner tells it.
    pub name: Box<[u8]>,
    /// The type.
    pub kind: RecordType,
    /// The states that it was made of.
    pub stamp: AnswerStamp,
    /// The answer.
    pub ready: Ready,
}

/// The states that an answer was made of.
#[derive(Debug, PartialEq, Eq)]
pub struct AnswerStamp {
    /// The number of the configuration.
    configuration: u64,
    /// The place of each zone that was looked at, and how many changes it had seen.
    zones: Box<[(usize, u64)]>,
}

impl AnswerStamp {
    /// The stamp of an answer that was made from a generation, of its zones at some places. None
    /// where these are too many, or one of them is not known well enough to keep what it says.
    #[must_use]
    pub fn of(generation: &Generation, zones: &[usize], own: usize) -> Option<Self> {
        let seen = |at: &usize| (*at, generation.zones()[*at].changes());
        let stamp = Self {
            configuration: generation.configuration(),
            zones: zones.iter().map(seen).collect(),
        };
        (zones.len() <= ZONES_MAX && stamp.holds(generation, own)).then_some(stamp)
    }

    /// Whether all is as it was in a generation. How fresh the question's own zone is, others say.
    fn holds(&self, generation: &Generation, own: usize) -> bool {
        let is_as_it_was = |(at, changes): &(usize, u64)| {
            let zone = &generation.zones()[*at];
            zone.changes() == *changes
                && (*at == own || zone.is_ready() && zone.standing() == Staleness::Fresh)
        };
        self.configuration == generation.configuration() && self.zones.iter().all(is_as_it_was)
    }
}

impl KeptAnswers {
    /// Room for so many answers.
    pub(super) fn with(places: usize) -> Self {
        Self(std::iter::repeat_with(AnswerPlace::empty).take(places).collect())
    }

    /// The answer to a question that is true in a generation.
    #[must_use]
    pub fn get(
        &self,
        (name, kind): (&[u8], RecordType),
        generation: &Generation,
        own: usize,
    ) -> Option<FoundAnswer> {
        self.places(name, kind).find_map(|place| {
            let found = place.load();
            let is_it = found.as_ref().is_some_and(|kept| {
                kept.kind == kind && *kept.name == *name && kept.stamp.holds(generation, own)
            });
            is_it.then_some(found)
        })
    }

    /// Keeps an answer, in the place of an earlier one to the same question, a free one, or one
    /// that is old; else of another one.
    pub fn set(&self, answer: Arc<KeptAnswer>, generation: &Generation, own: usize) {
        let is_same = |place: &&AnswerPlace| {
            let kept = place.load();
            let same = |it: &Arc<KeptAnswer>| it.kind == answer.kind && it.name == answer.name;
            kept.as_ref().is_some_and(same)
        };
        let is_free = |place: &&AnswerPlace| {
            place.load().as_ref().is_none_or(|it| !it.stamp.holds(generation, own))
        };
        let places = || self.places(&answer.name, answer.kind);
        let place = places().find(is_same).or_else(|| places().find(is_free));
        let evicted = fastrand::usize(..TRIES);
        if let Some(place) = place.or_else(|| places().nth(evicted)) {
            place.store(Some(Arc::clone(&answer)));
        }
    }

    /// The places in which the answer to a question may stand.
    fn places(&self, name: &[u8], kind: RecordType) -> impl Iterator<Item = &AnswerPlace> {
        let first = FixedState::default().hash_one((name, u16::from(kind))) as usize;
        (0..TRIES).filter_map(move |further| self.0.get((first + further) % self.0.len()))
    }
}

impl Node<'_> {
    /// Where answers of the node for a type are kept that are made of more than a service or an
    /// RRset, and by which name. None where there is no end of them.
    #[must_use]
    pub fn kept<'k>(
        &self,
        kind: RecordType,
        zone: &'k Zone,
        name: &'k WireName,
    ) -> Option<(&'k KeptAnswers, (&'k [u8], RecordType))>
    where
        Self: 'k,
    {
        let by_name = (name.as_wire(), kind);
        match *self {
            Self::Apex(_) if matches!(kind, RecordType::SOA | RecordType::NS) => {
                Some((zone.settings.kept(), by_name))
            }
            Self::Apex(Some(owner)) | Self::Static(owner) => Some((owner.kept(), (&[], kind))),
            // A referral is the same for every name and type; what is asked of the cut's parent
            // side is not a referral.
            Self::Cut(Cut::Delegation(owner)) if kind != RecordType::DS => {
                Some((owner.kept(), (&[], RecordType::ZERO)))
            }
            Self::Apex(None)
            | Self::Cut(_)
            | Self::Empty
            | Self::SkyDns(Branch { by: Lead::Wildcard(_) | Lead::Pattern, .. }) => None,
            _ => Some((zone.kept(), by_name)),
        }
    }
}

impl Zone {
    /// Answers that are kept by name.
    fn kept(&self) -> &KeptAnswers {
        let is_large = self.settings.schema() == Schema::SkyDns || self.settings.is_reverse();
        let places = if is_large { BY_NAME } else { BY_NAME_BESIDE };
        self.kept.get_or_init(|| KeptAnswers::with(places))
    }

    /// Whether what stands at a name, so many of whose labels are below the apex, is told by the
    /// configuration and the zone file, whatever is registered.
    #[must_use]
    pub fn is_written(&self, name: &WireName, below: usize) -> bool {
        if below == 0 {
            return self.settings.schema() != Schema::SkyDns;
        }
        let is_in_file = self.settings.tree().is_some_and(|tree| tree.says(name, below));
        is_in_file || self.reserves(name) && self.serves_at(name)
    }
}

impl fmt::Debug for KeptAnswers {
    /// How many there may be.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeptAnswers({})", self.0.len())
    }
}
