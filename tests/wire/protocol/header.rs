//! The header, the question, operations and classes.

use hickory_proto::rr::DNSClass;

use super::World;
use crate::wire::messages::{A, Query, SRV, parse};

/// NOTIMP and the others that are no matter of names.
const FORMERR: u16 = 1;
const NOTIMP: u16 = 4;
const REFUSED: u16 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn rfc1035_s4_1_1_aa_on_own_data_alone_and_ra_never() {
    let world = World::new();
    for (name, aa) in
        [("web.services.internal", 4), ("no.services.internal", 4), ("example.com", 0), ("", 0)]
    {
        let said = world.ask(&Query::new(name, A).flags(1, 0));
        assert!(said.is_fast, "{name}");
        assert_eq!(said.same().flags(), [0x81 | aa, 0], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc1035_s4_1_1_only_rd_and_cd_are_copied() {
    let world = World::new();
    for (high, low) in [(0, 0), (1, 0), (0, 0x10), (0x07, 0xff), (0x06, 0xe0)] {
        let said = world.ask(&Query::new("web.services.internal", A).flags(high, low));
        assert!(said.is_fast);
        assert_eq!(said.same().flags(), [0x84 | high & 1, low & 0x10], "{high:x} {low:x}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc1035_s4_1_1_responses_and_scraps_are_not_answered() {
    let world = World::new();
    let query = Query::new("web.services.internal", A);
    world.check_silence(&query.clone().flags(0x80, 0).bytes());
    world.check_silence(&query.bytes()[..11]);
    world.check_silence(&[0]);
    // Not even where they are malformed, so that two servers never talk to each other.
    world.check_silence(&[&query.flags(0x80, 0).bytes()[..], b"x"].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc1996_s3_12_notify_is_answered() {
    let reply = World::new().ask(&Query::new("services.internal", 6).opcode(4)).same();
    assert_eq!((reply.code(), reply.flags(), reply.counts()), (REFUSED, [0xa0, 0], [1, 0, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2136_s3_update_is_answered() {
    let world = World::new();
    let mut update = Query::new("services.internal", 6).opcode(5);
    assert_eq!(world.ask(&update).same().code(), REFUSED);
    // With a record to delete: class ANY, no data.
    update.header[9] = 1;
    update.rest = [&b"\x03web\xc0\x0c"[..], &[0, 1, 0, 255, 0, 0, 0, 0, 0, 0]].concat();
    let reply = world.ask(&update).same();
    assert_eq!((reply.code(), reply.flags(), reply.counts()), (REFUSED, [0xa8, 0], [1, 0, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc3597_s5_unknown_types_have_no_data_and_an_soa() {
    let world = World::new();
    for kind in [65280, 4096, 1000, 62, 127, 256] {
        let said = world.ask(&Query::new("web.services.internal", kind));
        assert!(said.is_fast, "{kind}");
        let reply = said.same();
        assert_eq!((reply.code(), reply.counts()), (0, [1, 0, 1, 0]), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc4343_s3_names_are_found_in_any_case_and_echoed_as_they_are() {
    let world = World::new();
    for name in ["_wEb._TCP.services.INTERNAL", "_WEB._tcp.Services.Internal", "_Web._Tcp"] {
        let query = Query::new(name, SRV);
        let said = world.ask(&query);
        assert!(said.is_fast, "{name}");
        let reply = said.same();
        assert_eq!(reply.octets[12..][..query.question.len()], query.question, "{name}");
        assert_eq!(reply.counts()[1], 3, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6895_s3_2_other_classes_are_refused() {
    let world = World::new();
    for class in [0_u16, 2, 3, 4, 254, 4660] {
        let mut query = Query::new("web.services.internal", A).edns(1232, 0, 0, &[]);
        let end = query.question.len();
        query.question[end - 2..].copy_from_slice(&class.to_be_bytes());
        let reply = world.ask(&query).same();
        assert_eq!((reply.code(), reply.counts()), (REFUSED, [1, 0, 0, 1]), "{class}");
        assert_eq!((reply.flags(), reply.reason()), ([0x80, 0], Some(20)), "{class}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc1035_s3_2_5_the_class_any_is_answered_from_the_internet() {
    let world = World::new();
    for (name, kind) in [("web.services.internal", A), ("_web._tcp", SRV), ("example.com", A)] {
        let query = Query::new(name, kind).edns(1232, 0, 0, &[]);
        let expected = world.ask(&query).same();
        let mut any = query;
        let end = any.question.len();
        any.question[end - 2..].copy_from_slice(&255_u16.to_be_bytes());
        let reply = world.ask(&any).same();
        assert_eq!(reply.octets[12..12 + end], any.question, "{name}: echoed as it was asked");
        assert_eq!((reply.code(), reply.reason()), (expected.code(), expected.reason()), "{name}");
        assert_eq!(reply.counts(), expected.counts(), "{name}");
        let message = parse(&reply.octets).unwrap();
        assert!(message.answers.iter().all(|it| it.dns_class == DNSClass::IN), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6895_s3_1_types_that_are_no_question_are_format_errors() {
    let world = World::new();
    for kind in [41, 128, 249, 250] {
        let reply = world.ask(&Query::new("web.services.internal", kind)).same();
        assert_eq!((reply.code(), reply.counts()), (FORMERR, [1, 0, 0, 0]), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8490_s5_1_dso_is_not_implemented() {
    let world = World::new();
    // A keepalive TLV, as DSO clients begin.
    let keepalive = [0, 1, 0, 8, 0, 0, 0x3a, 0x98, 0, 0, 0x3a, 0x98];
    let header = [0x12, 0x34, 6 << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let reply = world.ask_octets(&[&header[..], &keepalive].concat()).same();
    assert_eq!((reply.code(), reply.flags(), reply.octets.len()), (NOTIMP, [0xb0, 0], 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8906_s3_1_4_unknown_opcodes_are_not_implemented_and_their_flags_clear() {
    let world = World::new();
    for opcode in (1..16).filter(|opcode| ![4, 5].contains(opcode)) {
        let query = Query::new("web.services.internal", A).flags(opcode << 3 | 0x07, 0xf0);
        let reply = world.ask(&query.edns(1232, 0, 0, &[])).same();
        assert_eq!((reply.code(), reply.counts()), (NOTIMP, [1, 0, 0, 1]), "{opcode}");
        assert_eq!(reply.flags(), [0x80 | opcode << 3, 0], "{opcode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8906_s3_1_3_unknown_flags_change_nothing() {
    let world = World::new();
    let plain = world.ask(&Query::new("web.services.internal", A)).same();
    let flags = world.ask(&Query::new("web.services.internal", A).flags(0, 0x40)).same();
    assert_eq!(plain.octets[..12], flags.octets[..12]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9619_s4_other_than_one_question_is_a_format_error() {
    let world = World::new();
    let one = Query::new("web.services.internal", A).edns(1232, 0, 0, &[]);
    let mut two = one.clone();
    two.question = [one.question.clone(), one.question.clone()].concat();
    let mut none = one.clone();
    none.question.clear();
    for (count, query) in [(2, &mut two), (0, &mut none), (3, &mut one.clone())] {
        query.header[5] = count;
        let reply = world.ask(query).same();
        assert_eq!((reply.code(), reply.octets[4..10].to_vec()), (FORMERR, vec![0; 6]), "{count}");
    }
}
