//! Kept answers that depend on more than what they stand beside.
//!
//! # What has which answer ready
//! | asked | made of | kept | gone with |
//! | --- | --- | --- | --- |
//! | SRV, A, AAAA, TXT of a service and below it | its instances | in the service | its next change |
//! | PTR of its instances, where all they lead to is its own | its instances | in the service | its next change |
//! | the same where hosts have names | other services too | by name, in the zone | a change of a part that was looked at |
//! | A, AAAA, TXT and the like of a zone file | one RRset | in the RRset | a reload |
//! | SRV, MX, NS, CNAME, PTR of a zone file; SOA and NS of an apex; referrals | RRsets, glue, targets | beside the owner | a reload, or a change of a part of a zone of registrations that was looked at |
//! | a name of a SkyDNS zone, of a reverse zone, of DNS-SD itself | entries, instances | by name, in the zone | a change of a part that was looked at |
//! | A, AAAA, TXT, CNAME of what a stored wildcard of SkyDNS stands for | its entries | by the wildcard's parent, in the zone | a change of a part that was looked at |
//!
//! Names that follow a pattern, DNAME, and records of a stored wildcard that lead to the name which
//! was asked for are never kept: there is no end of them.
//!
//! # Stamps
//! An answer that is made of more than what it stands beside has a stamp: the number of the
//! configuration, and how many changes each part of a zone had seen that was looked at for it,
//! whether or not anything was found there ([`super::Dependencies`], [`super::ZonePart`]). It is given
//! only from a generation of which all that is true still, and while none of the other zones is
//! stale. So no answer is older than its generation, nor newer: two states of a part with the same
//! number of changes hold the same. A change counts in the parts that it touches, and costs nothing
//! else here; what it made old is found so by the next question, and replaced. What stands in other
//! parts stays. Zones that are files never change but by a reload.
//!
//! # Bounds
//! A zone of SkyDNS's schema has places for three answers for each entry, one of registrations some,
//! and one for each instance that reverse zones name. They are found before the name is looked for
//! among these. An owner of a zone file keeps a few by type. An answer takes some 350 octets, and
//! little more than a datagram of the usual size at most, but for those of many entries, which are
//! drawn from: all of these together take 384 octets for each entry at most. Of more, those that
//! are asked for next take the place of others. Only names that exist have any.

use std::fmt;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use foldhash::fast::FixedState;
use hickory_proto::rr::RecordType;

use super::parts::ZonePart;
use super::{Dependencies, Generation, Ready, Schema, Zone};
use crate::metrics::Staleness;
use crate::names::WireName;

/// Answers that an owner of a zone file keeps, by type: few are asked for more.
pub(super) const BY_KIND: usize = 4;
/// How many places a name may stand in: those of one cache line.
pub(super) const TRIES: usize = 8;
/// Parts of zones that are looked at for one answer. One of more is not kept.
const PARTS_MAX: usize = 16;
/// Octets of an answer that does not count as large: as much as a few datagrams.
const LARGE: usize = 4_096;
/// Octets that all large answers of a zone take for each place: an entry's record is part of one
/// for each name above it, and type.
const LARGE_BY_PLACE: usize = 128;

/// A place for an answer that is replaced when it is old.
type AnswerPlace = ArcSwapOption<KeptAnswer>;

/// An answer that was found.
pub type FoundAnswer = Guard<Option<Arc<KeptAnswer>>>;

/// Answers to be found again.
pub struct KeptAnswers {
    /// The places, those of one name side by side.
    places: Box<[AnswerPlace]>,
    /// An octet of the hash of what stands in each, so that the others are not looked at.
    hints: Box<[AtomicU8]>,
    /// Octets that large answers take.
    large: AtomicUsize,
}

/// The question that an answer is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnswerKey<'k> {
    /// The name in lower-cased wire form; nothing where the owner tells it.
    pub name: &'k [u8],
    /// The type.
    pub kind: RecordType,
    /// Whether it is that of a wildcard right below the name.
    pub is_below: bool,
}

/// An answer, to which question, and how long it is true.
#[derive(Debug)]
pub struct KeptAnswer {
    /// As in [`AnswerKey`].
    name: Box<[u8]>,
    /// The type.
    kind: RecordType,
    /// As in [`AnswerKey`].
    is_below: bool,
    /// The states that it was made of.
    stamp: AnswerStamp,
    /// The answer.
    pub ready: Ready,
}

/// The states that an answer was made of.
#[derive(Debug, PartialEq, Eq)]
pub struct AnswerStamp {
    /// The number of the configuration.
    configuration: u64,
    /// The place of the zone of each part that was looked at, and how many changes it had seen.
    parts: Box<[(u32, ZonePart, u64)]>,
}

impl AnswerStamp {
    /// The stamp of an answer that was made from a generation, of parts of its zones. None where
    /// these are too many, or one of the zones is not known well enough to keep what it says.
    #[must_use]
    pub fn of(generation: &Generation, depends: &Dependencies, own: usize) -> Option<Self> {
        let parts = depends.parts();
        let seen = |(at, part): &(usize, ZonePart)| {
            let zone = &generation.zones()[*at];
            (*at as u32, *part, zone.changes_of(*part))
        };
        let (configuration, parts) = (generation.configuration(), parts.iter().map(seen).collect());
        let stamp = Self { configuration, parts };
        (stamp.parts.len() <= PARTS_MAX && stamp.holds(generation, own)).then_some(stamp)
    }

