//! The addresses that are registered in a zone, in order, so that a change costs what changed.

use std::net::IpAddr;

use imbl::OrdSet;

use super::Service;
use super::labels::{Label, Services};
use crate::names::Block;
use crate::registry::Instance;

/// The addresses that are registered in a zone, each with every service that has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(OrdSet<(IpAddr, Label)>);

impl Addresses {
    /// The addresses of services.
    pub(super) fn of(services: &Services) -> Self {
        let all = services.iter().flat_map(|(label, service)| {
            let addresses = service.instances().flat_map(Instance::addresses);
            addresses.map(move |address| (address, label.clone()))
        });
        Self(all.collect())
    }

    /// An instance of a service came or went.
    pub(super) fn follow(&mut self, label: &[u8], instance: &Instance, service: &Service) {
        for address in instance.addresses() {
            let entry = (address, label.into());
            if service.has_address(address) {
                self.0.insert(entry)
            } else {
                self.0.remove(&entry)
            };
        }
    }

    /// Whether any is in a block.
    pub(super) fn any(&self, block: &Block) -> bool {
        let first = self.0.range((block.first, Label::default())..).next();
        first.is_some_and(|(address, _)| *address <= block.last)
    }

    /// The services that have an address.
    pub(super) fn at(&self, address: IpAddr) -> impl Iterator<Item = &Label> {
        let from = self.0.range((address, Label::default())..);
        from.take_while(move |(at, _)| *at == address).map(|(_, label)| label)
    }
}
