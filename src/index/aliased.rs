//! The aliases of a zone, as those see them who ask it: which labels they have, and what
//! is between a name and its instances.

use std::net::IpAddr;
use std::ptr;
use std::sync::Arc;

use super::labels::Label;
use super::{Service, Zone};
use crate::names::folded;
use crate::registry::{Alias, Instance, Meaning, Resource};

impl Zone {
    /// Every label right below the apex that stands for instances, once, in no order: of
    /// services and of aliases, also of those that lead to nothing.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let is_new = |label: &&Label| !self.services.contains_key(*label);
        let aliases = self.aliases.labels().filter(is_new);
        self.services.keys().chain(aliases).map(|label| &**label)
    }

    /// The labels of services, in no order.
    pub fn services_labels(&self) -> impl Iterator<Item = &[u8]> {
        self.services.keys().map(|label| &**label)
    }

    /// The alias that is answered at a label, and the backend that it leads to, if it is a
    /// frontend: what is between the name and the instances.
    pub fn aliases_at(&self, label: &[u8]) -> impl Iterator<Item = &Alias> {
        let first = |resource, label: &[u8]| self.aliases.first(resource, label);
        let alias = Resource::ALL.into_iter().find_map(|resource| first(resource, label));
        let backend = alias.and_then(|alias| match &alias.meaning {
            Meaning::Frontend { backend } => {
                first(Resource::Backend, &folded(backend.as_ref()?).collect::<Label>())
            }
            Meaning::Backend { .. } => None,
        });
        alias.into_iter().chain(backend)
    }

    /// The aliases, in no order that means anything.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.aliases.iter().map(|(alias, _)| alias)
    }

    /// The aliases of a kind whose name in DNS is that of a name, in the order in which they
    /// are answered.
    pub fn aliases_like(&self, resource: Resource, name: &str) -> impl Iterator<Item = &Alias> {
        self.aliases.of_kind(resource, folded(name).collect())
    }

    /// Whether an address that was found in a service, at a label, is one that the targets
    /// of some members have: then what is said of it changes only with the service, and
    /// answers made of the members are forgotten with that.
    #[must_use]
    pub fn is_own(
        &self,
        members: &Service,
        address: IpAddr,
        (label, service): (&[u8], &Service),
    ) -> bool {
        if self.aliases.is_empty() {
            return ptr::eq(members, service);
        }
        let is_home = |of: &Instance| folded(&of.name).eq(label.iter().copied());
        members.instances().next().is_some_and(is_home)
            && members.has_address(address)
            && self.service(label).is_some_and(|home| ptr::eq(home, service))
    }
}
