//! `/metrics`: figures in OpenMetrics' text format or Prometheus' own, as a client reads it.
//!
//! Nothing is registered or counted for it: a scrape reads one generation and the counters
//! that the rooms keep anyway. Each file here writes the figures of one concern.

mod answering;
mod forwarding;
mod old_clients;
mod plain;
mod process;
mod registrations;
mod reloads;
mod states;
mod write;
mod zones;

use std::fmt;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use self::plain::{OPEN_METRICS, PLAIN, plain, wants_open_metrics};
use self::write::single;
use super::Subject;
use super::server::refusal::Refusal;

/// Figures, in OpenMetrics' text format or Prometheus' own.
///
/// All figures, or 500 when they cannot be written, which does not happen.
#[utoipa::path(get, path = "/metrics", tag = "probes", responses(
    (status = 200, content((String = PLAIN), (String = OPEN_METRICS)))
))]
pub(super) async fn show(State(subject): State<Subject>, headers: HeaderMap) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(subject));
    let mut text = String::new();
    if let Err(fault) = encode(&mut text, &registry) {
        return Refusal::fault(fault).into_response();
    }
    let (kind, text) = match wants_open_metrics(&headers) {
        true => (OPEN_METRICS, text),
        false => (PLAIN, plain(&text)),
    };
    ([(CONTENT_TYPE, kind), (VARY, "Accept")], text).into_response()
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
        process::encode(&mut encoder, self.started)?;
        states::encode(&mut encoder, self)?;
        reloads::encode(&mut encoder, &self.reloads)?;
        zones::encode(&mut encoder, &generation)?;
        answering::encode(&mut encoder, &self.counters, &self.index)?;
        let bender = self.bender.load_full();
        bender.map_or(Ok(()), |it| registrations::encode(&mut encoder, &it.registrar))?;
        let old_clients = self.old_clients.as_ref();
        old_clients.map_or(Ok(()), |it| old_clients::encode(&mut encoder, it))?;
        let policy = self.policies.load();
        policy.forwarder.as_ref().map_or(Ok(()), |it| forwarding::encode(&mut encoder, it))
    }
}
