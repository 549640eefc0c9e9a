//! The programs that a person runs: what each of the commands does.
//!
//! `list`, `lookup`, `watch`, `check` and `explain` ask the registry itself, not DNS. They read
//! the zones that the configuration names, and show one JSON object everywhere: `zone`, `name`,
//! `id`, `key` and the document's members. Of one service its own keys are read. With `--server`,
//! all but `check` ask a running server instead.
//!
//! `status` asks a running server, too.
//!
//! `join` and `leave` write to the registry; `serve` is the server.

mod check;
mod explain;
mod join;
mod labels;
mod leases;
mod leave;
mod list;
mod pages;
mod print;
mod serve;
mod source;
mod status;
mod watch;
mod watch_of;
mod words;

use std::sync::Arc;

use self::pages::pages;

use crate::config::{ZoneConfig, ZoneSource, indexed};
use crate::error::Failure;
use crate::etcd::{Access, Etcd};
use crate::index::{Index, Publisher, Schema, Zone};
use crate::metrics::{ListProgress, Told};
use crate::mirror;
use crate::names::folded;
use crate::registry::Instance;
use crate::telemetry::{self, complain};

pub use self::check::check;
pub use self::explain::{explain, explain_of};
pub use self::join::join;
pub use self::leave::leave;
pub use self::list::{list, lookup};
pub use self::serve::serve;
pub use self::source::Source;
pub use self::status::status;
pub use self::watch::watch;

/// Reads a zone once, all of it or one service, and builds it as `serve` does. Gives the number of
/// its keys, too.
async fn build(
    config: ZoneConfig,
    access: &Access,
    name: Option<&str>,
) -> Result<(Arc<Zone>, usize), Failure> {
    let (index, sources) = indexed(vec![config], Vec::new(), false);
    let keys = read(&sources[0], access, (&index, 0), name).await?;
    Ok((Arc::clone(&index.load().zones()[0]), keys))
}

/// Reads the zone at a place of the index once, all of it or one service. Gives the number of its
/// keys.
async fn read(
    source: &ZoneSource,
    access: &Access,
    (index, at): (&Arc<Index>, usize),
    name: Option<&str>,
) -> Result<usize, Failure> {
    let etcd = Etcd::new(&source.registry, access);
    let mut publisher = Publisher::new(Arc::clone(index), at);
    let (layout, progress) = (source.layout.clone(), Told::<ListProgress>::default());
    let words = || format!("{}: {}", source.registry, progress.get().unwrap_or_default());
    let listing = mirror::list(&etcd, (layout, name), &mut publisher, &progress);
    Ok(telemetry::progress(words, listing).await?)
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
