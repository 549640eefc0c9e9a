//! Figures of what other servers were asked for.

use std::fmt;
use std::net::SocketAddr;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::single;
use crate::forward::Forwarder;

/// Writes what was asked of others.
pub(super) fn encode(encoder: &mut DescriptorEncoder, forwarder: &Forwarder) -> fmt::Result {
    let counts = forwarder.counts();
    for (name, help, count) in [
        ("srvd_forward_asked", "Queries that other servers were asked for", counts.asked),
        ("srvd_forward_failures", "Queries that none of them answered", counts.failed),
        ("srvd_forward_cached", "Queries answered from what other servers had said", counts.cached),
        ("srvd_forward_merged", "Queries that waited with an equal one", counts.merged),
        (
            "srvd_forward_refreshed",
            "Queries that other servers were asked before anybody waited",
            counts.refreshed,
        ),
        (
            "srvd_forward_stale",
            "Queries answered with what other servers had said too long ago",
            counts.stale,
        ),
        (
            "srvd_forward_private",
            "Private addresses left out of what other servers said",
            counts.private,
        ),
        (
            "srvd_forward_refused",
            "Queries turned away, or displaced, because too many wait for other servers",
            counts.no_room,
        ),
    ] {
        single(encoder, name, help, &ConstCounter::new(count))?;
    }
    let waiting = ConstGauge::new(counts.in_flight as i64);
    single(encoder, "srvd_forward_waiting", "Queries that wait for other servers", &waiting)?;
    let upstreams = forwarder.upstreams();
    let used = upstreams.iter().map(|it| (it.address, it.is_used));
    let (name, help) = ("srvd_forward_upstream_used", "Whether a server is asked, not left out");
    by_upstream(encoder, name, help, used)?;
    let edns = upstreams.iter().map(|it| (it.address, it.has_edns));
    let (name, help) = ("srvd_forward_upstream_edns", "Whether a server is asked by EDNS");
    by_upstream(encoder, name, help, edns)
}

/// Writes something that is so with some servers, and not with others.
fn by_upstream(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    upstreams: impl Iterator<Item = (SocketAddr, bool)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (address, is_so) in upstreams {
        let labels = [("upstream", address.to_string())];
        ConstGauge::new(i64::from(is_so)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
