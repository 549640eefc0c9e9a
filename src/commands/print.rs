//! Printing: columns for people, JSON for programs.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Table, presets};

use crate::cli::Output;
use crate::error::Failure;

/// The form to print in: what was asked for, else a table on a terminal and JSON elsewhere.
pub(super) fn form<F: From<Output>>(asked: Option<F>) -> F {
    let default = if io::stdout().is_terminal() { Output::Table } else { Output::Json };
    asked.unwrap_or_else(|| default.into())
}

/// Prints one line. A reader that went away (`srvd watch | head`) ends the command.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => {
            other.map_err(|error| Failure::failed(format!("writing to standard output: {error}")))
        }
    }
}

/// Prints rows under their headings.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    line(&table.trim_fmt())
}
