//! `srvd explain`: why a name is answered as it is, as `serve` would answer it now.

use std::sync::Arc;

use hickory_proto::rr::Name;

use super::print;
use crate::authority::{self, Draw};
use crate::cli::{ExplainArgs, Output};
use crate::config::{Serve, ZoneConfig};
use crate::error::Failure;
use crate::etcd::{Access, Etcd};
use crate::index::{Index, Publisher, Settings};
use crate::mirror;
use crate::names::WireName;
use crate::registry::{Layout, RegistryUrl};
use crate::telemetry::complain;

/// The exit code when the name does not exist.
const NOTHING: u8 = 3;

/// The source that a zone is read from.
struct Source {
    /// The registry.
    registry: RegistryUrl,
    /// The part of it that is the zone's.
    layout: Layout,
}

/// Prints what a name is answered with, and why. Gives the exit code.
///
/// # Errors
/// [`Failure::Usage`] when the name or the type is none; [`Failure::Unreachable`] when the
/// registry of the name's zone is away.
pub async fn explain(config: Serve, args: &ExplainArgs) -> Result<u8, Failure> {
    let (name, kind) =
        authority::asked(&args.name, args.kind.as_deref()).map_err(Failure::usage)?;
    let index = read(config, &name).await?;
    let explanation = authority::explain(&index.load(), &name, kind, &mut Draw::new());
    match print::form(args.output) {
        Output::Table => print::text(&explanation.to_string())?,
        Output::Json => print::object(&explanation.to_json())?,
    }
    Ok(if explanation.exists() { 0 } else { NOTHING })
}

/// All zones, as `serve` builds them. Those that the name is not in may be away: what leads
/// there is then not answered.
async fn read(config: Serve, name: &Name) -> Result<Arc<Index>, Failure> {
    let Serve { zones, static_zones, access, bare_names, .. } = config;
    let (mut sources, mut settings) = (Vec::new(), Vec::<Arc<Settings>>::new());
    for ZoneConfig { settings: of_zone, registry, layout } in zones {
        sources.push(Source { registry, layout });
        settings.push(Arc::new(of_zone));
    }
    settings.extend(static_zones.into_iter().map(Arc::new));
    let index = Arc::new(Index::new(settings, bare_names));
    for (at, source) in sources.into_iter().enumerate() {
        if let Err(failure) = source.read(&access, &index, at).await {
            if is_needed(&index, name, at) {
                return Err(failure);
            }
            let zone = index.load().zones()[at].settings().title();
            complain(format_args!("srvd: zone {zone} is left out: {failure}"));
        }
    }
    Ok(index)
}

/// Whether a name cannot be answered without the zone at a place.
fn is_needed(index: &Index, name: &Name, at: usize) -> bool {
    let generation = index.load();
    let Ok(name) = WireName::from_labels(name.iter()) else { return false };
    let Some((site, _)) = generation.locate(&name) else { return false };
    let (own, zone) = (generation.zone(site), &generation.zones()[at]);
    own.settings().is_reverse() && zone.settings().names_its_addresses() || Arc::ptr_eq(own, zone)
}

impl Source {
    /// Reads the zone at a place once.
    async fn read(self, access: &Access, index: &Arc<Index>, at: usize) -> Result<(), Failure> {
        let etcd = Etcd::new(&self.registry, access);
        let mut publisher = Publisher::new(Arc::clone(index), at);
        mirror::list(&etcd, self.layout, &mut publisher).await?;
        Ok(())
    }
}
