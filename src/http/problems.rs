//! `/v1/problems`: what cannot be served, and what to do about it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::refusal::Refusal;
use super::{Subject, json};
use crate::index::{Generation, Zone};

/// Problems that are shown: more than anybody reads. `srvd check` shows all.
const SHOWN_MAX: usize = 10_000;

/// The problems of the newest generation, as `srvd check --output json` shows them. To find
/// them may take a second, so it is done beside the runtime's threads.
#[utoipa::path(get, path = "/v1/problems", tag = "registry", responses(
    (status = 200, body = Vec<Object>)
))]
pub(super) async fn show(State(subject): State<Subject>) -> Result<Response, Refusal> {
    let listed = tokio::task::spawn_blocking(move || list(&subject.index.load()).to_string());
    listed.await.map(json).map_err(Refusal::fault)
}

/// The problems of each zone, by key.
fn list(generation: &Generation) -> Value {
    let of_zone = |zone: &Arc<Zone>| {
        let mut found: Vec<_> = zone.problems().take(SHOWN_MAX).collect();
        found.sort_unstable();
        let name = zone.settings().title();
        found.into_iter().map(move |finding| finding.to_json(&name))
    };
    generation.zones().iter().flat_map(of_zone).take(SHOWN_MAX).collect()
}
