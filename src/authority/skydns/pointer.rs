//! PTR records of entries.

use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::{RData, RecordType};

use super::super::{Lookup, RrSetResult};
use super::alias::reverse_labels;
use super::gather::{Gathered, Walk};
use super::target::host_name;
use crate::index::Branch;
use crate::names::{Block, Reversed};
use crate::registry::Host;

/// The least octets of a name that is pointed to.
const POINTER: usize = 2;

impl Lookup<'_> {
    /// The PTR records at a name: the host names of its own keys, and where the name is that
    /// of an address, of the keys below it too; for there is no other way to have several.
    pub(super) fn ptr_of_branch(&self, branch: Branch<'_>) -> RrSetResult {
        let is_address = reverse_labels(self.name).is_some_and(|(below, all)| below == all);
        let default = self.settings().ttl;
        let entries = if is_address { self.gather(branch, None) } else { self.own(branch) };
        let records = entries.entries.iter().filter_map(|entry| {
            let Some(Host::Name(host)) = &entry.value.host else { return None };
            Some((entry.ttl(default), POINTER, RData::PTR(PTR(host_name(host)?))))
        });
        // Where the zone is a reverse zone, registrations are named beside them.
        let address = Block::read(self.name).and_then(|it| it.address());
        let address = address.filter(|_| self.settings().is_reverse());
        let named = address.into_iter().flat_map(|address| self.named_at(address));
        let named = named.map(|(ttl, name)| (ttl, POINTER, RData::PTR(PTR(name))));
        self.fitted(RecordType::PTR, records.chain(named))
    }

    /// The entries at the name itself.
    fn own<'g>(&self, branch: Branch<'g>) -> Gathered<'g> {
        let path = Reversed::of(self.name, self.position.below);
        let entries = Walk::new(branch.entries, self.visits).at(path.as_octets());
        Gathered { entries, is_cut: false, is_synthesised: false }
    }
}
