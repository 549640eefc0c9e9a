//! The orders that a service's instances are kept in, and how a place in them is found.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};

use crate::names::folded;
use crate::registry::{Instance, Proto};

/// An instance in the order of ids.
#[derive(Debug, Clone)]
pub(super) struct ById(pub(super) Arc<Instance>);

/// An instance in the order of addresses.
#[derive(Debug, Clone)]
pub(super) struct ByAddress(pub(super) Arc<Instance>);

/// An instance in the order of transports and port names.
#[derive(Debug, Clone)]
pub(super) struct ByPort(pub(super) Arc<Instance>);

/// An instance in the order of texts and TTLs.
#[derive(Debug, Clone)]
pub(super) struct ByText(pub(super) Arc<Instance>);

/// An instance in the order of one of its tags (told by its place among what selects the
/// instance), transports and port names. Of two tags with one label form it stands once.
#[derive(Debug, Clone)]
pub(super) struct ByTag(pub(super) Arc<Instance>, pub(super) u16);

/// The address of an instance that has one.
pub(super) const fn address(instance: &Instance) -> Option<IpAddr> {
    instance.host.as_address()
}

/// The text of an instance that has one.
pub(super) fn text(instance: &Instance) -> Option<&str> {
    instance.details.as_ref()?.text.as_deref()
}

/// An id as names of DNS-SD are compared: without the case of ASCII letters.
fn lowered(id: &str) -> impl Iterator<Item = u8> + '_ {
    id.bytes().map(|octet| octet.to_ascii_lowercase())
}

/// The last word between instances: two are the same only when their keys are.
fn by_place(one: &Instance, other: &Instance) -> Ordering {
    folded(&one.id)
        .cmp(folded(&other.id))
        .then_with(|| lowered(&one.id).cmp(lowered(&other.id)))
        .then_with(|| one.raw_id().cmp(other.raw_id()))
        .then_with(|| one.name.cmp(&other.name))
        .then_with(|| one.is_rooted.cmp(&other.is_rooted))
        .then_with(|| one.path().cmp(&other.path()))
}

/// The order of port names.
fn by_port(one: &Instance, other: &Instance) -> Ordering {
    let names = (one.protocol().unwrap_or_default(), other.protocol().unwrap_or_default());
    one.proto.cmp(&other.proto).then_with(|| folded(names.0).cmp(folded(names.1)))
}

/// The last word between endpoints, of which several can have one key.
fn by_endpoint(one: &Instance, other: &Instance) -> Ordering {
    by_place(one, other)
        .then_with(|| one.port.cmp(&other.port))
        .then_with(|| one.host.cmp(&other.host))
}

/// The transport of an instance that has a port.
fn transport(instance: &Instance) -> Option<Proto> {
    instance.port.map(|_| instance.proto)
}

impl ByTag {
    /// The tag.
    pub(super) fn tag(&self) -> &str {
        self.0.selector(self.1.into()).unwrap_or_default()
    }
}

impl Ord for ByTag {
    fn cmp(&self, other: &Self) -> Ordering {
        folded(self.tag())
            .cmp(folded(other.tag()))
            .then_with(|| transport(&self.0).cmp(&transport(&other.0)))
            .then_with(|| by_port(&self.0, &other.0))
            .then_with(|| by_endpoint(&self.0, &other.0))
    }
}

impl PartialOrd for ByTag {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByTag {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByTag {}

/// Gives a pointer to an instance the order that a function says, and another where that
/// sees no difference.
macro_rules! ordered {
    ($type:ident, $compare:expr, $last:ident) => {
        impl Ord for $type {
            fn cmp(&self, other: &Self) -> Ordering {
                let compare: fn(&Instance, &Instance) -> Ordering = $compare;
                compare(&self.0, &other.0).then_with(|| $last(&self.0, &other.0))
            }
        }
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }
        impl Eq for $type {}
    };
}

ordered!(ById, |_, _| Ordering::Equal, by_place);
ordered!(ByAddress, |one, other| address(one).cmp(&address(other)), by_place);
ordered!(ByPort, by_port, by_endpoint);
ordered!(ByText, |one, other| (text(one), one.ttl).cmp(&(text(other), other.ttl)), by_place);

/// The side of a run of equals that a probe stands on.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Before the first.
    Before,
    /// After the last.
    After,
    /// At any of them; for [`Set::has`](super::set::Set::has) alone, since a search may miss
    /// them.
    At,
}

