//! NSID, edns-tcp-keepalive, ZONEVERSION.

use srvd::wire::{NSID_MAX, Peer, Policy};

use super::{PADDING, World};
use crate::wire::messages::{A, Query, SRV};

const NSID: u16 = 3;
const KEEPALIVE: u16 = 11;
const ZONE_VERSION: u16 = 19;

/// A server with a name.
fn named(nsid: &[u8]) -> World {
    World::by(Policy { nsid: Some(nsid.into()), ..Policy::default() })
}

/// A query with options.
fn with(name: &str, kind: u16, options: &[u8]) -> Query {
    Query::new(name, kind).edns(1232, 0, 0, options)
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc5001_s2_nsid_is_told_on_request_only() {
    let world = named(b"replica-1");
    for name in ["web.services.internal", "no.services.internal", "example.com"] {
        let said = world.ask(&with(name, A, &[]));
        assert!(said.is_fast, "{name}");
        assert_eq!(said.same().option(NSID), None, "{name}");
        let said = world.ask(&with(name, A, &[0, 3, 0, 0]));
        assert!(said.is_fast, "{name}");
        assert_eq!(said.same().option(NSID).unwrap(), b"replica-1", "{name}");
        // What a client writes there is ignored, and it is told once.
        let reply = world.ask(&with(name, A, &[0, 3, 0, 2, 1, 2, 0, 3, 0, 0])).same();
        assert_eq!(reply.option(NSID).unwrap(), b"replica-1", "{name}");
    }
    // In errors too.
    let reply = world.ask(&with("web.services.internal", A, &[0, 3, 0, 0]).opcode(2)).same();
    assert_eq!((reply.code(), reply.option(NSID).unwrap()), (4, b"replica-1".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc5001_s2_nsid_is_not_told_unless_configured() {
    let said = World::new().ask(&with("web.services.internal", A, &[0, 3, 0, 0]));
    assert!(said.is_fast);
    assert_eq!(said.same().options(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_options_and_the_longest_question_fit_512_octets() {
    let world = named(&[b'n'; NSID_MAX + 9]);
    let labels = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(43)].join(".");
    let name = format!("{labels}.services.internal");
    let query = Query::new(&name, A).edns(512, 0, 0, &[0, 3, 0, 0, 0, 19, 0, 0]);
    assert_eq!(query.question.len(), 255 + 4);
    let said = world.ask(&query);
    assert!(said.udp.octets.len() <= 512);
    assert_eq!((said.udp.code(), said.tcp.code()), (3, 3));
    assert_eq!(said.udp.option(NSID).unwrap(), [b'n'; NSID_MAX]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7828_s3_2_keepalive_is_answered_over_tcp_and_tls_alone() {
    let world = World::new();
    for name in ["web.services.internal", "example.com"] {
        let said = world.ask(&with(name, A, &[0, 11, 0, 0]));
        assert!(said.is_fast, "{name}");
        assert_eq!(said.udp.option(KEEPALIVE), None, "{name}");
        // 10 seconds, in units of 100 milliseconds.
        assert_eq!(said.tcp.option(KEEPALIVE).unwrap(), [0, 100], "{name}");
        assert_eq!(said.tls.option(KEEPALIVE).unwrap(), [0, 100], "{name}");
        assert_eq!(said.https.option(KEEPALIVE), None, "{name}");
        assert_eq!(world.ask(&with(name, A, &[])).same().option(KEEPALIVE), None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7828_s3_2_1_a_client_must_not_say_a_timeout() {
    let world = World::new();
    for option in [&[0, 11, 0, 2, 0, 100][..], &[0, 11, 0, 1, 0], &[0, 11, 0, 3, 0, 0, 0]] {
        let said = world.ask(&with("web.services.internal", A, option));
        // Over UDP it is ignored, whatever it is (section 3.2.1).
        assert_eq!((said.udp.code(), said.tcp.code()), (0, 1), "{option:?}");
        assert_eq!(said.tcp.counts(), [1, 0, 0, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9660_s3_2_the_version_of_the_zone_is_told_on_request() {
    let mut fixture = crate::wire::example();
    fixture.list(0x0102_0304);
    let world = World::with(fixture, Policy::default());
    // Labels of the zone, the type SOA-SERIAL, the serial.
    let version = |labels| Some(vec![labels, 0, 1, 2, 3, 4]);
    for (name, kind, labels) in [
        ("web.services.internal", A, 2),
        ("_WEB._tcp.services.internal", SRV, 2),
        ("web.services.internal", 16, 2),
        ("no.services.internal", A, 2),
        ("services.internal", A, 2),
        // A bare name is in a zone of its own, with the same serial.
        ("_web._tcp", SRV, 1),
    ] {
        let said = world.ask(&with(name, kind, &[0, 19, 0, 0]));
        assert!(said.is_fast, "{name}");
        assert_eq!(said.same().option(ZONE_VERSION), version(labels), "{name}");
        assert_eq!(world.ask(&with(name, kind, &[])).same().option(ZONE_VERSION), None);
    }
    // It is the serial of the SOA record.
    let reply = world.ask(&with("services.internal", 6, &[0, 19, 0, 0])).same();
    let soa = reply.message.as_ref().unwrap().answers[0].to_string();
    assert!(soa.contains(" 16909060 "), "{soa}");
    assert_eq!(reply.option(ZONE_VERSION), version(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9660_s3_2_names_of_others_and_refusals_have_no_version() {
    let world = World::new();
    let option = [0, 19, 0, 0];
    for (query, code) in [
        (with("example.com", A, &option), 5),
        (with("services.internal", 252, &option), 5),
        (with("web.services.internal", A, &option).opcode(4), 5),
        (with("web.services.internal", A, &[0, 19, 0, 1, 0]), 1),
    ] {
        let reply = world.ask(&query).same();
        assert_eq!((reply.code(), reply.option(ZONE_VERSION)), (code, None));
    }
    let fixture = crate::fixture::Fixture::unlisted(vec![crate::fixture::settings("a.")]);
    let reply = World::with(fixture, Policy::default()).ask(&with("a", A, &option)).same();
    assert_eq!((reply.code(), reply.option(ZONE_VERSION)), (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_leaves_room_for_a_reason_at_any_time() {
    let mut fixture = crate::fixture::Fixture::new("services.internal.");
    fixture.put_all((1..=60).map(|n| (format!("big/{n}"), format!("10.0.0.{n}:80"))));
    let policy = Policy { nsid: Some((*b"replica-1").into()), ..Policy::default() };
    let mut world = World::with(fixture, policy);
    // From where all records fit to where they do not, octet by octet.
    for size in 960..1060 {
        let query = Query::new("big.services.internal", A);
        let query = query.edns(size, 0, 0, &[0, 3, 0, 0, 0, 19, 0, 0]);
        world.fixture.set_stale(false);
        let fresh = world.fast_udp(&query);
        world.fixture.set_stale(true);
        let stale = world.fast_udp(&query);
        assert_eq!(stale.octets.len(), fresh.octets.len() + 6, "{size}");
        assert!(stale.octets.len() <= usize::from(size));
        assert_eq!(stale.flags(), fresh.flags());
    }
}

impl World {
    /// What the fast path says over UDP, which the full path says too.
    fn fast_udp(&self, query: &Query) -> super::Reply {
        let from = Peer::udp("127.0.0.1:5353".parse().unwrap());
        let fast = super::Reply::new(self.fast(&query.bytes(), from).unwrap());
        let full = super::Reply::new(self.full(&query.bytes(), from).unwrap());
        super::check_same(&fast, &full, "fast, full");
        fast
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8467_s4_1_replies_under_tls_to_padded_queries_are_blocks_of_468() {
    let world = World::new();
    for name in ["web.services.internal", "nothing.services.internal", "example.com"] {
        for octets in [0, 1, 200] {
            let head = [0, 12, 0, octets as u8];
            let padding = [&head[..], &vec![0; octets]].concat();
            let said = world.ask(&with(name, A, &padding));
            assert_eq!((said.udp.option(PADDING), said.tcp.option(PADDING)), (None, None));
            assert_eq!((said.tls.octets.len(), said.https.octets.len()), (468, 468), "{name}");
            assert!(said.tls.option(PADDING).unwrap().iter().all(|octet| *octet == 0));
            assert_eq!(said.tcp.counts(), said.tls.counts(), "{name}");
        }
        assert_eq!(world.ask(&with(name, A, &[])).same().option(PADDING), None, "{name}");
    }
    // An error in the form of options, and another version, are told in as few octets.
    let said = world.ask(&with("web.services.internal", A, &[0, 12, 0, 9]));
    assert_eq!((said.tls.code(), said.tls.option(PADDING)), (1, None));
}
