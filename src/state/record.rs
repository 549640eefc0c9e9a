//! Instances, aliases and entries as a snapshot holds them, and what they must be to be believed.

mod entry;

use std::borrow::Cow;
use std::net::IpAddr;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::names::{ENDPOINTS_MAX, SERVICE_MAX, TAGS_MAX, TTL_MAX};
use crate::registry::skydns::Entry;
use crate::registry::{
    Alias, Details, Host, Instance, Layout, Meaning, Proto, ServiceEndpoint, Spelling,
};

use self::entry::WrittenEntry;

/// One record. Another kind is another variant, behind this one; a change of a variant is
/// another version of the format.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record<'r> {
    /// An instance.
    #[serde(borrow)]
    Instance(StoredInstance<'r>),
    /// An alias.
    Alias(Cow<'r, Alias>),
    /// An entry of a SkyDNS zone.
    #[serde(borrow)]
    Entry(WrittenEntry<'r>),
}

/// The reading of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// An instance.
    Instance(Instance),
    /// An alias.
    Alias(Alias),
    /// An entry of a SkyDNS zone.
    Entry(Entry),
}

/// An instance's members, in the order they are written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredInstance<'r> {
    /// The service's name.
    name: &'r str,
    /// The instance's id.
    id: &'r str,
    /// Whether its key begins with a slash although the prefix is empty.
    is_rooted: bool,
    /// Whether its key has a lease.
    is_leased: bool,
    /// Where it listens.
    #[serde(borrow)]
    host: WrittenHost<'r>,
    port: Option<NonZeroU16>,
    /// Whether the transport is udp.
    is_udp: bool,
    /// SRV priority.
    priority: u16,
    /// SRV weight.
    weight: u16,
    /// TTL in seconds.
    ttl: Option<u32>,
    /// The rarer members.
    details: Option<WrittenDetails<'r>>,
}

/// A host.
#[derive(Debug, Serialize, Deserialize)]
enum WrittenHost<'r> {
    /// An address.
    Address(IpAddr),
    /// A host name.
    Name(&'r str),
}

/// The members that only some documents have.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenDetails<'r> {
    /// The port's name.
    protocol: Option<&'r str>,
    /// The version that runs there.
    version: Option<&'r str>,
    /// Free words.
    tags: Vec<&'r str>,
    /// Free pairs.
    meta: Vec<(&'r str, &'r str)>,
    /// Free text.
    text: Option<&'r str>,
    /// What its key spells below the base, where that is not NAME/ID.
    path: Option<&'r str>,
    /// What its document calls the service, where that has dots.
    said_name: Option<&'r str>,
    /// Where else it listens.
    #[serde(borrow)]
    further: Vec<WrittenEndpoint<'r>>,
}

/// An endpoint beside the first.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenEndpoint<'r> {
    scheme: Option<&'r str>,
    /// Where it listens.
    #[serde(borrow)]
    host: WrittenHost<'r>,
    port: Option<NonZeroU16>,
}

impl<'r> Record<'r> {
    /// The record of an instance. A member that is not named here does not compile: it
    /// needs a place in the record, and the format a new version.
    pub(super) fn of(instance: &'r Instance) -> Self {
        let Instance {
            name,
            id: _,
            is_rooted,
            is_leased,
            host,
            port,
            proto,
            priority,
            weight,
            ttl,
            details,
        } = instance;
        Self::Instance(StoredInstance {
            name,
            id: instance.raw_id(),
            is_rooted: *is_rooted,
            is_leased: *is_leased,
            host: WrittenHost::of(host),
            port: *port,
            is_udp: *proto == Proto::Udp,
            priority: *priority,
            weight: *weight,
            ttl: *ttl,
            details: details.as_deref().map(|it| WrittenDetails::of(it, instance)),
        })
    }

    /// The record of an entry.
    pub(super) fn of_entry(entry: &'r Entry) -> Self {
        Self::Entry(WrittenEntry::of(entry))
    }

    /// What a record says, if the keys of a layout can lead to it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(self, layout: &Layout) -> Result<Read, &'static str> {
        match self {
            Self::Instance(written) => written.read(layout).map(Read::Instance),
            Self::Alias(alias) => {
                check_alias(&alias, layout).map(|()| Read::Alias(alias.into_owned()))
            }
            Self::Entry(written) => written.read(layout).map(Read::Entry),
        }
    }
}

impl StoredInstance<'_> {
    /// The instance, checked.
    fn read(self, layout: &Layout) -> Result<Instance, &'static str> {
        let written = self;
        let path = written.details.as_ref().and_then(|it| it.path);
        let instance = Instance {
            name: written.name.into(),
            id: Box::default(),
            is_rooted: written.is_rooted,
            is_leased: written.is_leased,
            host: written.host.read()?,
            port: written.port,
            proto: if written.is_udp { Proto::Udp } else { Proto::Tcp },
            priority: written.priority,
            weight: written.weight,
            ttl: written.ttl,
            details: written.details.map(|it| it.read().map(Box::new)).transpose()?,
        };
        let instance = instance.identified(written.id);
        let instance = match path {
            Some(path) => instance.at_path(path),
            None => instance,
        };
        check(&instance, layout)?;
        Ok(instance)
    }
}

