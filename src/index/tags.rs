//! Instances by what selects them: `T.S.Z` and the names below it.
//!
//! A tag and a version are the same kind of thing here, and so is each in its label form.
//! An instance of two tags stands in two places. Its endpoints beside the first stand
//! apart, as they do among the ports: `T.S.Z` has one SRV record an instance.

use std::sync::Arc;

use super::order::{ByTag, Side, TagProbe};
use super::set::Set;
use crate::names::SERVICE_MAX;
use crate::registry::{Instance, Proto};

/// The instances of one service that have tags, or a version.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    /// Each with its first endpoint.
    first: Set<ByTag>,
    /// Their further endpoints whose port has a name.
    further: Set<ByTag>,
    /// How many of `first` have a port, by transport: whether `_sub._S._P.Z` exists.
    with_port: [usize; Proto::ALL.len()],
}

impl Tags {
    /// Adds an instance.
    pub(super) fn insert(&mut self, instance: &Arc<Instance>) {
        for entry in entries(instance) {
            let is_new = self.first.insert(entry);
            if is_new && instance.port.is_some() {
                self.with_port[instance.proto as usize] += 1;
            }
        }
    }

    /// Removes an instance.
    pub(super) fn remove(&mut self, instance: &Arc<Instance>) {
        for entry in entries(instance) {
            let was_there = self.first.remove(&entry);
            if was_there && instance.port.is_some() {
                self.with_port[instance.proto as usize] -= 1;
            }
        }
    }

    /// Adds an endpoint beside the first of its instance, if its port has a name.
    pub(super) fn insert_further(&mut self, endpoint: &Arc<Instance>) {
        if endpoint.port.is_some() && endpoint.protocol().is_some() {
            self.further.extend(entries(endpoint));
        }
    }

    /// Removes such an endpoint.
    pub(super) fn remove_further(&mut self, endpoint: &Arc<Instance>) {
        for entry in entries(endpoint) {
            self.further.remove(&entry);
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.further.is_empty()
    }

    /// Whether any instance has a tag, whose label is given in lower case.
    pub(super) fn has(&self, label: &[u8]) -> bool {
        self.first.has(|side| TagProbe { side, ..at(label) })
    }

    /// Whether any of these has a port of a transport.
    pub(super) fn has_on(&self, label: &[u8], proto: Proto) -> bool {
        let on = TagProbe { transport: Some(proto), ..at(label) };
        self.first.has(|side| TagProbe { side, ..on })
    }

    /// Whether any with a port of a transport has a tag.
    pub(super) const fn any_on(&self, proto: Proto) -> bool {
        self.with_port[proto as usize] > 0
    }

    /// Whether a port has a name under a tag and a transport.
    pub(super) fn has_port(&self, label: &[u8], proto: Proto, name: &[u8]) -> bool {
        let probe = TagProbe { transport: Some(proto), port: Some(name), ..at(label) };
        [&self.first, &self.further].iter().any(|set| set.has(|side| TagProbe { side, ..probe }))
    }

    /// Whether any port has a name under a tag and a transport.
    pub(super) fn names_ports(&self, label: &[u8], proto: Proto) -> bool {
        let on = TagProbe { transport: Some(proto), ..at(label) };
        let from = TagProbe { port: Some(b""), side: Side::After, ..on };
        let to = TagProbe { side: Side::After, ..on };
        [&self.first, &self.further].iter().any(|set| between(set, &from, &to).next().is_some())
    }

    /// The instances with a tag.
    pub(super) fn with<'s>(&'s self, label: &[u8]) -> impl Iterator<Item = &'s Instance> + use<'s> {
        run(&self.first, at(label))
    }

    /// The instances with a tag and a port of a transport.
    pub(super) fn on<'s>(
        &'s self,
        label: &[u8],
        proto: Proto,
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        run(&self.first, TagProbe { transport: Some(proto), ..at(label) })
    }

    /// The instances with a tag whose port has a name under a transport, and their further
    /// endpoints whose port has it.
    pub(super) fn on_port<'s>(
        &'s self,
        label: &[u8],
        proto: Proto,
        name: &[u8],
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        let probe = TagProbe { transport: Some(proto), port: Some(name), ..at(label) };
        run(&self.first, probe).chain(run(&self.further, probe))
    }

    /// Every tag once, spelt as one of the instances that have it spells it, with that one.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Instance)> {
        let next = |last: &&ByTag| {
            let label: Vec<u8> = crate::names::folded(last.tag()).collect();
            let after = TagProbe { side: Side::After, ..at(&label) };
            self.first.next(&after)
        };
        std::iter::successors(self.first.first(), next).map(|it| (it.tag(), &*it.0))
    }
}

/// The entries of an instance: one for each tag that can be a label after `_`.
fn entries(instance: &Arc<Instance>) -> impl Iterator<Item = ByTag> {
    let fits = |tag: &str| (1..=SERVICE_MAX).contains(&tag.chars().count());
    // A document has fewer octets than there are numbers.
    let all = instance.selectors().enumerate().filter(move |(_, tag)| fits(tag));
    all.map(|(number, _)| ByTag(Arc::clone(instance), number as u16))
}

/// Stands at any instance with a tag.
const fn at(label: &[u8]) -> TagProbe<'_> {
    TagProbe { label, transport: None, port: None, side: Side::At }
}

/// The run of those that a probe equals.
fn run<'s>(
    set: &'s Set<ByTag>,
    probe: TagProbe<'_>,
) -> impl Iterator<Item = &'s Instance> + use<'s> {
    let (from, to) =
        (TagProbe { side: Side::Before, ..probe }, TagProbe { side: Side::After, ..probe });
    between(set, &from, &to)
}

/// Those between two places.
fn between<'s>(
    set: &'s Set<ByTag>,
    from: &TagProbe<'_>,
    to: &TagProbe<'_>,
) -> impl Iterator<Item = &'s Instance> + use<'s> {
    set.between(from, to).map(|entry| &*entry.0)
}
