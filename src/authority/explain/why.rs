//! Reasons why there is nothing, in words.

use std::collections::BTreeSet;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::nobody::nobody;
use super::rule::{alias, service_label, shown};
use crate::authority::mnemonic;
use crate::authority::resolver::Resolver;
use crate::authority::visits::Visits;
use crate::authority::{Answer, Draw, Overflow, Position, Question, Resolved, Room};
use crate::index::{Generation, Node, Schema, Service, Zone};
use crate::metrics::Staleness;
use crate::names::{WireName, nearest};
use crate::registry::Proto;

/// Types that are looked for at a name that has not the one that was asked for.
const USUAL: [RecordType; 8] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::TXT,
    RecordType::PTR,
    RecordType::CNAME,
    RecordType::NS,
    RecordType::SOA,
];
/// Words of a list that are shown.
const LISTED: usize = 8;
/// Instances that are looked at for such a list.
const LOOKED_AT: usize = 1000;
/// Documents of one service that cannot be used and are shown.
const UNUSABLE_SHOWN: usize = 5;

/// Why an answer has no record of the type that was asked for; nothing where it has one, or
/// names servers to ask.
pub(super) fn of(
    generation: &Generation,
    resolved: &Resolved<'_>,
    (question, name): (&Question<'_>, &WireName),
    answer: &Answer,
) -> Option<String> {
    let has_found = !answer.answers.is_empty() || answer.truncated;
    match (answer.code, resolved) {
        (ResponseCode::FormErr, _) => {
            Some(format!("{} is no type to ask for", mnemonic(question.kind)))
        }
        (ResponseCode::Refused, Resolved::Foreign) => Some(foreign(generation, name)),
        (ResponseCode::Refused, _) => Some("zones are not handed out (AXFR, IXFR)".to_owned()),
        (ResponseCode::ServFail, Resolved::NotReady) => Some(not_ready(generation, name)),
        (ResponseCode::NoError, Resolved::Existing(_, Node::Cut(_))) => None,
        (ResponseCode::NoError, Resolved::Existing(position, node)) if !has_found => {
            Some(no_data(position, *node, question))
        }
        (ResponseCode::NXDomain, Resolved::Missing(position)) => Some(missing(position, name)),
        (ResponseCode::NXDomain, _) => {
            Some("the name that the alias leads to does not exist".to_owned())
        }
        _ => None,
    }
}

/// Documents of a service that cannot be used.
pub(super) fn unusable(zone: &Zone, label: &[u8]) -> Vec<String> {
    let found = zone.unusable_of(label).take(UNUSABLE_SHOWN);
    found.map(|it| format!("a document is not served: {it}")).collect()
}

/// Why a name is in no zone; which one may have been meant.
fn foreign(generation: &Generation, name: &WireName) -> String {
    let zones = generation.zones();
    let titles: Vec<_> = zones.iter().take(LISTED).map(|it| it.settings().title()).collect();
    let meant = (name.labels() > 0)
        .then(|| name.label(name.labels() - 1))
        .and_then(|last| zones.iter().find(|zone| zone.labels().any(|label| label == last)));
    let hint = meant.map(|zone| {
        let name = name.iter().map(shown).collect::<Vec<_>>().join(".");
        format!("; there is {name}.{}", zone.settings().title())
    });
    let zones = titles.join(", ");
    format!("no zone of ours ends the name (zones: {zones}){}", hint.unwrap_or_default())
}

/// Why a zone is not answered.
fn not_ready(generation: &Generation, name: &WireName) -> String {
    let zone = generation.locate(name).map(|(site, _)| generation.zone(site));
    let is_expired = zone.is_some_and(|it| it.standing() == Staleness::Expired);
    match is_expired {
        true => "the registry has been silent for longer than `max-stale`".to_owned(),
        false => "the registry has not been listed yet".to_owned(),
    }
}

/// Why a name that exists has no such record.
fn no_data(position: &Position<'_>, node: Node<'_>, question: &Question<'_>) -> String {
    let kind = question.kind;
    if let Node::Empty = node {
        return "the name exists only because names below it do: it has no records".to_owned();
    }
    let has = |other: &RecordType| {
        let room = Room { octets: 0, overflow: Overflow::Truncate };
        let question = Question { kind: *other, room, ..*question };
        let (visits, draw) = (Visits::new(), &mut Draw::new());
        let answer = Resolver::new(position.generation, &question, &visits).answer(draw);
        answer.truncated || !answer.answers.is_empty()
    };
    let others = USUAL.into_iter().filter(|it| *it != kind && has(it));
    let others: Vec<_> = others.map(mnemonic).collect();
    let (others, asked) = (others.join(", "), mnemonic(kind));
    let hint = node.service().and_then(|service| lacks(service, kind)).unwrap_or_default();
    match others.as_str() {
        "" => format!("the name exists, but has no records of usual types{hint}"),
        others => format!("the name exists; it has {others}, but no {asked}{hint}"),
    }
}

/// What the instances of a service lack for records of a type.
fn lacks(service: &Service, kind: RecordType) -> Option<&'static str> {
    let has_addresses =
        service.with_ipv4().next().is_some() || service.with_ipv6().next().is_some();
    let has_ports = Proto::ALL.into_iter().any(|proto| service.with_port(proto) > 0);
    match kind {
        RecordType::A | RecordType::AAAA if !has_addresses => {
            Some(": its instances are registered by host name, which the SRV records lead to")
        }
        RecordType::SRV if !has_ports => Some(": none of its instances has a port"),
        RecordType::TXT => Some(": none of its instances has a text"),
        _ => None,
    }
}