impl<'r> WrittenDetails<'r> {
    /// The rarer members.
    fn of(details: &'r Details, instance: &'r Instance) -> Self {
        let Details { protocol, version, tags, meta, text, further: _, spelling: _ } = details;
        Self {
            protocol: protocol.as_deref(),
            version: version.as_deref(),
            tags: tags.iter().map(|tag| &**tag).collect(),
            meta: meta.iter().collect(),
            text: text.as_deref(),
            path: instance.path(),
            said_name: instance.said_name(),
            further: instance.further().iter().map(WrittenEndpoint::of).collect(),
        }
    }

    /// The same, owned.
    fn read(self) -> Result<Details, &'static str> {
        if self.further.len() > ENDPOINTS_MAX {
            return Err("has more endpoints than are read");
        }
        let further: Result<Vec<_>, _> = self.further.iter().map(WrittenEndpoint::read).collect();
        Ok(Details {
            protocol: self.protocol.map(Into::into),
            version: self.version.map(Into::into),
            tags: self.tags.into_iter().map(Into::into).collect(),
            meta: self.meta.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            text: self.text.map(Into::into),
            further: further?.into(),
            // Id and path of the record have the rest.
            spelling: self.said_name.and_then(Spelling::of_name),
        })
    }
}

impl<'r> WrittenEndpoint<'r> {
    /// An endpoint, written.
    fn of(endpoint: &'r ServiceEndpoint) -> Self {
        let ServiceEndpoint { scheme, host, port } = endpoint;
        Self { scheme: scheme.as_deref(), host: WrittenHost::of(host), port: *port }
    }

    /// The same, owned.
    fn read(&self) -> Result<ServiceEndpoint, &'static str> {
        if self.scheme.is_some_and(|scheme| !fits_label(scheme)) {
            return Err("has a port name that fits no label");
        }
        let host = self.host.read()?;
        Ok(ServiceEndpoint { scheme: self.scheme.map(Into::into), host, port: self.port })
    }
}

impl<'r> WrittenHost<'r> {
    /// A host, written.
    fn of(host: &'r Host) -> Self {
        match host {
            Host::Address(address) => Self::Address(*address),
            Host::Name(name) => Self::Name(name),
        }
    }
}

impl WrittenHost<'_> {
    /// The host, read as a document's would be.
    fn read(&self) -> Result<Host, &'static str> {
        match self {
            Self::Address(address) => match Host::parse(&address.to_string())? {
                Host::Address(read) if read == *address => Ok(Host::Address(read)),
                _ => Err("is an address in another form"),
            },
            Self::Name(name) => match Host::parse(name)? {
                Host::Name(read) if *read == **name => Ok(Host::Name(read)),
                _ => Err("is no host name in lower case"),
            },
        }
    }
}

/// Checks what a document or a key would have been refused for.
fn check(instance: &Instance, layout: &Layout) -> Result<(), &'static str> {
    layout.check_key_of(instance).map_err(|_| "has a key that no zone reads")?;
    if instance.ttl.is_some_and(|ttl| ttl > TTL_MAX) {
        return Err("has a TTL that no record can have");
    }
    let Some(details) = &instance.details else { return Ok(()) };
    if details.tags.len() > TAGS_MAX {
        return Err("has more tags than are read");
    }
    let mut labels = details.protocol.iter().chain(&details.tags);
    if !labels.all(|label| fits_label(label)) {
        return Err("has a port name or tag that fits no label");
    }
    Ok(())
}

/// Checks what an alias or its key would have been refused for.
fn check_alias(alias: &Alias, layout: &Layout) -> Result<(), &'static str> {
    let key = layout.key_of_alias(alias);
    let place = layout.read(key.as_bytes()).map_err(|_| "has a key that no zone reads")?;
    let of = match &alias.meaning {
        Meaning::Backend { app, .. } => Some(app),
        Meaning::Frontend { backend } => backend.as_ref(),
    };
    let fit = fits_label(&alias.name) && of.is_none_or(|name| fits_label(name));
    if (place.id, place.is_rooted) != (&*alias.name, alias.is_rooted) || !fit {
        return Err("has a name that is not that of its key, or fits no label");
    }
    Ok(())
}

/// Whether a text can stand behind a `_` in a label.
fn fits_label(text: &str) -> bool {
    (1..=SERVICE_MAX).contains(&text.chars().count())
}

#[cfg(test)]
mod tests;
