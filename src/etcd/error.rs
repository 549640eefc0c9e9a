//! What can go wrong between us and etcd.

use std::time::Duration;

use tonic::Code;

/// What can go wrong between us and etcd.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No endpoint did what was asked. Carries each attempt.
    #[error("the registry cannot be reached: {0}")]
    Unreachable(String),
    /// The registry understood and refused: credentials or permission.
    #[error("the registry refuses: {0}; check --user, --password-file and the user's role")]
    Denied(String),
    /// The registry understood and refused for another reason.
    #[error("the registry refuses: {0}")]
    Refused(String),
    /// The registry understood and has no room: too many requests, or its disk is full.
    #[error("the registry has no room: {0}")]
    Exhausted(String),
    /// The lease is not there any more.
    #[error("the lease is gone")]
    LeaseGone,
    /// History before `oldest` is gone.
    #[error("revision {wanted} is compacted, the oldest kept is {oldest}")]
    Compacted {
        /// The revision that was asked for.
        wanted: i64,
        /// The oldest one there is.
        oldest: i64,
    },
    /// The answer is larger than we take.
    #[error("the answer is too large: {0}")]
    TooLarge(String),
    /// A stream ended, and why.
    #[error("the stream ended: {0}")]
    Ended(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// The connection failed.
    #[error("{0}")]
    Transport(String),
}

impl Error {
    /// Whether the registry has spoken, so that asking another endpoint is pointless.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        !matches!(self, Self::Silent(_) | Self::Transport(_) | Self::Ended(_))
    }

    /// Whether the registry refuses us as we are: no retry will help.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::Refused(_))
    }

    /// The error of a gRPC status.
    fn of_status(status: &tonic::Status) -> Self {
        let message = status.message().to_owned();
        match status.code() {
            Code::NotFound if message.contains("lease not found") => Self::LeaseGone,
            Code::OutOfRange if message.contains("message length too large") => {
                Self::TooLarge(message)
            }
            Code::PermissionDenied | Code::Unauthenticated => Self::Denied(message),
            Code::InvalidArgument if message.contains("auth") || message.contains("user name") => {
                Self::Denied(message)
            }
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented => Self::Refused(message),
            Code::ResourceExhausted => Self::Exhausted(message),
            _ => Self::Transport(transport(status)),
        }
    }
}

/// A transport status with the cause that tonic keeps behind it.
fn transport(status: &tonic::Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<etcd_client::Error> for Error {
    fn from(error: etcd_client::Error) -> Self {
        match error {
            etcd_client::Error::GRpcStatus(status) => Self::of_status(&status),
            // The client says this, and only this, of a lease that a keepalive found gone.
            etcd_client::Error::LeaseKeepAliveError(text) if text.contains("lease not found") => {
                Self::LeaseGone
            }
            etcd_client::Error::InvalidArgs(text) => Self::Refused(text),
            error => Self::Transport(error.to_string()),
        }
    }
}
