//! Hosts that are names: aliases, where nothing stands beside them.

use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{RData, RecordType};

use super::super::alias::Alias;
use super::super::{Lookup, RrSet};
use super::gather::Gathered;
use super::target::host_name;
use crate::index::{Branch, Lead};
use crate::names::WireName;
use crate::registry::Host;

/// The most aliases that lead from one name of a SkyDNS zone to another, as in CoreDNS.
pub(super) const CHAIN_MAX: usize = 10;
/// The names above all reverse zones (RFC 1035 section 3.5, RFC 3596 section 2.5), with how
/// many labels below them are an address.
const REVERSE: [(&[u8], usize); 2] = [(b"\x07in-addr\x04arpa\0", 4), (b"\x03ip6\x04arpa\0", 32)];

impl Lookup<'_> {
    /// The alias that entries are: a single one, whose host is a name, and that has neither a
    /// port nor a text, nor takes mail. The apex is none, and in the reverse trees there are
    /// none.
    pub(in crate::authority) fn alias(
        &self,
        branch: Branch<'_>,
        gathered: &Gathered<'_>,
    ) -> Option<Alias> {
        let [entry] = gathered.entries[..] else { return None };
        let value = &entry.value;
        let Some(Host::Name(host)) = &value.host else { return None };
        let has_more = value.port != 0 || value.text.is_some() || value.is_mail;
        let is_apex = matches!(branch.by, Lead::Apex(_));
        if has_more || is_apex || reverse_labels(self.name).is_some() {
            return None;
        }
        let target = host_name(host)?;
        let data = vec![RData::CNAME(CNAME(target.clone()))];
        let ttl = entry.ttl(self.settings().ttl);
        let set = RrSet::plain(self.question.name.clone(), RecordType::CNAME, ttl, data);
        Some(Alias { sets: vec![set], target, most: Some(CHAIN_MAX) })
    }
}

/// How many labels below the top of a reverse tree an address has, if a name is in one.
pub(super) fn reverse_labels(name: &WireName) -> Option<(usize, usize)> {
    REVERSE.into_iter().find_map(|(top, all)| {
        let below = name.labels().checked_sub(2)?;
        (name.suffix(below) == top).then_some((below, all))
    })
}
