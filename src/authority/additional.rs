//! The addresses of what an answer points to, where they are ours.

use std::collections::HashSet;

use hickory_proto::rr::{Name, RData, RecordType};

use super::address::Addresses;
use super::answer::{FIXED, data_octets};
use super::{Draw, Found, Lookup, Overflow, Room, RrSet};
use crate::names::WireName;

impl Lookup<'_> {
    /// The address RRsets of every target, in the order of the answers, until one cannot
    /// fit any more. Each has the TTL that a question for it would show.
    pub(super) fn additional(&self, answers: &RrSet, draw: &mut Draw) -> Vec<RrSet> {
        let taken: usize = answers.data.iter().map(|data| FIXED + data_octets(data)).sum();
        let mut left = self.question.room.octets.saturating_sub(taken);
        let mut seen: HashSet<&Name, foldhash::fast::RandomState> = HashSet::default();
        let mut sets = Vec::new();
        for target in answers.data.iter().filter_map(target).filter(|name| seen.insert(name)) {
            for kind in [RecordType::A, RecordType::AAAA] {
                match self.glue(target, kind, left, draw) {
                    Ok(Some(set)) => {
                        left -=
                            set.data.iter().map(|data| FIXED + data_octets(data)).sum::<usize>();
                        sets.push(set);
                    }
                    Ok(None) => {}
                    Err(_) => return sets,
                }
            }
        }
        sets
    }

    /// The address RRset of a name, if it is in a zone of ours that is ready.
    fn glue(&self, target: &Name, kind: RecordType, octets: usize, draw: &mut Draw) -> Found {
        let Ok(name) = WireName::from_labels(target.iter()) else { return Ok(None) };
        let Some((site, below)) = self.generation.locate(&name) else { return Ok(None) };
        let zone = self.generation.zone(site);
        let Some(node) = self.generation.find(site, &name, below).filter(|_| zone.is_ready())
        else {
            return Ok(None);
        };
        let room = Room { octets, overflow: Overflow::Truncate };
        let addresses = Addresses { kind, ttl: zone.settings().ttl, room, name: &name };
        let set = addresses.at(node, draw)?;
        Ok(set.map(|set| RrSet { owner: target.clone(), ..set }))
    }
}

/// The name that a record points to and whose addresses a client will want.
fn target(data: &RData) -> Option<&Name> {
    match data {
        RData::SRV(srv) => Some(&srv.target),
        RData::NS(ns) => Some(&ns.0),
        _ => None,
    }
}
