//! The fast path against the full path: whatever is registered and whatever is asked, both
//! say the same. Orders are drawn, so records are compared as sets; where not all glue
//! fits, the fast path's must be a beginning of what there is.

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use srvd::index::Schema;
use srvd::wire::{Fast, Peer, Policy, READY_MAX, Replied, Transport, Verdict, View};

use super::cut::check_cut;
use super::messages::{CLIENT, Query, parse, respond};
use crate::fixture::{Fixture, settings};

/// What the fast path replies; none if it leaves the message to the full path, or empty
/// for silence.
pub(super) fn fast(fixture: &Fixture, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let mut reply = vec![0xff; READY_MAX];
    let room = if transport == Transport::Udp { 1232 } else { READY_MAX };
    let generation = fixture.index.load();
    // One that takes whatever can be made ready.
    match Fast::unbounded().respond(
        View { generation: &generation, policy: &Policy::default() },
        message,
        Peer { address: CLIENT, transport },
        &mut reply[..room],
    ) {
        Verdict::Reply { octets, code, truncated, topic } => {
            reply.truncate(octets);
            assert_eq!((code, truncated), (reply[3] & 0x0f, reply[2] & 2 != 0));
            let read = Replied::read(
                View { generation: &generation, policy: &Policy::default() },
                CLIENT.ip(),
                &reply,
            );
            assert_eq!((read.topic, read.octets), (topic, octets));
            Some(reply)
        }
        Verdict::Silence => Some(Vec::new()),
        Verdict::Full | Verdict::Foreign | Verdict::Pattern => None,
    }
}

/// What a document says beside its address.
const MORE: [&str; 13] = [
    "",
    "",
    r#","protocol":"http""#,
    r#","ttl":60"#,
    r#","text":"words"#,
    r#","priority":1"#,
    r#","weight":0"#,
    r#","weight":7"#,
    r#","version":"1""#,
    r#","version":"1","ttl":9"#,
    r#","tags":["red"],"protocol":"http""#,
    r#","tags":["B_1","red","i1"],"version":"10.0.0.1""#,
    r#","tags":["b-1"],"ttl":8,"text":"words"#,
];

/// Names below a zone: of everything that is there, and beside it.
const FIRST: [&str; 90] = [
    "",
    "_web._tcp",
    "_web._udp",
    "web",
    "w-b",
    "_w-b._tcp",
    "db",
    "db",
    "_db._tcp",
    "_db._tcp",
    "x",
    "_x._tcp",
    "_tcp",
    "_udp",
    "_http._tcp.web",
    "_http._tcp.db",
    "_grpc._tcp.web",
    "_grpc._tcp.db",
    "_grpc._tcp.x",
    "_grpc._udp.web",
    "k1.web",
    "_tcp.web",
    "10-0-0-1.web",
    "10-0-0-2.web",
    "10-0-0-3.web",
    "10-1-0-3.db",
    "2001-db8--1.web",
    "i1.web",
    "i0.web",
    "i-0.web",
    "i-1.db",
    "b5.db",
    "b77.db",
    "no",
    "_no._tcp",
    "no.web",
    "a.b.c.d",
    "_web",
    "web._tcp",
    "_web._tcp.web",
    "ns.dns",
    "dns",
    "z.10-0-0-1",
    "10-0-0-1",
    "_10-0-0-1._tcp",
    "\u{1}odd",
    "shop",
    "_shop._tcp",
    "_shop._tcp",
    "_shop._udp",
    "_http._tcp.shop",
    "_tcp.shop",
    "10-0-0-1.shop",
    "10-1-0-3.shop",
    "i1.shop",
    "blue",
    "_blue._tcp",
    "10-0-0-1.blue",
    "red.web",
    "b-1.db",
    "1.web",
    "1.shop",
    "_http._tcp.1.web",
    "_http._tcp.red.shop",
    "_grpc._tcp.1.web",
    "_tcp.red.db",
    "_udp.red.web",
    "i1._web._tcp",
    "i_1._web._tcp",
    "i_1._db._udp",
    "k1._shop._tcp",
    "i1._shop._tcp",
    "_sub._web._tcp",
    "_red._sub._web._tcp",
    "_1._sub._shop._tcp",
    "_services._dns-sd._udp",
    "b._dns-sd._udp",
    "_dns-sd._udp",
    "io",
    "a.io",
    "b.a.io",
    "a-io",
    "io._tcp",
    "_a.io._tcp",
    "_b.a.io._udp",
    "i1.a.io",
    "_http._tcp.a.io",
    "x.io",
    "_red",
    "_web._red",
];

