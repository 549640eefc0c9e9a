//! `srvd serve`: the server, from its configuration to its last reply.

use crate::app::App;
use crate::error::Failure;
use crate::options::{Common, File, ServeArgs};
use crate::reload::Reload;
use crate::shutdown;
use crate::systemd::{self, Inherited};
use crate::telemetry::{Log, on_all_cores};

/// Binds, gives up what only that needed, and answers.
///
/// # Errors
/// [`Failure`]: wrong configuration, or an address that cannot be bound.
pub fn serve(log: &Log, common: &Common, args: &ServeArgs, file: &File) -> Result<(), Failure> {
    let (reload, config) = Reload::of(common, args, file, Box::new(|_| ()))?;
    let inherited = Inherited::take().map_err(Failure::failed)?;
    let app = App::build_on(config, inherited)?;
    app.give_up_privileges()?;
    on_all_cores(log, answer(app, reload))
}

/// Says where, and answers until told to stop.
async fn answer(app: App, reload: Reload) -> Result<(), Failure> {
    let shutdown = shutdown::on_signals().map_err(Failure::failed)?;
    let status = format!("answering DNS on {:?}", app.addresses());
    reload.start(app.live().clone()).map_err(Failure::failed)?;
    app.announce();
    systemd::ready(&status);
    let told = shutdown.clone();
    tokio::spawn(async move {
        told.cancelled().await;
        systemd::stopping();
    });
    tokio::select! {
        end = app.run(shutdown) => end,
        never = systemd::watchdog(|| true) => match never {},
    }
}
