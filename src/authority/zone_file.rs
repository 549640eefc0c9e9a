//! RRsets and referrals from a zone file.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};

use super::answer::{FIXED, data_octets};
use super::order::{Selection, finish, stable};
use super::rendezvous::key;
use super::{Answer, Draw, Lookup, Overflow, Rank, Rendezvous, Room, RrSet, RrSetResult, TooLarge};
use crate::index::{Owner, RecordSet};
use crate::names::WireName;

impl Lookup<'_> {
    /// An RRset of the zone file, as the question's name has it: its own, or a wildcard's.
    pub(super) fn of_owner(&self, owner: &Owner, kind: RecordType, draw: &mut Draw) -> RrSetResult {
        let Some(set) = owner.set(kind) else { return Ok(None) };
        let client = stable(self.settings(), draw);
        let found = fitting(set, self.question.room, client, draw)?;
        Ok(Some(RrSet { owner: self.question.name.clone(), ..found }))
    }

    /// Where a delegated name is asked for: its name servers with their addresses, without AA
    /// (RFC 1034 section 4.3.2, step 3b). Only the DS record at the cut is ours (RFC 4035
    /// section 3.1.4.1).
    pub(super) fn referral(&self, owner: &Owner, draw: &mut Draw) -> Answer {
        let is_cut = owner.name() == self.question.name;
        if self.question.kind == RecordType::DS && is_cut {
            return match self.of_owner(owner, RecordType::DS, draw) {
                Ok(Some(found)) => Answer { is_own: false, ..self.positive(found) },
                Ok(None) => self.negative(ResponseCode::NoError),
                Err(TooLarge) => Answer::truncated(),
            };
        }
        let servers = owner.set(RecordType::NS).map(|set| RrSet::of(owner.name().clone(), set));
        let additional = servers.iter().flat_map(|set| self.glue_below(set)).collect();
        Answer {
            authority: servers,
            additional,
            needs_glue: true,
            is_own: false,
            reason: self.reason,
            ..Answer::error(ResponseCode::NoError, None)
        }
    }

    /// The addresses that the file has of the targets of name servers, above or below the cut.
    fn glue_below(&self, servers: &RrSet) -> Vec<RrSet> {
        let Some(tree) = self.settings().tree() else { return Vec::new() };
        let owners = servers.data.iter().filter_map(|data| match data {
            RData::NS(ns) => tree.owner(&WireName::from_labels(ns.0.iter()).ok()?),
            _ => None,
        });
        let both = |owner: &Owner| {
            [RecordType::A, RecordType::AAAA]
                .map(|kind| owner.set(kind).map(|set| RrSet::of(owner.name().clone(), set)))
        };
        owners.flat_map(both).flatten().collect()
    }
}

/// What of an RRset fits, in a fresh order where the order of its type matters. Its owner is
/// the root until that is known.
pub(super) fn fitting(
    set: &RecordSet,
    room: Room,
    client: Option<Rendezvous>,
    draw: &mut Draw,
) -> Result<RrSet, TooLarge> {
    if matches!(set.kind, RecordType::A | RecordType::AAAA | RecordType::SRV) {
        return drawn(set, room, client, draw);
    }
    let mut taken = 0;
    // One that never fits keeps nothing else out.
    let may_fit = set.data.iter().filter(|data| FIXED + data_octets(data) <= room.octets);
    let fit = may_fit.take_while(|data| {
        taken += FIXED + data_octets(data);
        taken <= room.octets
    });
    let data: Vec<_> = fit.cloned().collect();
    let is_cut = data.len() < set.data.len();
    if is_cut && room.overflow == Overflow::Whole {
        return Err(TooLarge);
    }
    Ok(RrSet { is_cut, ..RrSet::plain(Name::root(), set.kind, set.ttl, data) })
}

/// Records in an order that is drawn.
fn drawn(
    set: &RecordSet,
    room: Room,
    client: Option<Rendezvous>,
    draw: &mut Draw,
) -> Result<RrSet, TooLarge> {
    let mut selection = Selection::new(room);
    for (at, data) in set.data.iter().enumerate() {
        let octets = FIXED + data_octets(data);
        let chance = client.map_or_else(|| draw.chance(), |client| client.chance(key(data)));
        selection.offer(chance, rank(data), || (octets, at))?;
    }
    let (drawn, is_cut) = finish(selection, client, draw)?;
    let (ranks, data) = drawn.into_iter().map(|(rank, at)| (rank, set.data[at].clone())).unzip();
    Ok(RrSet { ranks, is_cut, ..RrSet::plain(Name::root(), set.kind, set.ttl, data) })
}

/// What the order of a record is drawn by.
const fn rank(data: &RData) -> Rank {
    match data {
        RData::SRV(srv) => (srv.priority, srv.weight as u64),
        _ => (0, 1),
    }
}

impl RrSet {
    /// All of an RRset of a zone file.
    pub(super) fn of(owner: Name, set: &RecordSet) -> Self {
        Self::plain(owner, set.kind, set.ttl, set.data.clone())
    }

    /// Records whose order was not drawn.
    pub(crate) const fn plain(owner: Name, kind: RecordType, ttl: u32, data: Vec<RData>) -> Self {
        Self { owner, kind, ttl, data, ranks: Vec::new(), is_cut: false }
    }
}
