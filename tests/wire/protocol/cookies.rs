//! Cookies, by a clock that stands still.

use std::net::IpAddr;

use srvd::wire::{Cookies, Peer, Policy};

use super::{Reply, World};
use crate::wire::messages::{A, Query, SRV};

const COOKIE: u16 = 10;
const FORMERR: u16 = 1;

/// The secret that RFC 9018 shows.
const SECRET: [u8; 16] = 0xe5e9_73e5_a6b2_a43f_48e7_dc84_9e37_bfcf_u128.to_be_bytes();
/// The time that it shows.
const NOW: u32 = 1_559_731_985;
/// A client's cookie.
const CLIENT: [u8; 8] = [0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57];

/// What makes cookies at a time.
fn at(clock: fn() -> u32) -> Policy {
    let cookies = Some(Cookies::by_clock(SECRET, &[[7; 16]], clock));
    Policy { cookies, ..Policy::default() }
}

/// A server with cookies.
fn world() -> World {
    World::by(at(|| NOW))
}

/// A query with a cookie.
fn with(name: &str, kind: u16, cookie: &[u8]) -> Query {
    let option = [&[0, 10, 0, cookie.len() as u8], cookie].concat();
    Query::new(name, kind).edns(1232, 0, 0, &option)
}

/// The cookie of a reply.
fn cookie(reply: &Reply) -> Vec<u8> {
    reply.option(COOKIE).expect("a cookie")
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_cookies_are_ignored_without_a_secret() {
    let world = World::new();
    for octets in [0, 1, 7, 8, 9, 24, 40, 41] {
        let said = world.ask(&with("web.services.internal", A, &[7; 64][..octets]));
        assert!(said.is_fast, "{octets}");
        let reply = said.same();
        assert_eq!((reply.code(), reply.options()), (0, Some(0)), "{octets}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_1_without_a_cookie_none_is_given() {
    let said = world().ask(&Query::new("web.services.internal", A).edns(1232, 0, 0, &[]));
    assert!(said.is_fast);
    assert_eq!(said.same().options(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_2_bad_lengths_are_format_errors() {
    let world = world();
    for octets in (0..=64).filter(|it| *it != 8 && !(16..=40).contains(it)).step_by(3) {
        let reply = world.ask(&with("web.services.internal", A, &[7; 64][..octets])).same();
        assert_eq!((reply.code(), reply.counts()), (FORMERR, [1, 0, 0, 1]), "{octets}");
        assert_eq!(reply.option(COOKIE), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_3_a_client_cookie_alone_gets_a_whole_one_beside_the_answer() {
    let world = world();
    for (name, kind, code) in [
        ("web.services.internal", A, 0),
        ("_web._tcp.services.internal", SRV, 0),
        ("no.services.internal", A, 3),
        ("example.com", A, 5),
    ] {
        let said = world.ask(&with(name, kind, &CLIENT));
        assert!(said.is_fast, "{name}: BIND always sends cookies");
        let reply = said.same();
        assert_eq!((reply.code(), cookie(&reply).len()), (code, 24), "{name}");
        assert!(cookie(&reply).starts_with(&CLIENT));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_5_valid_and_invalid_cookies_get_the_answer_and_a_fresh_one() {
    let world = world();
    let given = cookie(&world.ask(&with("web.services.internal", A, &CLIENT)).same());
    let mut forged = given.clone();
    forged[23] ^= 1;
    for shown in [&given[..], &forged, &given[..16], &[1; 40]] {
        let said = world.ask(&with("web.services.internal", A, shown));
        assert!(said.is_fast);
        let reply = said.same();
        assert_eq!((reply.code(), reply.counts()[1]), (0, 2));
        assert_eq!((&cookie(&reply)[..8], cookie(&reply).len()), (&shown[..8], 24));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_only_the_first_cookie_counts() {
    let options =
        [&[0, 10, 0, 8][..], &CLIENT, &[0, 10, 0, 1, 9], &[0, 10, 0, 8], &[9; 8]].concat();
    let query = Query::new("web.services.internal", A).edns(1232, 0, 0, &options);
    let reply = world().ask(&query).same();
    assert!(reply.code() == 0 && cookie(&reply).starts_with(&CLIENT));
    assert_eq!(reply.options(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_4_a_cookie_can_be_asked_for_alone() {
    let world = world();
    let mut query = with("web.services.internal", A, &CLIENT);
    query.header[5] = 0;
    query.question.clear();
    let reply = world.ask(&query).same();
    assert_eq!((reply.code(), reply.counts()), (0, [0, 0, 0, 1]));
    assert_eq!(cookie(&reply).len(), 24);
    // Not without one, and not of a server that has none.
    query.rest.truncate(11);
    query.rest[9..].fill(0);
    assert_eq!(world.ask(&query).same().code(), FORMERR);
    let mut query = with("web.services.internal", A, &CLIENT);
    query.header[5] = 0;
    query.question.clear();
    assert_eq!(World::new().ask(&query).same().code(), FORMERR);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7873_s5_2_3_errors_have_cookies_too() {
    let world = world();
    for (query, code) in [
        (with("web.services.internal", A, &CLIENT).opcode(2), 4),
        (with("web.services.internal", A, &CLIENT).opcode(5), 5),
        (with("web.services.internal", 41, &CLIENT), 1),
        (with("services.internal", 252, &CLIENT), 5),
    ] {
        let reply = world.ask(&query).same();
        assert_eq!((reply.code(), cookie(&reply).len()), (code, 24));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9018_s4_cookies_are_made_of_version_time_and_hash() {
    let world = world();
    let reply = world.ask(&with("web.services.internal", A, &CLIENT)).same();
    assert_eq!(cookie(&reply)[8..16], [1, 0, 0, 0, 0x5c, 0xf7, 0x9f, 0x11]);
    // The client of appendix A.1, over no socket of ours.
    let from = Peer::udp("198.51.100.100:5353".parse().unwrap());
    let message = with("web.services.internal", A, &CLIENT).bytes();
    for reply in [world.fast(&message, from), world.full(&message, from)] {
        let whole = 0x2464_c4ab_cf10_c957_0100_0000_5cf7_9f11_u128.to_be_bytes();
        let hash = 0x1f81_30c3_eee2_9480_u64.to_be_bytes();
        assert_eq!(cookie(&Reply::new(reply.unwrap())), [&whole[..], &hash].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9018_s5_replicas_and_rolled_secrets_accept_each_other() {
    // What a valid cookie changes is the size that strict amplification allows.
    let strict = |secret, others: &[[u8; 16]], clock| {
        let cookies = Some(Cookies::by_clock(secret, others, clock));
        crowd(Policy { cookies, strict_amplification: true, ..Policy::default() })
    };
    let now = || NOW;
    let giver = strict(SECRET, &[], now);
    let client: IpAddr = "127.0.0.1".parse().unwrap();
    let given = |world: &World| {
        let query = with("big.services.internal", A, &CLIENT).bytes();
        cookie(&world.ask_as(client, &query).udp)
    };
    let cookie = given(&giver);
    let query = with("big.services.internal", A, &cookie).bytes();
    let is_known = |world: World| !world.ask_as(client, &query).udp.is_truncated();
    assert!(is_known(giver));
    assert!(is_known(strict(SECRET, &[[9; 16]], now)), "a replica");
    assert!(is_known(strict([9; 16], &[[8; 16], SECRET], now)), "another secret, and the old one");
    assert!(!is_known(strict([9; 16], &[[8; 16]], now)), "the old one is gone");
    assert!(is_known(strict(SECRET, &[], || NOW + 3600)), "an hour later");
    assert!(!is_known(strict(SECRET, &[], || NOW + 3601)), "and a second");
    assert!(is_known(strict(SECRET, &[], || NOW - 300)), "a clock that is behind");
    assert!(!is_known(strict(SECRET, &[], || NOW - 301)), "too far");
}

/// A service of many addresses.
fn crowd(policy: Policy) -> World {
    let mut fixture = crate::fixture::Fixture::new("services.internal.");
    fixture.put_all((1..=40).map(|n| (format!("big/{n}"), format!("10.0.0.{n}:80"))));
    World::with(fixture, policy)
}
