//! `/readyz`: whether queries are worth sending here, and why not.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;

use super::Subject;
use crate::index::Zone;

/// 200 when every zone can be answered, else 503; one line for each zone.
pub(super) async fn show(State(subject): State<Subject>) -> (StatusCode, String) {
    let generation = subject.index.load();
    let is_draining = subject.draining.is_cancelled();
    let mut text = String::new();
    if is_draining {
        text.push_str("draining\n");
    }
    let mut is_ready = !is_draining;
    for zone in generation.zones() {
        is_ready &= zone.is_ready();
        writeln!(text, "{} {}", zone.settings().apex(), state(zone))
            .expect("a string takes all that is written");
    }
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

/// How a zone stands, in words.
fn state(zone: &Zone) -> String {
    let silence = zone.settings().freshness().silence().as_secs();
    match zone.is_ready() {
        false => "not ready: the registry has not been listed yet".to_owned(),
        true if zone.settings().is_stale() => {
            format!("ready, stale: nothing heard of the registry for {silence} s")
        }
        true => "ready".to_owned(),
    }
}
