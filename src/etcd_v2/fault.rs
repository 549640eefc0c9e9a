//! Faults as etcd's v2 API tells them: a status, a number, a text, and a cause.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::path::NodePath;
use super::reply;
use crate::etcd::Error;
use crate::metrics::RequestBound;

/// How soon to come back when there is too much at once.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The reason why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeysFault {
    /// Which of the reasons.
    pub(super) code: Code,
    /// What in particular.
    pub(super) cause: String,
    /// The index at which it was so; 0 where the request itself is wrong.
    pub(super) index: i64,
}

/// etcd's numbers of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// There is no such node.
    KeyNotFound = 100,
    /// A comparison failed.
    TestFailed = 101,
    /// The node is a directory.
    NotFile = 102,
    /// A node on the way is no directory.
    NotDir = 104,
    /// The node is there already.
    NodeExist = 105,
    /// The node cannot be changed.
    RootReadOnly = 107,
    /// The directory has something in it.
    DirNotEmpty = 108,
    /// A token is missing or wrong.
    Unauthorized = 110,
    /// `prevValue` is empty.
    PrevValueRequired = 201,
    /// `ttl` is no number.
    TtlNaN = 202,
    /// An index is no number.
    IndexNaN = 203,
    /// A parameter is no truth value, or does not fit the method.
    InvalidField = 209,
    /// The form cannot be read, or is too large.
    InvalidForm = 210,
    /// A value came with `refresh`.
    RefreshValue = 211,
    /// `refresh` came without a TTL.
    RefreshTtlRequired = 212,
    /// The registry did not do it.
    RaftInternal = 300,
    /// A watch is over.
    WatcherCleared = 400,
    /// What happened at an index is not remembered any more.
    EventIndexCleared = 401,
    /// srvd may not do it itself.
    Forbidden,
    /// Too many requests wait.
    ManyWaits,
    /// Too many directories are listed: another try may do.
    ManyListings,
    /// The key is too long or too deep.
    LongKey,
    /// The form is too large, or does not come.
    LargeForm,
    /// The value is too large.
    LargeValue,
}

/// A fault as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'f> {
    /// The number.
    error_code: u16,
    /// The text of the number.
    message: &'static str,
    /// What in particular.
    cause: &'f str,
    /// The index.
    index: i64,
}

impl Code {
    /// The number that clients are told.
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Forbidden => Self::Unauthorized as u16,
            Self::ManyWaits => Self::WatcherCleared as u16,
            Self::ManyListings => Self::RaftInternal as u16,
            Self::LongKey | Self::LargeForm | Self::LargeValue => Self::InvalidForm as u16,
            code => code as u16,
        }
    }

    /// The text of the number.
    const fn message(self) -> &'static str {
        match self {
            Self::KeyNotFound => "Key not found",
            Self::TestFailed => "Compare failed",
            Self::NotFile => "Not a file",
            Self::NotDir => "Not a directory",
            Self::NodeExist => "Key already exists",
            Self::RootReadOnly => "Root is read only",
            Self::DirNotEmpty => "Directory not empty",
            Self::Unauthorized | Self::Forbidden => "The request requires user authentication",
            Self::PrevValueRequired => "PrevValue is Required in POST form",
            Self::TtlNaN => "The given TTL in POST form is not a number",
            Self::IndexNaN => "The given index in POST form is not a number",
            Self::InvalidField => "Invalid field",
            Self::InvalidForm | Self::LongKey | Self::LargeForm | Self::LargeValue => {
                "Invalid POST form"
            }
            Self::RefreshValue => "Value provided on refresh",
            Self::RefreshTtlRequired => "A TTL must be provided on refresh",
            Self::RaftInternal | Self::ManyListings => "Raft Internal Error",
            Self::WatcherCleared | Self::ManyWaits => "watcher is cleared due to etcd recovery",
            Self::EventIndexCleared => "The event in requested index is outdated and cleared",
        }
    }

    /// The status of the reply.
    const fn status(self) -> StatusCode {
        match self {
            Self::KeyNotFound => StatusCode::NOT_FOUND,
            Self::NotFile | Self::DirNotEmpty | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TestFailed | Self::NodeExist => StatusCode::PRECONDITION_FAILED,
            Self::RaftInternal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::WatcherCleared | Self::ManyWaits | Self::ManyListings => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Code {
    /// The bound that turned the request away, if one did.
    pub(super) const fn bound(self) -> Option<RequestBound> {
        Some(match self {
            Self::ManyWaits => RequestBound::Waits,
            Self::ManyListings => RequestBound::Listings,
            Self::LongKey => RequestBound::Key,
            Self::LargeForm => RequestBound::Form,
            Self::LargeValue => RequestBound::Value,
            _ => return None,
        })
    }
}

impl KeysFault {
    /// A request that is wrong whatever the registry holds.
    pub(super) fn of_request(code: Code, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), index: 0 }
    }

    /// A node that does not allow what was asked for, as of an index.
    pub(super) fn of_node(code: Code, path: &NodePath, index: i64) -> Self {
        Self { code, cause: path.shown().to_owned(), index }
    }

    /// A path that no request may have.
    pub(super) fn of_long_path() -> Self {
        let cause = format!(
            "a key has at most {} octets in {} segments",
            super::path::OCTETS_MAX,
            super::path::SEGMENTS_MAX
        );
        Self::of_request(Code::LongKey, cause)
    }

    /// A node outside the zones.
    pub(super) fn outside(path: &NodePath, index: i64) -> Self {
        if path.is_root() {
            return Self::of_node(Code::RootReadOnly, path, index);
        }
        let cause = format!("{} is not below the prefix of a zone", path.shown());
        Self { code: Code::RootReadOnly, cause, index }
    }

    /// Too much at once.
    pub(super) fn busy(cause: impl Into<String>) -> Self {
        Self::of_request(Code::ManyWaits, cause)
    }
}

impl From<Error> for KeysFault {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Forbidden(_) | Error::Denied(_) | Error::LoggedOut(_) => Code::Forbidden,
            Error::Compacted { .. } => Code::EventIndexCleared,
            _ => Code::RaftInternal,
        };
        Self::of_request(code, error.to_string())
    }
}

impl IntoResponse for KeysFault {
    fn into_response(self) -> Response {
        let written = Written {
            error_code: self.code.number(),
            message: self.code.message(),
            cause: &self.cause,
            index: self.index,
        };
        let headers = [reply::index(self.index)];
        let mut reply = (self.code.status(), headers, Json(written)).into_response();
        if reply.status() == StatusCode::SERVICE_UNAVAILABLE {
            reply.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_too_much_is_told_to_come_back() {
        for (code, number) in [(Code::ManyListings, 300), (Code::ManyWaits, 400)] {
            let reply = KeysFault::of_request(code, "later").into_response();
            let shown = (reply.status().as_u16(), reply.headers()[RETRY_AFTER].as_bytes());
            assert_eq!((code.number(), shown), (number, (503, &b"1"[..])));
        }
    }
}