/// Apexes: of zones that are there, and above and beside them.
const ZONES: [&str; 10] = [
    "services.internal",
    "services.internal",
    "services.internal",
    "services.internal",
    "web.services.internal",
    "",
    "internal",
    "other.test",
    "unlisted.test",
    "example.com",
];

/// Registrations: many to a service, in a world so small that they meet.
pub(super) fn registrations() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = select(vec!["web", "W_b", "db", "x"]);
    let host = prop_oneof![
        8 => (0u8..40).prop_map(|n| format!("10.0.0.{n}")),
        4 => (0u8..20).prop_map(|n| format!("[2001:db8::{n}]")),
        1 => Just("far.example.com".to_owned()),
        1 => Just("web.services.internal".to_owned()),
        1 => Just("10-0-0-1.web.services.internal".to_owned()),
        1 => Just("10-0-0-1.other.test".to_owned()),
        1 => Just("10-0-0-2.shop.services.internal".to_owned()),
    ];
    let id = (select(vec!["i", "i_", "i-", "10-0-0-"]), 0u8..10);
    let port = select(vec!["", ":80", ":80", ":80", ":81", ":82"]);
    let proto = select(vec!["tcp", "tcp", "tcp", "udp"]);
    let one = (name, id, host, port, proto, select(MORE.to_vec())).prop_map(
        |(name, (id, number), host, port, proto, more)| {
            let end = if more.ends_with("words") { format!(" {number}\"") } else { String::new() };
            let value = format!(r#"{{"host":"{host}{port}","proto":"{proto}"{more}{end}}}"#);
            (format!("{name}/{id}{number}"), value)
        },
    );
    let some = proptest::collection::vec(one, 0..60);
    let several = proptest::collection::vec(several(), 0..6);
    (some, several, crowd(), aliases(), proptest::collection::vec(dotted(), 0..4)).prop_map(
        |(some, several, crowd, aliases, dotted)| [some, dotted, several, crowd, aliases].concat(),
    )
}

