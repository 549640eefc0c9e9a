//! `/frontends`: names that lead to a backend each, and to another when they are told.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::aliases::{Kind, Posted};
use super::entities::{Frontend, PostedFrontend};
use crate::http::Subject;
use crate::http::server::extract::{Body, Segments};
use crate::http::server::refusal::Refusal;
use crate::registry::Resource;

/// Frontends, as HTTP has them.
const KIND: Kind<Frontend> =
    Kind { resource: Resource::Frontend, path: "frontends", show: Frontend::of };

/// All frontends, by name.
#[utoipa::path(get, path = "/frontends", tag = "bender", responses(
    (status = 200, body = Vec<Frontend>),
    (status = 503, body = Refusal, description = "the registry has not been listed yet"),
))]
pub(super) async fn list(State(subject): State<Subject>) -> Result<Response, Refusal> {
    KIND.list(&subject).await
}

/// One frontend.
#[utoipa::path(get, path = "/frontends/{name}", tag = "bender", responses(
    (status = 200, body = Frontend),
    (status = 404, body = Refusal),
))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Segments(name): Segments<String>,
) -> Result<Json<Frontend>, Refusal> {
    KIND.show(&subject, &name)
}

/// Makes a frontend.
#[utoipa::path(post, path = "/frontends", tag = "bender", request_body = PostedFrontend, responses(
    (status = 201, body = Frontend, headers(("Location" = String))),
    (status = 400, body = Refusal),
    (status = 403, body = Refusal, description = "srvd may not write the registry"),
    (status = 409, body = Refusal, description = "there is one of this name"),
    (status = 503, body = Refusal, description = "the registry is away"),
))]
pub(super) async fn create(
    State(subject): State<Subject>,
    Body(posted): Body<Posted>,
) -> Result<Response, Refusal> {
    KIND.create(&subject, &posted).await
}

/// Replaces a frontend: names that lead to it are answered otherwise from the reply on.
#[utoipa::path(put, path = "/frontends/{name}", tag = "bender", request_body = PostedFrontend, responses(
    (status = 200, body = Frontend),
    (status = 400, body = Refusal),
    (status = 403, body = Refusal, description = "srvd may not write the registry"),
    (status = 404, body = Refusal),
    (status = 503, body = Refusal, description = "the registry is away"),
))]
pub(super) async fn replace(
    State(subject): State<Subject>,
    Segments(name): Segments<String>,
    Body(posted): Body<Posted>,
) -> Result<Json<Option<Frontend>>, Refusal> {
    KIND.replace(&subject, &name, &posted).await
}

/// Removes a frontend.
#[utoipa::path(delete, path = "/frontends/{name}", tag = "bender", responses(
    (status = 204),
    (status = 403, body = Refusal, description = "srvd may not write the registry"),
    (status = 404, body = Refusal),
    (status = 503, body = Refusal, description = "the registry is away"),
))]
pub(super) async fn remove(
    State(subject): State<Subject>,
    Segments(name): Segments<String>,
) -> Result<StatusCode, Refusal> {
    KIND.remove(&subject, &name).await
}
