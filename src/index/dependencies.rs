//! Dependencies of an answer: the parts of zones that were looked at for it, whether or not
//! anything was found there.
//!
//! | what stands at a name | what can change it |
//! | --- | --- |
//! | something of a service | its label: instances of the service; an alias there counts everywhere |
//! | an alias of the registry | anything in the zone |
//! | an entry, or names below which there are some | entries there and below |
//! | what a stored wildcard stands for | the wildcard's, and what would be closer |
//! | nothing, in a zone of SkyDNS's schema | entries below the same label under the apex, and under `*` there |
//! | nothing, in a zone of services | the service that the name would be below |
//! | the name of an address | what is registered at that address, in any zone |
//! | anything else | anything in the zone |
//!
//! What the configuration and a zone file say depends on nothing: a reload makes another number of
//! the configuration.

use super::parts::ZonePart;
use super::{Branch, Generation, Lead, Node, Schema, Site, Zone};
use crate::names::reversed::labels;
use crate::names::{Block, Reversed, WireName};
use crate::registry::Proto;

/// Parts of one zone that an answer depends on. Of more, all of the zone is meant.
const PARTS_MAX: usize = 8;
/// Below the apex of a SkyDNS zone, the path above all that is answered at the apex.
const AT_APEX: &[u8] = b"\x03dns";
/// The path of the wildcard right below the apex.
const WILDCARD: &[u8] = b"\x01*";

/// The parts of zones that something depends on.
#[derive(Debug, Default)]
pub struct Dependencies(Vec<(usize, ZonePart)>);

impl Dependencies {
    /// Each part with the place of its zone.
    #[must_use]
    pub fn parts(&self) -> &[(usize, ZonePart)] {
        &self.0
    }

    /// Adds what is registered at the addresses of a name in a reverse tree, in all zones whose
    /// addresses have names.
    pub fn add_addresses(&mut self, generation: &Generation, block: Option<&Block>) {
        let address = block.and_then(Block::address);
        let part = address.map_or(ZonePart::Whole, ZonePart::of_address);
        let zones = generation.zones().iter().enumerate();
        let named = zones.filter(|(_, zone)| zone.settings().names_its_addresses());
        named.for_each(|(at, _)| self.add(at, part));
    }

    /// Adds what a name depends on that was found to lead to a node, or to none.
    pub fn add_name(
        &mut self,
        generation: &Generation,
        (site, below): (Site, usize),
        name: &WireName,
        node: Option<Node<'_>>,
    ) {
        let zone = generation.zone(site);
        if zone.is_written(name, below) {
            return;
        }
        let at = site.at();
        if zone.settings().is_reverse() {
            self.add_addresses(generation, Block::read(name).as_ref());
        }
        match zone.settings().schema() {
            Schema::Static => {}
            Schema::SkyDns => self.add_branch(at, (name, below), node),
            Schema::Services => self.add(at, of_service(zone, (site, below), name, node)),
        }
    }

    /// Adds what a name of a SkyDNS zone depends on.
    fn add_branch(&mut self, at: usize, (name, below): (&WireName, usize), node: Option<Node<'_>>) {
        let path = Reversed::of(name, below);
        let path = path.as_octets();
        if below == 0 {
            return self.add(at, ZonePart::of_branch(AT_APEX));
        }
        match node {
            Some(Node::SkyDns(Branch { by: Lead::Own, .. })) => {
                // A change below the name counts in every part above it.
                if !ZonePart::above(path).any(|part| self.0.contains(&(at, part))) {
                    self.add(at, ZonePart::of_branch(path));
                }
            }
            Some(Node::SkyDns(Branch { by: Lead::Wildcard(encloser), .. })) => {
                let wildcard = super::skydns::wildcard(&path[..encloser]);
                let closer = ZonePart::above(path).nth(labels(&path[..encloser]).count());
                let stored = wildcard.map(|it| ZonePart::of_branch(it.as_octets()));
                let both = [closer, stored];
                both.into_iter().for_each(|part| self.add(at, part.unwrap_or(ZonePart::Whole)));
            }
            Some(Node::SkyDns(_)) => self.add(at, ZonePart::Whole),
            _ if (0..below).any(|at| super::skydns::is_any_label(name.label(at))) => {
                self.add(at, ZonePart::Whole);
            }
            _ => {
                let first = ZonePart::above(path).next().unwrap_or(ZonePart::Whole);
                [first, ZonePart::of_branch(WILDCARD)].into_iter().for_each(|it| self.add(at, it));
            }
        }
    }

    /// Adds a part of the zone at a place.
    fn add(&mut self, at: usize, part: ZonePart) {
        if self.0.contains(&(at, part)) || self.0.contains(&(at, ZonePart::Whole)) {
            return;
        }
        let known = self.0.iter().filter(|(of, _)| *of == at).count();
        if part == ZonePart::Whole || known == PARTS_MAX {
            self.0.retain(|(of, _)| *of != at);
            return self.0.push((at, ZonePart::Whole));
        }
        self.0.push((at, part));
    }
}

/// The part of a zone of services that a name depends on.
fn of_service(
    zone: &Zone,
    (site, below): (Site, usize),
    name: &WireName,
    node: Option<Node<'_>>,
) -> ZonePart {
    let is_proto = |at: usize| Proto::from_label(name.label(at)).is_some();
    let only = |proto: Option<usize>| (0..below).all(|at| is_proto(at) == (Some(at) == proto));
    let last = below.checked_sub(1);
    // Where the service's label stands, and where a transport's does.
    let place = match node {
        Some(Node::Transport(..)) if matches!(site, Site::Bare(..)) => Some((0, None)),
        Some(Node::Transport(..)) => Some((0, last)),
        Some(Node::Announced(..)) => Some((1, last)),
        Some(Node::Subtype(..)) => Some((2, last)),
        Some(Node::Port(..)) => Some((2, Some(1))),
        Some(Node::TagPort(..)) => Some((3, Some(1))),
        Some(Node::Service(_) | Node::Address(..) | Node::Instance(_) | Node::Tag(_)) => {
            last.map(|at| (at, None))
        }
        _ if (0..below).any(|at| name.label(at).starts_with(b"_")) => None,
        _ if matches!(site, Site::Bare(..)) => None,
        None | Some(Node::Empty | Node::Static(_)) => last.map(|at| (at, None)),
        Some(_) => None,
    };
    let Some((at, proto)) = place else { return ZonePart::Whole };
    if at >= below || !only(proto) || zone.has_dotted_names() {
        return ZonePart::Whole;
    }
    let label = name.label(at).strip_prefix(b"_").unwrap_or(name.label(at));
    if !label.is_ascii() || zone.has_alias(label) {
        return ZonePart::Whole;
    }
    // A name that does not exist is looked for in label form, too.
    let folded = label.iter().map(|it| if it.is_ascii_alphanumeric() { *it } else { b'-' });
    ZonePart::of_service(&folded.collect::<Vec<_>>())
}
