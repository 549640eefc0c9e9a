//! `srvd list` and `srvd lookup`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Found, build, print, with_services};
use crate::authority::{self, Draw};
use crate::cli::{ListArgs, LookupArgs, LookupOutput, Output};
use crate::config::Registries;
use crate::error::Failure;
use crate::index::Service;
use crate::names::{folded, label};
use crate::registry::Instance;

/// The columns of instances.
pub(super) const HEADINGS: [&str; 6] = ["NAME", "ID", "HOST", "PRIORITY", "WEIGHT", "KEY"];

/// Prints all services with their number of instances, or the instances of one.
///
/// # Errors
/// [`Failure::NotFound`] when a named service has no instance; [`Failure::Unreachable`]
/// when the registry is away.
pub async fn list(config: Registries, args: &ListArgs) -> Result<(), Failure> {
    let Some(name) = &args.name else { return services(config, print::form(args.output)).await };
    let found = members(config, name).await?;
    if found.is_empty() {
        return Err(nothing(name));
    }
    match print::form(args.output) {
        Output::Json => print::object(&Value::from_iter(found.iter().map(Found::to_json))),
        Output::Table => rows(&found),
    }
}

/// Prints one instance, picked as DNS would.
///
/// # Errors
/// As [`list`].
pub async fn lookup(config: Registries, args: &LookupArgs) -> Result<(), Failure> {
    let found = members(config, &args.name).await?;
    let candidates = found.iter().map(|found| &*found.instance).filter(|it| it.port.is_some());
    let picked =
        authority::pick(candidates, &mut Draw::new()).ok_or_else(|| nothing(&args.name))?;
    let is_picked = |found: &&Found| std::ptr::eq(&raw const *found.instance, picked);
    let picked = found.iter().find(is_picked).ok_or_else(|| nothing(&args.name))?;
    match print::form(args.output) {
        LookupOutput::Json => print::object(&picked.to_json()),
        LookupOutput::Address => print::line(&picked.instance.location()),
        LookupOutput::Table => rows(std::slice::from_ref(picked)),
    }
}

/// Reads the instances that a name stands for in each zone, as DNS has it. They are sorted
/// by zone, name and id.
async fn members(config: Registries, name: &str) -> Result<Vec<Found>, Failure> {
    let label: Vec<u8> = folded(name).collect();
    let mut found = Vec::new();
    for zone in with_services(config.zones) {
        let text = zone.settings.title();
        let (zone, _) = build(zone, &config.access).await?;
        let instances = zone.named(&label).into_iter().flat_map(Service::instances);
        found.extend(instances.map(|instance| Found {
            zone: text.clone(),
            key: zone.settings().layout().key_of(instance),
            instance: Arc::new(instance.clone()),
        }));
    }
    found.sort_by(|one, other| (&one.zone, &one.key).cmp(&(&other.zone, &other.key)));
    Ok(found)
}

/// Prints the services and how many instances each has, counted as DNS sees them: by label.
async fn services(config: Registries, form: Output) -> Result<(), Failure> {
    let mut counts = BTreeMap::<String, usize>::new();
    for zone in with_services(config.zones) {
        let (zone, _) = build(zone, &config.access).await?;
        for service in zone.services() {
            let Some(first) = service.instances().next() else { continue };
            *counts.entry(label(&first.name).to_ascii_lowercase()).or_default() += service.len();
        }
    }
    counted(counts, form)
}

/// Prints services and how many instances each has.
pub(super) fn counted(counts: BTreeMap<String, usize>, form: Output) -> Result<(), Failure> {
    if form == Output::Json {
        let objects =
            counts.iter().map(|(name, count)| json!({ "name": name, "instances": count }));
        return print::object(&Value::from_iter(objects));
    }
    print::table(
        ["NAME", "INSTANCES"],
        counts.into_iter().map(|(name, count)| [name, count.to_string()]),
    )
}

/// Instances as a table.
fn rows(found: &[Found]) -> Result<(), Failure> {
    let row = |found: &Found| {
        let Instance { name, id, priority, weight, .. } = &*found.instance;
        let place = found.instance.location();
        [
            name.to_string(),
            id.to_string(),
            place,
            priority.to_string(),
            weight.to_string(),
            found.key.clone(),
        ]
    };
    print::table(HEADINGS, found.iter().map(row))
}

/// There is no such service.
fn nothing(name: &str) -> Failure {
    Failure::NotFound(format!("no instance of `{name}` is registered; `srvd list` shows what is"))
}
