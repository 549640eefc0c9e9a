//! Figures of answering: what came, and what became of it.
//!
//! Labels are of closed sets: zones of the configuration, types and codes that are counted
//! by name. What a client sends is in none of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::write::{labelled, single};
use crate::index::{Index, ZoneNumber};
use crate::metrics::Distribution;
use crate::wire::{
    Answered, Counters, DoqCode, HandshakeOutcome, Origin, ProxyOutcome, QuicCounts, RefusalCause,
    TcpCounts, TlsCounts, Totals, Truncation,
};

/// A histogram's name, what it says, in which unit, and the divisors of limits and sum that
/// lead there.
type Spread<'s> = (&'s str, &'s str, fn(&Answered) -> &Distribution, [f64; 2]);

/// Octets of replies.
const SIZES: Spread<'_> =
    ("srvd_dns_response_size_bytes", "Octets of replies", |answered| &answered.sizes, [1.0, 1.0]);
/// How long replies took.
const TIMES: Spread<'_> = (
    "srvd_dns_request_duration_seconds",
    "Time from when a query was read to when its reply was sent",
    |answered| &answered.times,
    [1e6, 1e9],
);

/// Writes what the answering counts.
pub(super) fn encode(
    encoder: &mut DescriptorEncoder,
    counters: &Counters,
    index: &Index,
) -> fmt::Result {
    let (totals, answered) = (counters.total(), counters.answered());
    queries(encoder, &answered, index)?;
    spread(encoder, &answered, SIZES)?;
    spread(encoder, &answered, TIMES)?;
    truncated(encoder, &answered)?;
    let refused = RefusalCause::ALL
        .map(|cause| (cause.as_str(), answered.iter().map(|it| it.refused[cause as usize]).sum()));
    labelled(encoder, ("srvd_dns_refused", "Replies REFUSED", "cause"), &refused)?;
    lost(encoder, &totals)?;
    let lines = ConstCounter::new(counters.lost_lines());
    let help = "Lines of the query log that were lost because nobody read them fast enough";
    single(encoder, "srvd_query_log_dropped", help, &lines)?;
    connections(encoder, &totals.tcp)?;
    encrypted(encoder, &totals.tls)?;
    let statuses = totals.https.by_status();
    let help = "Requests of DNS over HTTPS that were answered";
    labelled(encoder, ("srvd_doh_requests", help, "status"), &statuses)?;
    quic(encoder, &totals.quic)?;
    proxied(encoder, counters)
}

/// Writes what the server did to clients of QUIC.
fn quic(encoder: &mut DescriptorEncoder, quic: &QuicCounts) -> fmt::Result {
    let help = "Clients that were asked to show that they are where they say (Retry)";
    single(encoder, "srvd_quic_retries", help, &ConstCounter::new(quic.retries))?;
    let closed = DoqCode::ALL.map(|code| (code.as_str(), quic.closed[code as usize]));
    let help = "Connections of DNS over QUIC that the server ended";
    labelled(encoder, ("srvd_doq_closed", help, "code"), &closed)
}

