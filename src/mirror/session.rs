//! A point in a registry's history, and a session from one on.

use super::end::End;
use crate::etcd::{Error, Message};
use crate::metrics::Cause;

/// A point in the history of a registry: what is held is true there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HistoryPoint {
    /// The revision.
    pub(super) revision: i64,
    /// The cluster whose revision that is.
    pub(super) cluster: u64,
}

/// A session that has its list: what it holds grows with each message of the watch.
#[derive(Debug)]
pub(super) struct Session {
    /// How far it has come.
    pub(super) held: HistoryPoint,
    /// Whether reports of progress never overtake events
    /// ([`Etcd::orders_progress`](crate::etcd::Etcd::orders_progress)).
    pub(super) orders_progress: bool,
}

impl HistoryPoint {
    /// Whether a list at this point is of another history than what is held; says so aloud.
    pub(super) fn departs_from(self, held: Option<Self>) -> bool {
        let Some(Self { revision: held, cluster: of }) = held else { return false };
        let Self { revision, cluster } = self;
        if of != cluster {
            let text = "the registry is another cluster now";
            tracing::error!(held, revision, "{text} ({of:x} became {cluster:x})");
        } else if revision < held {
            tracing::error!(held, revision, "the registry's revision went back: restored or wiped");
        }
        of != cluster || revision < held
    }
}

impl Session {
    /// Ends the session when a message belongs to another history than the list did.
    pub(super) fn check(&self, message: &Message) -> Result<(), End> {
        let HistoryPoint { revision: held, cluster } = self.held;
        let end = |text| Err(End { cause: Cause::HistoryWentBack, error: Error::Ended(text) });
        if message.cluster != cluster {
            return end("another cluster answers".to_owned());
        }
        if message.revision < held {
            return end(format!("the revision went back from {held} to {}", message.revision));
        }
        Ok(())
    }
}
