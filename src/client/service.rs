//! The service that a program registers of itself.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroU16;
use std::time::Duration;

use super::Error;
use super::check::HealthCheck;
use crate::join::{CheckTerms, Registrant, Terms, default_host};
use crate::names::{
    self, DEFAULT_LEASE, HEARTBEATS_PER_LEASE, LabelFault, SERVICE_MAX, check_id, check_label,
    check_lease, check_name,
};
use crate::registry::document::Registration as Document;
use crate::registry::{Host, Proto, RegistryUrl};

/// A service of this program: one instance of a name, as `srvd join` would register it.
///
/// What cannot be registered is told by [`Client::register`](super::Client::register).
#[derive(Debug)]
#[must_use = "it does nothing until it is registered"]
pub struct Service {
    /// The name as it was written.
    name: String,
    port: u16,
    /// The host; this machine's address where none is given.
    host: Option<String>,
    id: Option<String>,
    /// The transport, where one is given.
    proto: Option<Proto>,
    /// The port's name.
    protocol: Option<String>,
    priority: Option<u16>,
    weight: Option<u16>,
    /// DNS TTL.
    dns_ttl: Option<Duration>,
    version: Option<String>,
    tags: Vec<String>,
    meta: BTreeMap<String, String>,
    text: Option<String>,
    /// The lease.
    ttl: Duration,
    /// Whether the key is taken from whoever has it.
    by_force: bool,
    /// Whether the program is healthy.
    check: Option<HealthCheck>,
    /// How often that is asked.
    pace: CheckTerms,
}

/// A service that can be registered.
pub(super) struct Plan {
    /// The instance.
    pub(super) registrant: Registrant,
    /// How it is held.
    pub(super) terms: Terms,
    /// Its check, and how often.
    pub(super) check: Option<(HealthCheck, CheckTerms)>,
}

impl Service {
    /// A service of this name at this port of this machine. The name may have any characters;
    /// DNS knows it in label form, in which all but letters, digits and `-` are `-`, of at most
    /// 62 octets.
    pub fn new(name: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            port,
            host: None,
            id: None,
            proto: None,
            protocol: None,
            priority: None,
            weight: None,
            dns_ttl: None,
            version: None,
            tags: Vec::new(),
            meta: BTreeMap::new(),
            text: None,
            ttl: DEFAULT_LEASE,
            by_force: false,
            check: None,
            pace: CheckTerms::default(),
        }
    }

    /// Where clients connect: an address or a host name. Default: the address from which this
    /// machine's default route speaks, IPv4 first; loopback where there is no other and the
    /// registry is on this machine.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The instance's id, of at most 63 octets and without `/`. Default: made of host and port
    /// (`10-1-2-3-8080`).
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The transport; default tcp.
    pub const fn proto(mut self, proto: Proto) -> Self {
        self.proto = Some(proto);
        self
    }

    /// The application's protocol: the port's name in DNS (`_grpc._tcp.web.Z`), and the url's
    /// scheme.
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// The priority of SRV records, the lowest first; default 0.
    pub const fn priority(mut self, priority: u16) -> Self {
        self.priority = Some(priority);
        self
    }

    /// The weight among instances of one priority; default 1.
    pub const fn weight(mut self, weight: u16) -> Self {
        self.weight = Some(weight);
        self
    }

    /// The TTL of DNS records: whole seconds, a day at most. Default: the zone's, 5 s.
    pub const fn dns_ttl(mut self, ttl: Duration) -> Self {
        self.dns_ttl = Some(ttl);
        self
    }

    /// The version that runs here; it selects in DNS as a tag does.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// One more tag, of at most 62 octets; at most 64 of them.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// One more pair of metadata, shown in TXT records.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.meta.insert(key.into(), value.into());
        self
    }

    /// Free text, shown in TXT records.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// How long the registration outlives its last heartbeat: 1 s to a day in whole seconds,
    /// default 10 s. Heartbeats come three times in that time.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Takes the key from whoever has it, once, at the start.
    pub const fn force(mut self) -> Self {
        self.by_force = true;
        self
    }

    /// Registers only while a closure says that the program is healthy: not before it said so
    /// for the first time; no more after three failures in a row, until it says so again. What
    /// it fails with goes to the log and into [`RegistrationState`](super::RegistrationState). It
    /// must not block the thread. One that panics, or takes longer than
    /// [`Self::check_timeout`], has failed.
    pub fn check<F, L, E>(mut self, look: F) -> Self
    where
        F: Fn() -> L + Send + Sync + 'static,
        L: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        self.check = Some(HealthCheck::new(look, self.pace.timeout));
        self
    }

    /// How often is checked: 100 ms to a day, default 5 s.
    pub const fn check_interval(mut self, interval: Duration) -> Self {
        self.pace.interval = interval;
        self
    }

    /// How long one check may take: 100 ms to a day, default 2 s.
    pub const fn check_timeout(mut self, timeout: Duration) -> Self {
        self.pace.timeout = timeout;
        self
    }

    /// After how many failures in a row it is taken out: 1 to 1000, default 3.
    pub const fn check_failures(mut self, failures: u32) -> Self {
        self.pace.failures = failures;
        self
    }

    /// What is registered, and how.
    pub(super) fn plan(self, registry: &RegistryUrl) -> Result<Plan, Error> {
        check_name(&self.name).map_err(|fault| wrong("name", fault))?;
        for (what, text) in self
            .tags
            .iter()
            .map(|tag| ("tag", tag))
            .chain(self.protocol.iter().map(|it| ("protocol", it)))
        {
            check_label(text, SERVICE_MAX).map_err(|fault| wrong(what, fault))?;
        }
        self.id.as_deref().map_or(Ok(()), checked_id)?;
        check_lease(self.ttl).map_err(|fault| wrong("ttl", fault))?;
        self.pace.check().map_err(|fault| Error::Service(format!("check_{fault}")))?;
        let document = self.document(registry)?;
        let registrant = Registrant::new(document, self.id, &registry.layout());
        let (ttl, heartbeat) = (self.ttl, self.ttl / HEARTBEATS_PER_LEASE);
        Ok(Plan {
            registrant: registrant.map_err(|fault| Error::Service(fault.to_string()))?,
            terms: Terms { ttl, heartbeat, by_force: self.by_force },
            check: self.check.map(|check| (check.within(self.pace.timeout), self.pace)),
        })
    }

    /// The document.
    fn document(&self, registry: &RegistryUrl) -> Result<Document, Error> {
        let port = NonZeroU16::new(self.port)
            .ok_or_else(|| wrong("port", "0 cannot be connected to; give one from 1 to 65535"))?;
        let host = match &self.host {
            Some(text) => {
                Host::parse(text).map_err(|it| wrong("host", format!("`{text}` {it}")))?
            }
            None => default_host(registry)
                .map_err(|it| Error::Service(format!("{it}; say with `host` what to register")))?,
        };
        let dns_ttl = self.dns_ttl.map(names::dns_ttl).transpose();
        Ok(Document {
            proto: self.proto.map(|proto| proto.to_string()),
            priority: self.priority,
            weight: self.weight,
            ttl: dns_ttl.map_err(|fault| wrong("dns_ttl", fault))?,
            version: self.version.clone(),
            tags: self.tags.clone(),
            meta: self.meta.clone(),
            text: self.text.clone(),
            ..Document::new(&self.name, &host, port, self.protocol.as_deref())
        })
    }
}

