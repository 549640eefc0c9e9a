//! Refusals: `{"code","message"}` with a status, in the place of what was asked for.

use std::fmt;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::BODY_OCTETS;

/// When a client may come back that was told that something is away for the moment.
const RETRY_SECONDS: &str = "1";

/// The reason that a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// The status of the reply.
    #[serde(skip)]
    status: StatusCode,
    /// A word for programs: `INVALID`, `NOT_FOUND`, `CONFLICT` and others.
    code: &'static str,
    /// A sentence for people: what is wrong, and what to do.
    message: String,
}

impl Refusal {
    /// The status of the reply.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A refusal with any status and code.
    pub(in crate::http) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl fmt::Display,
    ) -> Self {
        Self { status, code, message: message.to_string() }
    }

    /// 400: the request says something that cannot be.
    pub(in crate::http) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID", message)
    }

    /// 401: a token is missing, or not the right one.
    pub(in crate::http) fn unauthorized(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
    }

    /// 403: it is nobody's right, or not this client's.
    pub(in crate::http) fn forbidden(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    /// 404: there is no such thing.
    pub(in crate::http) fn not_found(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 503: not now; the client may come back.
    pub(in crate::http) fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }

    /// 500: a fault of ours.
    pub(in crate::http) fn fault(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        let field = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => (RETRY_AFTER, RETRY_SECONDS),
            StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Bearer"),
            StatusCode::REQUEST_TIMEOUT => (CONNECTION, "close"),
            _ => return response,
        };
        response.headers_mut().insert(field.0, HeaderValue::from_static(field.1));
        response
    }
}

/// The answer to a path that there is nothing at.
pub(in crate::http) async fn no_such_path(uri: Uri) -> Refusal {
    let path = uri.path().escape_default();
    Refusal::not_found(format_args!("there is nothing at {path}; /v1/openapi.json says what is"))
}

/// The answer to a method that a path does not have; the paths' routers add `Allow`.
pub(in crate::http) async fn no_such_method(method: Method, uri: Uri) -> Refusal {
    let path = uri.path().escape_default();
    let text = format!("{path} has no method {method}; `Allow` says which it has");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
}

impl From<JsonRejection> for Refusal {
    /// A body that cannot be taken.
    fn from(rejection: JsonRejection) -> Self {
        let (status, text) = (rejection.status(), rejection.body_text());
        match status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                let text = "a body must be JSON; send `Content-Type: application/json`";
                Self::new(status, "UNSUPPORTED_MEDIA_TYPE", text)
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                let text = format!("a body has at most {BODY_OCTETS} octets; send less");
                Self::new(status, "TOO_LARGE", text)
            }
            _ => Self::invalid(plain("the body", &text)),
        }
    }
}

impl From<QueryRejection> for Refusal {
    /// Parameters that cannot be taken.
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(plain("the parameters", &rejection.body_text()))
    }
}

impl From<PathRejection> for Refusal {
    /// A path whose parts cannot be taken.
    fn from(rejection: PathRejection) -> Self {
        Self::invalid(plain("the path", &rejection.body_text()))
    }
}

/// What a library found wrong, after its own `Failed to …: `, and where to look.
fn plain(what: &str, text: &str) -> String {
    let found = text.split_once(": ").map_or(text, |(_, found)| found);
    format!("{what} cannot be taken: {found}; /v1/openapi.json says what can")
}
