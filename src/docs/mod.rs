//! The documents of the command line: help texts, shell completions, man pages.
//!
//! All of them are made from the options as they are declared. What no declaration has, such as
//! examples, files and exit codes, is in `pages`.

mod forms;
mod help;
mod keys;
mod man;
mod pages;

use std::io::Write;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Failure;
use crate::names::program_version;

/// The command line with its help texts.
#[must_use]
pub fn command() -> clap::Command {
    help::with_help(Cli::command())
}

/// The arguments of this process. Prints help, or what is wrong with them, and exits.
#[must_use]
pub fn arguments() -> Cli {
    let command = command().long_version(program_version());
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// Prints the completions of a shell.
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "srvd", &mut script);
    // Who reads may have gone (`srvd completions bash | head -1`): nobody wants the rest.
    let _ = std::io::stdout().write_all(&script);
}

/// Writes a man page per command, and one of the configuration file, into a directory.
///
/// # Errors
/// [`Failure::Failed`]: the directory cannot be written to.
pub fn man(directory: &Path) -> Result<(), Failure> {
    let failure = |error| Failure::failed(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failure)?;
    for (name, page) in man::pages().map_err(failure)? {
        std::fs::write(directory.join(name), page).map_err(failure)?;
    }
    Ok(())
}
