//! SRV records (RFC 2782): one for each distinct way to reach an instance.

use std::net::IpAddr;
use std::num::NonZeroU16;

use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{Name, RData, RecordType};

use super::answer::FIXED;
use super::order::rank;
use super::rendezvous::{host_key, way_key};
use super::{Draw, Lookup, Rank, RrSet, RrSetResult, TooLarge};
use crate::index::Node;
use crate::names::{WireName, address_label, folded, label, parse_address_label};
use crate::registry::{Host, Instance, Proto};

/// Octets of priority, weight and port.
const NUMBERS: usize = 6;

/// The parts that tell SRV records of one service apart.
#[derive(PartialEq, Eq, Hash)]
struct RecordIdentity<'i> {
    priority: u16,
    weight: u16,
    port: NonZeroU16,
    target: Target<'i>,
}

/// The target of a record.
#[derive(PartialEq, Eq, Hash)]
enum Target<'i> {
    /// `ADDR.S.Z`
    Address(IpAddr),
    /// A host name in lower case.
    Name(&'i str),
}

impl RecordIdentity<'_> {
    /// What it is known by to those who are given the same records each time.
    fn key(&self) -> u64 {
        match self.target {
            Target::Address(address) => way_key(address, self.port.get()),
            Target::Name(name) => host_key(name, self.port.get()),
        }
    }
}

/// A record that is not built yet: one of the instances that give it.
struct Member<'i> {
    /// What tells it apart.
    identity: RecordIdentity<'i>,
    instance: &'i Instance,
}

impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

/// The records that are drawn, before any is built.
struct Collected<'i> {
    /// The least TTL of all instances.
    ttl: u32,
    /// The records with their ranks, in order.
    members: Vec<(Rank, Member<'i>)>,
    /// Whether others were left out.
    is_cut: bool,
}

