//! Errors of the client.

use crate::etcd;
use crate::join::Fault;

/// The reason that the client did not do what was asked. Its text says what, where, and what to
/// do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection string cannot be used.
    #[error("the registry url {0}")]
    Url(String),
    /// Certificates, user or password cannot be used.
    #[error("{0}")]
    Access(String),
    /// The service cannot be registered as it was described.
    #[error("{0}")]
    Service(String),
    /// The key belongs to an owner who lives: another process, or another registration of this
    /// one.
    #[error(
        "{key} belongs to another owner, who keeps lease {lease:016x} alive; give another id, \
         stop that owner, or take the key over by force"
    )]
    Owned {
        /// The key.
        key: String,
        /// The owner's lease.
        lease: i64,
    },
    /// The key was put without a lease, and would stay for ever.
    #[error(
        "{key} was put without a lease, so nobody may be behind it; remove it with `srvd leave`, \
         or take it over by force"
    )]
    Unleased {
        /// The key.
        key: String,
    },
    /// The registry does not let us do it: user, password or role.
    #[error("{0}")]
    Refused(String),
    /// No member of the registry does what was asked: none answers, or it has no room, or history
    /// went on meanwhile. Another try may succeed.
    #[error("{0}")]
    Unreachable(String),
    /// The registration could not be taken away; its key ends with its lease.
    #[error("{key} could not be taken away, and ends with its lease: {reason}")]
    NotLeft {
        /// The key.
        key: String,
        /// Why not.
        reason: String,
    },
    /// There is no tokio runtime here: connect inside one.
    #[error("there is no tokio runtime here; connect inside one")]
    NoRuntime,
    /// The runtime is shutting down, or the task panicked.
    #[error("the task of the client was ended, with its runtime or by a panic")]
    Ended,
}

impl From<etcd::Error> for Error {
    fn from(error: etcd::Error) -> Self {
        let text = error.to_string();
        if error.is_refusal() { Self::Refused(text) } else { Self::Unreachable(text) }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Owned { key, lease } => Self::Owned { key, lease },
            Fault::Unleased { key } => Self::Unleased { key },
            Fault::Refused(error) => error.into(),
        }
    }
}
