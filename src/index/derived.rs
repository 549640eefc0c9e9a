//! Problems of the instances of a service together.

use std::collections::BTreeMap;

use super::browse::{is_meta, is_own_label};
use super::order::{address, text};
use super::{Service, Settings};
use crate::names::{
    LABEL_MAX, MESSAGE_MAX, NAME_MAX, SERVICE_MAX, STRING_MAX, address_label, folded, label,
    parse_address_label,
};
use crate::registry::{Diagnostic, Host, Instance, Layout, Proto, document};

/// The most records of one name and type that BIND 9.18.28, 9.20 and later take from a server,
/// by default (`max-records-per-type`). What is more is SERVFAIL to those behind it.
pub(super) const RRSET_MAX: usize = 100;
/// Octets of `_tcp`, with its length.
const TRANSPORT: usize = 1 + "_tcp".len();
/// Octets that a subtype has beside a tag: its `_`, and `_sub` with its length.
const SUBTYPE: usize = 1 + 1 + "_sub".len();
/// The most octets that stand before the apex: `_N._P.T.S`, each label with its length.
const BEFORE_APEX: usize = (1 + LABEL_MAX) + TRANSPORT + 2 * (1 + SERVICE_MAX);
/// Octets of a record whose owner is a pointer, before its data (RFC 1035 section 4.1.3).
const FIXED: usize = 2 + 10;
/// Octets of priority, weight and port in an SRV record.
const NUMBERS: usize = 6;
/// Octets of a message beside its answers: header, type and class of the question, OPT.
const BESIDE: usize = 12 + 4 + 11;

/// A walk over the services of a zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'z> {
    /// How keys are spelled.
    layout: &'z Layout,
    /// Octets of the apex on the wire.
    apex: usize,
    /// How many records an answer has at most, of the kinds that are limited.
    most: usize,
}

impl<'z> Walk<'z> {
    /// A walk over the services of a zone with these settings.
    pub(super) fn new(settings: &'z Settings) -> Self {
        let apex = settings.wire().as_wire().len();
        Self { layout: settings.layout(), apex, most: settings.most_answers() }
    }

    /// What is wrong with a service.
    pub(super) fn problems(self, service: &Service) -> Vec<Diagnostic> {
        let mut found = self.spellings(service);
        found.extend(self.hidden_service(service));
        found.extend(self.sizes(service));
        found.extend(self.numbers(service));
        found.extend(self.hidden_tags(service));
        let mut last = None::<&Instance>;
        for instance in service.instances() {
            found.extend(last.replace(instance).and_then(|last| self.same_id(last, instance)));
            found.extend(self.hidden(service, instance));
            found.extend(self.hidden_by_meta(instance));
            found.extend(self.long_name(instance));
            found.extend(self.long_pairs(instance));
            found.extend(self.long_version(instance));
        }
        found
    }

    /// Names that differ in their keys and are one in DNS: a line for each but the first.
    fn spellings(self, service: &Service) -> Vec<Diagnostic> {
        let mut spellings = BTreeMap::<&str, &Instance>::new();
        let mut last = None;
        // By far the most services have one spelling, which then is the last one too.
        for instance in service.instances().filter(|it| last.replace(&it.name) != Some(&it.name)) {
            spellings.entry(&instance.name).or_insert(instance);
        }
        let mut spellings = spellings.into_values();
        let Some(first) = spellings.next() else { return Vec::new() };
        let (first, same) = (document::shown(&first.name), "is the same name in DNS");
        let problem = format!("`{first}` {same}: both services are answered together");
        let finding = |it: &Instance| {
            Diagnostic::new(&self.layout.folder_of(it), problem.clone(), "rename one of them")
        };
        spellings.map(finding).collect()
    }

    /// Two ids that are one in DNS.
    fn same_id(self, one: &Instance, other: &Instance) -> Option<Diagnostic> {
        let is_same = one.name == other.name && folded(&one.id).eq(folded(&other.id));
        is_same.then(|| {
            let id = document::shown(one.raw_id());
            let problem =
                format!("the id `{id}` is the same name in DNS: both instances are answered there");
            Diagnostic::new(&self.layout.key_of(other), problem, "give one of them another id")
        })
    }

    /// An id whose name is that of an address.
    fn hidden(self, service: &Service, instance: &Instance) -> Option<Diagnostic> {
        let label: Vec<u8> = folded(&instance.id).collect();
        let address = parse_address_label(&label).filter(|it| service.has_address(*it))?;
        let problem = format!(
            "its id is hidden by the address {address}, whose name is the same: only A or AAAA is answered there"
        );
        Some(Diagnostic::new(&self.layout.key_of(instance), problem, "give it another id"))
    }

