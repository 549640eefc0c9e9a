//! The amount found that is more than a datagram holds, so that nobody need look further: as
//! much as shows that it does not fit where only all is of use, and some times as much where
//! a draw of it is the answer.

use std::collections::HashSet;
use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::super::address::record_octets;
use super::super::answer::FIXED;
use super::super::{Overflow, Room};
use crate::registry::Host;
use crate::registry::skydns::Entry;

/// The least octets of an SRV record's data: its numbers (RFC 2782).
const SRV_OCTETS: usize = 6;

/// How many times the room is found before a draw of it is made: enough for the draw to be one.
const DRAWN_FROM: usize = 8;

/// The octets of records after which nothing more is looked for; none where all is.
pub(super) const fn fill_octets(room: Room) -> Option<usize> {
    match room.overflow {
        Overflow::Whole => Some(room.octets),
        Overflow::Truncate => Some(DRAWN_FROM * room.octets),
        Overflow::Cut => None,
    }
}

/// The room that is left by the records which entries will surely be. It counts too few rather
/// than too many: those of no group, and those with an address, which are one record each.
pub(super) struct Fill<'g> {
    /// A, AAAA or SRV.
    kind: RecordType,
    /// The octets that are left; none once there are too many.
    left: Option<usize>,
    /// The records that were counted.
    seen: HashSet<Part<'g>, foldhash::fast::RandomState>,
}

/// The part of a record that tells it from the others of its RRset.
#[derive(PartialEq, Eq, Hash)]
enum Part<'g> {
    /// An address.
    Address(IpAddr),
    /// The path of the entry whose name is the target.
    Path(&'g [u8]),
}

impl<'g> Fill<'g> {
    /// The fill of some room by records of a type; none where it need not be known.
    pub(super) fn of(kind: RecordType, room: Room) -> Option<Self> {
        // Of any type, addresses are looked for first.
        let kind = if kind == RecordType::ANY { RecordType::A } else { kind };
        let is_known = matches!(kind, RecordType::A | RecordType::AAAA | RecordType::SRV);
        let left = fill_octets(room).filter(|_| is_known)?;
        Some(Self { kind, left: Some(left), seen: HashSet::default() })
    }

    /// Whether there are more records than fit.
    pub(super) const fn is_over(&self) -> bool {
        self.left.is_none()
    }

    /// Takes an entry in.
    pub(super) fn add(&mut self, entry: &'g Entry) {
        let value = &entry.value;
        let Some(Host::Address(address)) = value.host else { return };
        if value.group.is_some() {
            return;
        }
        let (part, octets) = match self.kind {
            RecordType::SRV if value.target_strip > 0 => return,
            RecordType::SRV => (Part::Path(&entry.path), FIXED + SRV_OCTETS),
            kind if address.is_ipv4() != (kind == RecordType::A) => return,
            _ => (Part::Address(address), record_octets(address)),
        };
        if self.seen.insert(part) {
            self.left = self.left.and_then(|left| left.checked_sub(octets));
        }
    }
}
