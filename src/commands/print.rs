//! Printing: columns for people, JSON for programs.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use comfy_table::{Table, presets};
use serde_json::Value;

use crate::cli::Output;
use crate::error::Failure;

/// The form to print in: what was asked for, else a table on a terminal and JSON elsewhere.
pub(super) fn form<F: From<Output>>(asked: Option<F>) -> F {
    let default = if io::stdout().is_terminal() { Output::Table } else { Output::Json };
    asked.unwrap_or_else(|| default.into())
}

/// Prints one line.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    lines([text])
}

/// Prints lines. A reader that went away (`srvd watch | head`) ends the command.
pub(super) fn lines<T: Display>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{line}"));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => {
            other.map_err(|error| Failure::failed(format!("writing to standard output: {error}")))
        }
    }
}

/// Prints values as one JSON array, each on a line of its own.
pub(super) fn array(values: impl Iterator<Item = Value>) -> Result<(), Failure> {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return line("[]");
    }
    let mut before = "[";
    lines(std::iter::from_fn(move || {
        let value = values.next()?;
        let after = if values.peek().is_some() { "," } else { "]" };
        Some(format!("{}{value}{after}", std::mem::take(&mut before)))
    }))
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
