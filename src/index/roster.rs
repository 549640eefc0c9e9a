//! Under which number each zone is counted.
//!
//! A zone has its number by its name, and for as long as the process runs: configurations
//! may be read again, zones go and come back, and what was counted of one is never taken
//! for another's. The numbers are few, since every thread that answers keeps figures for
//! each.

use super::Settings;

/// Zones that are counted by name. Each costs a thread that answers it some 1.2 KiB.
const NAMED_MAX: usize = 62;

/// Under which number something is counted: a zone, or one of the two that stand for no zone
/// in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneNumber(u8);

/// The names of the zones that are counted by name, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct ZoneNumbers {
    /// The apexes.
    names: Vec<String>,
}

impl ZoneNumber {
    /// Names in no zone of ours, and messages without a name.
    pub const NONE: Self = Self(0);
    /// Zones beyond those that are counted by name.
    pub const OTHER: Self = Self(1);
    /// How many numbers there are.
    pub const COUNT: usize = NAMED_MAX + 2;

    /// The number, to find figures by.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// The number that [`Self::get`] gave; that of other zones, if it never did.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        if (number as usize) < Self::COUNT { Self(number) } else { Self::OTHER }
    }

    /// What stands for it where figures are shown, by the apexes of
    /// [`Index::counted`](super::Index::counted). No apex is spelt without its last dot.
    #[must_use]
    pub fn label(self, apexes: &[String]) -> &str {
        match self {
            Self::NONE => "none",
            Self(number) => {
                let named = usize::from(number).checked_sub(2).and_then(|at| apexes.get(at));
                named.map_or("other", String::as_str)
            }
        }
    }
}

impl ZoneNumbers {
    /// Gives a zone the number of its name.
    pub(super) fn enter(&mut self, settings: &Settings) {
        let apex = settings.apex().to_ascii().to_ascii_lowercase();
        let at = self.names.iter().position(|name| *name == apex);
        let at = at.unwrap_or(self.names.len());
        if at == self.names.len() && at < NAMED_MAX {
            self.names.push(apex);
        }
        let number = if at < NAMED_MAX { ZoneNumber(at as u8 + 2) } else { ZoneNumber::OTHER };
        settings.count_as(number);
    }

    /// The apexes, in the order of their numbers.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;

    use super::*;

    /// Settings of a zone with nothing special.
    fn settings(apex: &str) -> Settings {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(name("ns.example."), name("admin.example."), 0, 1, 1, 1, 5);
        Settings::new(name(apex), (soa, 60), (vec![], 60), 5).unwrap()
    }

    #[test]
    fn a_name_keeps_its_number_and_there_are_so_many() {
        let zones: Vec<_> = (0..NAMED_MAX + 5).map(|at| settings(&format!("z{at}."))).collect();
        let mut roster = ZoneNumbers::default();
        zones.iter().for_each(|zone| roster.enter(zone));
        let again = settings("Z3.");
        roster.enter(&again);
        assert_eq!(again.counted_as(), zones[3].counted_as());
        let names = roster.names();
        assert_eq!(zones[3].counted_as().label(&names), "z3.");
        assert_eq!(zones[NAMED_MAX].counted_as(), ZoneNumber::OTHER);
        assert_eq!(ZoneNumber::OTHER.label(&names), "other");
        assert_eq!((ZoneNumber::NONE.label(&names), names.len()), ("none", NAMED_MAX));
        let most = zones.iter().map(|zone| zone.counted_as().get()).max();
        assert_eq!(most, Some(ZoneNumber::COUNT - 1));
    }
}