impl Side {
    /// What a probe says of an entry that it equals.
    const fn of_equals(self) -> Ordering {
        match self {
            Self::Before => Ordering::Less,
            Self::After => Ordering::Greater,
            Self::At => Ordering::Equal,
        }
    }
}

/// A probe beside the instances with one id label.
pub(super) struct IdProbe<'p>(pub(super) &'p [u8], pub(super) Side);

/// A probe beside the instances with one id, in lower case: a run of those with its label
/// form, which comes first.
pub(super) struct RawIdProbe<'p>(pub(super) &'p str, pub(super) Side);

/// A probe beside the instances with one tag; of these with a port of one transport; and of
/// these with one port name.
#[derive(Clone, Copy)]
pub(super) struct TagProbe<'p> {
    /// The tag, in lower-cased label form.
    pub(super) label: &'p [u8],
    /// The transport, or any and none.
    pub(super) transport: Option<Proto>,
    /// The port's name, in lower-cased label form, or any.
    pub(super) port: Option<&'p [u8]>,
    /// Where in the run.
    pub(super) side: Side,
}

/// A probe beside the instances with one address.
pub(super) struct AddressProbe(pub(super) IpAddr, pub(super) Side);

/// A probe beside the instances with one port name, or with any, of one transport.
pub(super) struct PortProbe<'p>(pub(super) Proto, pub(super) Option<&'p [u8]>, pub(super) Side);

/// A probe beside the instances with one text and TTL.
pub(super) struct TextProbe<'p>(
    pub(super) Option<&'p str>,
    pub(super) Option<u32>,
    pub(super) Side,
);

/// Makes a probe comparable with entries; it equals none of them.
macro_rules! probe {
    ($probe:ty, $entry:ident, $compare:expr) => {
        impl Equivalent<$entry> for $probe {
            fn equivalent(&self, _: &$entry) -> bool {
                false
            }
        }
        impl Comparable<$entry> for $probe {
            fn compare(&self, entry: &$entry) -> Ordering {
                let compare: fn(&Self, &Instance) -> Ordering = $compare;
                compare(self, &entry.0)
            }
        }
    };
}

probe!(IdProbe<'_>, ById, |probe, entry| {
    probe.0.iter().copied().cmp(folded(&entry.id)).then(probe.1.of_equals())
});
probe!(RawIdProbe<'_>, ById, |probe, entry| {
    folded(probe.0)
        .cmp(folded(&entry.id))
        .then_with(|| probe.0.bytes().cmp(lowered(&entry.id)))
        .then(probe.1.of_equals())
});
probe!(AddressProbe, ByAddress, |probe, entry| {
    Some(probe.0).cmp(&address(entry)).then(probe.1.of_equals())
});
probe!(PortProbe<'_>, ByPort, |probe, entry| {
    let name = || folded(entry.protocol().unwrap_or_default());
    let names = probe.1.map_or(Ordering::Equal, |wanted| wanted.iter().copied().cmp(name()));
    probe.0.cmp(&entry.proto).then(names).then(probe.2.of_equals())
});
probe!(TextProbe<'_>, ByText, |probe, entry| {
    (probe.0, probe.1).cmp(&(text(entry), entry.ttl)).then(probe.2.of_equals())
});

impl Equivalent<ByTag> for TagProbe<'_> {
    fn equivalent(&self, _: &ByTag) -> bool {
        false
    }
}

impl Comparable<ByTag> for TagProbe<'_> {
    fn compare(&self, entry: &ByTag) -> Ordering {
        let of = &entry.0;
        let transports = |wanted| Some(wanted).cmp(&transport(of));
        let ports =
            |wanted: &[u8]| wanted.iter().copied().cmp(folded(of.protocol().unwrap_or_default()));
        self.label
            .iter()
            .copied()
            .cmp(folded(entry.tag()))
            .then_with(|| self.transport.map_or(Ordering::Equal, transports))
            .then_with(|| self.port.map_or(Ordering::Equal, ports))
            .then(self.side.of_equals())
    }
}
