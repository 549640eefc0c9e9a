//! A and AAAA records: each address once.

use std::net::IpAddr;

use hickory_proto::rr::{Name, RData, RecordType};

use super::answer::FIXED;
use super::order::{Selection, finish, stable};
use super::rendezvous::address_key;
use super::zone_file::fitting;
use super::{Draw, Lookup, Rendezvous, Room, RrSet, RrSetResult, TooLarge, Visits};
use crate::index::{Node, Service, Settings};
use crate::names::WireName;
use crate::registry::{Instance, Layout};

/// An address of a service, with what its instances say together.
struct Address {
    address: IpAddr,
    /// The lowest priority of its instances.
    priority: u16,
    /// The sum of their weights at that priority.
    weight: u64,
}

impl Lookup<'_> {
    /// The addresses of the question's type at a node.
    pub(super) fn addresses(
        &self,
        node: Node<'_>,
        kind: RecordType,
        draw: &mut Draw,
    ) -> RrSetResult {
        let (settings, room) = (self.settings(), self.drawn_room());
        let addresses = Addresses {
            most: self.most(),
            is_even: self.is_whole,
            looked_at: self.looked_at(),
            witness: Some((self.visits, settings.layout())),
            ..Addresses::new((kind, room), settings, self.name, draw)
        };
        let set = addresses.at(node, draw)?;
        Ok(set.map(|set| RrSet { owner: self.question.name.clone(), ..set }))
    }
}

/// The addresses that are wanted of a node.
pub(super) struct Addresses<'a> {
    /// A or AAAA.
    pub(super) kind: RecordType,
    /// TTL of instances that set none.
    pub(super) ttl: u32,
    /// How much they may take.
    pub(super) room: Room,
    /// How many are wanted.
    pub(super) most: usize,
    /// Who is given the same of many each time, if anybody.
    pub(super) client: Option<Rendezvous>,
    /// Whether they are drawn without regard to weights.
    pub(super) is_even: bool,
    /// How many instances are looked at.
    pub(super) looked_at: usize,
    /// The node's name.
    pub(super) name: &'a WireName,
    /// What may be looked at, where this is one of many names that are looked up.
    pub(super) visits: Option<&'a Visits>,
    /// Who is told what they are made of, and where the keys of that stand.
    pub(super) witness: Option<(&'a Visits, &'a Layout)>,
}

impl<'a> Addresses<'a> {
    /// Those of a type at a name of a zone, as many as it answers with.
    pub(super) fn new(
        (kind, room): (RecordType, Room),
        settings: &Settings,
        name: &'a WireName,
        draw: &Draw,
    ) -> Self {
        Self {
            kind,
            ttl: settings.ttl,
            room,
            most: settings.most_answers(),
            client: stable(settings, draw),
            is_even: false,
            looked_at: usize::MAX,
            name,
            visits: None,
            witness: None,
        }
    }

    /// The RRset at a node, owned by the root until its owner is known.
    pub(super) fn at(&self, node: Node<'_>, draw: &mut Draw) -> RrSetResult {
        match node {
            Node::Service(service) => self.of_service(service, draw),
            Node::Address(service, address) => {
                self.set(service.at_address(address).map(|instance| (address, instance)), draw)
            }
            Node::Instance(service) => self.of_some(service.with_id(self.name.label(0)), draw),
            Node::Tag(service) => self.of_some(service.with_tag(self.name.label(0)), draw),
            Node::Static(owner) | Node::Apex(Some(owner)) => {
                let set = owner.set(self.kind).filter(|set| self.may_see(set.data.len()));
                set.map(|set| fitting(set, self.room, self.client, draw)).transpose()
            }
            _ => Ok(None),
        }
    }

    /// The addresses of a whole service. The other family is not even looked at.
    fn of_service(&self, service: &Service, draw: &mut Draw) -> RrSetResult {
        match self.kind {
            RecordType::A => self.set(service.with_ipv4(), draw),
            _ => self.set(service.with_ipv6(), draw),
        }
    }

