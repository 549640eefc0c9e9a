//! Figures of registrations that clients renew by POST.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::{labelled, single};
use crate::join::registrar::Registrar;

/// Writes what a registrar counts.
pub(super) fn encode(encoder: &mut DescriptorEncoder, registrar: &Registrar) -> fmt::Result {
    let counts = registrar.counts();
    let (name, help) =
        ("srvd_registrations_held", "Registrations that were renewed over HTTP within their TTL");
    single(encoder, name, help, &ConstGauge::new(counts.held as i64))?;
    let (name, help) =
        ("srvd_registration_renewals", "Requests that registered an instance or renewed it");
    single(encoder, name, help, &ConstCounter::new(counts.renewals))?;
    labelled(
        encoder,
        ("srvd_registration_losses", "Registrations that a renewal found gone", "gone"),
        &[("lease", counts.leases_lost), ("key", counts.keys_lost)],
    )?;
    let (name, help) = ("srvd_registration_refusals", "Writes over bender's interface that failed");
    single(encoder, name, help, &ConstCounter::new(counts.refusals))
}
