//! The addresses of what an answer points to, where they are ours.

use std::collections::HashSet;
use std::ptr;

use hickory_proto::rr::{Name, RData, RecordType};

use super::address::Addresses;
use super::answer::{FIXED, data_octets};
use super::{Draw, Lookup, Overflow, Position, Room, RrSet, RrSetResult, TooLarge};
use crate::index::{Branch, Lead, Node, Schema, Service, Site, Zone};
use crate::metrics::Staleness;
use crate::names::WireName;

/// Address RRsets.
pub(super) struct Additional {
    /// The RRsets.
    pub(super) sets: Vec<RrSet>,
    /// Whether they are one each, of addresses of the answer's own service.
    pub(super) is_own: bool,
}

/// A name that an answer points to.
struct ReferencedName<'l> {
    /// As it is spelt there.
    spelt: &'l Name,
    /// To compare.
    name: WireName,
    /// The zone it is in.
    zone: &'l Zone,
    /// What the zone was found by.
    site: Site,
    /// How many of its labels stand below the apex.
    below: usize,
    /// What stands there.
    node: Option<Node<'l>>,
}

impl Lookup<'_> {
    /// The address RRsets of every target, in the order of the answers, until one cannot
    /// fit any more. Each has the TTL that a question for it would show.
    pub(super) fn additional(
        &self,
        node: Node<'_>,
        answers: &RrSet,
        draw: &mut Draw,
    ) -> Additional {
        if answers.kind == RecordType::PTR && !matches!(node, Node::Reverse(_)) {
            return self.announcements(node, answers, draw);
        }
        let mut left = self.question.room.octets.saturating_sub(octets(answers));
        let mut seen: HashSet<&Name, foldhash::fast::RandomState> = HashSet::default();
        let (mut sets, mut is_own) = (Vec::new(), true);
        let targets = answers.data.iter().filter_map(target).filter(|name| seen.insert(name));
        for target in targets.filter_map(|name| self.target(name)) {
            is_own &= node.service().is_some_and(|members| self.is_own(&target, members));
            for kind in [RecordType::A, RecordType::AAAA] {
                match self.glue(&target, kind, left, draw) {
                    Ok(Some(set)) => {
                        left -= octets(&set);
                        sets.push(set);
                    }
                    Ok(None) => {}
                    Err(_) => {
                        self.visits.fall_short();
                        return Additional { sets, is_own: false };
                    }
                }
            }
        }
        Additional { sets, is_own }
    }

    /// Whether a target is the name of an address of those instances that an answer is made
    /// of, so that it goes with them.
    fn is_own(&self, target: &ReferencedName<'_>, members: &Service) -> bool {
        let Some(Node::Address(service, address)) = target.node else { return false };
        self.position.zone.is_own(members, address, (target.name.label(1), service))
    }

    /// The address RRset of a target, if there is one and its zone is ready.
    fn glue(
        &self,
        of: &ReferencedName<'_>,
        kind: RecordType,
        octets: usize,
        draw: &mut Draw,
    ) -> RrSetResult {
        let Some(node) = of.node.filter(|_| of.zone.is_ready()) else { return Ok(None) };
        let room = Room { octets, overflow: Overflow::Whole };
        let set = match node {
            Node::SkyDns(branch) => self.glue_of_branch(of, branch, (kind, room), draw)?,
            _ => {
                let is_many = self.settings().schema() == Schema::SkyDns;
                let visits = is_many.then_some(self.visits);
                let addresses = Addresses::new((kind, room), of.zone.settings(), &of.name, draw);
                Addresses { visits, ..addresses }.at(node, draw)?
            }
        };
        // Some addresses of a name are worse than none: nobody would ask for the others.
        if self.visits.is_spent() {
            return Err(TooLarge);
        }
        Ok(set.map(|set| RrSet { owner: of.spelt.clone(), ..set }))
    }

    /// The same of a target in a SkyDNS zone. An alias has no addresses of its own, and what
    /// means many names is not followed.
    fn glue_of_branch(
        &self,
        of: &ReferencedName<'_>,
        branch: Branch<'_>,
        (kind, room): (RecordType, Room),
        draw: &mut Draw,
    ) -> RrSetResult {
        if matches!(branch.by, Lead::Pattern) {
            return Ok(None);
        }
        let ReferencedName { name, zone, site, below, .. } = of;
        let (generation, site, below) = (self.generation, *site, *below);
        let position = Position { generation, zone, site, below, is_stale: false };
        let lookup = Lookup { position, name, ..*self };
        let gathered = lookup.gather(branch, Some((kind, room)));
        if lookup.alias(branch, &gathered).is_some() {
            return Ok(None);
        }
        lookup.addresses_of_entries(&gathered, kind, room, draw)
    }

    /// What is known of a target in a zone of ours.
    fn target<'l>(&'l self, spelt: &'l Name) -> Option<ReferencedName<'l>> {
        let name = WireName::from_labels(spelt.iter()).ok()?;
        let (site, below) = self.generation.locate(&name)?;
        let zone: &Zone = self.generation.zone(site);
        // The question's own zone was looked at once, when its name was followed.
        let is_own = ptr::eq(zone, self.position.zone);
        let may_show = is_own || zone.standing() != Staleness::Expired;
        let node = self.generation.find(site, &name, below);
        self.visits.trace(self.generation, (site, below), &name, node);
        let node = node.filter(|_| may_show);
        Some(ReferencedName { spelt, name, zone, site, below, node })
    }
}

/// The least octets of an RRset.
pub(super) fn octets(set: &RrSet) -> usize {
    set.data.iter().map(|data| FIXED + data_octets(data)).sum()
}

/// The name that a record points to and whose addresses a client will want.
fn target(data: &RData) -> Option<&Name> {
    match data {
        RData::SRV(srv) => Some(&srv.target),
        RData::NS(ns) => Some(&ns.0),
        RData::MX(mx) => Some(&mx.exchange),
        _ => None,
    }
}
