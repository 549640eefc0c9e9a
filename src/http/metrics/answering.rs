//! Figures of answering: what came, what became of it.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::{labelled, single};
use crate::wire::{Counters, Counts};

/// Writes what the answering counts.
pub(super) fn encode(encoder: &mut DescriptorEncoder, counters: &Counters) -> fmt::Result {
    let totals = counters.total();
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
        ("srvd_full_answers", "Queries over UDP answered by the full path", totals.full.answered),
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