impl Lookup<'_> {
    /// The SRV records at a node.
    pub(super) fn srv(&self, node: Node<'_>, draw: &mut Draw) -> RrSetResult {
        match node {
            Node::Service(service) => {
                self.srv_of(Proto::ALL.into_iter().flat_map(|it| service.on_transport(it)), draw)
            }
            Node::Transport(service, proto) => self.srv_of(service.on_transport(proto), draw),
            Node::Port(service, proto) => {
                self.srv_of(service.on_port(proto, self.port_name()), draw)
            }
            Node::Instance(service) => self.srv_of(service.with_id(self.name.label(0)), draw),
            Node::Tag(service) => self.srv_of(service.with_tag(self.name.label(0)), draw),
            Node::TagPort(service, proto) => {
                let tagged = service.with_tag_on_port(self.name.label(2), proto, self.port_name());
                self.srv_of(tagged, draw)
            }
            Node::Announced(service, proto) => {
                self.srv_of(service.announced(self.name.label(0), proto), draw)
            }
            _ => Ok(None),
        }
    }

    /// N, where the question's name begins with `_N`.
    fn port_name(&self) -> &[u8] {
        self.name.label(0).strip_prefix(b"_").unwrap_or_default()
    }

    /// The SRV records of some instances of a service.
    fn srv_of<'i>(
        &self,
        instances: impl Iterator<Item = &'i Instance>,
        draw: &mut Draw,
    ) -> RrSetResult {
        let Collected { ttl, members, is_cut } = self.collect(instances, draw)?;
        let (ranks, data) = self.srv_data(&members);
        let (owner, kind) = (self.question.name.clone(), RecordType::SRV);
        let is_there = !data.is_empty() || is_cut;
        Ok(is_there.then_some(RrSet { owner, kind, ttl, data, ranks, is_cut }))
    }

    /// Draws of the distinct records those that fit. What tells a record apart is also
    /// what its chance comes from, so that nothing is remembered of the others.
    fn collect<'i>(
        &self,
        instances: impl Iterator<Item = &'i Instance>,
        draw: &mut Draw,
    ) -> Result<Collected<'i>, TooLarge> {
        let settings = self.settings();
        let below = settings.wire().as_wire().len();
        let (mut selection, mut left) = (self.selection(), self.looked_at());
        let (mut ttl, chances) = (u32::MAX, self.chances(draw));
        for instance in instances {
            if left == 0 {
                selection.cut();
                break;
            }
            left -= 1;
            let Some(identity) = identity(instance, settings.wire()) else { continue };
            self.visits.note(|| settings.layout().key_of(instance));
            ttl = ttl.min(instance.ttl.unwrap_or(settings.ttl));
            let chance = chances.of(&identity, || identity.key());
            selection.offer(chance, rank(instance), || {
                (octets(instance, below), Member { identity, instance })
            })?;
        }
        let (members, is_cut) = self.finish(selection, draw)?;
        Ok(Collected { ttl, members, is_cut })
    }

    /// The records of instances with their ranks. One whose target would be too long a name
    /// has none.
    fn srv_data(&self, members: &[(Rank, Member<'_>)]) -> (Vec<Rank>, Vec<RData>) {
        let apex = self.settings().apex();
        let mut parents = Parents::default();
        members
            .iter()
            .filter_map(|(rank, Member { instance, .. })| {
                let target = match &instance.host {
                    Host::Name(name) => Name::from_labels(name.split('.').map(str::as_bytes)).ok(),
                    Host::Address(address) => parents
                        .of(instance, apex)?
                        .prepend_label(address_label(*address).as_bytes())
                        .ok(),
                }?;
                let port = instance.port?.get();
                let srv = SRV::new(instance.priority, instance.weight, port, target);
                Some((*rank, RData::SRV(srv)))
            })
            .unzip()
    }
}

/// `S.Z` of the last instance: nearly always that of the next one too.
#[derive(Default)]
struct Parents<'i> {
    /// The service's name as that instance spells it, and `S.Z` if it is a name.
    last: Option<(&'i str, Option<Name>)>,
}

impl<'i> Parents<'i> {
    /// `S.Z` of an instance.
    fn of(&mut self, instance: &'i Instance, apex: &Name) -> Option<&Name> {
        if self.last.as_ref().is_none_or(|(name, _)| **name != *instance.name) {
            let parent = apex.prepend_label(label(&instance.name).as_bytes()).ok();
            self.last = Some((&instance.name, parent));
        }
        self.last.as_ref()?.1.as_ref()
    }
}

/// What tells the record of an instance apart; none where it has no record.
fn identity<'i>(instance: &'i Instance, apex: &WireName) -> Option<RecordIdentity<'i>> {
    let &Instance { priority, weight, port, .. } = instance;
    Some(RecordIdentity { priority, weight, port: port?, target: target(instance, apex) })
}

/// The target of an instance. A host name that is the name of an address of the same
/// service (`ADDR.S.Z`) is no other target than that address.
fn target<'i>(instance: &'i Instance, apex: &WireName) -> Target<'i> {
    let name = match &instance.host {
        Host::Address(address) => return Target::Address(*address),
        Host::Name(name) => name,
    };
    let (label, rest) = name.split_once('.').unwrap_or((name, ""));
    let address = parse_address_label(label.as_bytes())
        .filter(|_| WireName::from_text(rest).is_ok_and(|rest| is_service(&rest, instance, apex)));
    address.map_or(Target::Name(name), Target::Address)
}

/// Whether a name is `S.Z` of an instance.
fn is_service(name: &WireName, instance: &Instance, apex: &WireName) -> bool {
    name.labels() > 0
        && name.suffix(1) == apex.as_wire()
        && name.label(0).iter().copied().eq(folded(&instance.name))
}

/// The octets that an instance's record takes; the apex takes `below` of them.
fn octets(instance: &Instance, below: usize) -> usize {
    let target = match &instance.host {
        Host::Name(name) => name.len() + 2,
        Host::Address(address) => {
            1 + address_label(*address).len() + 1 + instance.name.chars().count() + below
        }
    };
    FIXED + NUMBERS + target
}
