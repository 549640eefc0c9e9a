//! `srvd watch`: events as they happen.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::source::Source;
use super::watch_of::{print_event, watch_of};
use super::{is_of, print, with_services};
use crate::cli::{Output, WatchArgs};
use crate::config::Registries;
use crate::error::Failure;
use crate::etcd::Etcd;
use crate::metrics::Freshness;
use crate::mirror::{Mirror, MirrorOptions};
use crate::registry::{Change, Layout, Publish, Update};
use crate::shutdown;

/// Prints events until it is told to stop. It begins with `online` for all that is there.
///
/// # Errors
/// [`Failure::Unreachable`] when the registry is away at the start; later it is waited for.
pub async fn watch(source: Source, args: &WatchArgs) -> Result<(), Failure> {
    let shutdown = shutdown::on_signals().map_err(Failure::failed)?;
    let told = async {
        tokio::select! {
            () = shutdown.cancelled() => (),
            () = print::abandoned() => (),
        }
    };
    match source {
        Source::Registry(registries) => watch_registries(registries, args, told).await,
        Source::Server(server, zone) => tokio::select! {
            end = watch_of(&server, zone.as_deref(), args) => end,
            () = told => Ok(()),
        },
    }
}

/// Prints the events of registries until it is told to stop.
async fn watch_registries(
    config: Registries,
    args: &WatchArgs,
    told: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let mut mirrors = JoinSet::new();
    for zone in with_services(config.zones) {
        let etcd = Etcd::new(&zone.registry, &config.access);
        // Only whether the registry answers matters here; the mirror lists it.
        etcd.get(&zone.layout.key("any", "any"), etcd.timeout()).await?;
        let printer = Printer {
            zone: zone.settings.title(),
            layout: zone.layout.clone(),
            name: args.name.clone(),
            form: print::form(args.output),
        };
        let (zone_name, name) = (zone.settings.title(), args.name.clone());
        let options = MirrorOptions { zone: zone_name, name, ..MirrorOptions::default() };
        let freshness = Arc::<Freshness>::default();
        mirrors.spawn(Mirror::with(options, etcd, zone.layout.clone(), printer, freshness).run());
    }
    told.await;
    mirrors.shutdown().await;
    Ok(())
}

/// Prints the changes of one zone.
struct Printer {
    zone: String,
    /// Where its keys stand.
    layout: Layout,
    /// The service that is watched; all when absent.
    name: Option<String>,
    /// How to print.
    form: Output,
}

impl Publish for Printer {
    fn publish(&mut self, update: Update) {
        for change in &update.changes {
            if let Err(failure) = self.print(change, update.revision) {
                tracing::error!("{failure}");
            }
        }
    }
}

impl Printer {
    /// Prints one change.
    fn print(&self, change: &Change, revision: i64) -> Result<(), Failure> {
        let Some(event) = change.event() else { return Ok(()) };
        if !is_of(event.instance, self.name.as_deref()) {
            return Ok(());
        }
        print_event(self.form, &event.to_json(&self.zone, &self.layout, revision))
    }
}
