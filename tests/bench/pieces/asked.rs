//! What is asked for.

use std::fmt::{Display, Formatter};

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};

use crate::population::address;
use crate::{PAYLOAD, POPULATION};

/// Questions that are drawn once, and asked in turns.
const DRAWN: usize = 1 << 14;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SRV of a service.
    Srv,
    /// The same with EDNS.
    SrvEdns,
    /// A of a service.
    A,
    /// AAAA of a service, which has none.
    Nodata,
    /// A name that does not exist.
    Nxdomain,
    /// A of an SRV record's target.
    Target,
    /// A of an instance.
    Instance,
    /// TXT of an instance.
    Txt,
    /// The instances of a service, as DNS-SD lists them.
    Ptr,
    /// SOA of the apex.
    Soa,
}

/// All of them.
pub(crate) const ALL: [Asked; 10] = [
    Asked::Srv,
    Asked::SrvEdns,
    Asked::A,
    Asked::Nodata,
    Asked::Nxdomain,
    Asked::Target,
    Asked::Instance,
    Asked::Txt,
    Asked::Ptr,
    Asked::Soa,
];
/// Those that are different without a message around them.
pub(crate) const BARE: [Asked; 9] = [
    Asked::Srv,
    Asked::A,
    Asked::Nodata,
    Asked::Nxdomain,
    Asked::Target,
    Asked::Instance,
    Asked::Txt,
    Asked::Ptr,
    Asked::Soa,
];
/// Those whose answers are kept with a service.
pub(crate) const KEPT: [Asked; 6] =
    [Asked::Srv, Asked::A, Asked::Nodata, Asked::Target, Asked::Instance, Asked::Txt];

impl Display for Asked {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Srv => "SRV",
            Self::SrvEdns => "SRV, EDNS",
            Self::A => "A",
            Self::Nodata => "NODATA",
            Self::Nxdomain => "NXDOMAIN",
            Self::Target => "A of a target",
            Self::Instance => "A of an instance",
            Self::Txt => "TXT of an instance",
            Self::Ptr => "PTR of DNS-SD",
            Self::Soa => "SOA",
        })
    }
}

impl Asked {
    /// The type.
    pub(crate) const fn kind(self) -> RecordType {
        match self {
            Self::Srv | Self::SrvEdns => RecordType::SRV,
            Self::A | Self::Nxdomain | Self::Target | Self::Instance => RecordType::A,
            Self::Nodata => RecordType::AAAA,
            Self::Txt => RecordType::TXT,
            Self::Ptr => RecordType::PTR,
            Self::Soa => RecordType::SOA,
        }
    }

    /// A name of one of the services, by the number of an instance, or of none.
    pub(crate) fn name(self, instance: usize) -> Name {
        let (service, label) =
            (instance % POPULATION.services, address(instance).replace('.', "-"));
        let name = match self {
            Self::Srv | Self::SrvEdns | Self::Ptr => format!("_service-{service}._tcp."),
            Self::A | Self::Nodata => format!("service-{service}."),
            Self::Nxdomain => format!("{:x}.", fastrand::u64(..)),
            Self::Target => format!("{label}.service-{service}."),
            Self::Instance | Self::Txt => format!("{label}-8080.service-{service}."),
            Self::Soa => String::new(),
        };
        Name::from_ascii(format!("{name}services.internal.")).unwrap()
    }

    /// Names in random order.
    pub(crate) fn names(self) -> Vec<Name> {
        (0..DRAWN).map(|_| self.name(fastrand::usize(..POPULATION.instances))).collect()
    }

    /// Queries for names in random order.
    pub(crate) fn queries(self) -> Vec<Vec<u8>> {
        self.names().into_iter().map(|name| self.query(name)).collect()
    }

    /// A query for a name, as it is sent.
    pub(crate) fn query(self, name: Name) -> Vec<u8> {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name, self.kind()));
        if self == Self::SrvEdns {
            let mut edns = Edns::new();
            edns.set_max_payload(PAYLOAD);
            message.set_edns(edns);
        }
        message.to_vec().unwrap()
    }
}
