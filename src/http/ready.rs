//! `/readyz`: whether queries are worth sending here, and why not.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;

use super::Subject;
use crate::index::Zone;
use crate::names::{Shown, written};
use crate::registry::Standing;

/// Whether queries are worth sending here: a line for each zone says how it stands.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses(
    (status = 200, description = "every zone can be answered", body = String),
    (status = 503, description = "some cannot, or the server drains", body = String)
))]
pub(super) async fn show(State(subject): State<Subject>) -> (StatusCode, String) {
    let generation = subject.index.load();
    let is_draining = subject.draining.is_cancelled();
    let mut text = if is_draining { "draining\n".to_owned() } else { String::new() };
    let mut is_ready = !is_draining;
    for zone in generation.zones() {
        is_ready &= is_answered(zone);
        let apex = written(zone.settings().apex().iter());
        writeln!(text, "{apex} {}", Shown(state(zone)))
            .expect("a string takes all that is written");
    }
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

/// Whether names of a zone get answers.
pub(super) fn is_answered(zone: &Zone) -> bool {
    zone.is_ready() && zone.settings().standing() != Standing::Expired
}

/// How a zone stands, in words.
fn state(zone: &Zone) -> String {
    if !zone.is_ready() {
        return "not ready: the registry has not been listed yet".to_owned();
    }
    let age = zone.settings().freshness().age().as_secs();
    match zone.settings().standing() {
        Standing::Fresh => "ready".to_owned(),
        Standing::Stale => {
            let restored = zone.settings().vitals().snapshot.restored.get();
            let from = if restored { " (this process began with a snapshot)" } else { "" };
            format!("ready, stale: last confirmed by the registry {age} s ago{from}")
        }
        Standing::Expired => {
            format!("not ready: last confirmed by the registry {age} s ago, past max-stale")
        }
    }
}