/// Checks an id, and shows one whose place a `/` would change.
fn checked_id(id: &str) -> Result<(), Error> {
    check_id(id).map_err(|fault| match fault {
        LabelFault::Slash => wrong("id", format!("`{id}` {fault}")),
        fault => wrong("id", fault),
    })
}

/// What is wrong with a part of a service.
fn wrong(what: &str, fault: impl Display) -> Error {
    Error::Service(format!("{what} {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(service: Service) -> Result<Plan, Error> {
        service.plan(&"http://10.0.0.1/team".parse().unwrap())
    }

    #[test]
    fn the_document_is_what_join_writes() {
        let service = Service::new("my_web", 8080).host("10.1.2.3").tag("v2").weight(10);
        let service = service.meta("a", "b").dns_ttl(Duration::from_secs(60)).proto(Proto::Udp);
        let plan = plan(service).unwrap();
        assert_eq!(plan.registrant.key, "/services/team/my-web/10-1-2-3-8080");
        assert_eq!(
            plan.registrant.document,
            r#"{"name":"my_web","port":8080,"hostname":"10.1.2.3","host":"10.1.2.3:8080","url":"http://10.1.2.3:8080","proto":"udp","weight":10,"ttl":60,"tags":["v2"],"meta":{"a":"b"}}"#
        );
        assert_eq!(plan.terms.heartbeat, Duration::from_secs(10) / 3);
        assert!(plan.check.is_none());
    }

    #[test]
    fn every_fault_says_what_to_do() {
        let web = || Service::new("web", 80).host("10.0.0.1");
        let checked = || web().check(|| async { Ok::<_, String>(()) });
        let long = "n".repeat(64);
        for (service, message) in [
            (Service::new("", 80), "name is empty; it becomes a DNS label"),
            (Service::new(&*long, 80), "name has 64 octets, at most 62 fit a DNS label; shorten"),
            (Service::new("web", 0).host("a"), "port 0 cannot be connected to; give one from 1"),
            (web().id("a/b"), "id `a/b` has a `/`, which separates keys; use `-`"),
            (web().id(&*long), "id has 64 octets, at most 63"),
            (web().host("a$b"), "host `a$b` is neither an address nor a host name"),
            (web().tag(""), "tag is empty"),
            (web().protocol(&*long), "protocol has 64 octets"),
            (web().protocol("a_b"), "has a scheme that is not"),
            (web().ttl(Duration::from_millis(500)), "ttl 500ms is not 1s or more in whole seconds"),
            (web().dns_ttl(Duration::from_millis(1)), "dns_ttl 1ms is not a whole number"),
            (checked().check_interval(Duration::ZERO), "check_interval 0s is not 100ms to 24h"),
            (checked().check_failures(0), "check_failures 0 is not 1 to 1000"),
            (web().text("x".repeat(70_000)), "has 7"),
        ] {
            let told = plan(service).map(|_| ()).unwrap_err().to_string();
            assert!(told.contains(message), "{message}: {told}");
        }
    }
}
