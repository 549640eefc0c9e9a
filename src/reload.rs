//! SIGHUP: the configuration and the zone files are read again.
//!
//! What is read is checked whole before any of it is used: one bad file leaves everything as
//! it was. Zone files, and what `[[zone]]` says of TTLs, are then published as one generation;
//! everything else needs a restart.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use toml::Table;

use crate::config::{File, Serve, ZoneConfig, Zones};
use crate::error::Failure;
use crate::index::{Index, Schema, Settings};
use crate::registry::{Layout, RegistryUrl};

/// Keys of the file beside `[[zone]]` that are read again.
const REREAD: [&str; 2] = ["zones", "reverse"];

/// Where a registry zone's names come from, which stays the same as long as this process runs.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    /// The apex, without the last dot.
    zone: String,
    /// The schema.
    schema: Schema,
    /// The registry.
    registry: RegistryUrl,
    /// The part of it that is the zone's.
    layout: Layout,
    /// Whether reverse zones are made from it.
    names_addresses: bool,
}

/// What can be read again.
#[derive(Debug)]
pub struct Reload {
    /// Where the registry zones come from, in their order.
    origins: Vec<Origin>,
    /// What the file said beside them.
    others: Table,
}

impl Reload {
    /// What a configuration says of where zones come from.
    #[must_use]
    pub fn new(config: &Serve, file: &File) -> Self {
        Self { origins: config.zones.iter().map(Origin::new).collect(), others: file.others() }
    }

    /// Reads again whenever SIGHUP asks for it, until the runtime ends.
    ///
    /// # Errors
    /// The signal cannot be listened to.
    pub fn on_hangup(
        self,
        index: Arc<Index>,
        read: impl Fn() -> Result<(Zones, File), Failure> + Send + 'static,
    ) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let applied = tokio::task::block_in_place(|| self.apply(&index, read()));
                match applied {
                    Ok(zones) => tracing::info!(zones, "SIGHUP: zones and their files were read"),
                    Err(fault) => tracing::error!("SIGHUP: nothing is changed: {fault}"),
                }
            }
        });
        Ok(())
    }

    /// Publishes what was read. Gives how many zones there are now.
    fn apply(&self, index: &Index, read: Result<(Zones, File), Failure>) -> Result<usize, Failure> {
        let (Zones { zones, static_zones }, file) = read?;
        if self.origins != zones.iter().map(Origin::new).collect::<Vec<_>>() {
            let text = "[[zone]] or `reverse` has other names, prefixes or registries; restart to use them";
            return Err(Failure::usage(text));
        }
        for settings in zones.iter().map(|zone| &zone.settings).chain(&static_zones) {
            warn_of(settings);
        }
        let unused = self.unused(&file);
        if !unused.is_empty() {
            tracing::warn!("SIGHUP: {} changed; restart to use it", unused.join(", "));
        }
        let count = zones.len() + static_zones.len();
        index.renew(zones.into_iter().map(|zone| zone.settings).collect(), static_zones);
        Ok(count)
    }
}

impl Reload {
    /// The keys of the file that say something else now, and are read at the start alone.
    fn unused(&self, file: &File) -> Vec<String> {
        let others = file.others();
        let keys: BTreeSet<_> = self.others.keys().chain(others.keys()).collect();
        let is_unused = |key: &&&String| {
            !REREAD.contains(&key.as_str()) && self.others.get(**key) != others.get(**key)
        };
        keys.iter().filter(is_unused).map(|key| format!("`{key}`")).collect()
    }
}

/// Says what in a zone file is served otherwise than it is written.
pub fn warn_of(settings: &Settings) {
    for caution in settings.cautions() {
        tracing::warn!(zone = settings.title(), "zone file {caution}");
    }
}

impl Origin {
    /// Where a zone comes from.
    fn new(zone: &ZoneConfig) -> Self {
        Self {
            zone: zone.settings.title(),
            schema: zone.settings.schema(),
            registry: zone.registry.clone(),
            layout: zone.layout.clone(),
            names_addresses: zone.settings.names_its_addresses(),
        }
    }
}
