//! The log of the process, on standard error.

mod journal;
mod level;
mod lines;
mod progress;
mod repeats;
mod runtime;

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::names::Shown;

use self::journal::{FAILURE, Journal};
use self::level::LevelSwitch;
use self::lines::{Json, Text};
use self::repeats::Repeats;

pub use self::progress::progress;
pub use self::runtime::{on_all_cores, on_one_thread};

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The format as the configuration spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Prints one line on standard output. Nobody may be reading any more (`srvd serve | head`),
/// which is no reason to stop.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{}", Shown(line));
}

/// Prints one line on standard error, beside what is logged. Nobody may be reading that, either.
pub fn complain(line: impl Display) {
    let priority = Journal::listening().map_or("", |_| FAILURE);
    let _ = writeln!(std::io::stderr(), "{priority}{}", Shown(line));
}

/// The levels that `-v` goes through.
const LEVELS: [&str; 4] = ["warn", "info", "debug", "trace"];

/// The log, once it has started. What was left out of it and not told is told when this is
/// dropped, which is to happen last.
#[derive(Debug)]
pub struct Log {
    /// What counts repeats.
    repeats: Repeats,
    /// What changes the level.
    switch: LevelSwitch,
}

/// Starts logging. A server says what it does (info); commands that answer on standard
/// output say only what is wrong. Each `-v` says more; `RUST_LOG`, if set, decides instead. On
/// SIGUSR1 a server says everything, and on the next as much as before.
#[must_use]
pub fn start(format: LogFormat, is_server: bool, verbosity: u8) -> Log {
    let level = usize::from(is_server) + usize::from(verbosity);
    let level = LEVELS[level.min(LEVELS.len() - 1)];
    let (filter, switch) = LevelSwitch::new(level, is_server);
    let lines = fmt::layer().with_ansi(has_colours());
    let lines = match (format, Journal::listening()) {
        (LogFormat::Text, Some(journal)) => {
            lines.with_writer(std::io::stderr).fmt_fields(Text).event_format(journal).boxed()
        }
        (LogFormat::Text, None) => {
            lines.with_writer(std::io::stderr).with_target(false).fmt_fields(Text).boxed()
        }
        (LogFormat::Json, _) => lines.with_writer(Json).json().flatten_event(true).boxed(),
    };
    let repeats = Repeats::default();
    // A second start, as in tests that run several parts in one process, changes nothing.
    let _ = registry().with(filter).with(repeats.clone()).with(lines).try_init();
    Log { repeats, switch }
}

/// Whether lines have colours: on a terminal whose user wants them (<https://no-color.org>).
fn has_colours() -> bool {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    !is_plain && std::io::stderr().is_terminal()
}

impl Log {
    /// Says what was left out because it repeats, for as long as it is polled.
    pub fn tell(&self) -> impl Future<Output = std::convert::Infallible> + Send + use<> {
        let (repeats, switch) = (self.repeats.clone().tell(), self.switch.clone().follow());
        async move {
            tokio::select! {
                never = repeats => never,
                never = switch => never,
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.repeats.tell_all();
    }
}
