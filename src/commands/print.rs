//! Printing: columns for people, JSON for programs. What is printed may come from anybody, and is
//! escaped here, whoever prints it.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::thread::Builder;

use comfy_table::{Table, presets};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::cli::Output;
use crate::error::Failure;
use crate::names::{Shown, shown, shown_json};

/// The form to print in: what was asked for, else a table on a terminal and JSON elsewhere.
pub(super) fn form<F: From<Output>>(asked: Option<F>) -> F {
    let default = if io::stdout().is_terminal() { Output::Table } else { Output::Json };
    asked.unwrap_or_else(|| default.into())
}

/// Prints one line, whatever is in the text.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    lines([text])
}

/// Prints lines: one for each text, whatever is in it.
pub(super) fn lines<T: Display>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    write(lines.into_iter().map(Shown))
}

/// Prints a text of several lines, each of which was made as one.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    lines(text.lines())
}

/// Prints a value as JSON, on one line. It is what it is, and no command to a terminal.
pub(super) fn object(value: &Value) -> Result<(), Failure> {
    write([shown_json(&value.to_string())])
}

/// Writes lines as they are. A reader that went away (`srvd watch | head`) ends the command.
fn write<T: Display>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{line}"));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => {
            other.map_err(|error| Failure::failed(format!("writing to standard output: {error}")))
        }
    }
}

/// Waits until nobody reads standard output any more, which may be for ever. Who prints only
/// now and then would notice it late (`srvd watch | head -2`).
pub(super) async fn abandoned() {
    let (gone, told) = oneshot::channel();
    let wait = || {
        if wait_for_end() {
            // Nobody may be waiting any more.
            let _ = gone.send(());
        }
    };
    // The thread waits until then, or until the process ends.
    if let Err(error) = Builder::new().name("stdout".to_owned()).spawn(wait) {
        tracing::debug!("the end of standard output is not watched: {error}");
    }
    if told.await.is_err() {
        std::future::pending().await
    }
}

/// Waits until the other end of standard output is closed; false where that cannot be told.
fn wait_for_end() -> bool {
    let out = io::stdout();
    // Errors and ends are reported unasked; a file has none.
    let mut looks = [PollFd::new(&out, PollFlags::empty())];
    loop {
        match poll(&mut looks, None) {
            Err(Errno::INTR) | Ok(0) => {}
            other => return other.is_ok(),
        }
    }
}

/// Prints values as one JSON array, each on a line of its own.
pub(super) fn array(values: impl Iterator<Item = Value>) -> Result<(), Failure> {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return write(["[]"]);
    }
    let mut before = "[";
    write(std::iter::from_fn(move || {
        let value = values.next()?;
        let after = if values.peek().is_some() { "," } else { "]" };
        let value = shown_json(&value.to_string());
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
        // A line end would be one of the table.
        table.add_row(row.map(|cell| shown(&cell)));
    }
    text(&table.trim_fmt())
}
