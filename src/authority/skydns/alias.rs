//! Hosts that are names: aliases, where there is nothing else to say of an address.
//!
//! A single host name without a port, a text or mail is an alias for every type, as in CoreDNS.
//! Beside other data a CNAME may not stand (RFC 1034 section 3.6.2); but what external-dns
//! writes for a load balancer that has a name is just that, a host name with a text, and who
//! asks for its address must get one. So where all that is known of addresses are names that
//! lead out of our zones, a question for A, AAAA or CNAME gets one of these names, by weight, and any other
//! type the records that are there. A cache may then take the alias for the other types too,
//! for as long as its TTL: the text of external-dns is read from etcd, not from DNS.

use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{RData, RecordType};

use super::super::alias::ResolvedAlias;
use super::super::order::Selection;
use super::super::{Draw, Lookup, Overflow, Room, RrSet};
use super::gather::Gathered;
use super::target::host_name;
use crate::index::{Branch, Lead, Node};
use crate::names::{MESSAGE_MAX, WireName};
use crate::registry::Host;
use crate::registry::skydns::Entry;

/// The most aliases that lead from one name of a SkyDNS zone to another, as in CoreDNS.
pub(super) const CHAIN_MAX: usize = 10;
/// Room for whichever alias is drawn.
const ANY_ROOM: Room = Room { octets: MESSAGE_MAX, overflow: Overflow::Cut };
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
    ) -> Option<ResolvedAlias> {
        let [entry] = gathered.entries[..] else { return None };
        let value = &entry.value;
        let Some(Host::Name(host)) = &value.host else { return None };
        let has_more = value.port != 0 || value.text.is_some() || value.is_mail;
        let is_apex = matches!(branch.by, Lead::Apex(_));
        if has_more || is_apex || reverse_labels(self.name).is_some() {
            return None;
        }
        self.alias_to(host, entry)
    }

    /// The alias that who asks for an address gets where there is none, beside other data: one
    /// of the hosts that are names, the lowest priority first, by weight; names outside our
    /// zones before others. None where an address of the other family is there, and none to
    /// names that take mail alone.
    pub(super) fn alias_for_address(
        &self,
        branch: Branch<'_>,
        gathered: &Gathered<'_>,
        draw: &mut Draw,
    ) -> Option<ResolvedAlias> {
        let others = match self.question.kind {
            RecordType::A => &[RecordType::AAAA][..],
            RecordType::AAAA => &[RecordType::A],
            RecordType::CNAME => &[RecordType::A, RecordType::AAAA],
            _ => return None,
        };
        if matches!(branch.by, Lead::Apex(_)) || reverse_labels(self.name).is_some() {
            return None;
        }
        let hosts = || gathered.entries.iter().filter_map(|entry| entry.value.host.as_ref());
        let is_address = |host: &Host| host.as_address().is_some();
        if hosts().any(is_address) || hosts().next().is_none() {
            return None;
        }
        let mut found = others.iter().map(|kind| {
            let found = self.addresses_of_entries(gathered, *kind, ANY_ROOM, draw);
            !matches!(found, Ok(None))
        });
        if found.any(|found| found) || self.visits.is_spent() {
            return None;
        }
        let hosts = |wants_out| self.hosts(gathered, wants_out);
        let all = Some(hosts(true)).filter(|all| !all.is_empty()).unwrap_or_else(|| hosts(false));
        if all.len() > 1 {
            self.visits.vary();
        }
        let mut selection = Selection::new(ANY_ROOM).at_most(1);
        for (host, entry) in all {
            let rank = (entry.value.priority, u64::from(entry.value.weight));
            selection.offer(draw.chance(), rank, || (0, (host, entry))).ok()?;
        }
        let (_, (host, entry)) = selection.finish().ok()?.0.pop()?;
        self.alias_to(host, entry)
    }

    /// The hosts that are names outside our zones, or those in them that mean one name.
    fn hosts<'g>(&self, gathered: &Gathered<'g>, wants_out: bool) -> Vec<(&'g str, &'g Entry)> {
        let entries = gathered.entries.iter().filter(|entry| !entry.value.is_mail);
        let name = |entry: &&'g Entry| match &entry.value.host {
            Some(Host::Name(host)) => Some((&**host, *entry)),
            _ => None,
        };
        let is_wanted = |(host, _): &(&str, &Entry)| {
            let Ok(name) = WireName::from_text(host) else { return false };
            match self.generation.locate(&name) {
                None => wants_out,
                Some((site, below)) => {
                    let node = self.generation.find(site, &name, below);
                    self.visits.trace(self.generation, (site, below), &name, node);
                    let is_many =
                        matches!(node, Some(Node::SkyDns(Branch { by: Lead::Pattern, .. })));
                    !wants_out && node.is_some() && !is_many
                }
            }
        };
        entries.filter_map(name).filter(is_wanted).collect()
    }

    /// The alias to the host of an entry.
    fn alias_to(&self, host: &str, entry: &Entry) -> Option<ResolvedAlias> {
        let target = host_name(host)?;
        let data = vec![RData::CNAME(CNAME(target.clone()))];
        let ttl = entry.ttl(self.settings().ttl);
        let set = RrSet::plain(self.question.name.clone(), RecordType::CNAME, ttl, data);
        Some(ResolvedAlias { sets: vec![set], target, most: Some(CHAIN_MAX) })
    }
}

/// How many labels below the top of a reverse tree an address has, if a name is in one.
pub(super) fn reverse_labels(name: &WireName) -> Option<(usize, usize)> {
    REVERSE.into_iter().find_map(|(top, all)| {
        let below = name.labels().checked_sub(2)?;
        (name.suffix(below) == top).then_some((below, all))
    })
}
