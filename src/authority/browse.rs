//! PTR records of DNS-SD (RFC 6763): which instances, kinds of services and domains there
//! are, and beside them what they lead to.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ptr;

use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::{Name, RData, RecordType};

use super::additional::{Additional, octets};
use super::answer::FIXED;
use super::rendezvous::text_key;
use super::{Draw, Lookup, Overflow, Position, Question, Rank, Room, RrSet, RrSetResult, TooLarge};
use crate::index::{Node, Site};
use crate::names::WireName;
use crate::registry::Instance;

/// The rank of every name: a list of names says nothing of priorities and weights.
pub(super) const RANK: Rank = (0, 1);
/// Labels of a subtype before the service that it is one of: `_T._sub`.
const SUBTYPE: usize = 2;
/// Octets of a pointer to a name further up (RFC 1035 section 4.1.4).
const POINTER: usize = 2;

/// An id as a label of DNS-SD: octets, compared without the case of ASCII letters.
#[derive(Eq)]
struct Label<'i>(&'i str);

impl PartialEq for Label<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Hash for Label<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|octet| state.write_u8(octet.to_ascii_lowercase()));
    }
}

impl Lookup<'_> {
    /// The PTR records at a node. There are none under the bare names.
    pub(super) fn ptr(&self, node: Node<'_>, draw: &mut Draw) -> RrSetResult {
        if matches!(self.position.site, Site::Bare(..)) {
            return Ok(None);
        }
        match node {
            Node::Transport(service, proto) => {
                self.instances(service.on_transport(proto), self.question.name.clone(), draw)
            }
            Node::Subtype(service, proto) => {
                let tag = self.name.label(0).strip_prefix(b"_").unwrap_or_default();
                let name = self.question.name;
                let of = name.trim_to(usize::from(name.num_labels()) - SUBTYPE);
                self.instances(service.with_tag_on(tag, proto), of, draw)
            }
            Node::Reverse(address) => self.names_of(address, draw),
            Node::ServiceTypes => self.service_types(draw),
            Node::BrowsingDomain => {
                Ok(self.pointers(vec![self.settings().apex().clone()], self.settings().ttl, false))
            }
            _ => Ok(None),
        }
    }

    /// The names of instances of what stands at `of`, each once.
    fn instances<'i>(
        &self,
        instances: impl Iterator<Item = &'i Instance>,
        of: Name,
        draw: &mut Draw,
    ) -> RrSetResult {
        let (mut selection, mut left) = (self.selection(), self.looked_at());
        let (mut ttl, chances) = (u32::MAX, self.chances(draw));
        for instance in instances {
            if left == 0 {
                selection.cut();
                break;
            }
            left -= 1;
            self.visits.note(|| self.settings().layout().key_of(instance));
            ttl = ttl.min(instance.ttl.unwrap_or(self.settings().ttl));
            let label = Label(&instance.id);
            let octets = FIXED + 1 + instance.id.len() + POINTER;
            let chance = chances.of(&label, || text_key(label.0.as_bytes()));
            selection.offer(chance, RANK, || (octets, label))?;
        }
        let (labels, is_cut) = selection.finish()?;
        let names = labels.iter().filter_map(|(_, Label(id))| of.prepend_label(id.as_bytes()).ok());
        Ok(self.pointers(names.collect(), ttl, is_cut))
    }

    /// The kinds of services that there are (RFC 6763 section 9).
    fn service_types(&self, draw: &mut Draw) -> RrSetResult {
        let (mut selection, chances) = (self.selection(), self.chances(draw));
        for (label, proto) in self.position.zone.service_types() {
            let octets = FIXED + 2 + label.len() + POINTER;
            let of = (label, proto);
            let chance = chances.of(&of, || text_key(of.0.as_bytes()) ^ proto as u64);
            selection.offer(chance, RANK, || (octets, of))?;
        }
        let (kinds, is_cut) = selection.finish()?;
        let names = kinds.iter().filter_map(|(_, (label, proto))| {
            let transport = self.settings().apex().prepend_label(format!("_{proto}").as_bytes());
            transport.and_then(|it| it.prepend_label(format!("_{label}").as_bytes())).ok()
        });
        Ok(self.pointers(names.collect(), self.settings().ttl, is_cut))
    }

    /// The RRset of pointers to names, if there is any.
    pub(super) fn pointers(&self, names: Vec<Name>, ttl: u32, is_cut: bool) -> Option<RrSet> {
        let data: Vec<_> = names.into_iter().map(|name| RData::PTR(PTR(name))).collect();
        let (owner, kind, ranks) = (self.question.name.clone(), RecordType::PTR, Vec::new());
        let is_there = !data.is_empty() || is_cut;
        is_there.then_some(RrSet { owner, kind, ttl, data, ranks, is_cut })
    }

    /// What the instances that pointers lead to say: SRV and TXT of each, and the addresses
    /// of its targets, until one cannot fit any more (RFC 6763 section 12.1).
    pub(super) fn announcements(
        &self,
        node: Node<'_>,
        pointers: &RrSet,
        draw: &mut Draw,
    ) -> Additional {
        let mut left = self.question.room.octets.saturating_sub(octets(pointers));
        let mut seen: HashSet<_, foldhash::fast::RandomState> = HashSet::default();
        let (mut all, mut is_own) = (Vec::new(), true);
        for data in &pointers.data {
            let RData::PTR(PTR(name)) = data else { continue };
            let Ok(found) = self.announcement(node, name, left, draw) else {
                self.visits.fall_short();
                break;
            };
            let Additional { mut sets, is_own: is_its_own } = found;
            is_own &= is_its_own;
            sets.retain(|set| seen.insert((set.owner.clone(), set.kind)));
            left = left.saturating_sub(sets.iter().map(octets).sum());
            all.extend(sets);
        }
        Additional { sets: all, is_own }
    }

    /// What is said of one instance of what stands at a node; nothing where a pointer leads to
    /// something else.
    fn announcement(
        &self,
        of: Node<'_>,
        spelt: &Name,
        left: usize,
        draw: &mut Draw,
    ) -> Result<Additional, TooLarge> {
        let nothing = Additional { sets: Vec::new(), is_own: false };
        let Ok(name) = WireName::from_labels(spelt.iter()) else { return Ok(nothing) };
        let Some((site, below)) = self.generation.locate(&name) else { return Ok(nothing) };
        let found = self.generation.find(site, &name, below);
        self.visits.trace(self.generation, (site, below), &name, found);
        let Some(node @ Node::Announced(service, _)) = found else { return Ok(nothing) };
        let room = Room { octets: left, overflow: Overflow::Whole };
        let question = Question { name: spelt, room, ..*self.question };
        let position = Position { site, below, ..self.position };
        let lookup = Lookup { position, question: &question, name: &name, ..*self };
        let (srv, txt) = (lookup.srv(node, draw)?, lookup.txt(node)?);
        let mut is_own = of.service().is_some_and(|members| ptr::eq(members, service));
        let mut addresses = Vec::new();
        if let Some(srv) = &srv {
            let found = lookup.additional(node, srv, draw);
            is_own &= found.is_own;
            addresses = found.sets;
        }
        let sets = srv.into_iter().chain(txt).chain(addresses).collect();
        Ok(Additional { sets, is_own })
    }
}
