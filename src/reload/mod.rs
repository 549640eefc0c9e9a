//! Everything is read again while the server runs, and used whole or not at all.
//!
//! What is read is checked by what checks it at the start and in `srvd check`; one bad file
//! leaves everything as it was. What only a restart changes is named, with the value that goes
//! on being used; all else is used from the next query on.

use tokio::signal::unix::{SignalKind, signal};

use crate::app::Live;
use crate::config::{Fixed, Serve, ZoneConfig};
use crate::error::Failure;
use crate::etcd::Access;
use crate::index::Schema;
use crate::registry::{Finding, Layout, RegistryUrl};

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

/// Reads the configuration, given how the registries let us in.
pub type Read = dyn Fn(&Access) -> Result<Serve, Failure> + Send;

/// What reads everything again.
pub struct Reload {
    /// Where the registry zones come from, in their order.
    origins: Vec<Origin>,
    /// What only a restart changes.
    fixed: Fixed,
    /// How the registries let us in.
    access: Access,
    /// What reads it.
    read: Box<Read>,
}

impl Reload {
    /// What reads again what was read before.
    #[must_use]
    pub fn new(config: &Serve, read: Box<Read>) -> Self {
        let origins = config.zones.iter().map(Origin::new).collect();
        Self { origins, fixed: config.fixed(), access: config.access.clone(), read }
    }

    /// Reads again whenever SIGHUP asks for it, until the runtime ends.
    ///
    /// # Errors
    /// The signal cannot be listened to.
    pub fn on_hangup(self, live: Live) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                match tokio::task::block_in_place(|| self.reload(&live)) {
                    Ok(zones) => tracing::info!(zones, "SIGHUP: everything was read again"),
                    Err(fault) => tracing::error!("SIGHUP: nothing is changed: {fault}"),
                }
            }
        });
        Ok(())
    }

    /// Reads everything, and uses it. Gives how many zones there are now.
    fn reload(&self, live: &Live) -> Result<usize, Failure> {
        let config = (self.read)(&self.access)?;
        if self.origins != config.zones.iter().map(Origin::new).collect::<Vec<_>>() {
            let text = "[[zone]] or `reverse` has other names, prefixes or registries; restart to use them";
            return Err(Failure::usage(text));
        }
        let (fixed, count) = (config.fixed(), config.zones.len() + config.static_zones.len());
        let cautions = config.cautions();
        live.follow(config).map_err(Failure::failed)?;
        warn_of(&cautions);
        self.warn_of_fixed(&fixed);
        Ok(count)
    }

    /// Names what changed and is not used.
    fn warn_of_fixed(&self, read: &Fixed) {
        let unused = self.fixed.iter().filter(|it| !read.contains(it));
        let unused: Vec<_> = unused.map(|(key, used)| format!("`{key}` ({used})")).collect();
        if !unused.is_empty() {
            let keys = unused.join(", ");
            tracing::warn!("{keys} changed: what it was goes on being used until a restart");
        }
    }
}

/// Says what in zone files is served otherwise than it is written.
pub fn warn_of(cautions: &[(String, Finding)]) {
    for (zone, caution) in cautions {
        tracing::warn!(zone, "zone file {caution}");
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
