//! The writing side: changes in, generations out.

use std::sync::Arc;

use super::{Index, SerialRecord, ZoneId};
use crate::registry::{Publish, Update};

/// Publishes what the registry says of one zone.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Where generations are published.
    index: Arc<Index>,
    /// Which zone it writes.
    id: ZoneId,
}

impl Publisher {
    /// The publisher of the zone that is at a place of the index now.
    #[must_use]
    pub fn new(index: Arc<Index>, at: usize) -> Self {
        let id = index.load().zones()[at].id();
        Self::of(index, id)
    }

    /// The publisher of a zone.
    #[must_use]
    pub const fn of(index: Arc<Index>, id: ZoneId) -> Self {
        Self { index, id }
    }

    /// Publishes an update in one generation with serials that count all that changed.
    pub fn publish_minted(&self, update: &Update) {
        self.index.edit(self.id, true, |zone| zone.apply(update));
    }

    /// Has the zone, which nothing was published of yet, go on with a serial that was kept.
    pub fn recall(&self, serial: SerialRecord) {
        if self.index.load().shown(self.id).is_some_and(|zone| !zone.is_ready()) {
            self.index.edit(self.id, false, |zone| zone.serial.recall(serial));
        }
    }
}

impl Publish for Publisher {
    fn publish(&mut self, update: Update) {
        self.index.edit(self.id, false, |zone| zone.apply(&update));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;
    use proptest::prelude::*;

    use super::*;
    use crate::index::{Generation, Node, Service, Settings};
    use crate::names::WireName;
    use crate::registry::{Instance, Layout, Proto, Table};

    /// Settings of a zone with nothing special.
    fn settings(apex: &str) -> Arc<Settings> {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(name("ns.example."), name("admin.example."), 0, 1, 1, 1, 5);
        let ns = vec![name("ns.example.")];
        let settings = Settings::new(name(apex), (soa, 60), (ns, 60), 5).unwrap();
        Arc::new(settings.naming_addresses(true))
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
        all.extend(["0", "1", "t-x"].iter().flat_map(|it| tagged(service, it.as_bytes())));
        all
    }

    /// Everything a service shows of a tag, in words.
    fn tagged(service: &Service, tag: &[u8]) -> Vec<String> {
        let word = |it: &Instance| format!("{tag:?} {} {}", it.id, it.location());
        let mut all: Vec<_> = service.with_tag(tag).map(word).collect();
        for proto in Proto::ALL {
            all.extend(service.with_tag_on(tag, proto).map(word));
            all.extend(service.with_tag_on_port(tag, proto, b"http").map(word));
            all.extend(service.with_tag_on_port(tag, proto, b"grpc").map(word));
            let tags = service.tags();
            let has = tags.map(|it| (it.any_on(proto), it.names_ports(tag, proto)));
            all.push(format!("{has:?}"));
        }
        all
    }

    /// Everything a zone shows, name by name, and what is wrong with it.
    fn views(publisher: &Publisher) -> Vec<Vec<String>> {
        let generation = publisher.index.load();
        let node = |name: &String| match find(&generation, name) {
            None => vec![],
            Some(node) => node.service().map_or(vec!["empty".to_owned()], view),
        };
        let below = [
            "",
            "0.",
            "1.",
            "10-0-0-0.",
            "10-0-0-1.",
            "_http._tcp.",
            "_tcp.",
            "_udp.",
            "t-x.",
            "_tcp.t-x.",
            "_http._tcp.t-x.",
            "_grpc._tcp.1.",
            "_udp.1.",
        ];
        let names = ["a", "b-c", "f", "g"].iter().flat_map(|name| {
            let own = below.map(|below| format!("{below}{name}.z"));
            [own.to_vec(), vec![format!("_{name}._tcp.z"), format!("_{name}._udp.z")]].concat()
        });
        let transports = [
            "_tcp.z",
            "_udp.z",
            "0._a._tcp.z",
            "1._b-c._udp.z",
            "2._f._tcp.z",
            "_sub._a._tcp.z",
            "_sub._g._udp.z",
            "_t-x._sub._a._tcp.z",
            "_1._sub._b-c._udp.z",
            "_2._sub._f._tcp.z",
            "_services._dns-sd._udp.z",
        ]
        .map(str::to_owned);
        let mut problems: Vec<_> =
            generation.zones()[0].problems().map(|it| it.to_string()).collect();
        problems.push(format!("{:?}", generation.zones()[0].addresses));
        let types = generation.zones()[0].service_types();
        problems.extend(types.map(|(label, proto)| format!("{label} {proto}").to_lowercase()));
        problems.sort_unstable();
        names.chain(transports).map(|name| node(&name)).chain([problems]).collect()
    }

    /// What a document of a key says; nothing when it is deleted.
    fn value(key: &[u8], kind: u8, number: u8) -> Option<String> {
        let name = ["a", "b-C", "g", ""][usize::from(number)];
        let aliases = [("_backends", "Backend", "app"), ("_frontends", "Frontend", "backend")];
        let alias = aliases.iter().find(|(folder, ..)| key.starts_with(folder.as_bytes()));
        if let Some((_, resource, of)) = alias {
            let version = ["", "1", "2", "1", "", "2", "1"][usize::from(kind)];
            let value =
                format!(r#"{{"resource":"{resource}","{of}":"{name}","version":"{version}"}}"#);
            return (kind > 0).then_some(value);
        }
        Some(match kind {
            0 => return None,
            1 => format!("10.0.0.{number}"),
            2 => format!(
                r#"{{"host":"10.0.0.{number}:80","version":"{number}","protocol":"http","tags":["t.x"]}}"#
            ),
            3 => format!(
                r#"{{"host":"10.0.0.{number}:53","proto":"udp","version":"1","tags":["t_x","T-X","{number}"]}}"#
            ),
            4 => format!(
                r#"{{"endpoints":["http://10.0.0.1:80","grpc://10.0.0.{number}:9","HTTP://10.0.0.{number}:81"]}}"#
            ),
            5 => format!(
                r#"{{"endpoints":["a.b:1","http://10.0.0.{number}:9","http://10.0.0.2:9","http://a.b:9","x://10.0.0.1"],"version":"2"}}"#
            ),
            _ => "no document".to_owned(),
        })
    }

    #[test]
    fn names_stand_for_what_their_aliases_lead_to() {
        let (mut table, mut publisher) = fed();
        let put = |table: &mut Table, publisher: &mut Publisher, key: &str, value: &str| {
            let mut update = Update { revision: 1, ..Update::default() };
            table.put(key.as_bytes(), value.as_bytes(), &mut update);
            publisher.publish(update);
        };
        let members = |publisher: &Publisher, name: &str| {
            let generation = publisher.index.load();
            let label: Vec<u8> = crate::names::folded(name).collect();
            let service = generation.zones()[0].named(&label)?;
            Some(service.instances().map(|it| format!("{}/{}", it.name, it.id)).collect::<Vec<_>>())
        };
        let at = |version: &str| format!(r#"{{"host":"10.0.0.1:80","version":"{version}"}}"#);
        for (key, value) in
            [("web/1", at("1")), ("web/2", at("2")), ("db/1", at("2")), ("x/1", at("1"))]
        {
            put(&mut table, &mut publisher, key, &value);
        }
        let first = r#"{"resource":"Backend","app":"web","version":"1"}"#;
        put(&mut table, &mut publisher, "_backends/b_1", first);
        assert_eq!(members(&publisher, "b-1").unwrap(), ["web/1"]);
        for (key, value) in [
            ("_backends/b-1", r#"{"resource":"Backend","app":"db"}"#),
            ("_frontends/f", r#"{"resource":"Frontend","backend":"B_1"}"#),
            ("_frontends/web", r#"{"resource":"Frontend"}"#),
        ] {
            put(&mut table, &mut publisher, key, value);
        }
        assert_eq!(members(&publisher, "F").unwrap(), ["db/1"]);
        assert_eq!(members(&publisher, "b-1").unwrap(), ["db/1"]);
        assert_eq!(members(&publisher, "web"), None);
        assert_eq!(members(&publisher, "x").unwrap(), ["x/1"]);
    }

    #[test]
    fn names_above_a_zone_exist() {
        let zones = vec![settings("internal."), settings("a.b.internal.")];
        let index = Index::new(zones, true);
        let generation = index.load();
        assert!(matches!(find(&generation, "b.internal"), Some(Node::Empty)));
        assert!(find(&generation, "c.internal").is_none());
        assert!(matches!(find(&generation, "a.b.internal"), Some(Node::Apex(_))));
    }

    proptest! {
        /// Whatever happened, the index is what a fresh list would make it, also for keys
        /// that differ in a slash or in spelling only, and for aliases of all kinds.
        #[test]
        fn events_leave_what_a_list_would_find(
            events in proptest::collection::vec((0usize..12, 0u8..3, 0u8..7, 0u8..4), 0..60),
        ) {
            let (mut table, mut publisher) = fed();
            let mut truth = std::collections::BTreeMap::new();
            for (revision, (name, id, kind, number)) in events.into_iter().enumerate() {
                let key = match ["a", "/a", "b_c", "B-c", "a", "b-c"].get(name) {
                    Some(name) => format!("{name}/{id}"),
                    None => {
                        let alias = ["a", "g", "f", "G", "b_c", "F"][name - 6];
                        format!("{}/{alias}", ["_backends", "_frontends"][usize::from(id) % 2])
                    }
                };
                let (key, revision) = (key.into_bytes(), revision as i64 + 1);
                let value = value(&key, kind, number);
                let mut update = Update { revision, ..Update::default() };
                match &value {
                    Some(value) => table.put(&key, value.as_bytes(), &mut update),
                    None => table.delete(&key, &mut update),
                }
                truth.insert(key, value);
                publisher.publish(update);
            }
            let (mut fresh, mut listed) = fed();
            fresh.begin_listing();
            for (key, value) in truth.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
                fresh.list(key, value.as_bytes());
            }
            let mut update = Update { revision: 1, ..Update::default() };
            fresh.finish_listing(&mut update);
            listed.publish(update);
            prop_assert_eq!(views(&publisher), views(&listed));
            // A name in between is there while, and only while, one below it is.
            let generation = publisher.index.load();
            for proto in Proto::ALL {
                let below = |name: &&str| find(&generation, &format!("_{name}._{proto}.z")).is_some();
                // The names of DNS-SD itself stand below `_udp.z`.
                let any = proto == Proto::Udp || ["a", "b-c", "f", "g"].iter().any(below);
                prop_assert_eq!(find(&generation, &format!("_{proto}.z")).is_some(), any);
            }
        }
    }
}
