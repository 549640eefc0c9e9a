//! Figures of what other servers were asked for.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::single;
use crate::forward::{Forwarder, UpstreamState};

/// Writes what was asked of others.
pub(super) fn encode(encoder: &mut DescriptorEncoder, forwarder: &Forwarder) -> fmt::Result {
    let counts = forwarder.counts();
    for (name, help, count) in [
        ("srvd_forward_asked", "Queries forwarded to upstreams", counts.asked),
        ("srvd_forward_failures", "Queries that no upstream answered", counts.failed),
        (
            "srvd_forward_cached",
            "Queries answered from the cache of upstreams' answers",
            counts.cached,
        ),
        ("srvd_forward_merged", "Queries joined to an equal one in flight", counts.merged),
        (
            "srvd_forward_refreshed",
            "Cached answers refreshed before they expired",
            counts.refreshed,
        ),
        (
            "srvd_forward_stale",
            "Queries answered with an expired cached answer (stale)",
            counts.stale,
        ),
        (
            "srvd_forward_private",
            "Private addresses removed from upstreams' answers",
            counts.private,
        ),
        (
            "srvd_forward_refused",
            "Queries refused or displaced because too many wait for upstreams",
            counts.no_room,
        ),
    ] {
        single(encoder, name, help, &ConstCounter::new(count))?;
    }
    let waiting = ConstGauge::new(counts.in_flight as i64);
    single(encoder, "srvd_forward_waiting", "Queries that wait for upstreams", &waiting)?;
    let upstreams = forwarder.upstreams();
    let used = upstreams.iter().map(|it| (it.server.to_string(), it.is_used()));
    let (name, help) =
        ("srvd_forward_upstream_used", "Whether an upstream answers, and is no loop");
    by_upstream(encoder, name, help, used)?;
    let edns = upstreams.iter().map(|it| (it.server.to_string(), it.has_edns));
    let (name, help) = ("srvd_forward_upstream_edns", "Whether an upstream is asked with EDNS");
    by_upstream(encoder, name, help, edns)?;
    times(encoder, &upstreams)
}

/// Writes how long each took to answer.
fn times(encoder: &mut DescriptorEncoder, upstreams: &[UpstreamState]) -> fmt::Result {
    let (name, help) =
        ("srvd_forward_upstream_duration_seconds", "Time until an upstream answered");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for UpstreamState { server, times, .. } in upstreams {
        let labels = [("upstream", server.to_string())];
        let buckets: Vec<_> = times.buckets().map(|(most, count)| (most / 1e3, count)).collect();
        family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
            times.sum() as f64 / 1e6,
            times.count(),
            &buckets,
            None,
        )?;
    }
    Ok(())
}

/// Writes something that is so with some servers, and not with others.
fn by_upstream(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    upstreams: impl Iterator<Item = (String, bool)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (server, is_so) in upstreams {
        let labels = [("upstream", server)];
        ConstGauge::new(i64::from(is_so)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
