//! Ready-made answers that are made of more than one thing: each goes with whatever of it goes,
//! and is ready again with the next question.

use std::collections::BTreeMap;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use srvd::index::{Index, NextZone, NextZones, Publisher, Schema, Settings};
use srvd::names::WireName;
use srvd::registry::{Layout, Table, Update};
use srvd::wire::{Fast, Peer, Policy, READY_MAX, Responder, Transport, Verdict, View};

use super::messages::{A, CLIENT, Query, SRV, parse};
use crate::fixture::{settings, settings_of_file};

/// Types beside A and SRV.
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
/// Of the zone that is its file, what stays.
const ALONE: &str = "$TTL 60
@ SOA ns hostmaster 7 1 2 3 30
@ NS ns
ns A 192.0.2.1
_web._tcp SRV 1 5 80 web
_web._tcp SRV 1 5 81 web
_far._tcp SRV 0 0 80 10-0-0-1.web.services.internal.
www CNAME web
out CNAME web.services.internal.
none CNAME no.services.internal.
mail MX 10 web
mail MX 20 10-0-0-2.web.services.internal.
*.any MX 10 web
*.alias CNAME web
*.srv SRV 0 0 80 web
sub NS ns.sub
";
/// What does not.
const FIRST: &str = "web A 192.0.2.2\nweb A 192.0.2.3\nweb AAAA 2001:db8::2\nns.sub A 192.0.2.5\n";
/// What stands there later.
const LATER: &str = "web A 192.0.2.4\nns.sub A 192.0.2.6\n";
/// Records beside registrations.
const BESIDE: &str = "$TTL 60
site SRV 0 0 80 web
www CNAME web
mail MX 10 web
";

/// What is asked, of each name below some zone.
pub(super) const ASKED: [(&str, &[u16]); 37] = [
    ("alone.test", &[NS, SOA, MX]),
    ("_web._tcp.alone.test", &[SRV]),
    ("_far._tcp.alone.test", &[SRV]),
    ("www.alone.test", &[A, AAAA, TXT, CNAME]),
    ("out.alone.test", &[A, SRV]),
    ("none.alone.test", &[A]),
    ("mail.alone.test", &[MX]),
    ("x.any.alone.test", &[MX]),
    ("longer.x.any.alone.test", &[MX]),
    ("x.alias.alone.test", &[A, AAAA]),
    ("longer.x.alias.alone.test", &[A, AAAA]),
    ("x.srv.alone.test", &[SRV]),
    ("sub.alone.test", &[A, NS]),
    ("some.name.sub.alone.test", &[A, TXT]),
    ("services.internal", &[NS, SOA]),
    ("site.services.internal", &[SRV]),
    ("www.services.internal", &[A, SRV]),
    ("mail.services.internal", &[MX]),
    ("_web._tcp.services.internal", &[PTR, SRV]),
    ("_via._tcp.services.internal", &[PTR, SRV]),
    ("_front._tcp.services.internal", &[PTR, SRV]),
    ("_red._sub._web._tcp.services.internal", &[PTR]),
    ("1.web.services.internal", &[TXT, A]),
    ("_services._dns-sd._udp.services.internal", &[PTR]),
    ("b._dns-sd._udp.services.internal", &[PTR]),
    ("1.0.0.10.in-addr.arpa", &[PTR]),
    ("2.0.0.10.in-addr.arpa", &[PTR]),
    ("10.in-addr.arpa", &[SOA, NS]),
    ("web.sky.test", &[A, SRV, TXT, AAAA, MX]),
    ("deep.sky.test", &[A, SRV]),
    ("b.a.deep.sky.test", &[A]),
    ("alias.sky.test", &[A, CNAME, TXT]),
    ("inner.sky.test", &[A, SRV]),
    ("x.wild.sky.test", &[A, AAAA, TXT]),
    ("longer.y.wild.sky.test", &[A]),
    ("z.led.sky.test", &[A, CNAME]),
    ("sky.test", &[NS, SOA]),
];

/// What is said of each question, section by section.
pub(super) type Said = BTreeMap<(String, u16), [Vec<String>; 3]>;
/// A key, its value, and questions whose answers are others afterwards.
type Step = (&'static str, &'static str, &'static [(&'static str, u16)]);

/// All that is served, and what feeds it.
pub(super) struct World {
    pub(super) index: Arc<Index>,
    tables: [Table; 2],
    publishers: Vec<Publisher>,
    revision: i64,
}

