//! The OPT record itself, sizes, and extended errors.

use super::World;
use crate::fixture::{Fixture, settings};
use crate::wire::messages::{A, Query, SRV};

/// A format error.
const FORMERR: u16 = 1;

/// A service of so many instances.
fn many(instances: u8) -> World {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put_all((1..=instances).map(|n| (format!("big/{n}"), format!("10.0.0.{n}:80"))));
    World::with(fixture, srvd::wire::Policy::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc3225_s3_do_is_copied() {
    let world = World::new();
    for flags in [0, 0x8000] {
        let said = world.ask(&Query::new("web.services.internal", A).edns(1232, 0, flags, &[]));
        assert!(said.is_fast);
        let opt = &said.same().octets;
        assert_eq!(opt[opt.len() - 11..], [0, 0, 41, 4, 208, 0, 0, (flags >> 8) as u8, 0, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s6_1_1_opt_comes_back_if_and_only_if_asked() {
    let world = World::new();
    for name in ["web.services.internal", "no.services.internal", "example.com"] {
        assert_eq!(world.ask(&Query::new(name, A)).same().options(), None, "{name}");
        let query = Query::new(name, A).edns(1232, 0, 0, &[]);
        assert!(world.ask(&query).same().options().is_some(), "{name}");
    }
    // In errors too: an operation that is not there, and a form that is bad.
    for query in
        [Query::new("web.services.internal", A).opcode(2), Query::new("web.services.internal", 41)]
    {
        assert_eq!(world.ask(&query).same().options(), None);
        assert_eq!(world.ask(&query.edns(1232, 0, 0, &[])).same().options(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s6_1_1_two_opt_or_one_elsewhere_are_format_errors() {
    let world = World::new();
    let query = Query::new("web.services.internal", A).edns(512, 0, 0, &[]);
    let mut elsewhere = query.clone();
    (elsewhere.header[7], elsewhere.header[11]) = (1, 0);
    let mut owned = Query::new("web.services.internal", A);
    owned = owned.additional(&[1, b'a', 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let two = query.edns(512, 0, 0, &[]);
    for (what, query) in [("two", two), ("among answers", elsewhere), ("an owner", owned)] {
        assert_eq!(world.ask(&query).same().code(), FORMERR, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s6_1_2_unknown_options_and_flags_are_ignored_and_not_echoed() {
    let world = World::new();
    // A subnet that makes no sense, DAU, expire, padding, chain, a key tag, local ones.
    let options: &[&[u8]] = &[
        &[0, 8, 0, 1, 1],
        &[0, 5, 0, 1, 8],
        &[0, 9, 0, 0],
        &[0, 12, 0, 3, 0, 0, 0],
        &[0, 13, 0, 1, 0],
        &[0, 14, 0, 2, 0x4f, 0x66],
        &[0, 0, 0, 0],
        &[0xfd, 0xe9, 0, 2, 1, 2],
        &[0xff, 0xff, 0, 0],
        // NSID and a cookie that is too short: they are not configured.
        &[0, 3, 0, 0],
        &[0, 10, 0, 1, 7],
    ];
    let plain = world.ask(&Query::new("web.services.internal", A).edns(1232, 0, 0, &[])).same();
    for options in options.iter().copied().chain([&options.concat()[..]]) {
        let query = Query::new("web.services.internal", A).edns(1232, 0, 0x7fff, options);
        let said = world.ask(&query);
        assert!(said.is_fast, "{options:?}");
        let reply = said.same();
        assert_eq!((reply.code(), reply.options()), (0, Some(0)), "{options:?}");
        assert_eq!(reply.octets.len(), plain.octets.len(), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s6_1_2_options_that_do_not_fill_their_record_are_format_errors() {
    let world = World::new();
    for options in [&[0][..], &[0, 3, 0], &[0, 10, 0, 9, 1], &[0, 3, 0, 0, 0], &[0, 8, 255, 255]] {
        let reply = world.ask(&Query::new("web.services.internal", A).edns(512, 0, 0, options));
        let reply = reply.same();
        assert_eq!((reply.code(), reply.counts()), (FORMERR, [1, 0, 0, 1]), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s6_1_3_other_versions_get_badvers_without_data() {
    let world = World::new();
    for version in [1, 2, 255] {
        // What their options mean is not known.
        for options in [&[][..], &[0, 3, 0, 0], &[0, 11, 0, 1, 1], &[0]] {
            let query = Query::new("web.services.internal", A);
            let reply = world.ask(&query.edns(4096, version, 0x8000, options)).same();
            assert_eq!((reply.code(), reply.counts()), (16, [1, 0, 0, 1]), "{version}");
            assert_eq!((reply.flags(), reply.options()), ([0x80, 0], Some(0)), "{version}");
            let edns = reply.message.unwrap().edns.unwrap();
            assert_eq!((edns.version(), edns.flags().dnssec_ok), (0, true));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s6_2_5_a_size_below_512_is_512() {
    // 20 SRV records of 50 octets and more: too many for 512 octets, not for 1232.
    let world = many(20);
    for (offered, truncated) in [(0, true), (1, true), (511, true), (512, true), (1232, false)] {
        let said =
            world.ask(&Query::new("_big._tcp.services.internal", SRV).edns(offered, 0, 0, &[]));
        assert!(said.is_fast);
        assert_eq!(said.udp.is_truncated(), truncated, "{offered}");
        assert!(!said.tcp.is_truncated());
    }
    // What needs no more than 512 octets is given to all of them.
    for offered in [0, 511, 512] {
        let said = many(9).ask(&Query::new("big.services.internal", A).edns(offered, 0, 0, &[]));
        assert_eq!(said.same().counts()[1], 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9715_s3_1_no_datagram_has_more_than_1232_octets() {
    for instances in [20, 72, 73, 74, 75, 200] {
        let world = many(instances);
        for query in
            [Query::new("big.services.internal", A), Query::new("_big._tcp.services.internal", SRV)]
        {
            let said = world.ask(&query.edns(65535, 0, 0, &[]));
            assert!(said.udp.octets.len() <= 1232 && !said.tcp.is_truncated());
            assert_eq!(said.tcp.counts()[1], u16::from(instances));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2181_s9_tc_leaves_whole_records_and_keeps_opt() {
    let world = many(100);
    for (query, some, opt) in [
        (Query::new("_big._tcp.services.internal", SRV), 8..10, 0),
        (Query::new("_big._tcp.services.internal", SRV).edns(1232, 0, 0, &[]), 22..24, 1),
        (Query::new("big.services.internal", A).edns(700, 0, 0, &[]), 40..41, 1),
    ] {
        let said = world.ask(&query);
        assert!(said.is_fast);
        let [asked, answers, others @ ..] = said.udp.counts();
        assert_eq!((said.udp.flags(), asked, others), ([0x86, 0], 1, [0, opt]));
        assert!(some.contains(&answers), "{answers}");
        assert_eq!((said.tcp.flags(), said.tcp.counts()[1]), ([0x84, 0], 100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8914_s4_reasons_are_given_with_edns_alone() {
    let mut stale = crate::wire::example();
    stale.set_stale(true);
    let mut expired = crate::wire::example();
    expired.set_expired(true);
    let unlisted = Fixture::unlisted(vec![settings("services.internal.")]);
    let fresh = crate::wire::example();
    for (fixture, name, code, reason) in [
        (stale, "web.services.internal", 0, 3),
        (expired, "web.services.internal", 2, 14),
        (unlisted, "web.services.internal", 2, 14),
        (fresh, "example.com", 5, 20),
    ] {
        let world = World::with(fixture, srvd::wire::Policy::default());
        let plain = world.ask(&Query::new(name, A));
        assert!(plain.is_fast);
        let plain = plain.same();
        assert_eq!((plain.code(), plain.options()), (code, None), "{reason}");
        let reply = world.ask(&Query::new(name, A).edns(1232, 0, 0, &[])).same();
        assert_eq!((reply.code(), reply.reason()), (code, Some(reason)));
    }
}