    /// The addresses of some instances of a service.
    fn of_some<'i>(
        &self,
        instances: impl Iterator<Item = &'i Instance>,
        draw: &mut Draw,
    ) -> RrSetResult {
        let seen = instances.take_while(|_| self.may_see(1));
        let mut all: Vec<_> = seen.flat_map(addressed).collect();
        all.sort_by_key(|(address, _)| *address);
        self.set(all.into_iter(), draw)
    }

    /// The RRset of instances with their addresses, equal addresses side by side.
    fn set<'i>(
        &self,
        instances: impl Iterator<Item = (IpAddr, &'i Instance)>,
        draw: &mut Draw,
    ) -> RrSetResult {
        let (mut ttl, mut last) = (u32::MAX, None::<Address>);
        let mut selection = Selection::new(self.room).at_most(self.most).evenly(self.is_even);
        let (seen, mut left) = (instances.take_while(|_| self.may_see(1)), self.looked_at);
        for (address, instance) in seen.filter(|(address, _)| self.wants(*address)) {
            if left == 0 {
                selection.cut();
                break;
            }
            left -= 1;
            ttl = ttl.min(instance.ttl.unwrap_or(self.ttl));
            if let Some((visits, layout)) = self.witness {
                visits.note(|| layout.key_of(instance));
            }
            match last.as_mut().filter(|last| last.address == address) {
                Some(last) => last.add(instance),
                None => {
                    let before = last.replace(Address::new(address, instance));
                    self.offer(&mut selection, before, draw)?;
                }
            }
        }
        self.offer(&mut selection, last, draw)?;
        let (addresses, is_cut) = finish(selection, self.client, draw)?;
        let (ranks, data): (Vec<_>, Vec<_>) =
            addresses.into_iter().map(|(rank, address)| (rank, data(address))).unzip();
        let (owner, kind) = (Name::root(), self.kind);
        let is_there = !data.is_empty() || is_cut;
        Ok(is_there.then_some(RrSet { owner, kind, ttl, data, ranks, is_cut }))
    }

    /// Takes an address in whose instances have all been seen, if there is any.
    fn offer(
        &self,
        selection: &mut Selection<IpAddr>,
        address: Option<Address>,
        draw: &mut Draw,
    ) -> Result<(), TooLarge> {
        let Some(Address { address, priority, weight }) = address else { return Ok(()) };
        let chance = match self.client {
            Some(client) => client.chance(address_key(address)),
            None => draw.chance(),
        };
        selection.offer(chance, (priority, weight), || (record_octets(address), address))
    }

    /// Whether so many more may be looked at.
    fn may_see(&self, many: usize) -> bool {
        self.visits.is_none_or(|visits| visits.take(many))
    }

    /// Whether an address is of the wanted family.
    const fn wants(&self, address: IpAddr) -> bool {
        matches!(
            (self.kind, address),
            (RecordType::A, IpAddr::V4(_)) | (RecordType::AAAA, IpAddr::V6(_))
        )
    }
}

impl Address {
    /// An address that one instance has.
    fn new(address: IpAddr, instance: &Instance) -> Self {
        Self { address, priority: instance.priority, weight: u64::from(instance.weight) }
    }

    /// Another instance has it too.
    fn add(&mut self, instance: &Instance) {
        if instance.priority < self.priority {
            *self = Self::new(self.address, instance);
        } else if instance.priority == self.priority {
            self.weight += u64::from(instance.weight);
        }
    }
}

/// An instance with each of its addresses.
fn addressed(instance: &Instance) -> impl Iterator<Item = (IpAddr, &Instance)> {
    instance.addresses().map(move |address| (address, instance))
}

/// The octets of an address record.
pub(super) const fn record_octets(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(_) => FIXED + 4,
        IpAddr::V6(_) => FIXED + 16,
    }
}

/// The data of an address record.
pub(super) fn data(address: IpAddr) -> RData {
    match address {
        IpAddr::V4(address) => RData::A(address.into()),
        IpAddr::V6(address) => RData::AAAA(address.into()),
    }
}
