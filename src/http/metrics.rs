//! `/metrics`: figures in OpenMetrics' text format, as Prometheus reads it.
//!
//! Nothing is registered or counted for it: a scrape reads one generation and the counters
//! that the rooms keep anyway.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Subject;
use super::ready::is_answered;
use super::refusal::Refusal;
use crate::forward::Forwarder;
use crate::index::{Generation, Schema, Site, Zone};
use crate::registry::Cause;
use crate::wire::Counts;

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

/// Figures of every zone.
const OF_ALL: &[PerZone] = &[PerZone {
    name: "srvd_zone_ready",
    help: "Whether names of the zone get answers",
    read: |zone| i64::from(is_answered(zone)),
}];

/// Figures of a registry's zone that may fall.
const GAUGES: &[PerZone] = &[
    PerZone {
        name: "srvd_zone_stale",
        help: "0 fresh, 1 stale, 2 past max-stale",
        read: |zone| i64::from(zone.settings().standing() as u8),
    },
    PerZone {
        name: "srvd_zone_services",
        help: "Services that have an instance",
        read: |zone| zone.len() as i64,
    },
    PerZone {
        name: "srvd_zone_entries",
        help: "Entries of a zone of the schema skydns",
        read: |zone| zone.skydns().len() as i64,
    },
    PerZone {
        name: "srvd_registry_revision",
        help: "Revision of the registry that is held whole",
        read: |zone| zone.settings().vitals().revision.get(),
    },
    PerZone {
        name: "srvd_registry_silence_seconds",
        help: "Time since the registry was heard of",
        read: |zone| zone.settings().freshness().silence().as_secs() as i64,
    },
    PerZone {
        name: "srvd_registry_age_seconds",
        help: "Time since the registry confirmed what is held",
        read: |zone| zone.settings().freshness().age().as_secs() as i64,
    },
    PerZone {
        name: "srvd_collapse_held_instances",
        help: "Instances whose removal the collapse guard holds",
        read: |zone| zone.settings().vitals().held.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_restored",
        help: "Whether this process began with a snapshot",
        read: |zone| i64::from(zone.settings().vitals().snapshot.restored.get()),
    },
    PerZone {
        name: "srvd_snapshot_confirmed_timestamp_seconds",
        help: "When the newest snapshot was known to be true, since 1970",
        read: |zone| zone.settings().vitals().snapshot.confirmed_at.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_bytes",
        help: "Size of the newest snapshot",
        read: |zone| zone.settings().vitals().snapshot.octets.get() as i64,
    },
];

/// Figures of a registry's zone that only rise.
const COUNTERS: &[PerZone] = &[
    PerZone {
        name: "srvd_collapses",
        help: "Collapses whose removals were held",
        read: |zone| zone.settings().vitals().collapses.get() as i64,
    },
    PerZone {
        name: "srvd_audits",
        help: "Comparisons with the registry that were completed",
        read: |zone| zone.settings().vitals().audits.get() as i64,
    },
    PerZone {
        name: "srvd_audit_repairs",
        help: "Differences that audits found and repaired",
        read: |zone| zone.settings().vitals().repaired.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_writes",
        help: "Snapshots written",
        read: |zone| zone.settings().vitals().snapshot.writes.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_failures",
        help: "Snapshots that could not be written or read",
        read: |zone| zone.settings().vitals().snapshot.failures.get() as i64,
    },
];

