//! Parts of a zone, and how many changes each has seen.
//!
//! What an answer is made of is nearly always a small part of a zone: the instances of a service,
//! the entries at a name of SkyDNS's schema and below it, what is registered at an address. A
//! change counts in each part that it touches, so that what was made of another part is known to be
//! as it was. Parts are told by a hash: two that share a number see each other's changes, which
//! costs an answer now and then, and is never wrong.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::names::reversed::labels;

/// Counts that a change copies together.
const ROW: usize = 128;
/// How many such rows there are.
const ROWS: usize = 32;
/// How many parts are told apart: 32 KiB of counts once all have seen a change.
const PARTS: usize = ROW * ROWS;

/// A part of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZonePart {
    /// All of it.
    Whole,
    /// What some names lead to, by its number.
    Some(u16),
}

/// The number of changes that each part has seen. Two states of a zone with the same count hold the
/// same there.
#[derive(Debug, Clone, Default)]
pub(super) struct PartCounts {
    /// By the number of the part; none before the first.
    rows: Option<Arc<[Arc<[u64; ROW]>; ROWS]>>,
    /// Changes that may concern any part.
    everywhere: u64,
}

impl ZonePart {
    /// The part that a service is, by its label in label form and lower case.
    pub(super) fn of_service(label: &[u8]) -> Self {
        Self::hashed((0_u8, label))
    }

    /// The part that is registered at an address.
    pub(super) fn of_address(address: IpAddr) -> Self {
        Self::hashed((1_u8, address))
    }

    /// The part that the entries at a path and below it are.
    pub(super) fn of_branch(path: &[u8]) -> Self {
        Self::hashed((2_u8, path))
    }

    /// The parts that an entry at a path belongs to: those at it, and above it below the apex.
    pub(super) fn above(path: &[u8]) -> impl Iterator<Item = Self> + use<'_> {
        labels(path).scan(0, |end, label| {
            *end += 1 + label.len();
            path.get(..*end).map(Self::of_branch)
        })
    }

    /// The part with a hash.
    fn hashed(of: impl std::hash::Hash) -> Self {
        Self::Some((FixedState::default().hash_one(of) as usize % PARTS) as u16)
    }
}

impl PartCounts {
    /// Counts a change of a part.
    pub(super) fn count(&mut self, part: ZonePart) {
        match part {
            ZonePart::Whole => self.everywhere += 1,
            ZonePart::Some(at) => {
                let rows = self.rows.get_or_insert_with(|| {
                    let row = Arc::new([0; ROW]);
                    Arc::new(std::array::from_fn(|_| Arc::clone(&row)))
                });
                let row = &mut Arc::make_mut(rows)[usize::from(at) / ROW % ROWS];
                Arc::make_mut(row)[usize::from(at) % ROW] += 1;
            }
        }
    }

    /// How many changes a part has seen, or may have.
    pub(super) fn of(&self, part: u16) -> u64 {
        let row = self.rows.as_ref().map(|rows| &rows[usize::from(part) / ROW % ROWS]);
        self.everywhere + row.map_or(0, |row| row[usize::from(part) % ROW])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of a part.
    fn number(part: ZonePart) -> u16 {
        let ZonePart::Some(number) = part else { panic!("all of a zone") };
        number
    }

    #[test]
    fn a_change_counts_where_it_is_and_above() {
        let (mut counts, path) = (PartCounts::default(), b"\x01a\x01b");
        let earlier = counts.clone();
        ZonePart::above(path).for_each(|part| counts.count(part));
        let seen = |counts: &PartCounts, part| counts.of(number(part));
        for path in [&b"\x01a"[..], path] {
            assert_eq!(seen(&counts, ZonePart::of_branch(path)), 1);
            assert_eq!(seen(&earlier, ZonePart::of_branch(path)), 0);
        }
        assert_eq!(ZonePart::above(path).count(), 2);
        assert_eq!(seen(&counts, ZonePart::of_branch(b"\x01b")), 0);
        assert_eq!(seen(&counts, ZonePart::of_service(b"web")), 0);
    }

    #[test]
    fn what_may_concern_any_part_counts_in_all() {
        let mut counts = PartCounts::default();
        counts.count(ZonePart::of_service(b"web"));
        counts.count(ZonePart::Whole);
        assert_eq!(counts.of(number(ZonePart::of_service(b"web"))), 2);
        assert_eq!(counts.of(number(ZonePart::of_service(b"db"))), 1);
    }
}
