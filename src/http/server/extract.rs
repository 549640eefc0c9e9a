//! Extractors of what requests say: what is wrong with it is told as all else is, by a
//! [`Refusal`].

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::place::Place;
use super::refusal::Refusal;
use crate::names::Span;

/// How long a client may take to send a body, as for a head: it has some hundred octets, and
/// 64 KiB at most.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The body, JSON.
#[derive(Debug)]
pub(in crate::http) struct Body<T>(pub(in crate::http) T);

/// The parameters behind the `?`.
#[derive(Debug)]
pub(in crate::http) struct Parameters<T>(pub(in crate::http) T);

/// The parts of the path that have names, decoded.
#[derive(Debug)]
pub(in crate::http) struct Segments<T>(pub(in crate::http) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let place = request.extensions().get::<Place>().cloned();
        // A client that dawdles is silent, also in the middle of a request.
        place.iter().for_each(Place::rest);
        let body = timeout(BODY_TIMEOUT, Json::from_request(request, state)).await;
        place.iter().for_each(Place::work);
        let Json(body) = body.map_err(|_| slow())??;
        Ok(Self(body))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(parameters) = Query::from_request_parts(parts, state).await?;
        Ok(Self(parameters))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(segments) = Path::from_request_parts(parts, state).await?;
        Ok(Self(segments))
    }
}

/// The refusal of a body that does not come.
fn slow() -> Refusal {
    let text = format!("the body did not come within {}; send it at once", Span(BODY_TIMEOUT));
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", text)
}
