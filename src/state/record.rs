//! An instance as a snapshot holds it, and what it must be to be believed.

use std::net::IpAddr;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::names::{SERVICE_MAX, TTL_MAX};
use crate::registry::{Details, Host, Instance, Layout, Proto};

/// One record. Another kind is another variant, behind this one; a change of a variant is
/// another version of the format.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record<'r> {
    /// An instance.
    #[serde(borrow)]
    Instance(Written<'r>),
}

/// An instance's members, in the order they are written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written<'r> {
    /// The service's name.
    name: &'r str,
    /// The instance's id.
    id: &'r str,
    /// Whether its key begins with a slash although the prefix is empty.
    is_rooted: bool,
    /// Where it listens.
    #[serde(borrow)]
    host: WrittenHost<'r>,
    /// The port.
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
}

impl<'r> Record<'r> {
    /// The record of an instance. A member that is not named here does not compile: it
    /// needs a place in the record, and the format a new version.
    pub(super) fn of(instance: &'r Instance) -> Self {
        let Instance { name, id, is_rooted, host, port, proto, priority, weight, ttl, details } =
            instance;
        Self::Instance(Written {
            name,
            id,
            is_rooted: *is_rooted,
            host: match host {
                Host::Address(address) => WrittenHost::Address(*address),
                Host::Name(name) => WrittenHost::Name(name),
            },
            port: *port,
            is_udp: *proto == Proto::Udp,
            priority: *priority,
            weight: *weight,
            ttl: *ttl,
            details: details.as_deref().map(WrittenDetails::of),
        })
    }

    /// The instance of a record, if it is one that the keys of a layout can lead to.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn into_instance(self, layout: &Layout) -> Result<Instance, &'static str> {
        let Self::Instance(written) = self;
        let instance = Instance {
            name: written.name.into(),
            id: written.id.into(),
            is_rooted: written.is_rooted,
            host: written.host.read()?,
            port: written.port,
            proto: if written.is_udp { Proto::Udp } else { Proto::Tcp },
            priority: written.priority,
            weight: written.weight,
            ttl: written.ttl,
            details: written.details.map(|details| Box::new(details.read())),
        };
        check(&instance, layout)?;
        Ok(instance)
    }
}

impl<'r> WrittenDetails<'r> {
    /// The rarer members.
    fn of(details: &'r Details) -> Self {
        let Details { protocol, version, tags, meta, text } = details;
        Self {
            protocol: protocol.as_deref(),
            version: version.as_deref(),
            tags: tags.iter().map(|tag| &**tag).collect(),
            meta: meta.iter().map(|(key, value)| (&**key, &**value)).collect(),
            text: text.as_deref(),
        }
    }

    /// The same, owned.
    fn read(self) -> Details {
        Details {
            protocol: self.protocol.map(Into::into),
            version: self.version.map(Into::into),
            tags: self.tags.into_iter().map(Into::into).collect(),
            meta: self.meta.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            text: self.text.map(Into::into),
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
    let key = layout.key_of(instance);
    let place = layout.read(key.as_bytes()).map_err(|_| "has a key that no zone reads")?;
    if (place.name, place.id, place.is_rooted)
        != (&*instance.name, &*instance.id, instance.is_rooted)
    {
        return Err("has a name or id that is not that of its key");
    }
    if instance.ttl.is_some_and(|ttl| ttl > TTL_MAX) {
        return Err("has a TTL that no record can have");
    }
    let Some(details) = &instance.details else { return Ok(()) };
    let mut labels = details.protocol.iter().chain(&details.tags);
    if !labels.all(|label| (1..=SERVICE_MAX).contains(&label.chars().count())) {
        return Err("has a port name or tag that fits no label");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::document;

    /// A layout, and an instance that a value at a key of it leads to.
    fn instance(prefix: &str, key: &str, value: &str) -> (Layout, Instance) {
        let layout = Layout::new(prefix, None).unwrap();
        let document = document::read(value.as_bytes()).unwrap();
        let instance = document.into_instance(layout.read(key.as_bytes()).unwrap());
        (layout, instance)
    }

    /// An instance, written and read.
    fn again(layout: &Layout, instance: &Instance) -> Result<Instance, &'static str> {
        let octets = postcard::to_stdvec(&Record::of(instance)).unwrap();
        let record: Record<'_> = postcard::from_bytes(&octets).unwrap();
        record.into_instance(layout)
    }

    #[test]
    fn every_instance_comes_back() {
        let full = r#"{"host":"[2001:db8::1]:53","proto":"udp","priority":7,"weight":9,"ttl":60,
            "protocol":"dns","version":"1.2","tags":["a","b"],"meta":{"k":"v","l":""},"text":"t"}"#;
        for (prefix, key, value) in [
            ("/s", "/s/web/1", "10.0.0.1:80"),
            ("/s", "/s/web/1", r#"{"host":"db.example.com"}"#),
            ("", "/web/1", "10.0.0.1:80"),
            ("", "web/1", "http://h.example:80"),
            ("/s", "/s/a b\u{e9}/1", full),
        ] {
            let (layout, instance) = instance(prefix, key, value);
            assert_eq!(again(&layout, &instance), Ok(instance), "{key} {value}");
        }
    }

    #[test]
    fn what_etcd_could_not_have_said_is_refused() {
        let (layout, good) = instance("/s", "/s/web/1", "http://10.0.0.1:80");
        let with = |edit: fn(&mut Instance)| {
            let mut instance = good.clone();
            edit(&mut instance);
            again(&layout, &instance)
        };
        assert!(with(|_| ()).is_ok());
        for edit in [
            (|it| it.name = "a/b".into()) as fn(&mut Instance),
            |it| it.name = "".into(),
            |it| it.name = "n".repeat(63).into(),
            |it| it.id = "i".repeat(64).into(),
            |it| it.is_rooted = true,
            |it| it.host = Host::Address([0, 0, 0, 0].into()),
            |it| it.host = Host::Name("a_b".into()),
            |it| it.host = Host::Name("UPPER".into()),
            |it| it.ttl = Some(u32::MAX),
            |it| it.details.as_mut().unwrap().protocol = Some("p".repeat(63).into()),
            |it| it.details.as_mut().unwrap().tags.push("".into()),
        ] {
            assert!(with(edit).is_err());
        }
    }
}
