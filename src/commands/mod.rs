//! The programs that a person runs: what each of the commands does.
//!
//! `list`, `lookup`, `watch`, `check` and `explain` ask the registry itself, not DNS. They read
//! the zones that the configuration names, and show one JSON object everywhere: `zone`, `name`,
//! `id`, `key` and the document's members.
//!
//! `status` asks a running server.
//!
//! `join` and `leave` write to the registry; `serve` is the server.

mod check;
mod explain;
mod join;
mod labels;
mod leave;
mod list;
mod list_of;
mod print;
mod serve;
mod status;
mod watch;

use std::sync::Arc;

use crate::config::{ZoneConfig, ZoneSource, indexed};
use crate::error::Failure;
use crate::etcd::{Access, Etcd};
use crate::index::{Index, Publisher, Schema, Zone};
use crate::mirror;
use crate::names::folded;
use crate::registry::Instance;
use crate::telemetry::complain;

pub use self::check::check;
pub use self::explain::explain;
pub use self::join::join;
pub use self::leave::leave;
pub use self::list::{list, lookup};
pub use self::list_of::list_of;
pub use self::serve::serve;
pub use self::status::status;
pub use self::watch::watch;

/// An instance, and where it was found.
struct Found {
    /// The zone it is served in, without the last dot.
    zone: String,
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

/// Reads a zone once, and builds it as `serve` does. Gives the number of its keys, too.
async fn build(config: ZoneConfig, access: &Access) -> Result<(Arc<Zone>, usize), Failure> {
    let (index, sources) = indexed(vec![config], Vec::new(), false);
    let keys = read(&sources[0], access, &index, 0).await?;
    Ok((Arc::clone(&index.load().zones()[0]), keys))
}

/// Reads the zone at a place of the index once. Gives the number of its keys.
async fn read(
    source: &ZoneSource,
    access: &Access,
    index: &Arc<Index>,
    at: usize,
) -> Result<usize, Failure> {
    let etcd = Etcd::new(&source.registry, access);
    let mut publisher = Publisher::new(Arc::clone(index), at);
    Ok(mirror::list(&etcd, source.layout.clone(), &mut publisher).await?)
}

/// The zones that have services; of the others it is said that they are left out.
fn with_services(zones: Vec<ZoneConfig>) -> impl Iterator<Item = ZoneConfig> {
    zones.into_iter().filter(|zone| {
        let schema = zone.settings.schema();
        let has_services = schema == Schema::Services;
        if !has_services {
            let (zone, schema) = (zone.settings.title(), schema.as_str());
            complain(format_args!(
                "srvd: zone {zone} has the schema {schema}, and no services: left out"
            ));
        }
        has_services
    })
}

/// Whether an instance is of a service, compared as DNS compares.
fn is_of(instance: &Instance, name: Option<&str>) -> bool {
    name.is_none_or(|name| folded(name).eq(folded(&instance.name)))
}
