//! Probes of a supervisor: `/healthz`, whether the process runs, and `/readyz`, whether
//! queries are worth sending here and why not.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;

use super::Subject;
use crate::names::Shown;

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "probes", responses((status = 200, body = String)))]
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Whether queries are worth sending here: a line for each zone says how it stands, after those
/// that say what else is not as usual.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses(
    (status = 200, description = "every zone can be answered", body = String),
    (status = 503, description = "some cannot, or the server drains", body = String)
))]
pub(super) async fn readiness(State(subject): State<Subject>) -> (StatusCode, String) {
    let report = subject.report();
    let server = report.server.iter().map(|state| format!("{}\n", Shown(state)));
    let mut text: String = server.collect();
    for (zone, condition) in &report.zones {
        writeln!(text, "{zone}. {}", Shown(condition)).expect("a string takes all that is written");
    }
    (if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}
