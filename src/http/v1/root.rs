//! `/v1`: what there is.

use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem};

use crate::http::json;

/// The list of what can be asked, as JSON text.
#[derive(Debug, Clone)]
pub(in crate::http) struct Contents(String);

/// One path and what can be done there.
#[derive(serde::Serialize)]
struct Operable<'d> {
    /// The path.
    path: &'d str,
    /// The method.
    method: &'static str,
    /// What it does.
    summary: &'d str,
}

impl Contents {
    /// What a document describes.
    pub(in crate::http) fn of(document: &OpenApi) -> Self {
        let entries: Vec<_> = document
            .paths
            .paths
            .iter()
            .flat_map(|(path, item)| {
                operations(item).map(move |(method, operation)| Operable {
                    path,
                    method,
                    summary: operation.summary.as_deref().unwrap_or_default(),
                })
            })
            .collect();
        let version = env!("CARGO_PKG_VERSION");
        let contents = serde_json::json!({
            "version": version, "openapi": "/v1/openapi.json", "paths": entries,
        });
        Self(contents.to_string())
    }
}

/// What can be done at a path.
fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all =
        [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// What there is: each path with its method and what it does.
pub(in crate::http) async fn show(Extension(Contents(text)): Extension<Contents>) -> Response {
    json(text).into_response()
}
