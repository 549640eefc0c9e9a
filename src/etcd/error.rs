//! Errors between us and etcd.

use std::time::Duration;

use tonic::Code;

use super::transport;
use crate::error::Failure;
use crate::names::Span;

/// An error between us and etcd.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No endpoint did what was asked. Carries each attempt.
    #[error("the registry cannot be reached: {0}")]
    Unreachable(String),
    /// The same where an attempt failed for a reason that does not pass by itself
    /// ([`Self::Tls`]).
    #[error("the registry cannot be reached: {0}")]
    Misfit(String),
    /// The same where a member answers, and too slowly.
    #[error("the registry is slow: {0}")]
    Slow(String),
    /// The registry does not know us: user or password. What to do is said with it.
    #[error("the registry refuses: {0}")]
    Denied(String),
    /// The login is not valid any more. It is renewed by itself; this shows where that
    /// does not help.
    #[error("the registry refuses: {0}; check --user and --password-file")]
    LoggedOut(String),
    /// The registry has its authentication turned off, so nobody can log in.
    #[error("the registry has its authentication turned off")]
    NoLogins,
    /// The registry knows us, and does not let us do this.
    #[error("the registry refuses: permission denied; {0}")]
    Forbidden(String),
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
    /// It answers, and not as etcd does: what it says has no end, say.
    #[error("it does not answer as etcd does: {0}; check what runs there")]
    Unsound(String),
    /// The answer is larger than we take.
    #[error("the answer is too large: {0}")]
    TooLarge(String),
    /// A stream ended, and why.
    #[error("the stream ended: {0}")]
    Ended(String),
    /// No answer in time.
    #[error("no answer within {}", Span(*.0))]
    Silent(Duration),
    /// A connection was made meanwhile, and no answer came in what was left of the time.
    #[error(
        "it is slow: connecting took {connecting:.1?}, and no answer came within {patience:.1?}"
    )]
    Late {
        /// What the connection took.
        connecting: Duration,
        /// The time for both.
        patience: Duration,
    },
    /// The member answers, and cannot do it now: it has no leader, say.
    #[error("{0}")]
    Unready(String),
    /// The connection failed.
    #[error("{0}")]
    Transport(String),
    /// The connection failed because one side does not like the other's TLS. What to do is
    /// said with it.
    #[error("{0}")]
    Tls(String),
}

impl Error {
    /// Whether the registry has spoken, so that asking another endpoint is pointless.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        !matches!(
            self,
            Self::Silent(_)
                | Self::Late { .. }
                | Self::Transport(_)
                | Self::Tls(_)
                | Self::Ended(_)
                | Self::Unready(_)
                | Self::Unsound(_)
        )
    }

    /// Whether the registry refuses us as we are: no retry will help.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::LoggedOut(_) | Self::Forbidden(_) | Self::Refused(_))
    }

    /// Whether nobody's calls get through: no endpoint is reached, or our login is refused.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Misfit(_)
                | Self::Slow(_)
                | Self::Denied(_)
                | Self::LoggedOut(_)
        )
    }

    /// Whether somebody has to do something before it gets better.
    #[must_use]
    pub const fn needs_somebody(&self) -> bool {
        self.is_refusal() || matches!(self, Self::Misfit(_))
    }

    /// Whether the member has spoken, so that the connection is a good one. One that was made
    /// a moment ago was answered on then.
    pub(super) const fn is_spoken(&self) -> bool {
        self.is_answer() || matches!(self, Self::Unready(_) | Self::Late { .. })
    }

    /// The error when nothing but TCP and TLS was done before it. A member that does not
    /// like our certificate, or another protocol, often just closes.
    pub(super) fn on_first_contact(self, address: &str, has_certificate: bool) -> Self {
        let (Self::Transport(text) | Self::Ended(text)) = self else { return self };
        Self::Tls(match (address.starts_with("https://"), has_certificate) {
            (false, _) => format!(
                "it closed the connection without an answer ({text}); if etcd speaks TLS there, \
                 write https:// in --registry"
            ),
            (true, false) => format!(
                "it closed the connection ({text}); if etcd wants a client certificate, give \
                 --cert and --key"
            ),
            (true, true) => format!(
                "it closed the connection ({text}); check --cert and --key: that they are valid \
                 now, and signed by an authority that etcd trusts"
            ),
        })
    }

    /// The error of a gRPC status.
    fn of_status(status: &tonic::Status) -> Self {
        let message = status.message().to_owned();
        match status.code() {
            Code::NotFound if message.contains("lease not found") => Self::LeaseGone,
            Code::OutOfRange if message.contains("message length too large") => {
                Self::TooLarge(message)
            }
            Code::InvalidArgument | Code::FailedPrecondition => {
                Self::of_login(&message).unwrap_or(Self::Refused(message))
            }
            Code::PermissionDenied | Code::Unauthenticated => {
                Self::of_login(&message).unwrap_or(Self::Denied(message))
            }
            Code::NotFound | Code::AlreadyExists | Code::OutOfRange | Code::Unimplemented => {
                Self::Refused(message)
            }
            Code::ResourceExhausted => Self::Exhausted(message),
            _ if message.starts_with("etcdserver:") => Self::Unready(message),
            _ => transport::of_status(status),
        }
    }

    /// The error of what etcd says about logins and permissions, in a status or in band.
    pub(super) fn of_login(message: &str) -> Option<Self> {
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if says(&["invalid auth token", "revision of auth store is old"]) {
            return Some(Self::LoggedOut(format!("the login is not valid any more, {message}")));
        }
        if says(&["user name is empty"]) {
            return Some(Self::LoggedOut("etcd requires a user, and none is given".to_owned()));
        }
        if says(&["authentication is not enabled"]) {
            return Some(Self::NoLogins);
        }
        if says(&["authentication failed", "user name not found"]) {
            let text = "no such user, or another password; check --user and --password-file";
            return Some(Self::Denied(text.to_owned()));
        }
        let is_permission = says(&["permission denied", "PermissionDenied"]);
        is_permission.then(|| Self::Forbidden("check the roles of --user".to_owned()))
    }
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

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Unreachable(_) | Error::Misfit(_) | Error::Slow(_) => {
                Self::Unreachable(error.to_string())
            }
            error if error.is_answer() => Self::failed(error),
            error => Self::Unreachable(error.to_string()),
        }
    }
}
