//! The endpoints of an instance beside its first.
//!
//! A framework such as kratos registers one instance with several endpoints, each with a
//! scheme of its own. The first is the instance itself, as far as DNS is concerned; the
//! further ones are found by their port name (`_grpc._tcp.S.Z`), and their addresses belong
//! to the instance.

use std::net::IpAddr;
use std::num::NonZeroU16;

use super::{Details, Host, Instance};

/// One way to reach an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEndpoint {
    /// The scheme: the port's name, if it has one.
    pub scheme: Option<Box<str>>,
    /// Where it listens.
    pub host: Host,
    /// The port; without one the endpoint has addresses only.
    pub port: Option<NonZeroU16>,
}

/// Endpoints beside the first; nearly always none, and then one word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraEndpoints(
    #[expect(clippy::box_collection, reason = "a million of these are held, nearly all empty")]
    Option<Box<Vec<ServiceEndpoint>>>,
);

impl From<Vec<ServiceEndpoint>> for ExtraEndpoints {
    fn from(endpoints: Vec<ServiceEndpoint>) -> Self {
        Self((!endpoints.is_empty()).then(|| Box::new(endpoints)))
    }
}

impl ServiceEndpoint {
    /// `SCHEME://HOST:PORT`, or `HOST:PORT` where there is no scheme.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.scheme.as_deref(), &self.host, self.port)
    }
}

impl Instance {
    /// The endpoints beside the first.
    #[must_use]
    pub fn further(&self) -> &[ServiceEndpoint] {
        let further = self.details.as_ref().and_then(|details| details.further.0.as_deref());
        further.map_or(&[], Vec::as_slice)
    }

    /// Every address of the instance, once.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let further = self.further();
        let others = further.iter().enumerate().filter_map(move |(at, endpoint)| {
            let is_new = endpoint.host != self.host
                && further[..at].iter().all(|earlier| earlier.host != endpoint.host);
            endpoint.host.as_address().filter(|_| is_new)
        });
        self.host.as_address().into_iter().chain(others)
    }

    /// Each endpoint beside the first as an instance of its own, which says nothing but
    /// where it is and what selects it: of the same key, priority, weight and TTL.
    pub fn elsewhere(&self) -> impl Iterator<Item = Self> {
        self.further().iter().map(|endpoint| Self {
            name: self.name.clone(),
            id: self.id.clone(),
            host: endpoint.host.clone(),
            port: endpoint.port,
            details: self.details_of(endpoint),
            ..*self
        })
    }

    /// What an endpoint beside the first says.
    fn details_of(&self, endpoint: &ServiceEndpoint) -> Option<Box<Details>> {
        let Details { version, tags, spelling, .. } = self.details.as_deref()?;
        let (version, tags, spelling) = (version.clone(), tags.clone(), spelling.clone());
        let protocol = endpoint.scheme.clone();
        let details = Details { protocol, version, tags, spelling, ..Details::default() };
        (details != Details::default()).then(|| Box::new(details))
    }

    /// The urls of all endpoints, the first before the others.
    pub(super) fn urls(&self) -> Vec<String> {
        let first = url(self.protocol(), &self.host, self.port);
        std::iter::once(first).chain(self.further().iter().map(ServiceEndpoint::url)).collect()
    }
}

/// `SCHEME://HOST:PORT`, or `HOST:PORT` where there is no scheme.
fn url(scheme: Option<&str>, host: &Host, port: Option<NonZeroU16>) -> String {
    let location = host.location(port);
    scheme.map_or_else(|| location.clone(), |scheme| format!("{scheme}://{location}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{KeyParts, document};

    fn instance(endpoints: &str) -> Instance {
        let value = format!(r#"{{"version":"v1","metadata":{{"a":"b"}},"endpoints":{endpoints}}}"#);
        let document = document::read(value.as_bytes()).unwrap().unwrap();
        document.into_instance(KeyParts { name: "web", id: "1", is_rooted: false })
    }

    #[test]
    fn an_instance_of_one_endpoint_has_no_further_one() {
        let one = instance(r#"["http://10.0.0.1:80"]"#);
        assert_eq!((one.further(), one.elsewhere().count()), (&[][..], 0));
        assert_eq!(one.addresses().collect::<Vec<_>>(), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert!(one.to_json("z", "k").get("endpoints").is_none());
    }

    #[test]
    fn every_endpoint_is_shown_and_each_address_met_once() {
        let all = r#"["http://[2001:db8::1]:80","grpc://10.0.0.1:81","10.0.0.1:82","ws://a.b"]"#;
        let one = instance(all);
        let addresses: Vec<_> = one.addresses().map(|it| it.to_string()).collect();
        assert_eq!(addresses, ["2001:db8::1", "10.0.0.1"]);
        assert_eq!(one.to_json("z", "k")["endpoints"].to_string(), all);
        let ways: Vec<_> =
            one.elsewhere().map(|it| (it.protocol().is_some(), it.location())).collect();
        let way = |named, location: &str| (named, location.to_owned());
        assert_eq!(ways, [way(true, "10.0.0.1:81"), way(false, "10.0.0.1:82"), way(true, "a.b")]);
    }

    #[test]
    fn a_million_ordinary_instances_pay_nothing_for_it() {
        // 96 octets are a size class of the allocator; the next one is 112.
        assert_eq!((size_of::<ExtraEndpoints>(), size_of::<Details>()), (8, 96));
    }
}
