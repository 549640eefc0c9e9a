//! `/metrics`: figures in OpenMetrics' text format, as Prometheus reads it.
//!
//! Nothing is registered or counted for it: a scrape reads one generation and the counters
//! that the rooms keep anyway. Each file here writes the figures of one concern.

mod answering;
mod forwarding;
mod write;
mod zones;

use std::fmt;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use self::write::single;
use super::Subject;

/// What OpenMetrics 1.0 is announced with.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All figures, or 500 when they cannot be written, which does not happen.
pub(super) async fn show(State(subject): State<Subject>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(subject));
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(fault) => (StatusCode::INTERNAL_SERVER_ERROR, fault.to_string()).into_response(),
    }
}

impl Collector for Subject {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let generation = self.index.load();
        let number = ConstGauge::new(generation.number() as i64);
        single(
            &mut encoder,
            "srvd_generation",
            "Generations published before the newest",
            &number,
        )?;
        zones::encode(&mut encoder, &generation)?;
        answering::encode(&mut encoder, &self.counters)?;
        let forwarder = self.forwarder.as_ref();
        forwarder.map_or(Ok(()), |forwarder| forwarding::encode(&mut encoder, forwarder))
    }
}
