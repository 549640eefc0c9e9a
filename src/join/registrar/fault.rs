//! The faults of a registration over HTTP.

use std::time::Duration;

use super::ledger::REGISTRATIONS_MAX;
use crate::etcd::Error;
use crate::join::event::Holder;
use crate::names::Span;

/// A fault of a request. Nothing was changed then, or the change is not known to have
/// been made.
#[derive(Debug, thiserror::Error)]
pub enum AttemptFault {
    /// The registry is away, or refuses.
    #[error(transparent)]
    Registry(#[from] Error),
    /// The registry did not answer in time.
    #[error("the registry did not answer within {}; try again", Span(*.0))]
    Slow(Duration),
    /// The key belongs to somebody else.
    #[error(
        "{key} holds something else than this app's registration of this host and port, under \
         {}; stop whoever put it there, or use another host name or port", Holder(*.lease)
    )]
    Taken {
        /// The key.
        key: String,
        /// The lease on it; 0 for none.
        lease: i64,
    },
    /// The key holds another version of the app.
    #[error("{key} holds another version; it is not removed")]
    OtherVersion {
        /// The key.
        key: String,
    },
    /// Others change the key at the same time.
    #[error("{key} changes faster than it can be written; try again")]
    Restless {
        /// The key.
        key: String,
    },
    /// Too many registrations are held.
    #[error(
        "{REGISTRATIONS_MAX} registrations are held here, and no more; register at another \
         server, or use `srvd join`"
    )]
    Full,
    /// There is something at the key already.
    #[error("{key} is there already; PUT replaces it")]
    Exists {
        /// The key.
        key: String,
    },
    /// There is nothing at the key.
    #[error("{key} is not there; POST makes one")]
    Absent {
        /// The key.
        key: String,
    },
}
