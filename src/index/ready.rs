//! Ready-made answers, kept beside what they were made of.
//!
//! A service does not know what its answers look like on the wire, and need not: the room
//! that writes them builds one when a question first asks for it, and leaves it here. It is
//! gone with the service's next change, so it is never out of date; what else it was made
//! of (the zone's settings) never changes. Whoever comes first sets a slot; others answer
//! with what they made themselves.
//!
//! The slots of a service are as many as its instances call for, and what stands in one
//! fits a message over TCP, so that ready-made answers take a bounded multiple of what the
//! instances themselves take. Only names that exist have any.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use hickory_proto::rr::RecordType;

use super::{Node, Site, WeightedSample};
use crate::registry::Proto;

/// Slots of the questions that nearly all ask: SRV, A, AAAA and TXT of the service, and SRV
/// below each transport.
const SLOTS: usize = 4 + Proto::ALL.len();
/// Slots for each instance, for questions about names below the service: A or AAAA of its
/// address, both, SRV and TXT of its id, SRV and TXT of its name in DNS-SD, its port's name.
const PER_INSTANCE: usize = 10;
/// The most slots for names below one service. They are 64 KiB, made when first needed,
/// after each change anew.
const BELOW_MAX: usize = 4096;
/// How many slots a name may stand in: so many that where all are asked for that there are, hardly
/// one finds none. It is answered without.
const TRIES: usize = 8;

/// An answer in wire form.
#[derive(Debug)]
pub enum Ready {
    /// The name exists, and has no records of the type.
    NoData,
    /// The records.
    Records(Records),
    /// Some of so many records that not all are kept.
    Sample(Sample),
    /// Records of which not only the order is given.
    Whole(Box<Whole>),
    /// The answer cannot be kept here, since it depends on more or is too large.
    Elsewhere,
}

impl Ready {
    /// About the octets that it takes beside its own.
    #[must_use]
    pub fn octets(&self) -> usize {
        match self {
            Self::NoData | Self::Elsewhere => 0,
            Self::Records(records) => records.size(),
            Self::Sample(sample) => sample.records.load().size(),
            Self::Whole(whole) => size_of::<Whole>() + whole.octets.len(),
        }
    }
}

impl Records {
    /// About the octets that they take.
    fn size(&self) -> usize {
        // Lots take as much as the rank of a record.
        self.octets.len() + self.records.len() * (size_of::<Record>() + size_of::<u64>())
    }
}

/// How often a sample is drawn from before another is taken: so often that what it costs to
/// look at all records is little for each reply, and so seldom that none is left out for long.
const SAMPLE_USES: u32 = 4096;

/// Records that stand for more, and are replaced by others from time to time. They are drawn
/// without regard to weights, so that a draw by weights from them is nearly one from all.
#[derive(Debug)]
pub struct Sample {
    /// The records of the moment.
    pub records: ArcSwap<Records>,
    /// How often they were drawn from.
    uses: AtomicU32,
}

impl Sample {
    /// Records that nobody drew from yet.
    #[must_use]
    pub fn new(records: Records) -> Self {
        Self { records: ArcSwap::from_pointee(records), uses: AtomicU32::new(0) }
    }

    /// Counts a use, and says whether it is the one after which others should be taken.
    pub fn is_worn_by_this(&self) -> bool {
        self.uses.fetch_add(1, Ordering::Relaxed) % SAMPLE_USES == SAMPLE_USES - 1
    }

