//! The serial of bare names, which have no zone of their own: that of the first zone with services,
//! never before what they showed when another zone was the first (RFC 1982 section 3.2).

use super::generation::bare_apex;
use super::{Generation, Site};
use crate::registry::Proto;

/// The serial of bare names, as it follows from that of their zone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BareSerial {
    /// What is added to it.
    shift: u32,
    /// What was shown under another zone, until that of now is listed.
    shown: Option<u32>,
}

impl BareSerial {
    /// The serial of bare names whose zone has one.
    pub(super) const fn of(self, zone: u32) -> u32 {
        zone.wrapping_add(self.shift)
    }
}

impl Generation {
    /// The place of the zone whose names are bare names, if there are any.
    fn bare_zone(&self) -> Option<usize> {
        Proto::ALL.into_iter().find_map(|proto| match self.site(bare_apex(proto).as_wire())? {
            Site::Bare(at, _) => Some(at),
            Site::Zone(_) => None,
        })
    }

    /// The last serial that bare names showed.
    fn bare_shown(&self) -> Option<u32> {
        let of_zone = || {
            let zone = &self.zones()[self.bare_zone()?];
            zone.is_ready().then(|| self.bare().of(zone.serial()))
        };
        self.bare().shown.or_else(of_zone)
    }

    /// Has bare names go on as before, or behind what they showed where their zone is another.
    pub(super) fn follow_bare(&mut self, earlier: &Self) {
        let apex = |it: &Self| it.bare_zone().map(|at| *it.zones()[at].settings().wire());
        let (now, before) = (apex(self), apex(earlier));
        let is_same = now.as_ref().map(|it| it.as_wire()) == before.as_ref().map(|it| it.as_wire());
        let shown = || BareSerial { shift: 0, shown: earlier.bare_shown() };
        *self.bare_mut() = if is_same { earlier.bare() } else { shown() };
    }

    /// Has bare names show a serial that is behind what they showed, once their zone is listed.
    pub(super) fn settle_bare(&mut self) {
        let Some(shown) = self.bare().shown else { return };
        let zone = self.bare_zone().map(|at| &self.zones()[at]);
        let Some(zone) = zone.filter(|zone| zone.is_ready()) else { return };
        let missing = shown.wrapping_add(1).wrapping_sub(zone.serial());
        let shift = if missing as i32 > 0 { missing } else { 0 };
        *self.bare_mut() = BareSerial { shift, shown: None };
    }
}
