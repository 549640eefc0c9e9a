//! The writing side: changes in, generations out.

use std::sync::Arc;

use super::{Generation, Index, Zone};
use crate::registry::{Publish, Update};

/// Publishes one zone. It alone writes the zone, so it keeps the next state at hand.
#[derive(Debug)]
pub struct Publisher {
    /// Where generations are published.
    index: Arc<Index>,
    /// Which zone it writes.
    at: usize,
    /// The zone as it was last published; changes go in before the next.
    next: Zone,
    /// The generation before the newest. Queries are done with it long before the next is
    /// published, and so it is taken apart here, by none of them.
    previous: Arc<Generation>,
}

impl Publisher {
    /// The publisher of the zone at a place of the index.
    #[must_use]
    pub fn new(index: Arc<Index>, at: usize) -> Self {
        let previous = Arc::clone(&index.load());
        let next = Zone::clone(&previous.zones()[at]);
        Self { index, at, next, previous }
    }
}

impl Publish for Publisher {
    fn publish(&mut self, update: Update) {
        for change in &update.changes {
            self.next.apply(change);
        }
        self.next.confirm(update.revision);
        self.previous = self.index.replace(self.at, &Arc::new(self.next.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;
    use proptest::prelude::*;

    use super::*;
    use crate::index::{Node, Service, Settings};
    use crate::names::WireName;
    use crate::registry::{Instance, Layout, Proto, Table};

    /// Settings of a zone with nothing special.
    fn settings(apex: &str) -> Arc<Settings> {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(name("ns.example."), name("admin.example."), 0, 1, 1, 1, 5);
        let ns = vec![name("ns.example.")];
        Arc::new(Settings::new(name(apex), (soa, 60), (ns, 60), 5).unwrap())
    }

    /// A zone fed by a table that reads the whole keyspace.
    fn fed() -> (Table, Publisher) {
        let index = Arc::new(Index::new(vec![settings("z.")], true));
        (Table::new(Layout::new("", None).unwrap()), Publisher::new(index, 0))
    }

    /// What stands at a name.
    fn find<'g>(generation: &'g Generation, name: &str) -> Option<Node<'g>> {
        let name = WireName::from_text(name).unwrap();
        let (site, below) = generation.locate(&name)?;
        generation.find(site, &name, below)
    }

    /// Everything a service shows, in words.
    fn view(service: &Service) -> Vec<String> {
        let word =
            |it: &Instance| format!("{} {} {} {}", it.name, it.id, it.is_rooted, it.location());
        let addresses =
            ["10.0.0.0", "10.0.0.1", "10.0.0.2"].map(|it| it.parse::<IpAddr>().unwrap());
        let ports = Proto::ALL.map(|proto| format!("{proto} {}", service.with_port(proto)));
        let mut all: Vec<_> = service.instances().map(word).chain(ports).collect();
        all.extend(addresses.iter().flat_map(|it| service.at_address(*it)).map(word));
        all.extend(Proto::ALL.iter().flat_map(|it| service.on_port(*it, b"http")).map(word));
        all.extend(service.on_port(Proto::Tcp, b"grpc").map(word));
        let named = Proto::ALL.map(|it| (service.has_port(it, b"grpc"), service.names_ports(it)));
        all.push(format!("{named:?} {}", service.ways()));
        all.extend(["0", "1", "2"].iter().flat_map(|it| service.with_id(it.as_bytes())).map(word));
        all
    }

    /// Everything a zone shows.
    fn views(publisher: &Publisher) -> Vec<Vec<String>> {
        let generation = publisher.index.load();
        let transports =
            ["_tcp.z", "_udp.z"].map(|name| find(&generation, name).is_some().to_string());
        let service = |name: &str| generation.zones()[0].service(name.as_bytes()).map(view);
        ["a", "b-c"].iter().filter_map(|name| service(name)).chain([transports.to_vec()]).collect()
    }

    #[test]
    fn names_above_a_zone_exist() {
        let zones = vec![settings("internal."), settings("a.b.internal.")];
        let index = Index::new(zones, true);
        let generation = index.load();
        assert!(matches!(find(&generation, "b.internal"), Some(Node::Empty)));
        assert!(find(&generation, "c.internal").is_none());
        assert!(matches!(find(&generation, "a.b.internal"), Some(Node::Apex)));
    }

    proptest! {
        /// Whatever happened, the index is what a fresh list would make it, also for keys
        /// that differ in a slash or in spelling only.
        #[test]
        fn events_leave_what_a_list_would_find(
            events in proptest::collection::vec((0usize..4, 0u8..3, 0u8..7, 0u8..3), 0..60),
        ) {
            let (mut table, mut publisher) = fed();
            let mut truth = std::collections::BTreeMap::new();
            for (revision, (name, id, kind, address)) in events.into_iter().enumerate() {
                let key = format!("{}/{id}", ["a", "/a", "b_c", "B-c"][name]).into_bytes();
                let value = match kind {
                    0 => None,
                    1 => Some(format!("10.0.0.{address}")),
                    2 => Some(format!("http://10.0.0.{address}:80")),
                    3 => Some(format!(r#"{{"host":"10.0.0.{address}:53","proto":"udp"}}"#)),
                    4 => Some(format!(
                        r#"{{"endpoints":["http://10.0.0.1:80","grpc://10.0.0.{address}:9","HTTP://10.0.0.{address}:81"]}}"#
                    )),
                    5 => Some(format!(
                        r#"{{"endpoints":["a.b:1","http://10.0.0.{address}:9","http://10.0.0.2:9","http://a.b:9","x://10.0.0.1"]}}"#
                    )),
                    _ => Some("no document".to_owned()),
                };
                let change = match &value {
                    Some(value) => table.put(&key, value.as_bytes()),
                    None => table.delete(&key),
                };
                truth.insert(key, value);
                let revision = revision as i64 + 1;
                publisher.publish(Update { revision, changes: change.into_iter().collect() });
            }
            let (mut fresh, mut listed) = fed();
            fresh.begin_listing();
            for (key, value) in truth.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
                fresh.list(key, value.as_bytes());
            }
            listed.publish(Update { revision: 1, changes: fresh.finish_listing() });
            prop_assert_eq!(views(&publisher), views(&listed));
        }
    }
}
