//! Options for outages: what is kept, and for how long, while the registry is away or collapses.

use std::path::PathBuf;
use std::time::Duration;

use super::file::{Age, File};
use super::{Written, named};
use crate::cli::ServeArgs;
use crate::error::Failure;
use crate::files::NamedFile;
use crate::names::{DEFAULT_HOLD_COLLAPSE, Span};

/// The shortest `max-stale`: the registry is asked for a word four times within it, and
/// more often than that would be a load.
const MAX_STALE_LEAST: Duration = Duration::from_secs(1);
/// The longest `hold-collapse`: removals are never held for ever.
const HOLD_MOST: Duration = Duration::from_secs(3600);

/// The options for outages.
#[derive(Debug)]
pub struct Outage {
    /// Where snapshots are kept; nowhere when absent.
    pub state: Option<State>,
    /// How long without word of the registry answers are given; for ever when absent.
    pub max_stale: Option<Duration>,
    /// How long the removals of a collapse are held; zero turns the guard off.
    pub hold_collapse: Duration,
}

/// The directory of snapshots.
#[derive(Debug)]
pub struct State {
    /// The directory. It is made when the server starts.
    pub directory: PathBuf,
    /// How to call the option in an error.
    origin: String,
}

impl State {
    /// The directory cannot be used.
    #[must_use]
    pub fn fault(&self, text: impl std::fmt::Display) -> Failure {
        Failure::usage(format!("{} {}: {text}", self.origin, self.directory.display()))
    }
}

/// What the options and the file say.
pub(super) fn outage(args: &ServeArgs, file: &File) -> Result<Outage, Failure> {
    let state = named("state", &args.state, &file.state, file);
    let state = state.map(|NamedFile { path: directory, origin }| State { directory, origin });
    if let Some(state) = state.as_ref().filter(|it| it.directory.exists() && !it.directory.is_dir())
    {
        return Err(state.fault("is no directory; name one, it is made if it is not there"));
    }
    let max_stale = duration("max-stale", args.max_stale, &file.max_stale, file);
    let hold = duration("hold-collapse", args.hold_collapse, &file.hold_collapse, file);
    if let Some((time, origin)) = max_stale.as_ref().filter(|(time, _)| *time < MAX_STALE_LEAST) {
        return Err(Failure::usage(format!(
            "{origin}: {} is too short, at least {}; leave it out for answers without limit",
            Span(*time),
            Span(MAX_STALE_LEAST)
        )));
    }
    if let Some((time, origin)) = hold.as_ref().filter(|(time, _)| *time > HOLD_MOST) {
        return Err(Failure::usage(format!(
            "{origin}: {} is too long, at most {}; 0s turns the guard off",
            Span(*time),
            Span(HOLD_MOST)
        )));
    }
    Ok(Outage {
        state,
        max_stale: max_stale.map(|(time, _)| time),
        hold_collapse: hold.map_or(DEFAULT_HOLD_COLLAPSE, |(time, _)| time),
    })
}

/// A duration, and how to call the option in an error.
pub(super) fn duration(
    option: &str,
    typed: Option<Duration>,
    written: &Written<Age>,
    file: &File,
) -> Option<(Duration, String)> {
    let written = || written.as_ref().map(|it| (it.as_ref().0, file.origin(option, it)));
    typed.map(|time| (time, format!("--{option}"))).or_else(written)
}
