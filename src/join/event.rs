//! The events of a registration, and how it can end.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Failure;
use crate::etcd::{Error, Lease};

/// An event of a registration, published as it happens.
#[derive(Debug)]
pub enum Event {
    /// It is in the registry for the first time.
    Registered(Lease),
    /// It is not in the registry any more, and will be put back.
    Lost(Loss),
    /// It is back.
    Regained(Lease),
    /// The key is under this lease of somebody who may be dead; that is being found out.
    Contested(i64),
    /// The key belongs to this renewed lease of somebody else: we come back when it is free.
    Aside(i64),
    /// The check fails, and why: it is out of the registry until the check passes.
    Unhealthy(Arc<str>),
    /// The check passes again.
    Healthy,
    /// The registry is away or refuses; it is tried on. Told once, not once per try.
    Trouble(Error),
    /// The registry answers again, and the registration still stands.
    Recovered,
    /// It took more to register than a heartbeat is given.
    Slow {
        /// What it took.
        took: Duration,
        /// What a heartbeat is given.
        patience: Duration,
    },
    /// It was taken out of the registry at the end.
    Left,
    /// It could not be taken out of the registry at the end; its lease will do that.
    NotLeft(Error),
}

/// The way a registration was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The lease expired or was revoked.
    #[error("its lease ended")]
    LeaseEnded,
    /// The key was deleted.
    #[error("its key was deleted")]
    Deleted,
    /// The key was put by somebody else, under this lease; 0 is none.
    #[error("its key was overwritten, under {}", Holder(*.0))]
    Overwritten(i64),
    /// The key holds another value under our lease.
    #[error("its value was changed")]
    Changed,
}

/// The reason that a registration ended by itself, which happens only before it first succeeded.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The key belongs to an owner who lives.
    #[error(
        "{key} belongs to another owner, who keeps lease {lease:016x} alive; give another --id, \
         stop that owner, or take the key over with --force"
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
         or take it over with --force"
    )]
    Unleased {
        /// The key.
        key: String,
    },
    /// The registry does not let us in as we are.
    #[error("{0}")]
    Refused(Error),
}

/// A lease in words, as etcdctl prints its id.
pub(super) struct Holder(pub(super) i64);

impl Event {
    /// Writes one line into the log.
    pub fn log(&self, key: &str) {
        match self {
            Self::Registered(lease) => {
                tracing::debug!(key, "registered under {}", Holder(lease.id));
            }
            Self::Regained(lease) => tracing::info!(key, "registered again, {}", Holder(lease.id)),
            Self::Lost(loss) => tracing::warn!(key, "the registration is lost: {loss}"),
            Self::Contested(lease) => {
                tracing::info!(
                    key,
                    "held by {}; waiting to see whether its lease is renewed",
                    Holder(*lease)
                );
            }
            Self::Aside(lease) => {
                tracing::warn!(key, "owned by {}; not taking it over", Holder(*lease));
            }
            Self::Trouble(error) => tracing::warn!(key, "still trying: {error}"),
            Self::Unhealthy(reason) => {
                tracing::warn!(key, "check failed; not registered until it passes: {reason}");
            }
            Self::Healthy => tracing::info!(key, "the check passes"),
            Self::NotLeft(error) => {
                tracing::warn!(
                    key,
                    "could not deregister; the key will expire with its lease: {error}"
                );
            }
            Self::Slow { took, patience } => tracing::warn!(
                key,
                "the registry is slow: registering took {took:.1?}, and a heartbeat may take \
                 {patience:.1?}; a longer --ttl allows more"
            ),
            Self::Left => tracing::debug!(key, "left"),
            Self::Recovered => tracing::info!(key, "the registry answers again"),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => formatter.write_str("no lease"),
            lease => write!(formatter, "lease {lease:016x}"),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::failed(fault)
    }
}
