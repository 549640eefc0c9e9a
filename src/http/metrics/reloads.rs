//! Figures of the configuration: how often it was read again, and how old it is.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::{labelled, single};
use crate::metrics::ReloadHistory;

/// Writes what came of reading everything again.
pub(super) fn encode(encoder: &mut DescriptorEncoder, outcomes: &ReloadHistory) -> fmt::Result {
    let [used, refused] = outcomes.counts();
    let help = "Configuration reloads, by result";
    let counts = [("used", used), ("refused", refused)];
    labelled(encoder, ("srvd_reloads", help, "result"), &counts)?;
    let is_used = outcomes.last().is_none_or(|it| it.fault.is_none());
    let (name, help) =
        ("srvd_reload_last_successful", "Whether what was read last is the configuration in use");
    single(encoder, name, help, &ConstGauge::new(i64::from(is_used)))?;
    let used_at = ConstGauge::new(outcomes.used_at() as i64);
    let (name, help) = (
        "srvd_reload_last_success_timestamp_seconds",
        "Unix time at which the configuration in use was read",
    );
    single(encoder, name, help, &used_at)
}