/// The zones, with some records in the one that is its file.
fn zones(text: &str) -> NextZones {
    let sky = WireName::from_text("sky.test").unwrap();
    let layout = Layout::of_labels("/sky", &sky).unwrap();
    let registry = [
        settings_of_file("services.internal.", BESIDE, false).naming_addresses(true),
        settings("sky.test.").of_schema(Schema::SkyDns).reading(layout),
    ];
    let same = |settings: Settings| NextZone { settings: Arc::new(settings), is_same: true };
    let reverse = settings("10.in-addr.arpa.").of_schema(Schema::Static).reversing();
    let alone = settings_of_file("alone.test.", &format!("{ALONE}{text}"), true);
    NextZones {
        registry: registry.map(same).into(),
        others: vec![Arc::new(alone), Arc::new(reverse)],
        bare_names: true,
    }
}

impl World {
    /// Both registries are listed, and empty.
    pub(super) fn new() -> Self {
        let index = Arc::new(Index::empty());
        index.renew(zones(FIRST));
        let ids = index.load().read_ids();
        let publishers = ids.into_iter().map(|id| Publisher::of(Arc::clone(&index), id)).collect();
        let sky = WireName::from_text("sky.test").unwrap();
        let layouts = [Layout::new("/services", None), Layout::of_labels("/sky", &sky)];
        let tables = layouts.map(|it| Table::new(it.unwrap()));
        let mut world = Self { index, tables, publishers, revision: 0 };
        (0..2).for_each(|at| world.publish(at, Update::default()));
        world
    }

    fn publish(&mut self, at: usize, update: Update) {
        self.revision += 1;
        self.publishers[at].publish_minted(&Update { revision: self.revision, ..update });
    }

    /// Writes a key, or deletes it where there is no value.
    pub(super) fn write(&mut self, key: &str, value: &str) {
        let (at, mut update) = (usize::from(key.starts_with("/sky")), Update::default());
        match value {
            "" => self.tables[at].delete(key.as_bytes(), &mut update),
            value => self.tables[at].put(key.as_bytes(), value.as_bytes(), &mut update),
        }
        self.publish(at, update);
    }

    /// What the fast path says, if it does.
    fn fast(&self, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let (generation, policy) = (self.index.load(), Policy::default());
        let view = View { generation: &generation, policy: &policy };
        let room = if transport == Transport::Udp { 1232 } else { READY_MAX };
        let mut reply = vec![0xff; READY_MAX];
        let from = Peer { address: CLIENT, transport };
        match Fast::unbounded().respond(view, message, from, &mut reply[..room]) {
            Verdict::Reply { octets, .. } => Some(reply[..octets].to_vec()),
            _ => None,
        }
    }

    /// What both paths say of everything, which must be the same; and of how many questions the
    /// fast path does.
    pub(super) fn said(&self, step: &str) -> (Said, usize) {
        let responder = Responder::new(Arc::clone(&self.index));
        let (mut all, mut quick) = (BTreeMap::new(), 0);
        let asked = ASKED.iter().flat_map(|(name, kinds)| kinds.iter().map(move |it| (name, *it)));
        for (name, kind) in asked {
            let message = Query::new(name, kind).edns(1232, 0, 0, &[]).bytes();
            for transport in [Transport::Udp, Transport::Tcp, Transport::Udp] {
                let mut full = Vec::new();
                let from = Peer { address: CLIENT, transport };
                assert!(responder.respond(&message, from, &mut full));
                let slow = parse(&full).unwrap();
                if let Some(reply) = self.fast(&message, transport) {
                    let fast = parse(&reply).unwrap_or_else(|| panic!("{name} {kind}"));
                    assert_eq!(&reply[..12], &full[..12], "{step}: {name} {kind}: header");
                    assert_eq!(sections(&fast), sections(&slow), "{step}: {name} {kind}");
                    quick += 1;
                }
                all.insert(((*name).to_owned(), kind), sections(&slow));
            }
        }
        (all, quick)
    }
}

/// The sections of a message, each in an order of its own.
fn sections(message: &Message) -> [Vec<String>; 3] {
    [&message.answers, &message.authorities, &message.additionals].map(|it: &Vec<Record>| {
        let mut lines: Vec<_> = it.iter().map(|it| it.to_string().to_lowercase()).collect();
        lines.sort();
        lines
    })
}

