//! Figures of etcd's v2 API.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::{labelled, single};
use crate::metrics::OldClients;

/// Writes what etcd's v2 API counts.
pub(super) fn encode(encoder: &mut DescriptorEncoder, counts: &OldClients) -> fmt::Result {
    let (name, help) = ("srvd_etcd_v2_requests", "Requests of etcd's v2 API, by method and status");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for ([method, code], count) in counts.requests() {
        let labels = [("method", method), ("code", code)];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    let (name, help) = ("srvd_etcd_v2_waits", "Requests of etcd's v2 API that wait for a change");
    single(encoder, name, help, &ConstGauge::new(counts.waits() as i64))?;
    let help = "Requests of etcd's v2 API that a bound turned away";
    labelled(encoder, ("srvd_etcd_v2_refused", help, "bound"), &counts.refusals())
}
