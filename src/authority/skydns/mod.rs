//! Zones of SkyDNS's schema, answered as CoreDNS's `etcd` plugin answers them, and by the
//! rules of DNS where it does not.
//!
//! At a name everything is answered together that is stored at it and below it (`gather`),
//! less what is of another group (`group`), over UDP as far as it fits (`fill`). Each type is a file: `address` (A, AAAA), `srv`,
//! `mail` (MX), `text` (TXT), `pointer` (PTR), `apex` (NS, SOA); `target` names what SRV, MX
//! and NS records point to.
//!
//! | what | CoreDNS | here |
//! | --- | --- | --- |
//! | a key with keys below it | is not answered | is answered with them |
//! | the apex | the whole zone, unless `dns/apex` has keys | `dns/apex` alone; it always exists |
//! | a host that is a name | a CNAME beside whatever there is | a CNAME if it is all there is, or all there is of an address (`alias`); else the addresses that it leads to, at the name itself |
//! | an alias that leaves our zones | is dropped, or followed | is returned |
//! | a `*` that is stored | a label like others | a wildcard (RFC 4592) |
//! | PTR | one key | all at the name; at the name of an address also below it |
//! | SOA below the apex | the apex's | nothing |
//! | TTLs of one RRset | each its own | the least |
//!
//! A `*` in a question stands for any one label, as does `any`, also where `*` is stored: what
//! is stored there is among what it finds. In the reverse trees host names are what PTR records
//! point to, never aliases.

mod address;
mod alias;
mod apex;
mod fill;
mod gather;
mod group;
mod mail;
mod pointer;
mod srv;
mod target;
mod text;

use std::collections::HashSet;

use hickory_proto::rr::{RData, RecordType};

use super::answer::FIXED;
use super::resolver::Step;
use super::{Answer, Draw, Lookup, Overflow, Room, RrSet, RrSetResult, TooLarge};
use crate::index::{Branch, Lead, Node};

use self::gather::Gathered;

/// The types that are looked for where any will do, SOA and aliases aside.
const SOUGHT: [RecordType; 7] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::MX,
    RecordType::TXT,
    RecordType::PTR,
    RecordType::NS,
];

impl Lookup<'_> {
    /// What a name of a SkyDNS zone says.
    pub(super) fn at_branch(&self, branch: Branch<'_>, draw: &mut Draw) -> Step {
        let (kind, room) = (self.question.kind, self.question.room);
        self.visits.limit(room, matches!(branch.by, Lead::Pattern));
        let gathered = self.gather(branch, Some((kind, room)));
        let found = match self.alias(branch, &gathered) {
            Some(alias) if !matches!(kind, RecordType::CNAME | RecordType::ANY) => {
                return Step::Alias(alias);
            }
            Some(alias) => Ok(alias.sets.into_iter().next()),
            None if kind == RecordType::ANY => self.any_of_branch(branch, &gathered, draw),
            None => self.rrset_of_branch(branch, &gathered, kind, draw),
        };
        // What was not looked at may have records, which are asked for again over TCP.
        let is_short = self.visits.is_spent() && room.overflow == Overflow::Truncate;
        let found = match found {
            Ok(None) if is_short => Err(TooLarge),
            Ok(Some(set)) => Ok(Some(RrSet { is_cut: set.is_cut || is_short, ..set })),
            found => found,
        };
        let found = match found {
            Ok(None) => match self.alias_for_address(branch, &gathered, draw) {
                Some(alias) if kind != RecordType::CNAME => return Step::Alias(alias),
                alias => Ok(alias.and_then(|alias| alias.sets.into_iter().next())),
            },
            found => found,
        };
        let answer = self.found(Node::SkyDns(branch), found, draw);
        Step::Done(Answer { is_own: false, ..answer })
    }

    /// RFC 8482 section 4.1: of all the RRsets one is enough.
    fn any_of_branch(
        &self,
        branch: Branch<'_>,
        gathered: &Gathered<'_>,
        draw: &mut Draw,
    ) -> RrSetResult {
        if let Lead::Apex(_) = branch.by {
            return Ok(Some(self.soa_of_branch()));
        }
        for kind in SOUGHT {
            if let Some(found) = self.rrset_of_branch(branch, gathered, kind, draw)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The RRset of a type. At the apex, what the zone file has is all there is of its type.
    fn rrset_of_branch(
        &self,
        branch: Branch<'_>,
        gathered: &Gathered<'_>,
        kind: RecordType,
        draw: &mut Draw,
    ) -> RrSetResult {
        if let Lead::Apex(owner) = branch.by {
            match kind {
                RecordType::SOA => return Ok(Some(self.soa_of_branch())),
                RecordType::NS => return self.ns_of_branch(branch),
                _ => {}
            }
            if let Some(owner) = owner.filter(|owner| owner.set(kind).is_some()) {
                return self.of_owner(owner, kind, draw);
            }
        }
        match kind {
            RecordType::A | RecordType::AAAA => {
                self.addresses_of_entries(gathered, kind, self.question.room, draw)
            }
            RecordType::SRV => self.srv_of_entries(gathered, draw),
            RecordType::MX => self.mx_of_entries(gathered, draw),
            RecordType::TXT => self.txt_of_entries(gathered),
            RecordType::PTR => self.ptr_of_branch(branch),
            _ => Ok(None),
        }
    }

    /// The RRset of records as far as they fit, each with its octets of data; equal ones count
    /// once. None of no record.
    fn fitted(
        &self,
        kind: RecordType,
        records: impl Iterator<Item = (u32, usize, RData)>,
    ) -> RrSetResult {
        let Room { octets: room, overflow } = self.question.room;
        // Pointers are of the kinds that are limited in number.
        let most = if kind == RecordType::PTR { self.most() } else { usize::MAX };
        let (mut ttl, mut taken, mut data) = (u32::MAX, 0, Vec::new());
        let (mut is_cut, mut left_out) = (false, false);
        let mut seen: HashSet<RData, foldhash::fast::RandomState> = HashSet::default();
        for (its_ttl, octets, record) in records {
            ttl = ttl.min(its_ttl);
            let is_full = is_cut || data.len() >= most;
            // One that never fits keeps nothing else out.
            let is_small = FIXED + octets <= room;
            if is_full || !seen.insert(record.clone()) {
                continue;
            }
            match overflow {
                _ if taken + FIXED + octets <= room => {
                    taken += FIXED + octets;
                    data.push(record);
                }
                Overflow::Whole => return Err(TooLarge),
                Overflow::Truncate | Overflow::Cut if is_small => is_cut = true,
                Overflow::Truncate | Overflow::Cut => left_out = true,
            }
        }
        let is_cut = is_cut || left_out && data.len() < most;
        let set = RrSet::plain(self.question.name.clone(), kind, ttl, data);
        let is_there = !set.data.is_empty() || is_cut;
        Ok(is_there.then_some(RrSet { is_cut, ..set }))
    }
}
