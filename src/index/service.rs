//! The instances of one service, in the orders that questions ask for.
//!
//! A service is a value: a change makes another, which shares all that stayed the same.
//! Whatever is derived from a service alone (such as ready-made wire answers) can be kept
//! inside it, and is gone when an instance comes or goes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use super::further::{on_port, ports};
use super::order::{
    AddressProbe, ByAddress, ById, ByPort, ByText, IdProbe, PortProbe, RawIdProbe, Side, TextProbe,
    address, text,
};
use super::place::Place;
use super::rare::OptionalSets;
use super::ready::Slots;
use super::set::Set;
use super::tags::Tags;
use super::{AnswerSlot, Node};
use crate::registry::{Host, Instance, Proto};

/// All instances of one service. The sets hold pointers, eight octets an instance each.
///
/// An endpoint beside the first of its instance stands here as an instance of its own: among
/// the addresses, and apart among the ports, for a transport has one record an instance.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// Every instance, by the label form of its id.
    by_id: Set<ById>,
    /// Those with an address, by address; once for each address of an instance.
    by_address: Set<ByAddress>,
    /// Those with a port, by transport and the port's name (none is the empty one).
    by_port: Set<ByPort>,
    /// What few services have.
    rare: OptionalSets,
    /// Those with a text, by text and TTL.
    by_text: Set<ByText>,
    /// How many have a port (and so an SRV record), by transport.
    with_port: [u32; Proto::ALL.len()],
    /// Answers that were made of all this.
    ready: Slots,
}

impl Service {
    /// Adds an instance that is not there.
    pub(super) fn insert(&mut self, instance: &Arc<Instance>) {
        self.ready = Slots::default();
        self.by_id.insert(ById(Arc::clone(instance)));
        if matches!(instance.host, Host::Address(_)) {
            self.by_address.insert(ByAddress(Arc::clone(instance)));
        }
        if text(instance).is_some() {
            self.by_text.insert(ByText(Arc::clone(instance)));
        }
        if instance.port.is_some() {
            self.with_port[instance.proto as usize] += 1;
            self.by_port.insert(ByPort(Arc::clone(instance)));
        }
        self.by_address.extend(self.rare.insert(instance).into_iter().map(ByAddress));
    }

    /// Removes an instance that is there, told by its place and what it says.
    pub(super) fn remove(&mut self, instance: &Arc<Instance>) {
        if !self.by_id.remove(&ById(Arc::clone(instance))) {
            return;
        }
        self.ready = Slots::default();
        self.by_address.remove(&ByAddress(Arc::clone(instance)));
        self.by_port.remove(&ByPort(Arc::clone(instance)));
        self.by_text.remove(&ByText(Arc::clone(instance)));
        if instance.port.is_some() {
            self.with_port[instance.proto as usize] -= 1;
        }
        for endpoint in self.rare.remove(instance) {
            self.by_address.remove(&ByAddress(endpoint));
        }
    }

    /// Forgets what was made of the instances and of others beside them.
    pub(super) fn forget(&mut self) {
        self.ready = Slots::default();
    }

    /// Whether an instance is at a host that has a name, or may be.
    pub(super) fn names_hosts(&self) -> bool {
        self.rare.sets().is_some() || self.by_address.len() < self.len()
    }

    /// A service of those instances alone that have a version.
    pub(super) fn with_version(&self, version: &str) -> Self {
        let mut chosen = Self::default();
        let all = self.by_id.iter().map(|entry| &entry.0);
        all.filter(|it| it.version() == Some(version)).for_each(|it| chosen.insert(it));
        chosen
    }

    /// How many instances there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many ways lead to them: at least as many as any answer here is made of.
    #[must_use]
    pub fn ways(&self) -> usize {
        let further = self.rare.sets().map_or(0, |sets| sets.further.len());
        self.len().max(self.by_address.len()) + further
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many instances have an SRV record under a transport.
    #[must_use]
    pub const fn with_port(&self, proto: Proto) -> usize {
        self.with_port[proto as usize] as usize
    }

    /// The place of the answer for a type at a node of this service, if there is one.
    pub(super) fn slot(
        &self,
        node: Node<'_>,
        kind: RecordType,
        below: &[u8],
    ) -> Option<&AnswerSlot> {
        self.ready.get(node, kind, below, || self.ways())
    }

    /// Whether the answer for a type at a name below this service is kept; the labels there are
    /// given in lower-cased wire form.
    pub(super) fn keeps(&self, kind: RecordType, below: &[u8]) -> bool {
        self.ready.has(kind, below)
    }

    /// Every instance.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.by_id.iter().map(|entry| &*entry.0)
    }

