//! `/v1/problems`: what cannot be served, and what to do about it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{schema, zones};
use crate::http::Subject;
use crate::http::server::extract::Parameters;
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Zone};

/// Problems that are shown: more than anybody reads. `srvd check` shows all.
const SHOWN_MAX: usize = 10_000;

/// The problems that are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The zone; all zones when absent
    zone: Option<String>,
    /// How many at most: 10000 when absent, and no more
    limit: Option<usize>,
}

/// The problems of the newest generation, as `srvd check --output json` shows them. To find
/// them may take a second, so it is done beside the runtime's threads.
#[utoipa::path(get, path = "/v1/problems", tag = "registry", params(Which), responses(
    (status = 200, body = Vec<schema::Problem>), (status = 400, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Parameters(Which { zone, limit }): Parameters<Which>,
) -> Result<Response, Refusal> {
    let generation = Arc::clone(&subject.index.load());
    let zone = zone.map(|zone| zones::named(&generation, &zone)).transpose()?;
    let limit = limit.unwrap_or(SHOWN_MAX);
    if !(1..=SHOWN_MAX).contains(&limit) {
        return Err(Refusal::invalid(format!("`limit` is {limit}; it must be 1 to {SHOWN_MAX}")));
    }
    subject.heavy.beside(move || Ok(list(&generation, zone, limit))).await
}

/// The problems of a zone, or of each, by key.
fn list(generation: &Generation, zone: Option<usize>, limit: usize) -> Value {
    let of_zone = |zone: &Arc<Zone>| {
        let mut found: Vec<_> = zone.problems().take(SHOWN_MAX).collect();
        found.sort_unstable();
        let name = zone.settings().title();
        found.into_iter().map(move |finding| finding.to_json(&name))
    };
    let zones = zone.map_or(generation.zones(), |at| &generation.zones()[at..=at]);
    zones.iter().flat_map(of_zone).take(limit).collect()
}
