//! Nodes: all that can stand at a name.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::{AnswerSlot, Branch, Cut, Owner, RecordSet, Service};
use crate::names::WireName;
use crate::registry::Proto;

/// The data at an existing name.
#[derive(Debug, Clone, Copy)]
pub enum Node<'z> {
    /// The zone's apex, with what the zone file has there.
    Apex(Option<&'z Owner>),
    /// Nothing, but a name below it has something (RFC 8020), or a name server bears it.
    Empty,
    /// A name of the zone file, or one that a wildcard there stands for.
    Static(&'z Owner),
    /// A name that the zone file cuts off.
    Cut(Cut<'z>),
    /// Any name of a SkyDNS zone.
    SkyDns(Branch<'z>),
    /// `S.Z`
    Service(&'z Service),
    /// `_S._P.Z`
    Transport(&'z Service, Proto),
    /// `_N._P.S.Z`; the number is the label of N.
    Port(&'z Service, Proto),
    /// `ADDR.S.Z`
    Address(&'z Service, IpAddr),
    /// `I.S.Z`
    Instance(&'z Service),
    /// `T.S.Z`
    Tag(&'z Service),
    /// `_N._P.T.S.Z`
    TagPort(&'z Service, Proto),
    /// `I._S._P.Z`: an instance as DNS-SD names it
    Announced(&'z Service, Proto),
    /// `_T._sub._S._P.Z`
    Subtype(&'z Service, Proto),
    /// The name of an address in a reverse zone
    Reverse(IpAddr),
    /// `_services._dns-sd._udp.Z`
    ServiceTypes,
    /// `b._dns-sd._udp.Z` and the like: where to browse
    BrowsingDomain,
}

impl<'z> Node<'z> {
    /// The place of the node's answer for a type, if there is one. Nodes below a service
    /// are told apart by the labels there, in lower-cased wire form.
    #[must_use]
    pub fn slot(self, kind: RecordType, below: &[u8]) -> Option<&'z AnswerSlot> {
        match self {
            Self::Static(owner) => owner.set(kind).map(RecordSet::slot),
            _ => self.service()?.slot(self, kind, below),
        }
    }

    /// Whether the answers at the node, whose name is given, are made of more instances (or
    /// endpoints of them) than a number.
    #[must_use]
    pub fn outnumbers(self, number: usize, name: &WireName) -> bool {
        match self {
            Self::Apex(_)
            | Self::Empty
            | Self::Cut(_)
            | Self::SkyDns(_)
            | Self::Reverse(_)
            | Self::ServiceTypes
            | Self::BrowsingDomain => false,
            Self::Static(owner) => owner.sets().iter().any(|set| set.data.len() > number),
            Self::Service(service)
            | Self::Transport(service, _)
            | Self::Port(service, _)
            | Self::TagPort(service, _)
            | Self::Subtype(service, _) => service.ways() > number,
            Self::Address(service, address) => service.at_address(address).nth(number).is_some(),
            Self::Instance(service) => service.with_id(name.label(0)).nth(number).is_some(),
            Self::Tag(service) => service.with_tag(name.label(0)).nth(number).is_some(),
            Self::Announced(service, proto) => {
                service.announced(name.label(0), proto).nth(number).is_some()
            }
        }
    }

    /// The service that the node belongs to.
    #[must_use]
    pub const fn service(self) -> Option<&'z Service> {
        match self {
            Self::Apex(_)
            | Self::Empty
            | Self::Static(_)
            | Self::Cut(_)
            | Self::SkyDns(_)
            | Self::Reverse(_)
            | Self::ServiceTypes
            | Self::BrowsingDomain => None,
            Self::Service(service)
            | Self::Transport(service, _)
            | Self::Port(service, _)
            | Self::Address(service, _)
            | Self::Instance(service)
            | Self::Tag(service)
            | Self::TagPort(service, _)
            | Self::Announced(service, _)
            | Self::Subtype(service, _) => Some(service),
        }
    }
}
