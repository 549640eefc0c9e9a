//! Ready-made answers beside changes of other parts of a zone: these stay, and none is kept that a
//! change made old.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;
use proptest::prelude::*;
use srvd::wire::{Fast, Peer, Policy, Transport, Verdict, View};

use super::messages::{A, CLIENT, Query, SRV, parse};
use super::ready::{HELD, World};

/// Types beside A and SRV.
const PTR: u16 = 12;
/// As above.
const MX: u16 = 15;
/// As above.
const TXT: u16 = 16;

/// Answers, what they are made of, and a change beside that.
const BESIDE: [(&str, u16, (&str, &str)); 11] = [
    ("web.sky.test", A, ("/sky/test/sky/deep/a/c", r#"{"host":"10.1.0.8"}"#)),
    ("deep.sky.test", SRV, ("/sky/test/sky/web/2", r#"{"host":"10.1.0.8"}"#)),
    ("b.a.deep.sky.test", A, ("/sky/test/sky/deep/x", r#"{"host":"10.1.0.8"}"#)),
    ("x.wild.sky.test", A, ("/sky/test/sky/deep/x", r#"{"host":"10.1.0.8"}"#)),
    ("inner.sky.test", A, ("/services/other/1", "10.0.9.9:80")),
    ("site.services.internal", SRV, ("/services/other/1", "10.0.9.9:80")),
    ("www.services.internal", A, ("/services/other/1", "10.0.9.9:80")),
    ("out.alone.test", A, ("/services/other/1", "10.0.9.9:80")),
    ("none.alone.test", A, ("/services/other/1", "10.0.9.9:80")),
    ("mail.alone.test", MX, ("/services/other/1", "10.0.9.9:80")),
    ("2.0.0.10.in-addr.arpa", PTR, ("/services/other/1", "10.0.9.9:80")),
];

/// What the fast path says: one that makes answers, or a worker, for which datagrams wait.
fn ask(world: &World, (name, kind): (&str, u16), is_worker: bool) -> Option<Vec<u8>> {
    let (generation, policy) = (world.index.load(), Policy::default());
    let view = View { generation: &generation, policy: &policy };
    let (mut fast, mut reply) = (Fast::unbounded(), vec![0; 1232]);
    if is_worker {
        fast = Fast::new();
    }
    let (message, from) = (
        Query::new(name, kind).edns(1232, 0, 0, &[]).bytes(),
        Peer { address: CLIENT, transport: Transport::Udp },
    );
    match fast.respond(view, &message, from, &mut reply) {
        Verdict::Reply { octets, .. } => Some(reply[..octets].to_vec()),
        _ => None,
    }
}

#[test]
fn a_change_leaves_answers_that_are_made_of_other_parts() {
    for (name, kind, (key, value)) in BESIDE {
        let mut world = World::new();
        HELD.iter().for_each(|(key, value)| world.write(key, value));
        assert!(ask(&world, (name, kind), true).is_none(), "{name}: not made for datagrams");
        assert!(ask(&world, (name, kind), false).is_some(), "{name}");
        world.write(key, value);
        assert!(ask(&world, (name, kind), true).is_some(), "{name} {kind} after {key}");
    }
}

/// The records of an answer, in words.
fn answers(reply: &[u8], kind: u16) -> Vec<String> {
    let message = parse(reply).unwrap();
    assert!(message.answers.iter().all(|it| it.record_type() == RecordType::from(kind)));
    message.answers.iter().map(|it| it.data.to_string()).collect()
}

#[test]
fn answers_of_many_entries_are_drawn_from_what_is_kept() {
    let mut world = World::new();
    let key = |n: usize| format!("/sky/test/sky/many/x{n}");
    let value = |n: usize| format!(r#"{{"host":"10.2.0.{n}","port":{}}}"#, 8000 + n);
    (0..200).for_each(|n| world.write(&key(n), &value(n)));
    for kind in [A, SRV] {
        let question = ("many.sky.test", kind);
        assert!(ask(&world, question, true).is_none() && ask(&world, question, false).is_some());
        let mut seen = BTreeSet::new();
        let mut orders = BTreeSet::new();
        for _ in 0..200 {
            let reply = ask(&world, question, true).unwrap();
            let found = answers(&reply, kind);
            assert!(parse(&reply).unwrap().metadata.truncation && found.len() > 10);
            let distinct: BTreeSet<_> = found.iter().cloned().collect();
            assert_eq!(distinct.len(), found.len(), "each record once");
            seen.extend(distinct);
            orders.insert(found);
        }
        assert_eq!((seen.len(), orders.len()), (200, 200), "each is drawn, and each draw is fresh");
    }
    world.write(&key(7), "");
    let gone =
        |found: Vec<String>| found.iter().any(|it| it == "10.2.0.7" || it.contains(" 8007 "));
    for kind in [A, SRV] {
        let question = ("many.sky.test", kind);
        assert!(ask(&world, question, true).is_none(), "its own change makes it old");
        for is_worker in [false, true, true, true, true, true, true, true] {
            assert!(!gone(answers(&ask(&world, question, is_worker).unwrap(), kind)));
        }
    }
}

#[test]
fn one_answer_is_ready_for_all_that_a_stored_wildcard_stands_for() {
    let mut world = World::new();
    HELD.iter().for_each(|(key, value)| world.write(key, value));
    assert!(ask(&world, ("one.wild.sky.test", A), false).is_some());
    for name in ["another.wild.sky.test", "so.much.longer.a.name.wild.sky.test"] {
        let reply = ask(&world, (name, A), true).unwrap();
        assert_eq!(answers(&reply, A), ["10.1.0.7"]);
        assert_eq!(parse(&reply).unwrap().answers[0].name.to_ascii(), format!("{name}."));
    }
    // The records of these lead to the name that is asked for.
    assert!(ask(&world, ("one.wild.sky.test", SRV), false).is_none());
    world.write("/sky/test/sky/wild/closer", r#"{"host":"10.1.0.6"}"#);
    let reply = ask(&world, ("closer.wild.sky.test", A), false).unwrap();
    assert_eq!(answers(&reply, A), ["10.1.0.6"]);
    assert!(ask(&world, ("closer.wild.sky.test", TXT), false).is_some());
}

/// Keys that are written and deleted at random.
const KEYS: [&str; 22] = [
    "/services/web/1",
    "/services/web/2",
    "/services/web/3",
    "/services/via/1",
    "/services/no/1",
    "/services/a.b/1",
    "/services/_backends/blue",
    "/services/_backends/web",
    "/services/_frontends/front",
    "/services/_frontends/via",
    "/services/other/1",
    "/sky/test/sky/web",
    "/sky/test/sky/web/2",
    "/sky/test/sky/deep",
    "/sky/test/sky/deep/a/b",
    "/sky/test/sky/alias",
    "/sky/test/sky/inner",
    "/sky/test/sky/wild/*",
    "/sky/test/sky/wild/x",
    "/sky/test/sky/*",
    "/sky/test/sky/dns/ns/a",
    "/sky/test/sky/led/*",
];

/// What a key of a number says then.
fn value(at: usize, kind: u8) -> String {
    let key = KEYS[at];
    let host = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "web.services.internal", "deep.sky.test"];
    let host = host[usize::from(kind) % host.len()];
    match (kind, key) {
        (0, _) => String::new(),
        (_, key) if key.starts_with("/services/_backends") => {
            let version = if kind < 3 { r#","version":"1""# } else { "" };
            format!(r#"{{"resource":"Backend","app":"web"{version}}}"#)
        }
        (_, key) if key.starts_with("/services/_frontends") => {
            let backend = ["blue", "web", "none"][usize::from(kind) % 3];
            format!(r#"{{"resource":"Frontend","backend":"{backend}"}}"#)
        }
        (_, key) if key.starts_with("/services") => {
            let more = [r#","tags":["red"]"#, r#","version":"1","ttl":9"#, ""];
            let more = more[usize::from(kind) % 3];
            format!(r#"{{"host":"{host}","port":80{more}}}"#)
        }
        (1 | 2, _) => format!(r#"{{"host":"{host}","port":80,"text":"t"}}"#),
        _ => format!(r#"{{"host":"{host}"}}"#),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Whatever changes in turns, what is kept says what the full path says.
    #[test]
    fn nothing_is_kept_that_a_change_made_old(
        changes in prop::collection::vec((0..KEYS.len(), 0_u8..6), 1..24),
    ) {
        let mut world = World::new();
        HELD.iter().for_each(|(key, value)| world.write(key, value));
        world.said("at first");
        for (at, kind) in changes {
            let value = value(at, kind);
            world.write(KEYS[at], &value);
            world.said(&format!("{} {value}", KEYS[at]));
        }
    }
}
