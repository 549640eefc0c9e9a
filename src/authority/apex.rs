//! SOA and NS, which stand at an apex.

use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{Name, RData, RecordType};

use super::{Lookup, RrSet};
use crate::index::{Node, Site};

impl Lookup<'_> {
    /// The SOA record of the apex.
    pub(super) fn soa(&self, node: Node<'_>) -> Option<RrSet> {
        let owner = self.question.name.clone();
        matches!(node, Node::Apex(_))
            .then(|| self.start_of_authority(owner, self.settings().soa_ttl))
    }

    /// The NS records of the apex.
    pub(super) fn ns(&self) -> Option<RrSet> {
        let settings = self.settings();
        let data: Vec<_> = settings.ns.iter().map(|name| RData::NS(NS(name.clone()))).collect();
        let owner = self.question.name.clone();
        let (kind, ttl) = (RecordType::NS, settings.ns_ttl);
        (!data.is_empty()).then(|| RrSet::plain(owner, kind, ttl, data))
    }

    /// The SOA record with this generation's serial (RFC 1982).
    pub(super) fn start_of_authority(&self, owner: Name, ttl: u32) -> RrSet {
        let mut soa = self.settings().soa.clone();
        soa.serial = self.position.serial();
        RrSet::plain(owner, RecordType::SOA, ttl, vec![RData::SOA(soa)])
    }

    /// The apex that the question's name is under.
    pub(super) fn apex(&self) -> Name {
        match self.position.site {
            Site::Zone(_) => self.settings().apex().clone(),
            Site::Bare(_, proto) => {
                Name::from_labels([format!("_{proto}").as_bytes()]).expect("a short label")
            }
        }
    }
}