    /// A service whose name under `_udp` is one of DNS-SD itself.
    fn hidden_service(self, service: &Service) -> Option<Diagnostic> {
        let first = service.on_transport(Proto::Udp).next()?;
        let label: Vec<u8> = folded(&first.name).collect();
        let problem = "DNS-SD has a meaning of its own for its name under `_udp` (RFC 6763 section 9): it has no SRV record there";
        let key = self.layout.folder_of(first);
        let is_hidden = is_own_label(&label, Proto::Udp);
        is_hidden.then(|| Diagnostic::new(&key, problem.to_owned(), "rename it, or use `_tcp`"))
    }

    /// An id whose name in DNS-SD is one of DNS-SD itself.
    fn hidden_by_meta(self, instance: &Instance) -> Option<Diagnostic> {
        let name: Vec<u8> = folded(&instance.name).collect();
        let is_hidden = instance.port.is_some() && is_meta(&name, instance.proto, &instance.id);
        let problem = "DNS-SD has a meaning of its own for its id there (RFC 6763 section 11): it is not announced";
        let key = self.layout.key_of(instance);
        is_hidden.then(|| Diagnostic::new(&key, problem.to_owned(), "give it another id"))
    }

    /// Tags and versions whose name is that of an address or an id: a line for each.
    fn hidden_tags(self, service: &Service) -> Vec<Diagnostic> {
        let hidden = |(tag, instance): (&str, &Instance)| {
            let label: Vec<u8> = folded(tag).collect();
            let address = parse_address_label(&label).filter(|it| service.has_address(*it));
            let by = match address {
                Some(address) => format!("the address {address}"),
                None => service.has_id(&label).then(|| "an id".to_owned())?,
            };
            let tag = document::shown(tag);
            let problem =
                format!("the tag or version `{tag}` is hidden by {by}, whose name is the same");
            let key = self.layout.key_of(instance);
            Some(Diagnostic::new(&key, problem, "rename one of them"))
        };
        service.tags().map_or_else(Vec::new, |tags| tags.all().filter_map(hidden).collect())
    }

    /// A version that is too long for a label.
    fn long_version(self, instance: &Instance) -> Option<Diagnostic> {
        let octets = instance.version()?.chars().count();
        let problem = format!(
            "its version has {octets} characters, at most {SERVICE_MAX} fit a DNS label after `_`: it has no name there"
        );
        let key = self.layout.key_of(instance);
        (octets > SERVICE_MAX).then(|| Diagnostic::new(&key, problem, "shorten it"))
    }

    /// A name of an instance that is longer than names can be.
    fn long_name(self, instance: &Instance) -> Option<Diagnostic> {
        if self.apex + BEFORE_APEX <= NAME_MAX {
            return None;
        }
        let name = instance.name.chars().count();
        let transport = if instance.port.is_some() { 1 + TRANSPORT } else { 0 };
        let (mut address, mut port) = octets_of(instance);
        for endpoint in instance.elsewhere() {
            let (its_address, its_port) = octets_of(&endpoint);
            (address, port) = (address.max(its_address), port.max(its_port));
        }
        let id = 1 + instance.id.chars().count();
        let announced = if transport > 0 { 1 + instance.id.len() + transport } else { 0 };
        let tag = instance.selectors().map(|it| 1 + it.chars().count()).max().unwrap_or_default();
        let tagged_port = if tag > 0 && port > 0 { port + tag } else { 0 };
        let subtype = if tag > 0 && transport > 0 { tag + SUBTYPE + transport } else { 0 };
        let names = [
            ("the name of its address", address),
            ("the name of its id", id),
            ("the name of its port", port),
            ("the name of a tag or its version", tag),
            ("the name of its port below a tag or its version", tagged_port),
            ("its name in DNS-SD", announced),
            ("the name of a tag or its version in DNS-SD", subtype),
            ("the name of its service", transport),
        ];
        let problem = names.into_iter().find_map(|it| self.too_long(name, it))?;
        let remedy = "shorten it, or the zone's name";
        Some(Diagnostic::new(&self.layout.key_of(instance), problem, remedy))
    }

    /// What is wrong with a name that has so many octets before a service's label, which
    /// has so many without its length; if it is too long.
    pub(super) fn too_long(self, label: usize, (what, before): (&str, usize)) -> Option<String> {
        let octets = before + 1 + label + self.apex;
        (before > 0 && octets > NAME_MAX).then(|| {
            format!(
                "{what} would have {octets} octets, at most {NAME_MAX} are a name: it is left out"
            )
        })
    }

    /// Pairs that fit no string of a TXT record.
    fn long_pairs(self, instance: &Instance) -> Vec<Diagnostic> {
        let Some(details) = &instance.details else { return Vec::new() };
        let meta = details.meta.iter().map(|(key, value)| (key, value.len()));
        let version = details.version.iter().map(|version| ("version", version.len()));
        let long = |(key, value): (&str, usize)| {
            let (octets, key) = (key.len() + 1 + value, document::shown(key));
            let problem = format!(
                "`{key}` and its value have {octets} octets, at most {STRING_MAX} fit a string of TXT: they are left out there"
            );
            let of = self.layout.key_of(instance);
            (octets > STRING_MAX).then(|| Diagnostic::new(&of, problem, "shorten them"))
        };
        meta.chain(version).filter_map(long).collect()
    }