/// Writes what became of PROXY headers.
fn proxied(encoder: &mut DescriptorEncoder, counters: &Counters) -> fmt::Result {
    let (name, help) = ("srvd_proxy_headers", "PROXY headers, and what was sent without one");
    let mut figures = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (transport, counts) in counters.proxied() {
        for (outcome, count) in ProxyOutcome::ALL.into_iter().zip(counts) {
            let labels = [("proto", transport.as_str()), ("outcome", outcome.as_str())];
            ConstCounter::new(count).encode(figures.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Writes how many queries were answered, about what and how. Of a zone that is gone nothing is
/// written; should it come back, it goes on from there.
fn queries(encoder: &mut DescriptorEncoder, answered: &[Answered], index: &Index) -> fmt::Result {
    let (generation, apexes) = (index.load(), index.counted());
    let own = generation.zones().iter().map(|zone| zone.settings().counted_as());
    let there: HashSet<_> = own.chain([ZoneNumber::NONE, ZoneNumber::OTHER]).collect();
    let is_there = |zone: ZoneNumber| there.contains(&zone);
    let mut sums = BTreeMap::new();
    for Answered { origin: Origin { transport, family, .. }, replies, .. } in answered {
        for ((topic, code), count) in replies.iter().filter(|((topic, _), _)| is_there(topic.zone))
        {
            let key = (topic.zone, transport.as_str(), *family, topic.kind, *code);
            *sums.entry(key).or_insert(0) += count;
        }
    }
    let (name, help) = ("srvd_dns_queries", "Queries that were answered");
    let mut figures = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for ((zone, proto, family, kind, code), count) in sums {
        let labels = [
            ("zone", zone.label(&apexes)),
            ("proto", proto),
            ("family", family.as_str()),
            ("type", kind.as_str()),
            ("rcode", code.as_str()),
        ];
        ConstCounter::new(count).encode(figures.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Writes a histogram for each protocol and path.
fn spread(
    encoder: &mut DescriptorEncoder,
    answered: &[Answered],
    (name, help, read, [limits, sum]): Spread<'_>,
) -> fmt::Result {
    let mut all = BTreeMap::<_, Distribution>::new();
    for it in answered {
        let key = (it.origin.transport.as_str(), it.origin.path.as_str());
        *all.entry(key).or_default() += read(it);
    }
    let mut figures = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for ((proto, path), spread) in all {
        let labels = [("proto", proto), ("path", path)];
        let buckets: Vec<_> =
            spread.buckets().map(|(most, count)| (most / limits, count)).collect();
        figures.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
            spread.sum() as f64 / sum,
            spread.count(),
            &buckets,
            None,
        )?;
    }
    Ok(())
}

/// Writes how many replies ask to come back over TCP.
fn truncated(encoder: &mut DescriptorEncoder, answered: &[Answered]) -> fmt::Result {
    let counts = Truncation::ALL.map(|cause| {
        (cause.as_str(), answered.iter().map(|it| it.truncated[cause as usize]).sum())
    });
    labelled(encoder, ("srvd_dns_truncated", "Replies with TC", "cause"), &counts)
}

/// Writes what came over UDP, and what of it got no reply.
fn lost(encoder: &mut DescriptorEncoder, totals: &Totals) -> fmt::Result {
    let Totals { fast, full, forwarded, .. } = totals;
    let received = ConstCounter::new(fast.received);
    single(encoder, "srvd_udp_received", "Datagrams received", &received)?;
    let sifted = ConstCounter::new(fast.sifted);
    let help = "Times the kernel began to drop datagrams of a client network that floods";
    single(encoder, "srvd_udp_floods", help, &sifted)?;
    labelled(
        encoder,
        ("srvd_udp_dropped", "Datagrams that got no reply", "cause"),
        &[
            ("kernel", fast.lost),
            ("queue-full", fast.dropped),
            ("queue-share", fast.evicted),
            ("too-late", full.dropped),
            ("rate-limit", fast.limited + full.limited + forwarded.limited),
            ("ending", fast.withheld + full.withheld + forwarded.withheld),
            ("no-query", fast.silent + full.silent),
            ("proxy", fast.unproxied),
            ("unsent", fast.unsent + full.unsent + forwarded.unsent),
        ],
    )
}

/// Writes what became of connections.
fn connections(encoder: &mut DescriptorEncoder, tcp: &TcpCounts) -> fmt::Result {
    for (name, help, count) in [
        ("srvd_tcp_connections", "TCP connections accepted", tcp.accepted),
        (
            "srvd_tcp_timeouts",
            "TCP connections whose client was silent or took nothing for too long",
            tcp.timed_out,
        ),
        (
            "srvd_tcp_turns_cut",
            "Turns of a TCP connection at answering that took too long, and ended for others",
            tcp.turns_cut,
        ),
    ] {
        single(encoder, name, help, &ConstCounter::new(count))?;
    }
    let open = ConstGauge::new(tcp.open as i64);
    single(encoder, "srvd_tcp_open_connections", "TCP connections that are open", &open)?;
    let held = ConstGauge::new(tcp.octets as i64);
    let help = "Memory that TCP connections hold: queries not whole, replies not taken";
    single(encoder, "srvd_tcp_held_bytes", help, &held)?;
    labelled(
        encoder,
        ("srvd_tcp_evictions", "TCP connections closed to have room for others", "of"),
        &[
            ("all", tcp.closed_for_room),
            ("client", tcp.closed_for_client),
            ("memory", tcp.closed_for_octets),
            ("descriptors", tcp.closed_for_descriptors),
            ("queue", tcp.closed_for_queue),
        ],
    )
}

/// Writes what became of TLS on connections.
fn encrypted(encoder: &mut DescriptorEncoder, tls: &TlsCounts) -> fmt::Result {
    let outcomes = HandshakeOutcome::ALL.map(|it| (it.as_str(), tls.handshakes[it as usize]));
    let name = "srvd_tls_handshakes";
    labelled(encoder, (name, "TLS handshakes of DNS that ended", "outcome"), &outcomes)?;
    let open = ConstGauge::new(tls.open as i64);
    single(encoder, "srvd_tls_open_connections", "DNS connections under TLS that are open", &open)
}
