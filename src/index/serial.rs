//! The SOA serial of a zone, and when it moves (RFC 1982).
//!
//! A serial names one content: secondaries that know it take nothing anew. So it moves when what
//! the zone says changed, whoever else writes to the registry, and it is made of what all servers
//! of the zone know: the serial of the zone file, and the revision of the last change of the zone.
//! Two servers that hold the same show the same.
//!
//! # Forward
//! Where that does not lead forward, it goes one further: after the registry was restored to a
//! lower revision, a repair at the revision that was shown, a zone file that says something else
//! under the same serial. From the first change on whose revision is ahead again, the serial is the
//! usual one.
//!
//! # Later than the content
//! What changes is noted ([`ZoneSerial::follow`]) and counted later ([`ZoneSerial::mint`]), so that
//! a zone that always changes has a new serial as often as secondaries can follow. What is not what
//! the registry says (a snapshot, removals that are held back) has no serial of its own: that of
//! the last exact content goes on being shown.

use crate::registry::{Standing, Update};

/// A change that has no revision of the registry: etcd's begin with 1.
const NO_REVISION: i64 = 0;

/// The serial of a zone, and what it does not count yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ZoneSerial {
    /// The serial of the zone file; that of an earlier one, as long as this is behind.
    file: u32,
    /// The revision of the last change that is counted; more, where that was not ahead.
    registry: u32,
    /// Whether there is a content that it names.
    has_begun: bool,
    /// Whether what is shown is what the registry says.
    is_exact: bool,
    /// The revision of the last change, where that is not counted.
    next_change: Option<i64>,
    /// The serial of a later file that is not counted.
    next_file: Option<u32>,
    /// The last serial that was shown before this zone was there, until it is listed.
    before: Option<u32>,
}

/// The serial of a zone as it is kept over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SerialRecord {
    /// The part of the zone file.
    pub file: u32,
    /// The part of the registry.
    pub registry: u32,
    /// The revision of the last change, where it is not counted yet.
    pub next_change: Option<i64>,
}

impl SerialRecord {
    /// The serial.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.file.wrapping_add(self.registry)
    }
}

impl ZoneSerial {
    /// The serial of a zone that is not listed yet, or of one that is a file alone.
    pub(super) const fn new(file: u32, is_alone: bool) -> Self {
        Self {
            file,
            registry: 0,
            has_begun: is_alone,
            is_exact: is_alone,
            next_change: None,
            next_file: None,
            before: None,
        }
    }

    /// The serial.
    pub(super) const fn value(&self) -> u32 {
        self.file.wrapping_add(self.registry)
    }

    /// The part of the registry, which only ever goes forward while the zone stays.
    pub(super) const fn of_registry(&self) -> u32 {
        self.registry
    }

    /// What is to be kept over a restart.
    pub(super) const fn record(&self) -> SerialRecord {
        let Self { file, registry, next_change, .. } = *self;
        SerialRecord { file, registry, next_change }
    }

    /// Goes on with what was kept, of a content that may not be the registry's any more.
    pub(super) fn recall(&mut self, kept: SerialRecord) {
        let SerialRecord { file, registry, next_change } = kept;
        let next_file = Some(self.file).filter(|now| is_ahead(*now, file));
        let (has_begun, is_exact) = (true, false);
        *self = Self { file, registry, has_begun, is_exact, next_change, next_file, ..*self };
    }

    /// Notes what an update changes. The first content of a zone has its serial at once.
    pub(super) fn follow(&mut self, update: &Update) {
        self.is_exact = update.standing == Standing::Exact;
        let changed = update.last_change();
        if !self.has_begun {
            self.registry = changed.unwrap_or(update.revision) as u32;
            self.has_begun = true;
        } else if update.standing != Standing::Remembered && changed.is_some() {
            self.next_change = changed;
        }
    }

    /// Notes the serial of another file. Gives the one that is kept, where this is behind it.
    pub(super) fn follow_file(&mut self, new: u32) -> Option<u32> {
        let kept = self.next_file.unwrap_or(self.file);
        if is_ahead(kept, new) {
            return Some(kept);
        }
        if !self.has_begun {
            self.file = new;
        } else if new != kept {
            self.next_file = Some(new);
        }
        None
    }

    /// Notes a change that the registry knows nothing of.
    pub(super) fn follow_other(&mut self) {
        if self.has_begun {
            self.next_change.get_or_insert(NO_REVISION);
        }
    }

    /// Whether there is something to count.
    pub(super) const fn is_due(&self) -> bool {
        self.is_exact && (self.next_change.is_some() || self.next_file.is_some())
    }

    /// Counts what was noted.
    pub(super) fn mint(&mut self) {
        if !self.is_due() {
            return;
        }
        let (shown, file) = (self.value(), self.next_file.unwrap_or(self.file));
        self.registry = match self.next_change.take() {
            Some(NO_REVISION) if file != self.file => self.registry,
            Some(revision) if revision != NO_REVISION => ahead(self.registry, revision as u32),
            Some(_) => self.registry.wrapping_add(1),
            None => self.registry,
        };
        // Two leaps at once may be one backwards: then that of the file is the next.
        if is_ahead(file.wrapping_add(self.registry), shown) {
            (self.file, self.next_file) = (file, None);
        }
    }

