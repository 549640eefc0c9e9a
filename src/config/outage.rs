//! Options for outages: what is kept, and for how long, while the registry is away or collapses.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Failure;
use crate::files::NamedFile;
use crate::names::{DEFAULT_HOLD_COLLAPSE, Span};
use crate::options::{File, ServeArgs};

/// The shortest `max-stale`: the registry is asked for a word four times within it, and
/// more often than that would be a load.
const MAX_STALE_LEAST: Span = Span(Duration::from_secs(1));

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
    let state = args.state(file).map(|given| given.named(file));
    let state = state.map(|NamedFile { path: directory, origin }| State { directory, origin });
    if let Some(state) = state.as_ref().filter(|it| it.directory.exists() && !it.directory.is_dir())
    {
        return Err(state.fault("is not a directory; name one, it is made if it is not there"));
    }
    let stale = args.max_stale(file);
    if let Some(short) = stale.as_ref().filter(|given| given.value < MAX_STALE_LEAST) {
        return Err(short.fault(format_args!(
            "{} is too short, at least {MAX_STALE_LEAST}; leave it out for answers without limit",
            short.value
        )));
    }
    let hold = args.hold_collapse(file)?;
    Ok(Outage {
        state,
        max_stale: stale.map(|given| given.value.0),
        hold_collapse: hold.map_or(DEFAULT_HOLD_COLLAPSE, |Span(hold)| hold),
    })
}
