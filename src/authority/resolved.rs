//! The place that a name leads to, before its type is looked at (RFC 1034 section 4.3.2, steps
//! 1-3).

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::Reason;
use crate::index::{FoundAnswer, Generation, Node, Schema, Site, Zone};
use crate::metrics::Staleness;
use crate::names::WireName;
use crate::registry::Proto;

/// The place that a name leads to.
#[derive(Debug, Clone, Copy)]
pub enum Resolved<'g> {
    /// Into no zone of ours.
    Foreign,
    /// Into a zone that has not been listed yet, or not for too long.
    NotReady,
    /// To a name that does not exist.
    Missing(Position<'g>),
    /// To a name that exists.
    Existing(Position<'g>, Node<'g>),
}

/// A name's place below an apex.
#[derive(Debug, Clone, Copy)]
pub struct Position<'g> {
    /// What is true.
    pub generation: &'g Generation,
    /// The zone.
    pub zone: &'g Zone,
    /// What the zone was found by.
    pub site: Site,
    /// How many labels of the name stand below the apex.
    pub below: usize,
    /// Whether the registry has not been heard of for too long.
    pub is_stale: bool,
}

impl Position<'_> {
    /// The name that was meant where labels of a name that does not exist are spelt as in keys
    /// (`my_web`, `octodev.io`), if it exists in label form (`my-web`, `octodev-io`); or where a
    /// tag stands in the place of a transport (`_web._blue`). What exists is never asked this.
    #[must_use]
    pub fn meant(&self, name: &WireName) -> Option<WireName> {
        if self.zone.settings().schema() != Schema::Services {
            return None;
        }
        let spelt = name.in_label_form(self.below).filter(|it| self.has(it, self.below));
        spelt.or_else(|| self.tagged(name)).or_else(|| self.joined(name))
    }

    /// The name of a tag that stands behind its service: `_web._blue` is `blue.web`.
    fn tagged(&self, name: &WireName) -> Option<WireName> {
        let Site::Zone(_) = self.site else { return None };
        let swapped = name.tag_before_name(self.below)?;
        let swapped = swapped.in_label_form(self.below).unwrap_or(swapped);
        let node = self.generation.find(self.site, &swapped, self.below);
        matches!(node, Some(Node::Tag(_))).then_some(swapped)
    }

    /// The name in which some labels are the one of a service whose name has dots in it.
    fn joined(&self, name: &WireName) -> Option<WireName> {
        if !self.zone.has_dotted_names() {
            return None;
        }
        let proto = match self.site {
            Site::Bare(_, proto) => Some(proto),
            Site::Zone(_) => Proto::from_label(name.label(self.below.checked_sub(1)?)),
        };
        let joined = name.joinable(self.below, matches!(self.site, Site::Bare(..)));
        // Where nothing is called by some labels, nothing is by these and more.
        let known = joined.map_while(|it| self.zone.is_dotted(it.path(), proto).zip(Some(it)));
        let mut called = known.filter(|(is_here, _)| *is_here);
        called.find_map(|(_, it)| {
            let (one, below) = (name.with_joined(&it)?, self.below - it.fewer());
            let one = one.in_label_form(below).unwrap_or(one);
            self.has(&one, below).then_some(one)
        })
    }

    /// Whether a name exists here.
    fn has(&self, name: &WireName, below: usize) -> bool {
        self.generation.find(self.site, name, below).is_some()
    }

    /// The SOA serial there.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.generation.serial(self.site)
    }
}

/// Follows a name through one generation. A reverse zone is as stale as any zone that it is
/// made from; that it has no such name can only be said when all of these are known.
#[must_use]
pub fn resolve<'g>(generation: &'g Generation, name: &WireName) -> Resolved<'g> {
    follow(generation, name, |site, below| generation.find(site, name, below))
}

/// The same for an answer of a type that may be kept: then the name is not looked for among
/// the instances, and the node may be another that has the same answer.
#[must_use]
pub fn resolve_kept<'g>(
    generation: &'g Generation,
    name: &WireName,
    kind: RecordType,
) -> Resolved<'g> {
    follow(generation, name, |site, below| {
        let kept = generation.find_kept((site, below), name, kind);
        kept.or_else(|| generation.find(site, name, below))
    })
}