    /// Whether others should be taken, by whoever asks first.
    pub fn is_worn(&self) -> bool {
        let uses = self.uses.load(Ordering::Relaxed);
        uses >= SAMPLE_USES
            && self.uses.compare_exchange(uses, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// An RRset in wire form, record by record, so that it can be sent in any order.
#[derive(Debug)]
pub struct Records {
    /// All octets.
    pub octets: Box<[u8]>,
    /// The records, by priority. Their number is that of the answers.
    pub records: Box<[Record]>,
    /// Octets that the answers take together; where only some are sent, at most.
    pub answers: usize,
    /// Octets of the smallest of them.
    pub least: usize,
    /// How their order is drawn.
    pub order: Order,
    /// How many of them an answer has: the first of that order.
    pub sent: usize,
}

/// The way in which the order of records is drawn.
#[derive(Debug)]
pub enum Order {
    /// It is not: their order says nothing.
    StoredAnswer,
    /// All have one priority and one weight.
    Even,
    /// By the priority and weight of each.
    Weighted(Box<[(u16, u64)]>),
    /// Only a few are drawn.
    Few(WeightedSample),
    /// Only a few are drawn, and the same for a client each time.
    Stable {
        /// The priority and weight of each.
        ranks: Box<[(u16, u64)]>,
        /// What each is known by.
        keys: Box<[u64]>,
    },
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands in the octets, its owner (a pointer to the question) included.
    pub answer: Range<u16>,
    /// Where the address records of its target stand, without their owner; empty if none.
    pub glue: Range<u16>,
    /// Which of the targets that is, modulo 256: records can share one.
    pub target: u8,
}

/// A reply's records as they follow its question. What differs from reply to reply is how long
/// the question is, which addresses come first, how many of the last RRsets fit, and the serial.
#[derive(Debug)]
pub struct Whole {
    /// All octets.
    pub octets: Box<[u8]>,
    /// How many octets the name has that it was made for.
    pub asked: usize,
    /// Where a pointer stands to what moves with the end of that name, in order.
    pub pointers: Box<[u16]>,
    /// How many records are answers.
    pub answers: u16,
    /// How many are of the authority section.
    pub authority: u16,
    /// Octets of these, which must be there.
    pub required: usize,
    /// Where each RRset of the additional section ends.
    pub additional: Box<[SetEnd]>,
    /// Whether no RRset of that section was left out.
    pub is_complete: bool,
    /// Whether all of that section must be there too (RFC 9471 section 3).
    pub needs_all: bool,
    /// Whether the zone is ours (AA).
    pub is_authoritative: bool,
    /// The response code.
    pub code: u8,
    /// Whether an alias leads to it.
    pub is_alias: bool,
    /// Whether that leads out of our zones.
    pub leaves: bool,
    /// Where the serial of a site stands, if any does.
    pub serial: Option<(usize, Site)>,
    /// The addresses that are put in a fresh order.
    pub runs: Box<[Run]>,
}

/// The end of an RRset.
#[derive(Debug, Clone, Copy)]
pub struct SetEnd {
    /// Where it is in the octets.
    pub at: u16,
    /// How many records there are up to it.
    pub records: u16,
}

/// Addresses of one RRset.
#[derive(Debug)]
pub struct Run {
    /// Octets of each.
    pub octets: usize,
    /// Where each stands.
    pub places: Box<[u16]>,
    /// By priority and weight, if these differ.
    pub ranks: Box<[(u16, u64)]>,
}

/// The start of authority of a zone in wire form, in pieces: what it points to, and its
/// serial, differ from answer to answer.
#[derive(Debug)]
pub struct StartOfAuthority {
    /// TTL in negative answers.
    pub ttl: u32,
    /// The name server and the mailbox.
    pub names: [Relative; 2],
    /// Refresh, retry, expire and MINIMUM, which follow the serial.
    pub times: [u8; 16],
}

/// A name in wire form that may stand below an apex.
#[derive(Debug)]
pub struct Relative {
    /// The whole name.
    pub octets: Box<[u8]>,
    /// How many octets of it stand before the apex, if it is below.
    pub below: Option<usize>,
}

/// A place for an answer.
pub type AnswerSlot = OnceLock<Box<StoredAnswer>>;

/// An answer, and to which question.
#[derive(Debug)]
pub struct StoredAnswer {
    /// The labels below the service, in lower-cased wire form, where names share slots.
    pub below: Box<[u8]>,
    /// The type.
    pub kind: RecordType,
    /// The answer.
    pub ready: Ready,
}

/// The answers of one service.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Those of the usual questions.
    usual: [AnswerSlot; SLOTS],
    /// Those of names below the service, by hash. There is none before the first of them
    /// is asked for.
    below: OnceLock<Box<[AnswerSlot]>>,
}

impl Clone for Slots {
    /// A service is copied in order to be changed: its next answers are others.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Slots {
    /// The slot of a type at a node of the service, which has so many instances, if that must
    /// be known; the labels below the service tell some nodes apart.
    pub(super) fn get(
        &self,
        node: Node<'_>,
        kind: RecordType,
        below: &[u8],
        instances: impl FnOnce() -> usize,
    ) -> Option<&AnswerSlot> {
        let usual = match (node, kind) {
            (Node::Service(_), RecordType::SRV) => 0,
            (Node::Service(_), RecordType::A) => 1,
            (Node::Service(_), RecordType::AAAA) => 2,
            (Node::Service(_), RecordType::TXT) => 3,
            (Node::Transport(_, proto), RecordType::SRV) => 4 + proto as usize,
            (
                Node::Address(..)
                | Node::Instance(_)
                | Node::Port(..)
                | Node::Tag(_)
                | Node::TagPort(..)
                | Node::Announced(..),
                _,
            )
            | (Node::Transport(..) | Node::Subtype(..), RecordType::PTR) => {
                return self.find(kind, below, instances);
            }
            _ => return None,
        };
        self.usual.get(usual)
    }

    /// Whether the answer of a type at a name below the service is kept.
    pub(super) fn has(&self, kind: RecordType, below: &[u8]) -> bool {
        let Some(slots) = self.below.get() else { return false };
        // The first that was free was taken, and none is free again.
        let mut taken = tries(slots, kind, below).map_while(AnswerSlot::get);
        taken.any(|kept| kept.kind == kind && *kept.below == *below)
    }

    /// The slot of a name below the service: the one it stands in, or a free one.
    fn find(
        &self,
        kind: RecordType,
        below: &[u8],
        instances: impl FnOnce() -> usize,
    ) -> Option<&AnswerSlot> {
        let slots = self.below.get_or_init(|| {
            let slots = (PER_INSTANCE * instances()).next_power_of_two().min(BELOW_MAX);
            std::iter::repeat_with(AnswerSlot::new).take(slots).collect()
        });
        tries(slots, kind, below)
            .find(|slot| slot.get().is_none_or(|kept| *kept.below == *below && kept.kind == kind))
    }
}

/// The slots that the answer of a type at a name below a service may stand in, in order. Their
/// number is a power of two.
fn tries<'s>(
    slots: &'s [AnswerSlot],
    kind: RecordType,
    below: &[u8],
) -> impl Iterator<Item = &'s AnswerSlot> + use<'s> {
    let first = FixedState::default().hash_one((below, u16::from(kind))) as usize;
    let last = slots.len().wrapping_sub(1);
    (0..TRIES).filter_map(move |further| slots.get(first.wrapping_add(further) & last))
}
