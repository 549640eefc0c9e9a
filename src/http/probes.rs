//! Probes of a supervisor: `/healthz`, whether the process runs, and `/readyz`, whether
//! queries are worth sending here and why not.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;

use super::Subject;
use crate::names::{Shown, written};

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "probes", responses((status = 200, body = String)))]
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Whether queries are worth sending here: a line for each zone says how it stands.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses(
    (status = 200, description = "every zone can be answered", body = String),
    (status = 503, description = "some cannot, or the server drains", body = String)
))]
pub(super) async fn readiness(State(subject): State<Subject>) -> (StatusCode, String) {
    let generation = subject.index.load();
    let is_draining = subject.draining.is_cancelled();
    let mut text = if is_draining { "draining\n".to_owned() } else { String::new() };
    let mut is_ready = !is_draining;
    for zone in generation.zones() {
        let condition = zone.condition();
        is_ready &= condition.is_answered();
        let apex = written(zone.settings().apex().iter());
        writeln!(text, "{apex} {}", Shown(condition)).expect("a string takes all that is written");
    }
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}
