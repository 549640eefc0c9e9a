//! The shell completions and man pages of the command line.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Failure;

/// Prints the completions of a shell.
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "srvd", &mut script);
    // Who reads may have gone (`srvd completions bash | head -1`): nobody wants the rest.
    let _ = std::io::stdout().write_all(&script);
}

/// Writes a man page per command into a directory.
///
/// # Errors
/// [`Failure::Failed`]: the directory cannot be written to.
pub fn man(directory: &Path) -> Result<(), Failure> {
    let failure = |error| Failure::failed(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failure)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(failure)
}
