//! `/metrics`: figures in OpenMetrics' text format, as Prometheus reads it.
//!
//! Nothing is registered or counted for it: a scrape reads one generation and the counters
//! that the rooms keep anyway.

use std::fmt;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Subject;
use crate::index::Zone;

/// What OpenMetrics 1.0 is announced with.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A figure that every zone has: its name, what it says, and how it is read.
struct PerZone {
    /// The name.
    name: &'static str,
    /// What it says.
    help: &'static str,
    /// How it is read.
    read: fn(&Zone) -> i64,
}

/// The figures of a zone.
const PER_ZONE: &[PerZone] = &[
    PerZone {
        name: "srvd_zone_ready",
        help: "Whether the zone can be answered",
        read: |zone| i64::from(zone.is_ready()),
    },
    PerZone {
        name: "srvd_zone_stale",
        help: "Whether nothing was heard of the zone's registry for too long",
        read: |zone| i64::from(zone.settings().is_stale()),
    },
    PerZone {
        name: "srvd_zone_serial",
        help: "Serial of the zone's SOA record",
        read: |zone| i64::from(zone.serial()),
    },
    PerZone {
        name: "srvd_zone_services",
        help: "Services that have an instance",
        read: |zone| zone.len() as i64,
    },
    PerZone {
        name: "srvd_registry_silence_seconds",
        help: "Time since the zone's registry was heard of",
        read: |zone| zone.settings().freshness().silence().as_secs() as i64,
    },
];

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
        PER_ZONE.iter().try_for_each(|figure| figure.encode(&mut encoder, generation.zones()))?;
        self.encode_counters(&mut encoder)
    }
}

impl Subject {
    /// What the answering counts.
    fn encode_counters(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let totals = self.counters.total();
        for (name, help, count) in [
            ("srvd_udp_received", "Datagrams received", totals.fast.received),
            (
                "srvd_udp_dropped",
                "Datagrams lost for want of room",
                totals.fast.dropped + totals.full.dropped,
            ),
            (
                "srvd_fast_answers",
                "Queries over UDP answered from ready-made answers",
                totals.fast.answered,
            ),
            (
                "srvd_full_answers",
                "Queries over UDP answered by the full path",
                totals.full.answered,
            ),
            ("srvd_tcp_answers", "Queries over TCP answered", totals.tcp.answered),
            ("srvd_tcp_connections", "TCP connections accepted", totals.tcp.accepted),
        ] {
            single(encoder, name, help, &ConstCounter::new(count))?;
        }
        Ok(())
    }
}

impl PerZone {
    /// Writes the figure of each zone, as gauges.
    fn encode(
        &self,
        encoder: &mut DescriptorEncoder,
        zones: &[std::sync::Arc<Zone>],
    ) -> fmt::Result {
        let kind = ConstGauge::new(0_i64).metric_type();
        let mut family = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for zone in zones {
            let apex = zone.settings().apex().to_ascii();
            let labels = [("zone", apex.as_str())];
            ConstGauge::new((self.read)(zone)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Writes a figure that stands alone.
fn single(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    figure: &impl EncodeMetric,
) -> fmt::Result {
    figure.encode(encoder.encode_descriptor(name, help, None, figure.metric_type())?)
}
