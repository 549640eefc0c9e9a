//! Services that are registered and not answered at their name.

use serde::Serialize;
use utoipa::ToSchema;

use crate::index::{Service, Zone};
use crate::names::WireName;
use crate::registry::Alias;

/// A service that something else is answered in the place of.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hidden {
    /// What hides it: `Frontend`, `Backend`, `zone-file`, or `zone` where an SOA or NS record
    /// names it.
    by: &'static str,
    /// How many instances of it there are.
    instances: usize,
}

impl Hidden {
    /// What is hidden at a label right below a zone's apex, if anything is.
    pub(super) fn at(zone: &Zone, label: &[u8]) -> Option<Self> {
        let own = zone.service(label).map_or(0, Service::len);
        let answered = zone.named(label).map_or(0, Service::len);
        if let Some(by) = by_zone(zone, label) {
            return Some(Self { by, instances: own.max(answered) });
        }
        let alias = zone.aliases_at(label).next().map(Alias::resource)?;
        (own > 0).then_some(Self { by: alias.as_str(), instances: own })
    }
}

/// What of the zone itself stands at a label.
fn by_zone(zone: &Zone, label: &[u8]) -> Option<&'static str> {
    let settings = zone.settings();
    let name = WireName::from_labels([label].into_iter().chain(settings.apex().iter())).ok()?;
    let by_file = settings.tree().is_some_and(|tree| {
        tree.owner(&name).is_some_and(|owner| !owner.is_empty()) || tree.cut(&name, 1).is_some()
    });
    let is_own = || zone.reserves(&name).then_some("zone");
    if by_file { Some("zone-file") } else { is_own() }
}
