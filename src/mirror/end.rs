//! The end of a session, and why.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use tokio::time::Instant;

use crate::etcd::Error;
use crate::metrics::Cause;

/// An outage is logged again after this time.
const LOG_AGAIN: Duration = Duration::from_secs(60);

/// The end of a session.
pub(super) struct End {
    /// What it is counted as.
    pub(super) cause: Cause,
    /// What happened.
    pub(super) error: Error,
}

/// The last failure that was logged: when, and of which kind.
#[derive(Debug, Default)]
pub(super) struct OutageLog(Option<(Instant, Discriminant<Error>)>);

impl OutageLog {
    /// The registry was listed: what is said from now on is news, unless it is that the
    /// registry is none, which a list does not disprove.
    pub(super) fn is_listed(&mut self) {
        let unsound = discriminant(&Error::Unsound(String::new()));
        self.0 = self.0.filter(|(_, kind)| *kind == unsound);
    }

    /// Says why a session ended; in an outage not at every try, unless the reason has become
    /// one that somebody must do something about.
    pub(super) fn say(&mut self, zone: &str, endpoint: &str, end: &Error) {
        let kind = discriminant(end);
        let is_known = |of| of == kind || !end.needs_somebody();
        if self.0.is_some_and(|(at, of)| at.elapsed() < LOG_AGAIN && is_known(of)) {
            tracing::debug!(zone, "the registry is still away: {end}");
            return;
        }
        self.0 = Some((Instant::now(), kind));
        tracing::warn!(zone, %endpoint, "watch ended, relisting: {end}");
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        let cause = match error {
            Error::Silent(_) => Cause::Silent,
            Error::Compacted { .. } => Cause::Compacted,
            _ => Cause::Ended,
        };
        Self { cause, error }
    }
}