    /// Goes on so much further.
    pub(super) const fn skip(&mut self, by: u32) {
        self.registry = self.registry.wrapping_add(by);
    }

    /// The last serial that was shown before the zone was there.
    pub(super) const fn before(&self) -> Option<u32> {
        self.before
    }

    /// Another of these.
    pub(super) const fn set_before(&mut self, before: Option<u32>) {
        self.before = before;
    }
}

/// Whether a serial is ahead of another (RFC 1982 section 3.2).
pub(super) const fn is_ahead(one: u32, other: u32) -> bool {
    one.wrapping_sub(other) as i32 > 0
}

/// The next of what may only go forward: this, or one further.
const fn ahead(shown: u32, next: u32) -> u32 {
    if is_ahead(next, shown) { next } else { shown.wrapping_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An update of a revision in which something changed, or nothing.
    fn update(revision: i64, changed: Option<i64>, standing: Standing) -> Update {
        Update { revision, changed, standing, ..Update::default() }
    }

    /// The serial after a change at a revision is counted.
    fn after(serial: &mut ZoneSerial, revision: i64) -> u32 {
        serial.follow(&update(revision, Some(revision), Standing::Exact));
        serial.mint();
        serial.value()
    }

    /// A zone whose file has a serial, listed at a revision.
    fn listed(file: u32, revision: i64) -> ZoneSerial {
        let mut serial = ZoneSerial::new(file, false);
        serial.follow(&update(revision, None, Standing::Exact));
        serial
    }

    #[test]
    fn it_follows_the_changes_of_its_zone_alone() {
        let mut serial = listed(100, 7);
        assert_eq!((serial.value(), serial.is_due()), (107, false));
        serial.follow(&update(50, None, Standing::Exact));
        assert!(!serial.is_due(), "others wrote");
        serial.follow(&update(60, Some(55), Standing::Exact));
        assert_eq!((serial.value(), serial.is_due()), (107, true), "it is counted later");
        serial.follow(&update(70, None, Standing::Exact));
        serial.mint();
        assert_eq!((serial.value(), serial.is_due()), (155, false));
        serial.mint();
        assert_eq!(serial.value(), 155);
    }

    #[test]
    fn it_goes_one_further_where_the_revision_fell_and_is_the_usual_one_again_later() {
        let mut serial = listed(0, 1_000);
        assert_eq!([500, 501, 1_000].map(|it| after(&mut serial, it)), [1_001, 1_002, 1_003]);
        assert_eq!([1_003, 1_005].map(|it| after(&mut serial, it)), [1_004, 1_005]);
    }

    #[test]
    fn it_goes_round() {
        let mut serial = listed(u32::MAX, i64::from(u32::MAX) - 1);
        let revision = i64::from(u32::MAX);
        assert_eq!(after(&mut serial, revision), u32::MAX.wrapping_add(u32::MAX));
        assert_eq!(after(&mut serial, revision + 3), 1, "2^32 + 2 is 2");
        assert_eq!(after(&mut serial, 1 << 40), 2, "it falls by RFC 1982, or stays");
        assert_eq!(listed(5, 1 << 31).value(), (1 << 31) + 5, "the first is what it is");
    }

    #[test]
    fn what_is_not_exact_has_no_serial_of_its_own() {
        let mut serial = listed(0, 10);
        serial.follow(&update(12, Some(12), Standing::Withheld));
        serial.mint();
        assert_eq!((serial.value(), serial.is_due()), (10, false));
        serial.follow(&update(14, None, Standing::Exact));
        serial.mint();
        assert_eq!(serial.value(), 12, "it is that of whoever held nothing back");
    }

    #[test]
    fn it_is_kept_over_a_restart_with_what_it_does_not_count() {
        let mut serial = listed(100, 10);
        serial.follow(&update(12, Some(12), Standing::Exact));
        let kept = serial.record();
        assert_eq!((kept.value(), kept.next_change), (110, Some(12)));
        for (file, later) in [(100, 112), (90, 112), (101, 113)] {
            let mut again = ZoneSerial::new(file, false);
            again.recall(kept);
            again.follow(&update(12, Some(12), Standing::Remembered));
            again.mint();
            assert_eq!(again.value(), 110, "nobody confirmed it yet");
            again.follow(&update(40, None, Standing::Exact));
            again.mint();
            assert_eq!(again.value(), later);
        }
    }

    #[test]
    fn a_file_moves_it_by_its_serial_or_by_one() {
        let mut serial = listed(100, 10);
        assert_eq!(serial.follow_file(99), Some(100));
        serial.follow_other();
        serial.mint();
        assert_eq!(serial.value(), 111);
        serial.follow_other();
        assert_eq!(serial.follow_file(103), None);
        serial.mint();
        assert_eq!(serial.value(), 114, "one is enough");
        assert_eq!(after(&mut serial, 30), 133);
    }

    #[test]
    fn two_leaps_at_once_are_made_one_after_the_other() {
        let mut serial = listed(0, 10);
        assert_eq!(serial.follow_file(2_026_120_101), None);
        assert_eq!(after(&mut serial, 200_000_000), 200_000_000);
        serial.mint();
        assert_eq!(serial.value(), 2_226_120_101);
    }
}
