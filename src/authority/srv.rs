//! SRV records (RFC 2782): one for each distinct way to reach an instance.

use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU16;

use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{Name, RData, RecordType};

use super::answer::FIXED;
use super::order::rank;
use super::{Draw, Found, Lookup, Overflow, RrSet, TooLarge};
use crate::index::Node;
use crate::names::{WireName, address_label, folded, label, parse_address_label};
use crate::registry::{Host, Instance};

/// Octets of priority, weight and port.
const NUMBERS: usize = 6;
/// The least octets that `ADDR` takes as a label, its length included (`0--1`).
const LEAST_ADDRESS: usize = 5;

/// What tells SRV records of one service apart: priority, weight, port, target.
type Identity<'i> = (u16, u16, NonZeroU16, Target<'i>);

/// What a record points to.
#[derive(PartialEq, Eq, Hash)]
enum Target<'i> {
    /// `ADDR.S.Z`
    Address(IpAddr),
    /// A host name in lower case.
    Name(&'i str),
}

/// The distinct records of some instances, before any is built.
struct Collected<'i> {
    /// The least TTL.
    ttl: u32,
    /// An instance for each record, with the octets it takes at least.
    members: Vec<(&'i Instance, usize)>,
}

impl Lookup<'_> {
    /// The SRV records at a node.
    pub(super) fn srv(&self, node: Node<'_>, draw: &mut Draw) -> Found {
        match node {
            Node::Service(service) => self.srv_of(service.instances(), draw),
            Node::Transport(service, proto) => {
                self.srv_of(service.instances().filter(|instance| instance.proto == proto), draw)
            }
            Node::Port(service, proto) => {
                let port = self.name.label(0).strip_prefix(b"_").unwrap_or_default();
                self.srv_of(service.on_port(proto, port), draw)
            }
            Node::Instance(service) => self.srv_of(service.with_id(self.name.label(0)), draw),
            Node::Apex | Node::Empty | Node::Address(..) => Ok(None),
        }
    }

    /// The SRV records of some instances of a service.
    fn srv_of<'i>(&self, instances: impl Iterator<Item = &'i Instance>, draw: &mut Draw) -> Found {
        let Collected { ttl, mut members } = self.collect(instances)?;
        draw.order(&mut members, |(instance, _)| rank(instance));
        let cut = self.question.room.cut(&mut members, |(_, octets)| *octets);
        let data = self.srv_data(&members);
        let owner = self.question.name.clone();
        Ok((!data.is_empty()).then_some(RrSet { owner, kind: RecordType::SRV, ttl, data, cut }))
    }

    /// The distinct records, as long as they can fit.
    fn collect<'i>(
        &self,
        instances: impl Iterator<Item = &'i Instance>,
    ) -> Result<Collected<'i>, TooLarge> {
        let (settings, room) = (self.zone.settings(), self.question.room);
        let below = settings.wire().as_wire().len();
        let mut seen: HashSet<Identity<'i>, foldhash::fast::RandomState> = HashSet::default();
        let (mut ttl, mut octets, mut members) = (u32::MAX, 0, Vec::new());
        for instance in instances {
            let Some(port) = instance.port else { continue };
            ttl = ttl.min(instance.ttl.unwrap_or(settings.ttl));
            let target = target(instance, settings.wire());
            if seen.insert((instance.priority, instance.weight, port, target)) {
                let least = least_octets(instance, below);
                octets += least;
                members.push((instance, least));
            }
            if octets > room.octets && room.overflow == Overflow::Truncate {
                return Err(TooLarge);
            }
        }
        Ok(Collected { ttl, members })
    }

    /// The records of instances. One whose target would be too long a name has none.
    fn srv_data(&self, members: &[(&Instance, usize)]) -> Vec<RData> {
        let apex = self.zone.settings().apex();
        let mut parents = Parents::default();
        members
            .iter()
            .filter_map(|(instance, _)| {
                let target = match &instance.host {
                    Host::Name(name) => Name::from_labels(name.split('.').map(str::as_bytes)).ok(),
                    Host::Address(address) => parents
                        .of(instance, apex)?
                        .prepend_label(address_label(*address).as_bytes())
                        .ok(),
                }?;
                let port = instance.port?.get();
                Some(RData::SRV(SRV::new(instance.priority, instance.weight, port, target)))
            })
            .collect()
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

/// The least octets that an instance's record takes; the apex takes `below` of them.
fn least_octets(instance: &Instance, below: usize) -> usize {
    let target = match &instance.host {
        Host::Name(name) => name.len() + 2,
        Host::Address(_) => LEAST_ADDRESS + 1 + instance.name.chars().count() + below,
    };
    FIXED + NUMBERS + target
}