    /// Whether all is as it was in a generation. How fresh the question's own zone is, others say.
    fn holds(&self, generation: &Generation, own: usize) -> bool {
        let is_as_it_was = |(at, part, changes): &(u32, ZonePart, u64)| {
            let at = *at as usize;
            let Some(zone) = generation.zones().get(at) else { return false };
            zone.changes_of(*part) == *changes
                && (at == own || zone.is_ready() && zone.standing() == Staleness::Fresh)
        };
        self.configuration == generation.configuration() && self.parts.iter().all(is_as_it_was)
    }
}

impl KeptAnswer {
    /// An answer to a question.
    #[must_use]
    pub fn new(key: AnswerKey<'_>, stamp: AnswerStamp, ready: Ready) -> Self {
        let AnswerKey { name, kind, is_below } = key;
        Self { name: name.into(), kind, is_below, stamp, ready }
    }

    /// What it is found by.
    fn key(&self) -> AnswerKey<'_> {
        AnswerKey { name: &self.name, kind: self.kind, is_below: self.is_below }
    }

    /// Octets of it, where they are many.
    fn large(&self) -> usize {
        Some(self.ready.octets()).filter(|octets| *octets > LARGE).unwrap_or_default()
    }
}

impl KeptAnswers {
    /// Room for so many answers.
    pub(super) fn with(places: usize) -> Self {
        let places: Box<[_]> = std::iter::repeat_with(AnswerPlace::empty).take(places).collect();
        let hints = places.iter().map(|_| AtomicU8::new(0)).collect();
        Self { places, hints, large: AtomicUsize::new(0) }
    }

    /// The answer to a question that is true in a generation.
    #[must_use]
    pub fn get(
        &self,
        key: AnswerKey<'_>,
        generation: &Generation,
        own: usize,
    ) -> Option<FoundAnswer> {
        let (places, hint) = self.places(key);
        places.into_iter().find_map(|at| {
            if self.hints.get(at)?.load(Ordering::Relaxed) != hint {
                return None;
            }
            let found = self.places.get(at)?.load();
            let is_it = found
                .as_ref()
                .is_some_and(|kept| kept.key() == key && kept.stamp.holds(generation, own));
            is_it.then_some(found)
        })
    }

    /// Keeps an answer, in the place of an earlier one to the same question, a free one, or one
    /// that is old; else of another one. One that is too large beside others is not kept.
    pub fn set(&self, answer: &Arc<KeptAnswer>, generation: &Generation, own: usize) {
        let (key, large) = (answer.key(), answer.large());
        let (mut places, hint) = self.places(key);
        let has = |at: usize, wanted: &dyn Fn(&KeptAnswer) -> bool, of_none| {
            let Some(place) = self.places.get(at) else { return false };
            place.load().as_ref().map_or(of_none, |it| wanted(it))
        };
        let is_same = |at: &usize| has(*at, &|it| it.key() == key, false);
        let is_free = |at: &usize| has(*at, &|it| !it.stamp.holds(generation, own), true);
        let evicted = places.start + fastrand::usize(..places.len().max(1));
        let found = places.clone().find(is_same).or_else(|| places.find(is_free));
        let at = found.unwrap_or(evicted);
        let (Some(place), Some(its_hint)) = (self.places.get(at), self.hints.get(at)) else {
            return;
        };
        if self.large.fetch_add(large, Ordering::Relaxed) + large > self.large_most() {
            self.large.fetch_sub(large, Ordering::Relaxed);
            return;
        }
        let before = place.swap(Some(Arc::clone(answer)));
        its_hint.store(hint, Ordering::Relaxed);
        self.large.fetch_sub(before.map_or(0, |it| it.large()), Ordering::Relaxed);
    }

    /// Octets that all large answers may take together.
    const fn large_most(&self) -> usize {
        LARGE_BY_PLACE * self.places.len()
    }

    /// The places in which the answer to a question may stand, and what is noted beside it.
    fn places(&self, key: AnswerKey<'_>) -> (Range<usize>, u8) {
        let AnswerKey { name, kind, is_below } = key;
        let kind = u32::from(u16::from(kind)) | u32::from(is_below) << 16;
        let hash = FixedState::default().hash_one((name, kind));
        // The upper half of the hash, as a part of the rows that there are.
        let rows = (self.places.len() / TRIES) as u64;
        let first = (((hash >> 32) * rows) >> 32) as usize * TRIES;
        (first..self.places.len().min(first + TRIES), hash as u8)
    }
}

impl Zone {
    /// How many changes a part has seen.
    fn changes_of(&self, part: ZonePart) -> u64 {
        match part {
            ZonePart::Whole => self.changes,
            ZonePart::Some(part) => self.parts.of(part),
        }
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
        write!(formatter, "KeptAnswers({})", self.places.len())
    }
}
