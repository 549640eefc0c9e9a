//! `/backends`: the versions of apps that run, by name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::aliases::{Kind, Posted};
use super::entities::{Backend, PostedBackend};
use crate::http::Subject;
use crate::http::server::extract::{Body, Segments};
use crate::http::server::refusal::Refusal;
use crate::registry::Resource;

/// Backends, as HTTP has them.
const KIND: Kind<Backend> =
    Kind { resource: Resource::Backend, path: "backends", show: Backend::of };

/// All backends, by name.
#[utoipa::path(get, path = "/backends", tag = "bender", responses(
    (status = 200, body = Vec<Backend>),
    (status = 503, body = Refusal, description = "the registry has not been listed yet"),
))]
pub(super) async fn list(State(subject): State<Subject>) -> Result<Response, Refusal> {
    KIND.list(&subject).await
}

/// One backend.
#[utoipa::path(get, path = "/backends/{name}", tag = "bender", responses(
    (status = 200, body = Backend),
    (status = 404, body = Refusal),
))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Segments(name): Segments<String>,
) -> Result<Json<Backend>, Refusal> {
    KIND.show(&subject, &name)
}

/// Makes a backend.
#[utoipa::path(post, path = "/backends", tag = "bender", request_body = PostedBackend, responses(
    (status = 201, body = Backend, headers(("Location" = String))),
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

/// Replaces a backend: names that lead to it are answered otherwise from the reply on.
#[utoipa::path(put, path = "/backends/{name}", tag = "bender", request_body = PostedBackend, responses(
    (status = 200, body = Backend),
    (status = 400, body = Refusal),
    (status = 403, body = Refusal, description = "srvd may not write the registry"),
    (status = 404, body = Refusal),
    (status = 503, body = Refusal, description = "the registry is away"),
))]
pub(super) async fn replace(
    State(subject): State<Subject>,
    Segments(name): Segments<String>,
    Body(posted): Body<Posted>,
) -> Result<Json<Option<Backend>>, Refusal> {
    KIND.replace(&subject, &name, &posted).await
}

/// Removes a backend.
#[utoipa::path(delete, path = "/backends/{name}", tag = "bender", responses(
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
