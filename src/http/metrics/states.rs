//! Figures of states: which there are, and when certificates end.

use std::fmt;
use std::time::UNIX_EPOCH;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::http::Subject;

/// Writes which states the server and its zones are in, and when certificates end.
pub(super) fn encode(encoder: &mut DescriptorEncoder, subject: &Subject) -> fmt::Result {
    let (name, help) = ("srvd_state", "Zones in a state; of the server itself, whether it is so");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (word, count) in subject.report().counts() {
        ConstGauge::new(count as i64).encode(family.encode_family(&[("state", word)])?)?;
    }
    let (name, help) =
        ("srvd_certificate_expiry_timestamp_seconds", "Unix time at which a certificate ends");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (option, end) in subject.certificate_ends() {
        let seconds = end.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let labels = [("certificate", option)];
        ConstGauge::new(seconds as i64).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
