//! Reasons why an alias has no instances, in words.

use super::rule::shown;
use super::why::listed;
use crate::index::Zone;
use crate::names::{folded, nearest};
use crate::registry::document::shown as shown_text;
use crate::registry::{Alias, Instance, Meaning, Resource};

/// Instances whose versions are looked at.
const LOOKED_AT: usize = 1000;

/// Why the alias at a lower-cased label of a zone has no instances; none where it has some, or
/// where there is no alias.
#[must_use]
pub fn nobody(zone: &Zone, label: &[u8]) -> Option<String> {
    if zone.named(label).is_some() {
        return None;
    }
    let aliases: Vec<&Alias> = zone.aliases_at(label).collect();
    match (&aliases.first()?.meaning, aliases.get(1).map(|it| &it.meaning)) {
        (Meaning::Frontend { backend: None }, _) => Some("it names no backend yet".to_owned()),
        (Meaning::Frontend { backend: Some(backend) }, None) => Some(no_backend(zone, backend)),
        (meaning, behind) => no_member(zone, behind.unwrap_or(meaning)),
    }
}

/// That there is no backend of a name.
fn no_backend(zone: &Zone, name: &str) -> String {
    let backends = || zone.aliases().filter(|it| it.resource() == Resource::Backend);
    let labels: Vec<Vec<u8>> = backends().map(|it| folded(&it.name).collect()).collect();
    let wanted: Vec<u8> = folded(name).collect();
    let near = nearest(&wanted, labels.iter().map(Vec::as_slice));
    let hint = near.map(|near| format!("; there is `{}`", shown(near))).unwrap_or_default();
    format!("there is no backend `{}`{hint}", shown_text(name))
}

/// Why a backend has no instances.
fn no_member(zone: &Zone, meaning: &Meaning) -> Option<String> {
    let Meaning::Backend { app, version } = meaning else { return None };
    let label: Vec<u8> = folded(app).collect();
    let Some(service) = zone.service(&label) else {
        let near = nearest(&label, zone.services_labels());
        let hint = near.map(|near| format!("; there is `{}`", shown(near))).unwrap_or_default();
        return Some(format!("no instance of `{}` is registered{hint}", shown_text(app)));
    };
    let version = shown_text(version.as_deref()?);
    let versions = listed(service.instances().take(LOOKED_AT).filter_map(Instance::version));
    let (app, count) = (shown_text(app), service.len());
    Some(format!(
        "`{app}` has {count} registered, none of the version `{version}` (versions: {versions})"
    ))
}
