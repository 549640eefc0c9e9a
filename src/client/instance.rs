//! Instances, as a program that looks for them sees them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::registry::{Instance, Layout, Proto};

/// One place where a service runs, whatever program registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceInstance {
    /// The service's name, as its document or key spells it.
    pub name: String,
    /// The instance's id, as the key spells it.
    pub id: String,
    /// Its key in etcd.
    pub key: String,
    /// Where it listens: an address, or a host name without a last dot.
    pub host: String,
    /// The port; none where its document names none.
    pub port: Option<u16>,
    /// The transport.
    pub proto: Proto,
    /// The application's protocol, where it is named (`grpc`, `http`).
    pub protocol: Option<String>,
    /// The priority, the lowest first.
    pub priority: u16,
    /// The weight among instances of one priority.
    pub weight: u16,
    /// The TTL of its DNS records in seconds, where its document sets one.
    pub dns_ttl: Option<u32>,
    /// The version that runs there.
    pub version: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its metadata.
    pub meta: BTreeMap<String, String>,
    /// Its free text.
    pub text: Option<String>,
    /// `HOST:PORT`, or the host alone.
    location: String,
}

impl ServiceInstance {
    /// An instance of the registry.
    pub(super) fn of(instance: &Instance, layout: &Layout) -> Self {
        let details = instance.details.as_deref();
        let text = |it: &Option<Box<str>>| it.as_deref().map(str::to_owned);
        let pairs = details.into_iter().flat_map(|it| it.meta.iter());
        Self {
            name: instance.called().to_owned(),
            id: instance.raw_id().to_owned(),
            key: layout.key_of(instance),
            host: instance.host.to_string(),
            port: instance.port.map(Into::into),
            proto: instance.proto,
            protocol: instance.protocol().map(str::to_owned),
            priority: instance.priority,
            weight: instance.weight,
            dns_ttl: instance.ttl,
            version: instance.version().map(str::to_owned),
            tags: details.into_iter().flat_map(|it| &it.tags).map(|it| it.to_string()).collect(),
            meta: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            text: details.and_then(|it| text(&it.text)),
            location: instance.location(),
        }
    }

    /// `HOST:PORT`, an IPv6 address in brackets; the host alone without a port.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Where to connect, if the host is an address and there is a port.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.host.parse::<IpAddr>().ok()?, self.port?))
    }

    /// Whether it has a tag, or this version.
    #[must_use]
    pub fn is_tagged(&self, tag: &str) -> bool {
        self.version.as_deref() == Some(tag) || self.tags.iter().any(|it| it == tag)
    }
}
