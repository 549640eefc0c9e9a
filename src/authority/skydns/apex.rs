//! SOA and NS at the apex of a SkyDNS zone.

use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{RData, RecordType};

use super::super::{Lookup, RrSet, RrSetResult};
use super::gather::{Gathered, Walk};
use crate::index::Branch;

/// Below the apex, the path of the name servers.
const SERVERS: &[u8] = b"\x03dns\x02ns";
/// The least octets of a name that is pointed to.
const POINTER: usize = 2;

impl Lookup<'_> {
    /// The SOA record.
    pub(super) fn soa_of_branch(&self) -> RrSet {
        self.start_of_authority(self.question.name.clone(), self.settings().soa_ttl)
    }

    /// The NS records: those of the zone file; else of the keys below `dns/ns`; else the one
    /// that is made up.
    pub(super) fn ns_of_branch(&self, branch: Branch<'_>) -> RrSetResult {
        if !self.settings().has_made_up_server() {
            return Ok(self.ns());
        }
        let entries = Walk::new(branch.entries, self.visits).branch(SERVERS);
        let stored = Gathered { entries, is_cut: false, is_synthesised: false };
        let records = stored.entries.iter().filter_map(|entry| {
            let target = self.target_of(&stored, entry)?;
            Some((entry.ttl(self.settings().ttl), POINTER, RData::NS(NS(target))))
        });
        let found = self.fitted(RecordType::NS, records)?;
        Ok(found.or_else(|| self.ns()))
    }
}
