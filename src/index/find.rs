//! Look-ups: the names that exist in a zone, and the node at each.

use hickory_proto::rr::RecordType;

use super::aliases::AliasTarget;
use super::browse::is_own_label;
use super::tags::Tags;
use super::{Branch, Lead, Node, Owner, Schema, Service, Tree, Zone};
use crate::names::{Reversed, WireName, parse_address_label};
use crate::registry::Proto;

impl Zone {
    /// What stands at a name of the zone whose first `below` labels are below the apex.
    #[must_use]
    pub fn find(&self, name: &WireName, below: usize) -> Option<Node<'_>> {
        match self.settings().tree() {
            None => self.find_dynamic(name, below),
            Some(tree) => self.find_in(tree, name, below),
        }
    }

    /// The node of a name right below a service whose answer for a type is kept, or of an instance as
    /// DNS-SD names it. Answers are kept beside the instances that they were made of, and only of
    /// names that exist: so there is no need to look for the name among these again. Whether it is
    /// an address, an instance or a tag matters only where an answer is made: all are given as an
    /// instance. None says nothing.
    pub(super) fn find_kept(
        &self,
        name: &WireName,
        below: usize,
        kind: RecordType,
    ) -> Option<Node<'_>> {
        let announced = (below == 3).then(|| Proto::from_label(name.label(2))).flatten();
        let (parent, own) = match (below, announced) {
            (2, _) if Proto::from_label(name.label(1)).is_none() => (name.label(1), 1),
            (3, Some(_)) => (name.label(1).strip_prefix(b"_")?, 3),
            _ => return None,
        };
        let service = self.service(parent)?;
        let is_kept = service.keeps(kind, &name.as_wire()[..name.offset(own)])
            && matches!(self.alias(parent), AliasTarget::NoAlias)
            && !self.reserves(name)
            && !self.settings().tree().is_some_and(|tree| tree.says(name, below));
        let node = announced.map_or(Node::Instance(service), |it| Node::Announced(service, it));
        is_kept.then_some(node)
    }

    /// What the zone file and the registry together have at a name: where the file cuts a
    /// name off, there is nothing else; its records replace the registry's at their own node,
    /// and a wildcard stands for what neither has (RFC 4592 section 3.3.1).
    fn find_in<'z>(&'z self, tree: &'z Tree, name: &WireName, below: usize) -> Option<Node<'z>> {
        if below == 0 {
            return Some(self.apex(tree.owner(name)));
        }
        if let Some(cut) = tree.cut(name, below) {
            return Some(Node::Cut(cut));
        }
        let owner = tree.owner(name);
        match owner.filter(|owner| !owner.is_empty()) {
            Some(owner) => Some(Node::Static(owner)),
            None => self
                .find_dynamic(name, below)
                .or_else(|| owner.map(|_| Node::Empty))
                .or_else(|| self.find_wildcard(tree, name, below)),
        }
    }

    /// The wildcard below the closest encloser of a name that does not exist.
    fn find_wildcard<'z>(
        &'z self,
        tree: &'z Tree,
        name: &WireName,
        below: usize,
    ) -> Option<Node<'z>> {
        if !tree.has_wildcards() {
            return None;
        }
        let exists = |skipped: &usize| {
            let above = name.above(*skipped);
            tree.owner(&above).is_some() || self.find_dynamic(&above, below - skipped).is_some()
        };
        let encloser = (1..below).rev().take_while(exists).last().unwrap_or(below);
        let owner = tree.wildcard(name.suffix(encloser))?;
        Some(if owner.is_empty() { Node::Empty } else { Node::Static(owner) })
    }

    /// The zone's apex, with what the zone file has there.
    fn apex<'z>(&'z self, owner: Option<&'z Owner>) -> Node<'z> {
        match self.settings().schema() {
            Schema::SkyDns => Node::SkyDns(Branch { entries: &self.skydns, by: Lead::Apex(owner) }),
            _ => Node::Apex(owner),
        }
    }

    /// The wildcard among the entries of a SkyDNS zone that stands for a name which does not
    /// exist, unless a name closer to it does.
    pub(super) fn find_stored_wildcard(&self, name: &WireName, below: usize) -> Option<Node<'_>> {
        if self.skydns.is_empty() {
            return None;
        }
        let branch = self.skydns.find_wildcard(Reversed::of(name, below).as_octets())?;
        let Lead::Wildcard(octets) = branch.by else { return None };
        let has = |above: WireName| {
            self.serves_under(&above)
                || self.settings().tree().is_some_and(|tree| tree.owner(&above).is_some())
        };
        let mut closer = (1..below).map(|skipped| (name.above(skipped), below - skipped));
        let is_closer = |(above, below): &(WireName, usize)| {
            Reversed::of(above, *below).as_octets().len() > octets
        };
        let blocked = closer.any(|it| is_closer(&it) && has(it.0));
        (!blocked).then_some(Node::SkyDns(branch))
    }

    /// What stands at a name without the zone file: what zones stand on themselves, else what
    /// the registry has there.
    fn find_dynamic(&self, name: &WireName, below: usize) -> Option<Node<'_>> {
        match self.find_registered(name, below) {
            None => self.find_own(name),
            Some(Node::Empty) => self.find_own(name).or(Some(Node::Empty)),
            found if !self.reserves(name) => found,
            _ => self.find_own(name).or(Some(Node::Empty)),
        }
    }

    /// What the registry has at a name.
    pub(super) fn find_registered(&self, name: &WireName, below: usize) -> Option<Node<'_>> {
        if !self.skydns.is_empty() && below > 0 {
            return self.skydns.find(name, below).map(Node::SkyDns);
        }
        let found = match below {
            0 => Some(self.apex(None)),
            1 => self.find_child(name.label(0)),
            2 => self.find_below(name.label(1), name.label(0)),
            3 => self.find_port(name).or_else(|| self.find_ports_of_tag(name)),
            4 => self.find_port_of_tag(name),
            _ => None,
        };
        found.or_else(|| self.find_browsed(name, below)).or_else(|| self.find_empty(name, below))
    }

    /// `_P.Z` or `S.Z`.
    pub(super) fn find_child(&self, label: &[u8]) -> Option<Node<'_>> {
        match Proto::from_label(label) {
            Some(proto) => (self.transports[proto as usize] > 0).then_some(Node::Empty),
            None => match self.alias(label) {
                AliasTarget::NoAlias => self.service(label).map(Node::Service),
                AliasTarget::Instances(members) => Some(Node::Service(members)),
                // Below the name there are the instances of what it hides.
                AliasTarget::Nowhere => self.service(label).map(|_| Node::Empty),
            },
        }
    }

    /// The instances that are answered at a lower-cased label: those of an alias, else those
    /// of the service.
    #[must_use]
    pub fn named(&self, label: &[u8]) -> Option<&Service> {
        match self.alias(label) {
            AliasTarget::NoAlias => self.service(label),
            AliasTarget::Nowhere => None,
            AliasTarget::Instances(members) => Some(members),
        }
    }

    /// Whether an alias stands at a label.
    pub(super) fn has_alias(&self, label: &[u8]) -> bool {
        !matches!(self.alias(label), AliasTarget::NoAlias)
    }

    /// What an alias stands for, if there is one at a label.
    fn alias(&self, label: &[u8]) -> AliasTarget<'_> {
        if self.aliases.is_empty() {
            return AliasTarget::NoAlias;
        }
        self.aliases.target(label, &self.services)
    }

    /// `_S._P.Z`, or a name right below `S.Z`: an address, then an instance.
    fn find_below(&self, parent: &[u8], label: &[u8]) -> Option<Node<'_>> {
        if let Some(proto) = Proto::from_label(parent) {
            return self.find_transport(proto, label);
        }
        let service = self.service(parent);
        match self.alias(parent) {
            AliasTarget::NoAlias => find_below_service([Some(service?), None], label),
            AliasTarget::Nowhere => find_below_service([None, service], label),
            AliasTarget::Instances(members) => find_below_service([Some(members), service], label),
        }
    }

    /// `_S` below a transport, of this zone or of the bare names.
    #[must_use]
    pub fn find_transport(&self, proto: Proto, label: &[u8]) -> Option<Node<'_>> {
        let label = label.strip_prefix(b"_")?;
        let service = self.named(label).filter(|_| !is_own_label(label, proto))?;
        (service.with_port(proto) > 0).then_some(Node::Transport(service, proto))
    }

    /// `_N._P.S.Z`.
    fn find_port(&self, name: &WireName) -> Option<Node<'_>> {
        let proto = Proto::from_label(name.label(1))?;
        let port = name.label(0).strip_prefix(b"_")?;
        let service = self.named(name.label(2))?;
        service.has_port(proto, port).then_some(Node::Port(service, proto))
    }

    /// The instances of a tag T that is answered at `T.S.Z`.
    fn find_tag(&self, parent: &[u8], label: &[u8]) -> Option<(&Service, &Tags)> {
        match self.find_below(parent, label)? {
            Node::Tag(service) => Some((service, service.tags()?)),
            _ => None,
        }
    }

    /// `_P.T.S.Z`
    fn find_ports_of_tag(&self, name: &WireName) -> Option<Node<'_>> {
        let proto = Proto::from_label(name.label(0))?;
        let (_, tags) = self.find_tag(name.label(2), name.label(1))?;
        tags.names_ports(name.label(1), proto).then_some(Node::Empty)
    }

    /// `_N._P.T.S.Z`
    fn find_port_of_tag(&self, name: &WireName) -> Option<Node<'_>> {
        let proto = Proto::from_label(name.label(1))?;
        let port = name.label(0).strip_prefix(b"_")?;
        let (service, tags) = self.find_tag(name.label(3), name.label(2))?;
        tags.has_port(name.label(2), proto, port).then_some(Node::TagPort(service, proto))
    }
}

/// A name right below `S.Z`: an address, then an instance, then a tag or version. Where S is
/// an alias that hides a service, both are there: the alias comes first, but addresses are
/// those of the service, which the targets of its SRV records are.
fn find_below_service<'z>(
    [service, hidden]: [Option<&'z Service>; 2],
    label: &[u8],
) -> Option<Node<'z>> {
    if let Some(proto) = Proto::from_label(label) {
        return service?.names_ports(proto).then_some(Node::Empty);
    }
    if let Some(address) = parse_address_label(label) {
        let mut either = hidden.into_iter().chain(service);
        if let Some(service) = either.find(|service| service.has_address(address)) {
            return Some(Node::Address(service, address));
        }
    }
    let either = || service.into_iter().chain(hidden);
    let instance = either().find(|service| service.has_id(label)).map(Node::Instance);
    let is_tag = |service: &&Service| service.tags().is_some_and(|tags| tags.has(label));
    instance.or_else(|| either().find(is_tag).map(Node::Tag))
}