/// Figures, in OpenMetrics' text format.
///
/// All figures, or 500 when they cannot be written, which does not happen.
#[utoipa::path(get, path = "/metrics", tag = "probes", responses(
    (status = 200, body = String, content_type = OPEN_METRICS)
))]
pub(super) async fn show(State(subject): State<Subject>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(subject));
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(fault) => Refusal::fault(fault).into_response(),
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
        let zones = generation.zones();
        OF_ALL
            .iter()
            .try_for_each(|figure| figure.encode(&mut encoder, zones, MetricType::Gauge))?;
        serials(&mut encoder, &generation)?;
        let is_followed = |zone: &&Arc<Zone>| zone.settings().schema() != Schema::Static;
        let zones: &[_] = &zones.iter().filter(is_followed).cloned().collect::<Vec<_>>();
        GAUGES
            .iter()
            .try_for_each(|figure| figure.encode(&mut encoder, zones, MetricType::Gauge))?;
        COUNTERS
            .iter()
            .try_for_each(|figure| figure.encode(&mut encoder, zones, MetricType::Counter))?;
        resyncs(&mut encoder, zones)?;
        self.encode_counters(&mut encoder)?;
        let policy = self.policies.load();
        policy.forwarder.as_ref().map_or(Ok(()), |it| forwarding(&mut encoder, it))
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
            (
                "srvd_tcp_timeouts",
                "TCP connections whose client was silent or took nothing for too long",
                totals.tcp.timed_out,
            ),
        ] {
            single(encoder, name, help, &ConstCounter::new(count))?;
        }
        let open = ConstGauge::new(totals.tcp.open as i64);
        single(encoder, "srvd_tcp_open_connections", "TCP connections that are open", &open)?;
        labelled(
            encoder,
            ("srvd_tcp_evictions", "TCP connections closed to have room for others", "of"),
            &[("all", totals.tcp.closed_for_room), ("client", totals.tcp.closed_for_client)],
        )?;
        let sum = |count: fn(&Counts) -> u64| count(&totals.fast) + count(&totals.full);
        labelled(
            encoder,
            ("srvd_rate_limited", "Replies over the rate of a network", "fate"),
            &[("dropped", sum(|it| it.limited)), ("slipped", sum(|it| it.slipped))],
        )
    }
}

impl PerZone {
    /// Writes the figure of each zone.
    fn encode(
        &self,
        encoder: &mut DescriptorEncoder,
        zones: &[Arc<Zone>],
        kind: MetricType,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for zone in zones {
            let (apex, figure) = (zone.settings().apex().to_ascii(), (self.read)(zone));
            let labels = [("zone", apex.as_str())];
            let encoder = family.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(figure as u64).encode(encoder)?,
                _ => ConstGauge::new(figure).encode(encoder)?,
            }
        }
        Ok(())
    }
}

/// Writes the serials that SOA records have: that of a reverse zone counts what the other
/// zones say, too, and so no zone can tell its own.
fn serials(encoder: &mut DescriptorEncoder, generation: &Generation) -> fmt::Result {
    let (name, help) = ("srvd_zone_serial", "Serial of the SOA record");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (at, zone) in generation.zones().iter().enumerate() {
        let apex = zone.settings().apex().to_ascii();
        let serial = ConstGauge::new(i64::from(generation.serial(Site::Zone(at))));
        serial.encode(family.encode_family(&[("zone", apex.as_str())])?)?;
    }
    Ok(())
}

/// Writes how often each zone was listed again, by cause.
fn resyncs(encoder: &mut DescriptorEncoder, zones: &[Arc<Zone>]) -> fmt::Result {
    let (name, help) = ("srvd_resyncs", "Times that the registry was listed again");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for zone in zones {
        let apex = zone.settings().apex().to_ascii();
        for cause in Cause::ALL {
            let labels = [("zone", apex.as_str()), ("cause", cause.as_str())];
            let count = zone.settings().vitals().resyncs(cause).get();
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Writes what was asked of others.
fn forwarding(encoder: &mut DescriptorEncoder, forwarder: &Forwarder) -> fmt::Result {
    let counts = forwarder.counts();
    for (name, help, count) in [
        ("srvd_forward_asked", "Queries that other servers were asked for", counts.asked),
        ("srvd_forward_failures", "Queries that none of them answered", counts.failed),
        ("srvd_forward_cached", "Queries answered from what other servers had said", counts.cached),
        ("srvd_forward_merged", "Queries that waited with an equal one", counts.merged),
        (
            "srvd_forward_refused",
            "Queries turned away because too many wait for other servers",
            counts.no_room,
        ),
    ] {
        single(encoder, name, help, &ConstCounter::new(count))?;
    }
    let waiting = ConstGauge::new(counts.in_flight as i64);
    single(encoder, "srvd_forward_waiting", "Queries that wait for other servers", &waiting)?;
    let (name, help) = ("srvd_forward_upstream_used", "Whether a server is asked, not left out");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (address, is_used) in forwarder.upstreams() {
        let labels = [("upstream", address.to_string())];
        let encoder = family.encode_family(&labels)?;
        ConstGauge::new(i64::from(is_used)).encode(encoder)?;
    }
    Ok(())
}

/// Writes counters that differ in one label: name, what they say, the label.
fn labelled(
    encoder: &mut DescriptorEncoder,
    (name, help, label): (&str, &str, &str),
    counts: &[(&str, u64)],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (value, count) in counts {
        ConstCounter::new(*count).encode(family.encode_family(&[(label, *value)])?)?;
    }
    Ok(())
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