    /// RRsets of a service that no message can carry.
    fn sizes(self, service: &Service) -> Vec<Diagnostic> {
        let Some(first) = service.instances().next() else { return Vec::new() };
        let name = label(&first.name);
        let room = MESSAGE_MAX - BESIDE - (1 + name.len() + self.apex);
        let finding = |(kind, octets): (&str, usize)| {
            let problem = format!(
                "its {kind} records take about {octets} octets, more than a message has: each answer is a draw of some"
            );
            Diagnostic::new(
                &self.layout.folder_of(first),
                problem,
                "spread them over several names",
            )
        };
        let sizes = [
            ("SRV", self.srv_octets(service, room)),
            ("A", distinct(service.with_ipv4()) * (FIXED + 4)),
            ("AAAA", distinct(service.with_ipv6()) * (FIXED + 16)),
            ("TXT", txt_octets(service)),
        ];
        sizes.into_iter().filter(|(_, octets)| *octets > room).map(finding).collect()
    }

    /// RRsets of a service that have more records than resolvers take.
    fn numbers(self, service: &Service) -> Option<Diagnostic> {
        let first = service.instances().next()?;
        let on = |proto: &Proto| service.on_transport(*proto).count();
        let most_on = Proto::ALL.iter().map(on).max().unwrap_or_default();
        let numbers = [
            ("SRV", Proto::ALL.iter().map(on).sum()),
            ("PTR", most_on),
            ("A", distinct(service.with_ipv4())),
            ("AAAA", distinct(service.with_ipv6())),
        ];
        let limited = numbers.map(|(kind, number)| (kind, number.min(self.most)));
        let texts = ("TXT", distinct_texts(service).count());
        let (kind, number) =
            limited.into_iter().chain([texts]).find(|(_, number)| *number > RRSET_MAX)?;
        let remedy = if kind == "TXT" {
            "give fewer of them a text of their own, or raise max-records-per-type there"
        } else {
            BOUND
        };
        Some(too_many(&self.layout.folder_of(first), (number, kind), remedy))
    }

    /// About the octets of the SRV records of a service, if they may be more than fit.
    fn srv_octets(self, service: &Service, room: usize) -> usize {
        let with_port: usize = Proto::ALL.iter().map(|proto| service.with_port(*proto)).sum();
        if with_port * (FIXED + NUMBERS + NAME_MAX) <= room {
            return 0;
        }
        let target = |it: &Instance| match &it.host {
            Host::Name(name) => name.len() + 2,
            Host::Address(address) => {
                2 + address_label(*address).len() + it.name.chars().count() + self.apex
            }
        };
        let instances = Proto::ALL.into_iter().flat_map(|proto| service.on_transport(proto));
        instances.map(|it| FIXED + NUMBERS + target(it)).sum()
    }
}

/// What to do where `max-answers` can help.
pub(super) const BOUND: &str =
    "set max-answers in the zone to 100 or less, or raise max-records-per-type there";

/// More records of one name and type than resolvers take.
pub(super) fn too_many(key: &str, (number, kind): (usize, &str), remedy: &str) -> Diagnostic {
    let problem = format!(
        "it has {number} {kind} records at one name: behind BIND 9.18.28 or later, whose max-records-per-type is {RRSET_MAX}, that is SERVFAIL"
    );
    Diagnostic::new(key, problem, remedy)
}

/// The octets before a service's label of the names of an endpoint's address and port; 0
/// where it has none.
fn octets_of(endpoint: &Instance) -> (usize, usize) {
    let address = address(endpoint).map_or(0, |it| 1 + address_label(it).len());
    let port = endpoint.protocol().map_or(0, |port| 2 + port.chars().count() + TRANSPORT);
    (address, port)
}

/// How many addresses there are, equal ones side by side.
fn distinct<'i>(of: impl Iterator<Item = (std::net::IpAddr, &'i Instance)>) -> usize {
    let mut last = None;
    of.filter(|(address, _)| last.replace(*address) != Some(*address)).count()
}

/// The distinct texts of a service, which come in order.
fn distinct_texts(service: &Service) -> impl Iterator<Item = &str> {
    let mut last = None;
    service.with_text().filter_map(text).filter(move |text| last.replace(*text) != Some(*text))
}

/// The octets of the TXT records of a service.
fn txt_octets(service: &Service) -> usize {
    let octets = |text: &str| FIXED + text.len() + text.len().div_ceil(STRING_MAX);
    distinct_texts(service).map(octets).sum()
}