/// An instance of a service whose name has dots, or is the end of such a name.
fn dotted() -> impl Strategy<Value = (String, String)> {
    let name = select(vec!["a.io", "A.io", "b.a.io", "io", "a-io"]);
    let more = select(vec!["", r#","name":"a.io""#, r#","proto":"udp""#, r#","protocol":"http""#]);
    (name, select(vec![":80", ""]), more, 0u8..3).prop_map(|(name, port, more, number)| {
        let value = format!(r#"{{"host":"10.0.0.{number}{port}"{more}}}"#);
        (format!("{name}/i{number}"), value)
    })
}

/// Backends and frontends: of the names of services, and of their own.
fn aliases() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = || select(vec!["web", "w-b", "DB", "shop", "shop", "blue", "blue"]);
    let apps = select(vec!["web", "web", "W_b", "db", "db", "x", "no"]);
    let backend = (names(), apps, select(vec!["", "1", "2"])).prop_map(|(name, app, version)| {
        let value = format!(r#"{{"resource":"Backend","app":"{app}","version":"{version}"}}"#);
        (format!("_backends/{name}"), value)
    });
    let frontend = (names(), names()).prop_map(|(name, backend)| {
        let value = format!(r#"{{"resource":"Frontend","backend":"{backend}"}}"#);
        (format!("_frontends/{name}"), value)
    });
    let some = proptest::collection::vec(prop_oneof![backend, frontend], 1..6);
    // Half of the worlds have none, as most have.
    prop_oneof![Just(Vec::new()), some]
}

/// An instance of several endpoints.
fn several() -> impl Strategy<Value = (String, String)> {
    let host = prop_oneof![
        4 => (0u8..4).prop_map(|n| format!("10.0.0.{n}")),
        2 => (0u8..3).prop_map(|n| format!("[2001:db8::{n}]")),
        1 => Just("far.example.com".to_owned()),
        1 => Just("10-0-0-1.web.services.internal".to_owned()),
    ];
    let scheme = select(vec!["http://", "grpc://", "GRPC://", "x-y.z://", ""]);
    let port = select(vec![":80", ":80", ":9000", ""]);
    let endpoint = (scheme, host, port)
        .prop_map(|(scheme, host, port)| format!(r#""{scheme}{host}{port}?isSecure=false""#));
    let endpoints = proptest::collection::vec(endpoint, 1..5);
    let key = (select(vec!["web", "W_b", "db", "x"]), select(vec!["k", "i"]), 0u8..4);
    (key, endpoints).prop_map(|((name, id, number), endpoints)| {
        let endpoints = endpoints.join(",");
        let value = format!(r#"{{"version":"1","metadata":null,"endpoints":[{endpoints}]}}"#);
        (format!("{name}/{id}{number}"), value)
    })
}

/// As many instances of one service as fit a datagram, and more, and many more.
fn crowd() -> impl Strategy<Value = Vec<(String, String)>> {
    let sizes = select(vec![0_usize, 0, 0, 20, 24, 30, 60, 75, 100, 300, 500]);
    (sizes, 1..4).prop_map(|(size, spread)| {
        let host = |n: usize| match spread {
            1 => format!("10.1.0.{}", n % 7),
            2 => format!("10.1.{}.{}", n / 200, n % 200),
            _ => format!("[2001:db8:1::{n:x}]"),
        };
        let value = |n: usize| {
            let (host, port, weight) = (host(n), 1000 + n, n % 5);
            // One of the sizes is of instances that have two endpoints each.
            if size == 75 {
                return format!(
                    r#"{{"endpoints":["http://{host}:{port}","grpc://{host}:{}"]}}"#,
                    port + 1
                );
            }
            format!(r#"{{"host":"{host}:{port}","weight":{weight},"protocol":"http"}}"#)
        };
        (0..size).map(|n| (format!("db/b{n}"), value(n))).collect()
    })
}

/// Names of reverse zones: of addresses, and above and beside them.
const REVERSE: [&str; 9] = [
    "10.in-addr.arpa",
    "0.10.in-addr.arpa",
    "0.0.10.in-addr.arpa",
    "1.0.0.10.in-addr.arpa",
    "7.7.7.10.in-addr.arpa",
    "9.9.9.10.in-addr.arpa",
    "x.0.10.in-addr.arpa",
    "ns.dns.10.in-addr.arpa",
    "in-addr.arpa",
];

/// Names in any case.
pub(super) fn names() -> impl Strategy<Value = String> {
    let below = (select(FIRST.to_vec()), select(ZONES.to_vec()));
    let below = below.prop_map(|(first, zone)| format!("{first}.{zone}"));
    let any_name = prop_oneof![15 => below, 1 => select(&REVERSE[..]).prop_map(str::to_owned)];
    (any_name, any::<u64>()).prop_map(|(name, cases)| {
        let name = name.trim_matches('.').to_owned();
        let spell = |(at, letter): (usize, char)| match cases >> (at % 64) & 1 {
            1 => letter.to_ascii_uppercase(),
            _ => letter,
        };
        name.chars().enumerate().map(spell).collect()
    })
}

/// Queries of the usual form, nearly all.
fn queries() -> impl Strategy<Value = Query> {
    let kind =
        select(vec![33, 33, 33, 1, 1, 28, 16, 12, 6, 2, 0, 5, 12, 15, 64, 65, 255, 252, 4096]);
    let size = prop_oneof![0u16..2000, Just(1232), Just(512)];
    let edns = proptest::option::of((size, prop::bool::weighted(0.5)));
    let options = select(vec![&[][..], &[], &[], &[0, 10, 0, 2, 7, 7, 0, 3, 0, 0]]);
    (names(), kind, any::<[u8; 2]>(), any::<[u8; 2]>(), edns, options).prop_map(
        |(name, kind, id, flags, edns, options)| {
            let mut query = Query::new(&name, kind).flags(flags[0] & 0x07, flags[1]);
            query.header[..2].copy_from_slice(&id);
            match edns {
                Some((size, dnssec_ok)) => query.edns(size, 0, u16::from(dnssec_ok) << 15, options),
                None => query,
            }
        },
    )
}

/// Zones of which one stands in another, and all in the root; one was never listed, and one is
/// made of the addresses of the others.
pub(super) fn world(registered: &[(String, String)], stale: bool) -> Fixture {
    let zones =
        ["services.internal.", "web.services.internal.", "other.test.", "unlisted.test.", "."];
    let is_named = |apex: &str| apex != "unlisted.test.";
    let zones = zones.map(|apex| settings(apex).naming_addresses(is_named(apex)));
    let reverse = settings("10.in-addr.arpa.").of_schema(Schema::Static).reversing();
    let mut fixture = Fixture::unlisted(zones.into_iter().chain([reverse]).collect());
    fixture.list(7);
    fixture.put_all(registered.iter().map(|(key, value)| (key, value)));
    fixture.set_stale(stale);
    fixture.turn_to(1);
    fixture.list(3);
    fixture.put_all([("10-0-0-1/z", "10.7.7.7:5"), ("10-0-0-3/z", "[2001:db8::7]:5")]);
    fixture.turn_to(2);
    fixture.list(9);
    fixture.put_all(registered.iter().take(9).map(|(key, value)| (key, value)));
    fixture.turn_to(4);
    fixture.list(5);
    fixture.put_all(registered.iter().skip(5).map(|(key, value)| (key, value)));
    fixture
}

/// Records in an order of their own, names in lower case.
fn sorted(records: &[Record]) -> Vec<String> {
    let mut lines: Vec<_> = records.iter().map(|it| it.to_string().to_lowercase()).collect();
    lines.sort();
    lines
}

/// Whether the glue of a reply is what a sender could fit: in the order of the answers,
/// from `all`, until the next does not fit into `room`.
fn check_glue(
    reply: &Message,
    octets: usize,
    all: &Message,
    room: usize,
) -> Result<(), TestCaseError> {
    let mut there = reply.additionals.iter();
    let mut seen = Vec::new();
    for answer in &reply.answers {
        let RData::SRV(srv) = &answer.data else { continue };
        if seen.contains(&&srv.target) {
            continue;
        }
        seen.push(&srv.target);
        let Some(glue) = all.additionals.iter().find(|record| record.name == srv.target) else {
            continue;
        };
        match there.next() {
            Some(record) => prop_assert_eq!(
                sorted(std::slice::from_ref(record)),
                sorted(std::slice::from_ref(glue))
            ),
            None => {
                let size = if glue.record_type() == RecordType::A { 16 } else { 28 };
                prop_assert!(octets + size > room, "{} would have fitted", glue);
                break;
            }
        }
    }
    prop_assert!(there.next().is_none(), "glue of no target");
    Ok(())
}

/// Whether two replies to one message mean the same.
fn check_same(
    fixture: &Fixture,
    query: &Query,
    fast: &[u8],
    full: &[u8],
) -> Result<(), TestCaseError> {
    let (quick, slow) = (parse(fast).expect("fast"), parse(full).expect("full"));
    prop_assert_eq!(&fast[..7], &full[..7], "id, flags, code, QDCOUNT");
    let question = 12..12 + query.question.len();
    prop_assert_eq!(&fast[question.clone()], &full[question], "the question, to the letter");
    prop_assert_eq!(&quick.edns, &slow.edns);
    let whole = respond(fixture, &query.bytes(), Transport::Tcp).unwrap();
    let all = parse(&whole).unwrap();
    let offered = query.rest.get(3..5).map_or(512, |it| u16::from_be_bytes([it[0], it[1]]));
    let reserved = if query.rest.is_empty() { 0 } else { 17 };
    let limit = usize::from(offered.clamp(512, 1232)) - reserved;
    let opt = match &quick.edns {
        None => 0,
        Some(edns) if edns.options().as_ref().is_empty() => 11,
        Some(_) => 17,
    };
    if quick.metadata.truncation && !all.answers.is_empty() {
        check_cut(&quick, &all, [fast.len() - opt, limit]);
        check_cut(&slow, &all, [full.len() - opt, limit]);
        return Ok(());
    }
    prop_assert_eq!(sorted(&quick.answers), sorted(&slow.answers));
    prop_assert_eq!(sorted(&quick.authorities), sorted(&slow.authorities));
    if quick.additionals.len() == all.additionals.len() && fast[2] & 2 == 0 {
        prop_assert_eq!(sorted(&quick.additionals), sorted(&all.additionals));
        // The full path compresses against names of the same spelling only, and an SOA
        // record also against more of the question than its apex.
        let is_lower = !query.question.iter().any(u8::is_ascii_uppercase);
        let is_positive = !quick.answers.is_empty();
        if is_lower && is_positive && slow.additionals.len() == all.additionals.len() {
            prop_assert_eq!(fast.len(), full.len(), "as well compressed");
        }
    }
    let is_srv = quick.answers.iter().all(|it| it.record_type() == RecordType::SRV);
    if !is_srv {
        let there = sorted(&all.additionals);
        let of_these = |it: &String| there.contains(it);
        prop_assert!(sorted(&quick.additionals).iter().all(of_these), "additional records");
    } else if fast[2] & 2 == 0 {
        check_glue(&quick, fast.len() - opt, &all, limit)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    /// Thousands of worlds, a dozen of questions to each.
    #[test]
    fn both_paths_mean_the_same(
        registered in registrations(),
        stale in prop::bool::weighted(0.2),
        expired in proptest::option::weighted(0.2, 0usize..5),
        queries in proptest::collection::vec(queries(), 12),
        removed in proptest::collection::vec(any::<Index>(), 0..3),
        later in (registrations(), aliases()),
    ) {
        let mut fixture = world(&registered, stale);
        for round in 0..2 {
            for query in &queries {
                let message = query.bytes();
                let full = respond(&fixture, &message, Transport::Udp).unwrap();
                // An answer that is made, and one that was kept.
                for _ in 0..2 {
                    let Some(reply) = fast(&fixture, &message, Transport::Udp) else { break };
                    prop_assert!(reply.len() <= 1232);
                    check_same(&fixture, query, &reply, &full)?;
                }
                for stream in [Transport::Tcp, Transport::Tls, Transport::Https, Transport::Quic] {
                    let Some(reply) = fast(&fixture, &message, stream) else { break };
                    let full = respond(&fixture, &message, stream).unwrap();
                    let (quick, slow) = (parse(&reply).unwrap(), parse(&full).unwrap());
                    prop_assert_eq!(&reply[..12], &full[..12], "all counts");
                    prop_assert_eq!(sorted(&quick.answers), sorted(&slow.answers));
                    prop_assert_eq!(sorted(&quick.additionals), sorted(&slow.additionals));
                }
            }
            // What was made ready must not outlive a change.
            if round == 0 && !registered.is_empty() {
                for at in &removed {
                    fixture.turn_to([0, 4][at.index(2)]);
                    fixture.delete(&registered[at.index(registered.len())].0);
                }
                fixture.turn_to(0);
                let (some, flipped) = &later;
                fixture.put_all(some.iter().take(5).chain(flipped).cloned());
            }
            // Nor what a zone knew that must not be answered from any more.
            if let Some(zone) = expired {
                fixture.turn_to(zone);
                fixture.set_expired(true);
            }
        }
    }
}

/// Both paths' records for an SRV question, which must be the same; the fast path is asked
/// twice, so that its answer is a kept one if it can be.
fn srv_by_both_paths(fixture: &Fixture, name: &str) -> [Vec<String>; 2] {
    let message = Query::new(name, 33).bytes();
    let records = |reply: &[u8]| {
        let reply = parse(reply).unwrap();
        [sorted(&reply.answers), sorted(&reply.additionals)]
    };
    let full = records(&respond(fixture, &message, Transport::Udp).unwrap());
    for _ in 0..2 {
        if let Some(reply) = fast(fixture, &message, Transport::Udp) {
            assert_eq!(records(&reply), full, "{name}");
        }
    }
    full
}

/// What is ready of an alias's answers goes when anything goes that is in them: members,
/// others of the app at the same address, what a target's name leads to.
#[test]
fn kept_answers_of_aliases_are_never_old() {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put_all([
        ("web/1", r#"{"host":"10.0.0.1:80","version":"1","ttl":60}"#),
        ("named/1", r#"{"host":"10-0-0-9.named.services.internal:80","version":"1"}"#),
        ("named/9", r#"{"host":"10.0.0.9:90","version":"2","ttl":60}"#),
        ("across/1", r#"{"host":"10-1-0-1.db.services.internal:80","version":"1"}"#),
        ("across/2", r#"{"host":"10.1.0.1:80","version":"1"}"#),
        ("db/1", r#"{"host":"10-1-0-1.front.services.internal:80"}"#),
        ("db/2", "10.1.0.1:81"),
        ("_backends/blue", r#"{"resource":"Backend","app":"web","version":"1"}"#),
        ("_backends/near", r#"{"resource":"Backend","app":"named","version":"1"}"#),
        ("_backends/far", r#"{"resource":"Backend","app":"across","version":"1"}"#),
        ("_backends/old", r#"{"resource":"Backend","app":"db"}"#),
        ("_frontends/front", r#"{"resource":"Frontend","backend":"old"}"#),
    ]);
    let names = ["_blue", "_near", "_far", "_old", "_front", "_web", "_db"];
    let mut seen = Vec::new();
    for (key, value) in [
        ("x/1", "10.9.9.9:1"),
        // Another version at an address of a member, by a further endpoint and by its only
        // one: the address has the least TTL.
        (
            "web/k",
            r#"{"id":"k","name":"web","version":"2","endpoints":["http://10.0.0.7:80","grpc://10.0.0.1:90"]}"#,
        ),
        ("web/3", r#"{"host":"10.0.0.1:81","version":"2","ttl":2}"#),
        // Whom a member's host name leads to, without being a member.
        ("named/9", r#"{"host":"10.0.0.9:90","version":"2","ttl":30}"#),
        ("named/9", r#"{"host":"10.0.0.8:90","version":"2"}"#),
        // An address of a member, below the name of another app.
        ("db/2", r#"{"host":"10.1.0.1:81","ttl":7}"#),
        // A target below a name that is flipped.
        ("_frontends/front", r#"{"resource":"Frontend","backend":"blue"}"#),
        ("_frontends/front", r#"{"resource":"Frontend"}"#),
        ("web/1", r#"{"host":"10.0.0.1:80","version":"2"}"#),
        ("_backends/blue", r#"{"resource":"Backend","app":"web","version":"2"}"#),
    ] {
        fixture.put(key, value);
        let name = |name| format!("{name}._tcp.services.internal");
        let all = names.map(|it| srv_by_both_paths(&fixture, &name(it)));
        assert!(!seen.contains(&all), "{key} {value} changes what is said");
        seen.push(all);
    }
}