/// What is there first.
pub(super) const HELD: [(&str, &str); 12] = [
    ("/services/web/1", r#"{"host":"10.0.0.1:80","version":"1","tags":["red"],"text":"t"}"#),
    ("/services/web/2", r#"{"host":"10.0.0.2:80","version":"2"}"#),
    ("/services/via/1", "1.web.services.internal:80"),
    ("/services/_backends/blue", r#"{"resource":"Backend","app":"web","version":"1"}"#),
    ("/services/_backends/green", r#"{"resource":"Backend","app":"web","version":"2"}"#),
    ("/services/_frontends/front", r#"{"resource":"Frontend","backend":"blue"}"#),
    ("/sky/test/sky/web", r#"{"host":"10.1.0.1","port":80,"text":"one"}"#),
    ("/sky/test/sky/deep/a/b", r#"{"host":"10.1.0.2","port":80}"#),
    ("/sky/test/sky/alias", r#"{"host":"www.alone.test"}"#),
    ("/sky/test/sky/inner", r#"{"host":"web.services.internal","port":80}"#),
    ("/sky/test/sky/wild/*", r#"{"host":"10.1.0.7","text":"wild"}"#),
    ("/sky/test/sky/led/*", r#"{"host":"www.alone.test"}"#),
];

/// What is written then.
const STEPS: [Step; 10] = [
    (
        "/services/web/3",
        r#"{"host":"10.0.0.3:80","tags":["red"]}"#,
        &[
            ("site.services.internal", SRV),
            ("www.services.internal", A),
            ("mail.services.internal", MX),
            ("out.alone.test", A),
            ("_web._tcp.services.internal", PTR),
            ("_red._sub._web._tcp.services.internal", PTR),
            ("inner.sky.test", A),
            ("services.internal", SOA),
            ("10.in-addr.arpa", SOA),
        ],
    ),
    (
        "/services/web/1",
        "",
        &[
            ("_far._tcp.alone.test", SRV),
            ("_via._tcp.services.internal", SRV),
            ("_via._tcp.services.internal", PTR),
            ("_front._tcp.services.internal", PTR),
            ("1.0.0.10.in-addr.arpa", PTR),
            ("1.web.services.internal", TXT),
        ],
    ),
    (
        "/services/_frontends/front",
        r#"{"resource":"Frontend","backend":"green"}"#,
        &[("_front._tcp.services.internal", PTR), ("_front._tcp.services.internal", SRV)],
    ),
    (
        "/services/web/2",
        r#"{"host":"10.0.0.2:80","version":"2","ttl":2}"#,
        &[
            ("2.0.0.10.in-addr.arpa", PTR),
            ("mail.alone.test", MX),
            ("_front._tcp.services.internal", PTR),
        ],
    ),
    (
        "/services/_backends/green",
        r#"{"resource":"Backend","app":"web","version":"9"}"#,
        &[("_front._tcp.services.internal", SRV)],
    ),
    ("/services/no/1", "10.0.0.9:80", &[("none.alone.test", A)]),
    (
        "/sky/test/sky/web/2",
        r#"{"host":"10.1.0.9","port":81}"#,
        &[("web.sky.test", A), ("web.sky.test", SRV), ("sky.test", SOA)],
    ),
    (
        "/sky/test/sky/deep/a/c",
        r#"{"host":"10.1.0.8","port":81}"#,
        &[("deep.sky.test", A), ("deep.sky.test", SRV)],
    ),
    (
        "/sky/test/sky/web",
        r#"{"host":"10.1.0.1","port":80,"text":"two"}"#,
        &[("web.sky.test", TXT)],
    ),
    ("/sky/test/sky/alias", r#"{"host":"out.alone.test"}"#, &[("alias.sky.test", A)]),
];

#[test]
fn each_answer_goes_with_what_it_is_made_of() {
    let mut world = World::new();
    HELD.iter().for_each(|(key, value)| world.write(key, value));
    let (mut before, quick) = world.said("at first");
    let asked: usize = ASKED.iter().map(|(_, kinds)| kinds.len()).sum();
    assert_eq!(quick, 3 * asked, "every question is answered from ready-made answers");
    for (key, value, changed) in STEPS {
        world.write(key, value);
        let (after, _) = world.said(key);
        for (name, kind) in changed {
            let question = ((*name).to_owned(), *kind);
            assert_ne!(before[&question], after[&question], "{key} {value}: {name} {kind}");
        }
        before = after;
    }
    world.index.renew(zones(LATER));
    let (after, _) = world.said("a file that is read again");
    for (name, kind) in [
        ("_web._tcp.alone.test", SRV),
        ("www.alone.test", A),
        ("mail.alone.test", MX),
        ("x.any.alone.test", MX),
        ("longer.x.alias.alone.test", A),
        ("x.srv.alone.test", SRV),
        ("some.name.sub.alone.test", A),
    ] {
        let question = (name.to_owned(), kind);
        assert_ne!(before[&question], after[&question], "{name} {kind}");
    }
}
