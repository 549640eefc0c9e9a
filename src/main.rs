//! The life of the process, in order: arguments → configuration (nothing bound) →
//! telemetry → one command → exit code.

use std::process::ExitCode;

use clap::Parser;
use srvd::cli::{Cli, Command, Common, ServeArgs};
use srvd::config::{self, File, Registries, Registry, Serve};
use srvd::error::Failure;
use srvd::reload::Reload;
use srvd::telemetry::Log;
use srvd::{app::App, commands, dev::Dev, docs, shutdown, systemd, telemetry};
use tokio::runtime::{Builder, Runtime};

/// Persistent maps allocate small nodes at a high rate, on one thread, and free them on others.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command and turns how it ended into an exit code.
fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            telemetry::complain(format_args!("srvd: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

/// Reads the configuration, starts logging, and runs the command.
fn run(cli: &Cli) -> Result<u8, Failure> {
    let Cli { common, command } = cli;
    let file = File::read(common.config.as_deref())?;
    let is_lasting = matches!(command, Command::Serve(_) | Command::Dev(_) | Command::Join(_));
    let log = telemetry::start(config::log_format(common, &file), is_lasting, common.verbose);
    let registries = || Registries::new(common, &file);
    match command {
        Command::Serve(args) => serve(&log, common, args, &file)?,
        Command::Dev(args) => {
            let dev = Dev::bind(common, args, &file)?;
            dev.app().give_up_privileges()?;
            server(&log)?.block_on(dev.run())?;
        }
        Command::List(args) => server(&log)?.block_on(commands::list(registries()?, args))?,
        Command::Lookup(args) => server(&log)?.block_on(commands::lookup(registries()?, args))?,
        Command::Watch(args) => server(&log)?.block_on(commands::watch(registries()?, args))?,
        Command::Check(args) => {
            let config = Serve::new(common, &args.serve, &file)?;
            return server(&log)?.block_on(commands::check(config, args));
        }
        Command::Explain(args) => {
            let config = Serve::new(common, &args.serve, &file)?;
            return server(&log)?.block_on(commands::explain(config, args));
        }
        Command::Join(args) => {
            return on_one_thread(&log, commands::join(&Registry::new(common, &file)?, args));
        }
        Command::Leave(args) => {
            on_one_thread(&log, commands::leave(&Registry::new(common, &file)?, args))?;
        }
        Command::Completions { shell } => docs::completions(*shell),
        Command::Man { directory } => docs::man(directory)?,
    }
    Ok(0)
}

/// Binds, gives up what only that needed, and answers.
fn serve(log: &Log, common: &Common, args: &ServeArgs, file: &File) -> Result<(), Failure> {
    let read = || Serve::new(common, args, file);
    let (reload, config) = Reload::of(common, args, file, read)?;
    let app = App::build(config)?;
    app.give_up_privileges()?;
    server(log)?.block_on(answer(app, reload))
}

/// Says where, and answers until told to stop.
async fn answer(app: App, reload: Reload) -> Result<(), Failure> {
    let shutdown = shutdown::on_signals().map_err(Failure::failed)?;
    let status = format!("answering DNS on {:?}", app.addresses());
    reload.start(app.live().clone(), status.clone()).map_err(Failure::failed)?;
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

/// The runtime of what serves or lists: a worker per core.
fn server(log: &Log) -> Result<Runtime, Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.spawn(log.tell());
    Ok(runtime)
}

/// Runs what mostly waits: one thread is enough, and small.
fn on_one_thread<T>(
    log: &Log,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.spawn(log.tell());
    let end = runtime.block_on(work);
    // A host name that is still being looked up must not hold the exit up.
    runtime.shutdown_background();
    end
}
