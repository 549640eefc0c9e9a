//! The end of a session, and why.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use tokio::time::Instant;

use crate::etcd::Error;
use crate::metrics::{Cause, Condition, State};
use crate::names::Span;

/// An outage is logged again after this time, with its length: often enough that whoever looks
/// at the last lines of a log sees it, and seldom enough that a night of it fits a page or two.
const REMIND_EVERY: Duration = Duration::from_secs(300);

/// The end of a session.
pub(super) struct End {
    /// What it is counted as.
    pub(super) cause: Cause,
    /// What happened.
    pub(super) error: Error,
}

/// The log's knowledge of the failures since the last list.
#[derive(Debug, Default)]
pub(super) struct OutageLog(Option<FailedSince>);

/// Failures since the last list.
#[derive(Debug)]
struct FailedSince {
    /// When the first was.
    since: Instant,
    /// When one was logged last.
    told: Instant,
    /// Of which kind that was.
    kind: Discriminant<Error>,
}

/// The worth of a failure.
#[derive(Debug, PartialEq, Eq)]
enum Remark {
    /// A line that says what happened.
    News,
    /// A line that says for how long.
    Reminder(Duration),
    /// None.
    Nothing,
}

impl OutageLog {
    /// The registry was listed: what is said from now on is news, unless it is that the
    /// registry is none, which a list does not disprove.
    pub(super) fn is_listed(&mut self) {
        let unsound = discriminant(&Error::Unsound(String::new()));
        self.0.take_if(|outage| outage.kind != unsound);
    }

    /// Says why a session ended, of a zone that is now so.
    pub(super) fn say(&mut self, zone: &str, endpoint: &str, end: &Error, condition: &Condition) {
        match self.judge(Instant::now(), end) {
            Remark::News => match condition.state() {
                State::NotReady { .. } => {
                    tracing::warn!(zone, %endpoint, "{condition}; queries get SERVFAIL until then");
                }
                _ => tracing::warn!(zone, %endpoint, "watch ended, relisting: {end}"),
            },
            Remark::Reminder(length) => {
                tracing::warn!(zone, %endpoint, "no list for {}: {condition}", Span(length));
            }
            Remark::Nothing => tracing::debug!(zone, "the registry is still away: {end}"),
        }
    }

    /// Judges a failure: in an outage not every try is worth a line, unless the reason has
    /// become one that somebody must do something about.
    fn judge(&mut self, now: Instant, end: &Error) -> Remark {
        let kind = discriminant(end);
        let Some(FailedSince { since, told, kind: known }) = &mut self.0 else {
            self.0 = Some(FailedSince { since: now, told: now, kind });
            return Remark::News;
        };
        let is_news = *known != kind && end.needs_somebody();
        let is_due = now.duration_since(*told) >= REMIND_EVERY;
        if is_news || is_due {
            (*told, *known) = (now, kind);
        }
        match (is_news, is_due) {
            (true, _) => Remark::News,
            // To the second: it is read by people.
            (_, true) => Remark::Reminder(Duration::from_secs((now - *since).as_secs())),
            _ => Remark::Nothing,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_outage_is_reminded_of_with_its_length() {
        let (mut log, begun) = (OutageLog::default(), Instant::now());
        let silent = Error::Silent(Duration::from_secs(5));
        let mut judge = |seconds, end: &Error| log.judge(begun + Duration::from_secs(seconds), end);
        let reminder = |seconds| Remark::Reminder(Duration::from_secs(seconds));
        assert_eq!(judge(0, &silent), Remark::News);
        assert_eq!(judge(299, &silent), Remark::Nothing);
        assert_eq!(judge(300, &silent), reminder(300));
        assert_eq!(judge(599, &Error::Transport("refused".to_owned())), Remark::Nothing);
        assert_eq!(judge(601, &silent), reminder(601));
        assert_eq!(judge(602, &Error::Refused("so".to_owned())), Remark::News);
        assert_eq!(judge(603, &Error::Refused("so".to_owned())), Remark::Nothing);
        assert_eq!(judge(902, &silent), reminder(902));
        log.is_listed();
        assert_eq!(log.judge(begun + Duration::from_secs(903), &silent), Remark::News);
    }
}