    /// The instances behind a place, in the order of [`Self::instances`]; all where none is said.
    pub fn behind<'s>(
        &'s self,
        place: Option<&Place>,
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        let (all, rest) = match place {
            None => (Some(self.by_id.iter()), None),
            Some(place) => (None, Some(self.by_id.behind(place))),
        };
        let entries = all.into_iter().flatten().chain(rest.into_iter().flatten());
        entries.map(|entry| &*entry.0)
    }

    /// Those whose id has a label form, given in lower case.
    pub fn with_id<'s>(&'s self, label: &[u8]) -> impl Iterator<Item = &'s Instance> + use<'s> {
        let (from, to) = (IdProbe(label, Side::Before), IdProbe(label, Side::After));
        self.by_id.between(&from, &to).map(|entry| &*entry.0)
    }

    /// Whether an id has a label form, given in lower case.
    #[must_use]
    pub fn has_id(&self, label: &[u8]) -> bool {
        self.by_id.has(|side| IdProbe(label, side))
    }

    /// Those whose id is one, given in lower case: in DNS-SD ids are labels as they are, and
    /// compared without the case of ASCII letters.
    pub fn with_raw_id<'s>(&'s self, id: &str) -> impl Iterator<Item = &'s Instance> + use<'s> {
        let (from, to) = (RawIdProbe(id, Side::Before), RawIdProbe(id, Side::After));
        self.by_id.between(&from, &to).map(|entry| &*entry.0)
    }

    /// The instances by tag and version, if any has one.
    pub(super) fn tags(&self) -> Option<&Tags> {
        self.rare.sets().map(|sets| &sets.tags)
    }

    /// Those with a tag or version, whose label form is given in lower case.
    pub fn with_tag<'s>(&'s self, label: &[u8]) -> impl Iterator<Item = &'s Instance> + use<'s> {
        self.tags().map(|tags| tags.with(label)).into_iter().flatten()
    }

    /// Those with a tag or version that have a port of a transport.
    pub fn with_tag_on<'s>(
        &'s self,
        label: &[u8],
        proto: Proto,
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        self.tags().map(|tags| tags.on(label, proto)).into_iter().flatten()
    }

    /// Those with a tag or version whose port has a name under a transport, and their
    /// further endpoints whose port has it; the labels in lower-cased label form.
    pub fn with_tag_on_port<'s>(
        &'s self,
        label: &[u8],
        proto: Proto,
        name: &[u8],
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        self.tags().map(|tags| tags.on_port(label, proto, name)).into_iter().flatten()
    }

    /// Whether any is registered with an address.
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.by_address.has(|side| AddressProbe(address, side))
    }

    /// Whether a port has a name, in lower-cased label form, under a transport.
    #[must_use]
    pub fn has_port(&self, proto: Proto, name: &[u8]) -> bool {
        self.by_port.has(|side| PortProbe(proto, Some(name), side))
            || self.rare.sets().is_some_and(|sets| sets.further.has_port(proto, name))
    }

    /// Those registered with an address.
    pub fn at_address(&self, address: IpAddr) -> impl Iterator<Item = &Instance> {
        let (from, to) = (AddressProbe(address, Side::Before), AddressProbe(address, Side::After));
        self.by_address.between(&from, &to).map(|entry| &*entry.0)
    }

    /// Those registered with an IPv4 address, equal addresses side by side.
    pub fn with_ipv4(&self) -> impl Iterator<Item = (IpAddr, &Instance)> {
        self.between(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::BROADCAST.into())
    }

    /// Those registered with an IPv6 address, equal addresses side by side.
    pub fn with_ipv6(&self) -> impl Iterator<Item = (IpAddr, &Instance)> {
        self.between(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::from([0xff; 16]).into())
    }

    /// Those whose address is one of a range, in order.
    fn between(&self, from: IpAddr, to: IpAddr) -> impl Iterator<Item = (IpAddr, &Instance)> {
        let (from, to) = (AddressProbe(from, Side::Before), AddressProbe(to, Side::After));
        let found = self.by_address.between(&from, &to);
        found.filter_map(|entry| Some((address(&entry.0)?, &*entry.0)))
    }

    /// Those whose port has a name under a transport, and their further endpoints whose port
    /// has it; the name in lower-cased label form.
    pub fn on_port<'s>(
        &'s self,
        proto: Proto,
        name: &[u8],
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        let further = self.rare.sets().map(|sets| sets.further.on_port(proto, name));
        on_port(&self.by_port, proto, name).chain(further.into_iter().flatten())
    }

    /// One instance for each distinct pair of a text and a TTL, by text. Those that say the
    /// same are skipped, however many there are.
    pub fn with_text(&self) -> impl Iterator<Item = &Instance> {
        let first = self.by_text.first();
        let next =
            |last: &&ByText| self.by_text.next(&TextProbe(text(&last.0), last.0.ttl, Side::After));
        std::iter::successors(first, next).map(|entry| &*entry.0)
    }

    /// Whether any port has a name under a transport.
    #[must_use]
    pub fn names_ports(&self, proto: Proto) -> bool {
        let from = PortProbe(proto, Some(b""), Side::After);
        ports(&self.by_port, &from, proto).next().is_some()
            || self.rare.sets().is_some_and(|sets| sets.further.names_ports(proto))
    }

    /// Those with a port under a transport.
    pub fn on_transport(&self, proto: Proto) -> impl Iterator<Item = &Instance> {
        ports(&self.by_port, &PortProbe(proto, None, Side::Before), proto)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{KeyParts, document};

    fn instance(id: &str, value: &str) -> Arc<Instance> {
        let document = document::read(value.as_bytes()).unwrap().unwrap();
        Arc::new(document.into_instance(KeyParts { name: "web", id, is_rooted: false }))
    }

    fn ids<'i>(found: impl Iterator<Item = &'i Instance>) -> Vec<&'i str> {
        found.map(|instance| &*instance.id).collect()
    }

    #[test]
    fn each_order_finds_its_run() {
        let all = [
            instance("a", "http://10.0.0.2:80"),
            instance("B", "http://10.0.0.1:80"),
            instance("b", "grpc://10.0.0.1:90"),
            instance("c", "HTTP://db.example:80"),
            instance("d", "10.0.0.9"),
        ];
        let mut service = Service::default();
        all.iter().for_each(|it| service.insert(it));
        assert_eq!(ids(service.with_id(b"b")), ["B", "b"]);
        assert_eq!(ids(service.at_address("10.0.0.1".parse().unwrap())), ["B", "b"]);
        assert_eq!(ids(service.on_port(Proto::Tcp, b"http")), ["a", "B", "c"]);
        assert_eq!(ids(service.on_port(Proto::Udp, b"http")), [""; 0]);
        assert!(service.has_id(b"b") && !service.has_id(b"bb") && !service.has_id(b""));
        let has = |address: &str| service.has_address(address.parse().unwrap());
        assert!(has("10.0.0.1") && has("10.0.0.9") && !has("10.0.0.3") && !has("::"));
        assert!(service.has_port(Proto::Tcp, b"grpc") && !service.has_port(Proto::Udp, b"grpc"));
        assert!(!service.has_port(Proto::Tcp, b"htt") && !service.has_port(Proto::Tcp, b"http2"));
        assert!(service.names_ports(Proto::Tcp) && !service.names_ports(Proto::Udp));
        assert_eq!((service.len(), service.with_port(Proto::Tcp)), (5, 4));
        all.iter().for_each(|it| service.remove(it));
        assert!(service.is_empty() && service.with_port(Proto::Tcp) == 0);
        assert!(service.with_ipv4().next().is_none() && !service.names_ports(Proto::Tcp));
    }

    #[test]
    fn texts_are_met_once_for_each_ttl() {
        let value = |text: &str, ttl: u32| {
            format!(r#"{{"host":"10.0.0.1:80","ttl":{ttl},"text":"{text}"}}"#)
        };
        let mut all = vec![instance("none", "10.0.0.1:80")];
        for (number, said) in ["b", "a", "b", "a", "b"].iter().enumerate() {
            all.push(instance(&number.to_string(), &value(said, 5 + number as u32 / 4)));
        }
        let mut service = Service::default();
        all[..1].iter().for_each(|it| service.insert(it));
        assert!(service.with_text().next().is_none());
        all[1..].iter().for_each(|it| service.insert(it));
        assert_eq!(ids(service.with_text()), ["1", "0", "4"]);
        all[..5].iter().for_each(|it| service.remove(it));
        assert_eq!(ids(service.with_text()), ["4"]);
    }

    #[test]
    fn a_port_without_a_name_names_none() {
        let one = instance("a", "10.0.0.1:80");
        let mut service = Service::default();
        service.insert(&one);
        assert_eq!(ids(service.on_transport(Proto::Tcp)), ["a"]);
        assert!(service.on_transport(Proto::Udp).next().is_none());
        assert!(!service.names_ports(Proto::Tcp));
        service.remove(&one);
        assert!(service.on_transport(Proto::Tcp).next().is_none());
    }
}