/// The same for an answer that may be kept by its name: then the name is not looked for at all, and
/// what stands there is not told.
#[must_use]
pub fn resolve_answer<'g>(
    generation: &'g Generation,
    name: &WireName,
    kind: RecordType,
) -> (Resolved<'g>, Option<FoundAnswer>) {
    let mut answer = None;
    let resolved = follow(generation, name, |site, below| {
        answer = generation.find_answer(site, name, kind);
        if answer.is_some() {
            return Some(Node::Empty);
        }
        let kept = generation.find_kept((site, below), name, kind);
        kept.or_else(|| generation.find(site, name, below))
    });
    (resolved, answer)
}

/// Follows a name to what is found there.
fn follow<'g>(
    generation: &'g Generation,
    name: &WireName,
    find: impl FnOnce(Site, usize) -> Option<Node<'g>>,
) -> Resolved<'g> {
    let Some((site, below)) = generation.locate(name) else { return Resolved::Foreign };
    let zone = generation.zone(site);
    let standing = zone.standing();
    if !zone.is_ready() || standing == Staleness::Expired {
        return Resolved::NotReady;
    }
    let (is_stale, is_whole) = match zone.settings().is_reverse() {
        true => generation.reverse_standing(),
        false => (false, true),
    };
    let is_stale = is_stale || standing == Staleness::Stale;
    let position = Position { generation, zone, site, below, is_stale };
    match find(site, below) {
        Some(node) => Resolved::Existing(position, node),
        None if is_whole => Resolved::Missing(position),
        None => Resolved::NotReady,
    }
}

/// The same; a name that is spelt as in keys becomes the one that was meant.
pub(super) fn resolve_meant<'g>(generation: &'g Generation, name: &mut WireName) -> Resolved<'g> {
    let resolved = resolve(generation, name);
    let Resolved::Missing(position) = &resolved else { return resolved };
    let Some(meant) = position.meant(name) else { return resolved };
    *name = meant;
    resolve(generation, name)
}

impl Resolved<'_> {
    /// The response code, as far as the name decides it, and why.
    #[must_use]
    pub fn code(&self) -> (ResponseCode, Option<Reason>) {
        match self {
            Self::Foreign => (ResponseCode::Refused, Some(Reason::NotAuthoritative)),
            Self::NotReady => (ResponseCode::ServFail, Some(Reason::NotReady)),
            Self::Missing(position) => {
                (ResponseCode::NXDomain, position.is_stale.then_some(Reason::StaleNxDomain))
            }
            Self::Existing(position, _) => {
                (ResponseCode::NoError, position.is_stale.then_some(Reason::Stale))
            }
        }
    }
}

/// Whether records of a type can stand at a node of its kind. Where they cannot, there is
/// no data of it, whatever is registered.
#[must_use]
pub fn may_hold(node: Node<'_>, kind: RecordType) -> bool {
    use RecordType::{A, AAAA, NS, PTR, SOA, SRV, TXT};
    match node {
        Node::Apex(owner) => {
            matches!(kind, SOA | NS) || owner.is_some_and(|owner| owner.set(kind).is_some())
        }
        // Only the records there tell; an alias answers for every type.
        Node::Static(owner) => owner.set(kind).is_some() || owner.alias(kind).is_some(),
        Node::Cut(_) | Node::SkyDns(_) => true,
        Node::Empty => false,
        Node::Service(_) | Node::Instance(_) | Node::Tag(_) => {
            matches!(kind, SRV | A | AAAA | TXT)
        }
        Node::Transport(..) => matches!(kind, SRV | PTR),
        Node::Port(..) | Node::TagPort(..) => matches!(kind, SRV),
        Node::Announced(..) => matches!(kind, SRV | TXT),
        Node::Subtype(..) | Node::Reverse(_) | Node::ServiceTypes | Node::BrowsingDomain => {
            matches!(kind, PTR)
        }
        Node::Address(_, IpAddr::V4(_)) => matches!(kind, A),
        Node::Address(_, IpAddr::V6(_)) => matches!(kind, AAAA),
    }
}
