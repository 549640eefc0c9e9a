//! ZONEVERSION (RFC 9660): which version of its zone an answer was made from. A client can
//! tell by it whether two answers are of one generation.

use crate::authority::{Position, Resolved};
use crate::names::WireName;

/// The type of versions that are SOA serials (RFC 9660 section 5.2).
const SOA_SERIAL: u8 = 0;
/// Octets of the option's data: the labels, the type, the serial.
pub(super) const OCTETS: usize = 6;

/// The version of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct ZoneVersion {
    /// How many labels of the question's name are the zone's.
    labels: u8,
    serial: u32,
}

impl ZoneVersion {
    /// The version of the zone that a name leads into; none where no zone of ours answers.
    pub(in crate::wire) fn of(resolved: &Resolved<'_>, name: &WireName) -> Option<Self> {
        match resolved {
            Resolved::Foreign | Resolved::NotReady => None,
            Resolved::Missing(position) | Resolved::Existing(position, _) => {
                Some(Self::at(position, name))
            }
        }
    }

    /// The version of the zone at a name's position. A name has 127 labels at most.
    fn at(position: &Position<'_>, name: &WireName) -> Self {
        let labels = name.labels().saturating_sub(position.below) as u8;
        Self { labels, serial: position.serial() }
    }

    /// The option's data.
    pub(super) const fn octets(self) -> [u8; OCTETS] {
        let [a, b, c, d] = self.serial.to_be_bytes();
        [self.labels, SOA_SERIAL, a, b, c, d]
    }
}
