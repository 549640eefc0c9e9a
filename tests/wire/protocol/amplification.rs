//! `strict-amplification`: to clients that are not known, replies over UDP are small.

use std::net::IpAddr;

use srvd::wire::{AMPLIFICATION_MAX, Cookies, Policy};

use super::World;
use crate::fixture::Fixture;
use crate::wire::messages::{A, Query, SRV};

/// Services of every size, by a policy.
fn world(strict_amplification: bool) -> World {
    let mut fixture = Fixture::new("services.internal.");
    for size in [1, 2, 3, 5, 9, 20, 60] {
        let key = |n| format!("s{size}/{n}");
        fixture.put_all((1..=size).map(|n| (key(n), format!("10.0.0.{n}:80"))));
    }
    let cookies = Some(Cookies::by_clock([7; 16], &[], || 1_000_000));
    let nsid = Some([b'n'; 100].into());
    World::with(fixture, Policy { cookies, strict_amplification, nsid, ..Policy::default() })
}

/// Queries of all kinds.
fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for size in [1, 2, 3, 5, 9, 20, 60] {
        queries.push(Query::new(&format!("s{size}.services.internal"), A));
        queries.push(Query::new(&format!("_s{size}._tcp.services.internal"), SRV));
        queries.push(Query::new(&format!("_s{size}._tcp"), SRV));
    }
    for (name, kind) in [
        ("no.services.internal", A),
        ("s1.services.internal", 16),
        ("services.internal", 6),
        ("services.internal", 2),
        ("services.internal", 255),
        ("example.com", A),
        ("", 2),
        ("_tcp", 6),
        ("_udp", 255),
    ] {
        queries.push(Query::new(name, kind));
    }
    queries
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_to_the_unknown_is_larger_than_three_times_the_query() {
    let (strict, open) = (world(true), world(false));
    let mut truncated = 0;
    for query in queries() {
        for query in [query.clone(), query.edns(1232, 0, 0, &[])] {
            let said = strict.ask(&query);
            let octets = query.bytes().len();
            let opt = if query.rest.is_empty() { 0 } else { 17 };
            let most = (AMPLIFICATION_MAX * octets).max(12 + query.question.len() + opt);
            assert!(said.udp.octets.len() <= most, "{query:?}: {}", said.udp.octets.len());
            // Over TCP, and without the limit, it is what it was.
            let free = open.ask(&query);
            super::check_same(&said.tcp, &free.tcp, "TCP");
            if said.udp.is_truncated() && !free.udp.is_truncated() {
                truncated += 1;
                let opt = u16::from(!query.rest.is_empty());
                let [asked, some, others @ ..] = said.udp.counts();
                assert_eq!((asked, others), (1, [0, opt]));
                assert!(some < free.udp.counts()[1].max(1), "as many as three times allows");
                assert_eq!(said.udp.code(), free.udp.code());
                assert!(free.udp.message.as_ref().unwrap().answers.len() != 1 || octets < 60);
            }
        }
    }
    assert!(truncated > 20, "{truncated}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_with_its_opt_is_always_whole() {
    // With its name this server would say more than three times the query.
    let strict = world(true);
    let options = [&[0, 3, 0, 0, 0, 19, 0, 0, 0, 10, 0, 8][..], &[1; 8]].concat();
    let query = Query::new("s.internal", A).edns(1232, 0, 0, &options);
    let said = strict.ask(&query);
    assert_eq!((said.udp.code(), said.udp.option(3)), (5, None));
    assert_eq!((said.udp.reason(), said.tcp.option(3).unwrap().len()), (Some(20), 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_with_a_valid_cookie_are_not_limited() {
    let (strict, open) = (world(true), world(false));
    let option = |cookie: &[u8]| [&[0, 10, 0, cookie.len() as u8], cookie].concat();
    for client in ["127.0.0.1", "::1"].map(|client| client.parse::<IpAddr>().unwrap()) {
        let first = Query::new("s20.services.internal", A).edns(1232, 0, 0, &option(&[5; 8]));
        let said = strict.ask_as(client, &first.bytes());
        assert!(said.udp.is_truncated() && said.is_fast, "a client cookie proves nothing");
        let mut cookie = said.udp.option(10).unwrap();
        for query in queries() {
            let message = query.edns(1232, 0, 0, &option(&cookie)).bytes();
            let (said, free) = (strict.ask_as(client, &message), open.ask_as(client, &message));
            super::check_same(&said.udp, &free.udp, "known");
        }
        cookie[20] ^= 1;
        let forged = Query::new("s20.services.internal", A).edns(1232, 0, 0, &option(&cookie));
        assert!(strict.ask_as(client, &forged.bytes()).udp.is_truncated());
    }
}
