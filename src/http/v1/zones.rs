//! Zones by their names, as clients write them.

use std::sync::Arc;

use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Schema, Zone, ZoneId};

/// The places of the zone with a name, or of all zones with services.
///
/// # Errors
/// 404: there is no such zone, or it has no services.
pub(super) fn with_services(
    generation: &Generation,
    name: Option<&str>,
) -> Result<Vec<usize>, Refusal> {
    let has_services = |zone: &Zone| zone.settings().schema() == Schema::Services;
    let all = generation.zones().iter().enumerate();
    let Some(name) = name else {
        return Ok(all.filter(|(_, zone)| has_services(zone)).map(|(at, _)| at).collect());
    };
    let at = named(generation, name)?;
    let schema = generation.zones()[at].settings().schema();
    if !has_services(&generation.zones()[at]) {
        let text = format!(
            "the zone {} has the schema {}, and no services",
            quoted(name),
            schema.as_str()
        );
        return Err(Refusal::not_found(text));
    }
    Ok(vec![at])
}

/// The ids of the zone with a name, or of all zones with services.
///
/// # Errors
/// 404: there is no such zone, or it has no services.
pub(super) fn ids(generation: &Generation, name: Option<&str>) -> Result<Vec<ZoneId>, Refusal> {
    let places = with_services(generation, name)?;
    Ok(places.into_iter().map(|at| generation.zones()[at].id()).collect())
}

/// The place of the zone with a name.
///
/// # Errors
/// 404: there is no such zone.
pub(super) fn named(generation: &Generation, name: &str) -> Result<usize, Refusal> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let is_named = |zone: &Arc<Zone>| zone.settings().title().eq_ignore_ascii_case(bare);
    generation.zones().iter().position(is_named).ok_or_else(|| {
        let zones: Vec<_> = generation.zones().iter().map(|it| it.settings().title()).collect();
        Refusal::not_found(format!(
            "there is no zone {}; there is {}",
            quoted(name),
            zones.join(", ")
        ))
    })
}

/// What a client wrote, safe to print and not too long.
pub(super) fn quoted(text: &str) -> String {
    crate::registry::document::shown(text)
}
