//! The life of the process, in order: arguments → configuration (nothing bound) →
//! telemetry → one command → exit code.

use std::process::ExitCode;

use srvd::cli::{Cli, Command};
use srvd::commands::Source;
use srvd::config::{self, Registry, Serve};
use srvd::error::Failure;
use srvd::options::File;
use srvd::telemetry::{self, on_all_cores, on_one_thread};
use srvd::{commands, dev, docs};

/// Persistent maps allocate small nodes at a high rate, on one thread, and free them on others.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command and turns how it ended into an exit code.
fn main() -> ExitCode {
    match run(&docs::arguments()) {
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
    let registry = || Registry::new(common, &file);
    let source = |ask| Source::new(common, &file, ask);
    let server = |args| Serve::new(common, args, &file);
    match command {
        Command::Serve(args) => commands::serve(&log, common, args, &file)?,
        Command::Dev(args) => dev::dev(&log, common, args, &file)?,
        Command::List(args) => on_all_cores(&log, commands::list(source(&args.ask)?, args))?,
        Command::Lookup(args) => on_all_cores(&log, commands::lookup(source(&args.ask)?, args))?,
        Command::Status(args) => {
            return on_one_thread(&log, commands::status(args, common, &file));
        }
        Command::Watch(args) => on_all_cores(&log, commands::watch(source(&args.ask)?, args))?,
        Command::Check(args) => {
            return on_all_cores(&log, commands::check(server(&args.serve)?, args));
        }
        Command::Explain(args) => {
            if let Some(asked) = &args.server {
                let asked = config::server(Some(asked), common, &file)?;
                return on_one_thread(&log, commands::explain_of(&asked, args));
            }
            return on_all_cores(&log, commands::explain(server(&args.serve)?, args));
        }
        Command::Join(args) => return on_one_thread(&log, commands::join(&registry()?, args)),
        Command::Leave(args) => on_one_thread(&log, commands::leave(&registry()?, args))?,
        Command::Completions { shell } => docs::completions(*shell),
        Command::Man { directory } => docs::man(directory)?,
    }
    Ok(0)
}
