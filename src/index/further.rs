//! The ports of endpoints beside the first of their instance.
//!
//! An instance of several endpoints gives one SRV record to its transport, so the others
//! stand apart from the first: here, where only a question for a port's name looks. Each is
//! kept as an instance of its own that says nothing but where it is.

use std::sync::Arc;

use super::order::{ByPort, PortProbe, Side};
use super::set::Set;
use crate::registry::{Instance, Proto};

/// The further endpoints of one service whose port has a name.
#[derive(Debug, Clone, Default)]
pub(super) struct ExtraEndpoints(Set<ByPort>);

impl ExtraEndpoints {
    /// Adds an endpoint, if its port has a name.
    pub(super) fn insert(&mut self, endpoint: &Arc<Instance>) {
        if endpoint.port.is_some() && endpoint.protocol().is_some() {
            self.0.insert(ByPort(Arc::clone(endpoint)));
        }
    }

    /// Removes an endpoint.
    pub(super) fn remove(&mut self, endpoint: &Arc<Instance>) {
        self.0.remove(&ByPort(Arc::clone(endpoint)));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a port has a name, in lower-cased label form, under a transport.
    pub(super) fn has_port(&self, proto: Proto, name: &[u8]) -> bool {
        self.0.has(|side| PortProbe(proto, Some(name), side))
    }

    /// Whether any port has a name under a transport.
    pub(super) fn names_ports(&self, proto: Proto) -> bool {
        let from = PortProbe(proto, None, Side::Before);
        ports(&self.0, &from, proto).next().is_some()
    }

    /// Those whose port has a name under a transport; the name in lower-cased label form.
    pub(super) fn on_port<'s>(
        &'s self,
        proto: Proto,
        name: &[u8],
    ) -> impl Iterator<Item = &'s Instance> + use<'s> {
        on_port(&self.0, proto, name)
    }
}

/// Those of a set whose port has a name under a transport.
pub(super) fn on_port<'s>(
    set: &'s Set<ByPort>,
    proto: Proto,
    name: &[u8],
) -> impl Iterator<Item = &'s Instance> + use<'s> {
    let from = PortProbe(proto, Some(name), Side::Before);
    let to = PortProbe(proto, Some(name), Side::After);
    set.between(&from, &to).map(|entry| &*entry.0)
}

/// Those of a set with a port, from a place in their order to the end of a transport.
pub(super) fn ports<'s>(
    set: &'s Set<ByPort>,
    from: &PortProbe<'_>,
    proto: Proto,
) -> impl Iterator<Item = &'s Instance> + use<'s> {
    let to = PortProbe(proto, None, Side::After);
    set.between(from, &to).map(|entry| &*entry.0)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::index::Service;
    use crate::registry::{KeyParts, document};

    fn instance(id: &str, value: &str) -> Arc<Instance> {
        let document = document::read(value.as_bytes()).unwrap().unwrap();
        Arc::new(document.into_instance(KeyParts { name: "web", id, is_rooted: false }))
    }

    fn ids<'i>(found: impl Iterator<Item = &'i Instance>) -> Vec<&'i str> {
        found.map(|instance| &*instance.id).collect()
    }

    #[test]
    fn every_endpoint_of_an_instance_is_found() {
        let value = |port: u16, second: &str| {
            format!(
                r#"{{"endpoints":["http://10.0.0.1:{port}","grpc://{second}:{port}","http://10.0.0.1:9","ws://10.0.0.9"]}}"#
            )
        };
        let all = [
            instance("a", &value(80, "10.0.0.2")),
            instance("b", &value(81, "10.0.0.1")),
            instance("c", "http://10.0.0.1:82"),
        ];
        let mut service = Service::default();
        all.iter().for_each(|it| service.insert(it));
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(ids(service.on_transport(Proto::Tcp)), ["a", "b", "c"]);
        assert_eq!(ids(service.on_port(Proto::Tcp, b"grpc")), ["a", "b"]);
        assert_eq!(ids(service.on_port(Proto::Tcp, b"http")), ["a", "b", "c", "a", "b"]);
        assert!(service.has_port(Proto::Tcp, b"grpc") && !service.has_port(Proto::Tcp, b"ws"));
        assert_eq!(ids(service.at_address(address("10.0.0.1"))), ["a", "b", "c"]);
        assert_eq!(ids(service.at_address(address("10.0.0.2"))), ["a"]);
        assert_eq!(service.with_ipv4().count(), 6);
        assert_eq!((service.len(), service.with_port(Proto::Tcp), service.ways()), (3, 3, 10));
        service.remove(&all[0]);
        assert!(!service.has_address(address("10.0.0.2")) && service.with_ipv4().count() == 3);
        service.remove(&all[1]);
        assert!(!service.has_port(Proto::Tcp, b"grpc") && service.ways() == 1);
        service.remove(&all[2]);
        assert!(service.is_empty() && service.with_ipv4().next().is_none());
    }

    #[test]
    fn a_port_name_that_only_a_further_endpoint_has() {
        let one = instance("a", r#"{"endpoints":["10.0.0.1","grpc://10.0.0.1:1"]}"#);
        let mut service = Service::default();
        service.insert(&one);
        assert!(service.names_ports(Proto::Tcp) && !service.names_ports(Proto::Udp));
        assert_eq!(service.with_port(Proto::Tcp), 0);
        service.remove(&one);
        assert!(!service.names_ports(Proto::Tcp));
    }
}
