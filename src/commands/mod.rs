//! The commands that ask the registry itself, not DNS: `list`, `lookup`, `watch`, `check`.
//!
//! They read the zones that the configuration names, and show one JSON object everywhere:
//! `zone`, `name`, `id`, `key` and the document's members.

mod check;
mod list;
mod print;
mod watch;

use std::sync::Arc;

use crate::config::{Serve, ZoneConfig};
use crate::error::Failure;
use crate::etcd::Etcd;
use crate::mirror;
use crate::names::folded;
use crate::registry::{Instance, Selection};

pub use self::check::check;
pub use self::list::{list, lookup};
pub use self::watch::watch;

/// An instance, and where it was found.
struct Found {
    /// The zone it is served in, without the last dot.
    zone: String,
    /// Its key.
    key: String,
    /// What it says.
    instance: Arc<Instance>,
}

impl Found {
    /// The instance as the one JSON object.
    fn to_json(&self) -> serde_json::Value {
        self.instance.to_json(&self.zone, &self.key)
    }
}

/// Reads every zone once: all instances, or those that a name stands for in its zone, as
/// DNS has it. They are sorted by zone, name and id.
async fn read(config: &Serve, name: Option<&str>) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for zone in &config.zones {
        let etcd = Etcd::new(&zone.registry, &config.access);
        let table = mirror::list(&etcd, zone.layout.clone()).await?;
        let aliases: Vec<_> = table.aliases().map(|alias| &**alias).collect();
        let selection = name.map(|name| Selection::of(name, &aliases));
        let is_meant = |instance: &Instance| {
            selection.is_none_or(|selection| selection.is_some_and(|it| it.has(instance)))
        };
        let meant = table.instances().filter(|(_, instance)| is_meant(instance));
        found.extend(meant.map(|(key, instance)| Found {
            zone: zone_text(zone),
            key: String::from_utf8_lossy(key).into_owned(),
            instance: Arc::clone(instance),
        }));
    }
    found.sort_by(|one, other| (&one.zone, &one.key).cmp(&(&other.zone, &other.key)));
    Ok(found)
}

/// A zone's name as the commands show it.
fn zone_text(config: &ZoneConfig) -> String {
    config.settings.apex().to_ascii().trim_end_matches('.').to_owned()
}

/// Whether an instance is of a service, compared as DNS compares.
fn is_of(instance: &Instance, name: Option<&str>) -> bool {
    name.is_none_or(|name| folded(name).eq(folded(&instance.name)))
}
