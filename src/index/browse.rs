//! Names of DNS-SD in a zone (RFC 6763), and the kinds of services there are.

use std::str;

use super::{Node, Schema, Service, Zone};
use crate::names::{WireName, folded, label};
use crate::registry::{Instance, Proto, Resource};

/// The label below `_udp.Z` that the names of DNS-SD itself stand below (RFC 6763 section 9
/// and 11).
const META: &[u8] = b"_dns-sd";
/// The label between a subtype and the service it is one of (RFC 6763 section 7.1).
const SUBTYPES: &[u8] = b"_sub";
/// Services that are looked at to list their kinds. No message has room for as many names,
/// and a million services without a port would be walked in vain.
const LOOKED_AT: usize = 65_536;

impl Zone {
    /// What stands at a name below a transport that is none of a service's own. The names of
    /// DNS-SD itself are always there, and so are those above them.
    pub(super) fn find_browsed(&self, name: &WireName, below: usize) -> Option<Node<'_>> {
        if self.settings().schema() != Schema::Services {
            return None;
        }
        let proto = Proto::from_label(name.label(below.checked_sub(1)?))?;
        let meta = |label: &[u8]| (proto == Proto::Udp && label == META).then_some(Node::Empty);
        match below {
            1 => (proto == Proto::Udp).then_some(Node::Empty),
            2 => meta(name.label(0)),
            3 => meta(name.label(1))
                .and_then(|_| find_meta(name.label(0)))
                .or_else(|| self.find_announced(proto, name.label(1), name.label(0))),
            4 if name.label(1) == SUBTYPES => self.find_subtype(proto, name),
            _ => None,
        }
    }

    /// `I._S._P.Z`, or `_sub._S._P.Z`.
    fn find_announced(&self, proto: Proto, of: &[u8], label: &[u8]) -> Option<Node<'_>> {
        let service = self.named(of.strip_prefix(b"_")?)?;
        if service.announced(label, proto).next().is_some() {
            return Some(Node::Announced(service, proto));
        }
        let has_subtypes = || service.tags().is_some_and(|tags| tags.any_on(proto));
        (label == SUBTYPES && has_subtypes()).then_some(Node::Empty)
    }

    /// `_T._sub._S._P.Z`
    fn find_subtype(&self, proto: Proto, name: &WireName) -> Option<Node<'_>> {
        let tag = name.label(0).strip_prefix(b"_")?;
        let service = self.named(name.label(2).strip_prefix(b"_")?)?;
        service.tags()?.has_on(tag, proto).then_some(Node::Subtype(service, proto))
    }

    /// The services with a port, by name in label form and transport: those that nothing
    /// hides, and what stands for others.
    pub fn service_types(&self) -> impl Iterator<Item = (String, Proto)> {
        let services = self.services.iter().filter_map(|(at, service)| {
            let is_hidden = !self.aliases.is_empty() && self.aliases.has(at);
            let first = service.instances().next().filter(|_| !is_hidden)?;
            Some((&*first.name, &**service))
        });
        let aliases = self.aliases.iter().filter_map(|(alias, is_first)| {
            let at: Vec<u8> = folded(&alias.name).collect();
            let is_backend = alias.resource() == Resource::Backend;
            let is_hidden = !is_first || is_backend && self.aliases.has_frontend(&at);
            Some((&*alias.name, self.named(&at).filter(|_| !is_hidden)?))
        });
        aliases.chain(services).take(LOOKED_AT).flat_map(|(name, service)| {
            let at = label(name).to_ascii_lowercase();
            let is_there = move |proto: &Proto| {
                service.with_port(*proto) > 0 && !is_own_label(at.as_bytes(), *proto)
            };
            let protos = Proto::ALL.into_iter().filter(is_there);
            protos.map(|proto| (label(name), proto))
        })
    }
}

impl Service {
    /// The instances that are announced under a label and a transport: those with that id,
    /// given in lower case, and a port.
    pub fn announced(&self, label: &[u8], proto: Proto) -> impl Iterator<Item = &Instance> {
        let found = str::from_utf8(label).ok().map(|id| self.with_raw_id(id));
        found.into_iter().flatten().filter(move |it| it.port.is_some() && it.proto == proto)
    }
}

/// A name of DNS-SD itself.
fn find_meta<'z>(label: &[u8]) -> Option<Node<'z>> {
    match label {
        b"_services" => Some(Node::ServiceTypes),
        b"b" | b"db" | b"lb" => Some(Node::BrowsingDomain),
        _ => None,
    }
}

/// Whether the name of a service (its lower-cased label) under a transport is one of DNS-SD
/// itself, so that its instances are not answered there.
pub(super) fn is_own_label(label: &[u8], proto: Proto) -> bool {
    proto == Proto::Udp && META.strip_prefix(b"_") == Some(label)
}

/// Whether an instance with an id cannot be announced under a service's label and transport,
/// for a name of DNS-SD itself is there.
pub(super) fn is_meta(of: &[u8], proto: Proto, id: &str) -> bool {
    is_own_label(of, proto) && find_meta(id.to_ascii_lowercase().as_bytes()).is_some()
}
