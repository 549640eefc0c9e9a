//! What is not offered, and said to be so: transfers, signatures.

use super::{NOTAUTH, World};
use crate::wire::messages::{A, Query, wire_name};

const REFUSED: u16 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn rfc5936_s4_2_axfr_is_refused_over_udp_and_tcp() {
    let world = World::new();
    for name in ["services.internal", "web.services.internal", "example.com"] {
        let reply = world.ask(&Query::new(name, 252).edns(1232, 0, 0, &[])).same();
        assert_eq!((reply.code(), reply.flags()), (REFUSED, [0x80, 0]), "{name}");
        assert_eq!((reply.counts(), reply.reason()), ([1, 0, 0, 1], Some(18)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc1995_s2_ixfr_is_refused_over_udp_and_tcp() {
    let world = World::new();
    let mut query = Query::new("services.internal", 251);
    assert_eq!(world.ask(&query).same().code(), REFUSED);
    // As clients send it: with the SOA record that they have.
    query.header[9] = 1;
    query.rest = vec![0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0];
    query.rest.extend([0; 20]);
    let reply = world.ask(&query).same();
    assert_eq!((reply.code(), reply.counts()), (REFUSED, [1, 0, 0, 0]));
}

/// A TSIG record with a MAC of two octets.
fn tsig() -> Vec<u8> {
    let fixed = [0, 250, 0, 255, 0, 0, 0, 0];
    let tail = [0, 0, 1, 2, 3, 4, 1, 44, 0, 2, 0xaa, 0xbb, 0x12, 0x34, 0, 0, 0, 0];
    let data = [&wire_name("hmac-sha256")[..], &tail].concat();
    let length = (data.len() as u16).to_be_bytes();
    [&wire_name("key")[..], &fixed, &length, &data].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8945_s5_2_1_an_unknown_key_is_said_to_be_unknown() {
    let world = World::new();
    let query = || Query::new("web.services.internal", A);
    for (query, records) in
        [(query().additional(&tsig()), 1), (query().edns(1232, 0, 0, &[]).additional(&tsig()), 2)]
    {
        let reply = world.ask(&query).same();
        assert_eq!((reply.code(), reply.counts()), (NOTAUTH, [1, 0, 0, records]));
        // No MAC, the original id, BADKEY, nothing more.
        assert!(reply.octets.ends_with(&[1, 44, 0, 0, 0x12, 0x34, 0, 17, 0, 0]));
    }
    // It must come last.
    let query = query().additional(&tsig()).edns(1232, 0, 0, &[]);
    assert_eq!(world.ask(&query).same().code(), 1);
}
