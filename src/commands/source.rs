//! The source of what a command shows: etcd, or a running server.
//!
//! Both show one JSON object for each instance, and from that everything is printed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{build, leases, pages, with_services};
use crate::cli::AskArgs;
use crate::config::{self, Registries, ZoneConfig};
use crate::error::Failure;
use crate::etcd::{Access, Etcd};
use crate::index::Service;
use crate::names::{folded, label, nearest, percent_encoded, shown};
use crate::options::{Common, File};
use crate::registry::RegistryUrl;
use crate::remote::ServerUrl;

/// Whoever is asked.
#[derive(Debug)]
pub enum Source {
    /// The registries of the configuration's zones.
    Registry(Registries),
    /// A server, and the one zone that is wanted.
    Server(ServerUrl, Option<String>),
}

/// Numbers of instances, by service and zone.
pub(super) type ServiceCounts = BTreeMap<(String, String), usize>;

/// The instances of a name, and what else is to be said of it.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The instances, each as the one JSON object, by zone and key.
    pub(super) instances: Vec<Value>,
    /// The name most like the one that was asked for, of all that were read.
    pub(super) near: Option<String>,
    /// Which registry each zone is in, for those that are asked after leases.
    registries: BTreeMap<String, RegistryUrl>,
}

impl Source {
    /// Whom the options name.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, file: &File, ask: &AskArgs) -> Result<Self, Failure> {
        if let Some(server) = &ask.server {
            let server = config::server(Some(server), common, file)?;
            return Ok(Self::Server(server, ask.zone.clone()));
        }
        let Registries { zones, access } = Registries::new(common, file)?;
        let zones = wanted(zones, ask.zone.as_deref())?;
        Ok(Self::Registry(Registries { zones, access }))
    }

    /// The instances that a name stands for in each zone, as DNS has it.
    ///
    /// # Errors
    /// [`Failure::Unreachable`]: nobody answers; [`Failure::NotFound`]: a server has none.
    pub(super) async fn instances(&mut self, name: &str) -> Result<Found, Failure> {
        match self {
            Self::Registry(registries) => {
                of_registries(std::mem::take(&mut registries.zones), &registries.access, name).await
            }
            Self::Server(server, zone) => {
                let path = format!("/v1/services/{}", percent_encoded(name));
                let mut instances = pages(server, &path, "instances", zone.as_deref()).await?;
                instances.sort_by_cached_key(rank);
                Ok(Found { instances, ..Found::default() })
            }
        }
    }

    /// The services, and how many instances each has, counted as DNS sees them: by label.
    ///
    /// # Errors
    /// As [`Self::instances`].
    pub(super) async fn services(self) -> Result<ServiceCounts, Failure> {
        let mut counts = ServiceCounts::new();
        match self {
            Self::Registry(Registries { zones, access }) => {
                for zone in with_services(zones) {
                    let (zone, _) = build(zone, &access, None).await?;
                    let title = zone.settings().title();
                    for service in zone.services() {
                        let Some(first) = service.instances().next() else { continue };
                        let name = label(&first.name).to_ascii_lowercase();
                        *counts.entry((name, title.clone())).or_default() += service.len();
                    }
                }
            }
            Self::Server(server, zone) => {
                let listed = pages(&server, "/v1/services", "services", zone.as_deref()).await?;
                for it in listed.iter().filter(|it| it["alias"].is_null()) {
                    let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
                    let count = it["instances"].as_u64().unwrap_or_default();
                    *counts.entry((text("name"), text("zone"))).or_default() += count as usize;
                }
            }
        }
        Ok(counts)
    }

    /// Adds to instances of etcd how long their keys stay. A server is not asked: it does not
    /// follow leases.
    pub(super) async fn add_leases(&self, found: &mut Found) {
        let Self::Registry(Registries { access, .. }) = self else { return };
        for (zone, url) in &found.registries {
            let of_zone = found.instances.iter_mut().filter(|it| it["zone"] == zone.as_str());
            leases::add(&Etcd::new(url, access), of_zone.collect()).await;
        }
    }
}

/// The zones that are wanted: all, or the one of a name.
pub(super) fn wanted(
    mut zones: Vec<ZoneConfig>,
    name: Option<&str>,
) -> Result<Vec<ZoneConfig>, Failure> {
    let Some(name) = name else { return Ok(zones) };
    let bare = name.strip_suffix('.').unwrap_or(name);
    let titles: Vec<_> = zones.iter().map(|zone| zone.settings.title()).collect();
    zones.retain(|zone| zone.settings.title().eq_ignore_ascii_case(bare));
    if zones.is_empty() {
        let (name, titles) = (shown(name), titles.join(", "));
        return Err(Failure::usage(format!(
            "--zone: there is no zone `{name}`; there is {titles}"
        )));
    }
    Ok(zones)
}

/// Reads the instances that a name stands for in each zone. They are sorted by zone and key.
async fn of_registries(
    zones: Vec<ZoneConfig>,
    access: &Access,
    name: &str,
) -> Result<Found, Failure> {
    let (label, mut found): (Vec<u8>, _) = (folded(name).collect(), Found::default());
    for zone in with_services(zones) {
        let (title, url) = (zone.settings.title(), zone.registry.clone());
        let (zone, _) = build(zone, access, Some(name)).await?;
        let layout = zone.settings().layout();
        let instances = zone.named(&label).into_iter().flat_map(Service::instances);
        found.instances.extend(instances.map(|it| it.to_json(&title, &layout.key_of(it))));
        let near = nearest(&label, zone.labels());
        found.near = found.near.or(near.map(|it| String::from_utf8_lossy(it).into_owned()));
        found.registries.insert(title, url);
    }
    found.instances.sort_by_cached_key(rank);
    Ok(found)
}

/// What orders instances: zone and key, and the id, for a key may hold several.
fn rank(instance: &Value) -> [Option<String>; 3] {
    ["zone", "key", "id"].map(|key| instance[key].as_str().map(str::to_owned))
}

/// Services as JSON.
pub(super) fn counted(counts: &ServiceCounts) -> Value {
    let object = |((name, zone), count): (&(String, String), &usize)| json!({ "name": name, "instances": count, "zone": zone });
    counts.iter().map(object).collect()
}
