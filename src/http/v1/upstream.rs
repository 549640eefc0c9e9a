//! Upstream servers, as `/v1/status` shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::forward::UpstreamState;

/// A server that is asked for out-of-zone names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamShown {
    /// The zone whose names it is asked for; `.` for all that have no other.
    zone: String,
    /// The address, with its port; a url where it is asked over TLS or HTTPS.
    address: String,
    /// Why no encrypted connection could be made, when that was tried last.
    fault: Option<String>,
    /// Whether answers are to be had of it: `answering`, and not `looping`.
    used: bool,
    /// Whether it answered when it was asked last, or was not asked yet; three questions without an
    /// answer make it false.
    answering: bool,
    /// Whether it failed within the last half minute: it is asked after the others.
    failing: bool,
    /// Whether it asks this server what it is asked, and is left out.
    looping: bool,
    /// Whether it is asked with EDNS.
    edns: bool,
    /// Answers that it gave.
    answers: u64,
    /// How many seconds these took on average; none before the first.
    seconds: Option<f64>,
}

impl UpstreamShown {
    /// What is shown of an upstream of a zone.
    pub(super) fn new(zone: &str, upstream: &UpstreamState) -> Self {
        let answers = upstream.times.count();
        Self {
            zone: zone.to_owned(),
            address: upstream.server.to_string(),
            fault: upstream.fault.clone(),
            used: upstream.is_used(),
            answering: upstream.does_answer,
            failing: upstream.is_ailing,
            looping: upstream.is_looping,
            edns: upstream.has_edns,
            answers,
            seconds: (answers > 0).then(|| upstream.times.sum() as f64 / 1e6 / answers as f64),
        }
    }
}