/// Why a name does not exist.
fn missing(position: &Position<'_>, name: &WireName) -> String {
    let (zone, below) = (position.zone, position.below);
    if zone.settings().schema() == Schema::Services
        && let Some(label) = service_label(position, name)
    {
        return match zone.named(label) {
            None => no_service(zone, label),
            Some(service) => no_such_instance(position, (service, label), name),
        };
    }
    let enclosers = (1..=below).map(|skipped| (name.above(skipped), below - skipped));
    let mut found = enclosers
        .filter(|(above, below)| position.generation.find(position.site, above, *below).is_some());
    let encloser = found.next().map(|(above, _)| above.iter().map(shown).collect::<Vec<_>>());
    let encloser = encloser.unwrap_or_default().join(".");
    match zone.settings().is_reverse() {
        true => format!("no instance is registered at this address; {encloser} exists"),
        false => format!("the closest name above it that exists is {encloser}"),
    }
}

/// Why there is nothing at a service's label.
fn no_service(zone: &Zone, label: &[u8]) -> String {
    if let Some(alias) = alias(zone, label) {
        let why =
            nobody(zone, label).unwrap_or_else(|| "no instance of that is registered".to_owned());
        return format!("{alias}: {why}");
    }
    let text = format!("no instance of `{}` is registered", shown(label));
    match nearest(label, zone.labels()) {
        Some(near) => {
            format!("{text}; the nearest name is {}.{}", shown(near), zone.settings().title())
        }
        None => text,
    }
}

/// Why nothing stands at a name of a service that has instances.
fn no_such_instance(
    position: &Position<'_>,
    (service, label): (&Service, &[u8]),
    name: &WireName,
) -> String {
    let (of, count) = (shown(label), service.len());
    let below = position.below;
    let proto = (0..below).find_map(|at| Proto::from_label(name.label(at)));
    if let Some(proto) = proto.filter(|proto| service.with_port(*proto) == 0) {
        return format!("`{of}` has {count} registered, none with a {proto} port");
    }
    let first = shown(name.label(0));
    let instances = || service.instances().take(LOOKED_AT);
    let (what, there_are) = match (proto, name.label(0).strip_prefix(b"_")) {
        (Some(_), Some(_)) => ("port name", listed(instances().filter_map(|it| it.protocol()))),
        _ => {
            let selectors = listed(instances().flat_map(|it| it.selectors()));
            let ids = listed(instances().map(|it| &*it.id));
            ("id, address, tag or version", format!("tags and versions: {selectors}; ids: {ids}"))
        }
    };
    format!("`{of}` has {count} registered, none with the {what} `{first}` ({there_are})")
}

/// The first few of some words, each once.
pub(super) fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let all: BTreeSet<_> = words.collect();
    let shown: Vec<_> =
        all.iter().take(LISTED).map(|it| crate::registry::document::shown(it)).collect();
    match (shown.is_empty(), all.len() > LISTED) {
        (true, _) => "none".to_owned(),
        (false, true) => format!("{}, …", shown.join(", ")),
        (false, false) => shown.join(", "),
    }
}
