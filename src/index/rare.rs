//! Sets that only some services have, in one box, so that the others pay one word for it.

use std::sync::Arc;

use super::further::ExtraEndpoints;
use super::order::address;
use super::tags::Tags;
use crate::registry::Instance;

/// The sets that only some services have.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionalSets(Option<Box<Sets>>);

/// Sets that are empty in most services.
#[derive(Debug, Clone, Default)]
pub(super) struct Sets {
    /// The further endpoints whose port has a name.
    pub(super) further: ExtraEndpoints,
    /// The instances by tag and version.
    pub(super) tags: Tags,
}

impl OptionalSets {
    /// The sets, if any has something in it.
    pub(super) fn sets(&self) -> Option<&Sets> {
        self.0.as_deref()
    }

    /// Adds an instance, as far as it has anything rare. Gives its further endpoints that
    /// have an address of their own.
    pub(super) fn insert(&mut self, instance: &Arc<Instance>) -> Vec<Arc<Instance>> {
        if !is_rare(instance) {
            return Vec::new();
        }
        let sets = self.0.get_or_insert_default();
        sets.tags.insert(instance);
        let endpoints = endpoints(instance);
        for endpoint in &endpoints {
            sets.further.insert(endpoint);
            sets.tags.insert_further(endpoint);
        }
        self.0.take_if(|sets| sets.is_empty());
        addressed(endpoints, instance)
    }

    /// Removes an instance. Gives its further endpoints that have an address of their own.
    pub(super) fn remove(&mut self, instance: &Arc<Instance>) -> Vec<Arc<Instance>> {
        if !is_rare(instance) {
            return Vec::new();
        }
        let endpoints = endpoints(instance);
        if let Some(sets) = &mut self.0 {
            sets.tags.remove(instance);
            for endpoint in &endpoints {
                sets.further.remove(endpoint);
                sets.tags.remove_further(endpoint);
            }
        }
        self.0.take_if(|sets| sets.is_empty());
        addressed(endpoints, instance)
    }
}

impl Sets {
    /// Whether nothing is in them.
    fn is_empty(&self) -> bool {
        self.further.len() == 0 && self.tags.is_empty()
    }
}

/// Whether an instance has anything that goes here.
fn is_rare(instance: &Instance) -> bool {
    !instance.further().is_empty() || instance.selectors().next().is_some()
}

/// The endpoints beside an instance's first.
fn endpoints(instance: &Instance) -> Vec<Arc<Instance>> {
    instance.elsewhere().map(Arc::new).collect()
}

/// Those that have an address which the instance has not.
fn addressed(mut endpoints: Vec<Arc<Instance>>, instance: &Instance) -> Vec<Arc<Instance>> {
    endpoints.retain(|it| it.host != instance.host && address(it).is_some());
    endpoints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Service;

    #[test]
    fn ordinary_services_pay_nothing_for_what_is_rare() {
        // With an Arc's counters 256 octets, which is a size class of the allocator; without
        // the word for what is rare it is the same.
        let size = size_of::<Service>() + 2 * size_of::<usize>();
        assert!(size <= 256 && size - size_of::<OptionalSets>() > 224, "{size}");
    }
}
