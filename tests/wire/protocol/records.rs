//! What answers are made of, as far as it is a matter of the message.

use super::{World, sorted};
use crate::wire::messages::{A, Query, SRV};

const SOA: u16 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn rfc1982_s2_the_serial_follows_the_revision() {
    let mut fixture = crate::wire::example();
    fixture.list(0x1_0000_0007);
    let world = World::with(fixture, srvd::wire::Policy::default());
    let reply = world.ask(&Query::new("services.internal", SOA)).same();
    let soa = sorted(&reply.message.unwrap().answers);
    assert!(soa[0].contains(" 7 7200 "), "{soa:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2308_s3_negatives_have_an_soa_with_a_small_ttl() {
    let world = World::new();
    for (name, kind, code) in [("no.services.internal", A, 3), ("web.services.internal", 15, 0)] {
        let said = world.ask(&Query::new(name, kind).edns(1232, 0, 0, &[]));
        assert!(said.is_fast);
        let reply = said.same();
        assert_eq!((reply.code(), reply.counts()), (code, [1, 0, 1, 1]));
        let soa = sorted(&reply.message.unwrap().authorities);
        assert!(soa[0].starts_with("services.internal. 5 IN SOA "), "{soa:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2782_targets_are_never_compressed_and_have_their_addresses() {
    let world = World::new();
    let said = world.ask(&Query::new("_web._tcp.services.internal", SRV));
    assert!(said.is_fast);
    let reply = said.same();
    assert_eq!(reply.counts(), [1, 3, 0, 3]);
    let target = b"\x0810-0-0-1\x03web\x08services\x08internal\0";
    assert!(reply.octets.windows(target.len()).any(|octets| octets == target));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8020_s2_names_above_others_exist() {
    let world = World::new();
    for (name, code) in [("_tcp.services.internal", 0), ("internal", 5), ("a.no.internal", 5)] {
        assert_eq!(world.ask(&Query::new(name, A)).same().code(), code, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8482_s4_1_any_gets_one_rrset() {
    let world = World::new();
    for (name, kind) in [("web.services.internal", "A"), ("services.internal", "SOA")] {
        let reply = world.ask(&Query::new(name, 255)).same();
        let answers = sorted(&reply.message.unwrap().answers);
        assert!(
            !answers.is_empty() && answers.iter().all(|it| it.contains(&format!(" IN {kind} ")))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9460_s2_4_3_svcb_and_https_are_answered_with_no_data() {
    let world = World::new();
    for (name, kind) in [("web.services.internal", 65), ("_web._tcp.services.internal", 64)] {
        let said = world.ask(&Query::new(name, kind).edns(1232, 0, 0, &[]));
        assert!(said.is_fast);
        let reply = said.same();
        assert_eq!((reply.code(), reply.flags(), reply.counts()), (0, [0x84, 0], [1, 0, 1, 1]));
    }
}
