//! The fast path by itself: what it takes, whom it puts first, and any octets at all.

use hickory_proto::rr::Record;
use proptest::prelude::*;
use srvd::authority::Draw;
use srvd::wire::{Fast, Peer, Policy, READY_MAX, Transport, Verdict, View};

use super::example;
use super::messages::{A, CLIENT, Query, SRV, parse, respond};
use crate::draws::chi_square;
use crate::fixture::{Fixture, settings};

/// How many draws each distribution is judged by.
const DRAWS: u32 = 100_000;

/// What becomes of a message over UDP.
fn verdict(fixture: &Fixture, message: &[u8]) -> Verdict {
    let mut reply = [0; 1232];
    Fast::default().respond(
        View { generation: &fixture.index.load(), policy: &Policy::default() },
        message,
        Peer::udp(CLIENT),
        &mut reply,
    )
}

/// Whether the fast path answers a query.
fn takes(fixture: &Fixture, query: &Query) -> bool {
    matches!(verdict(fixture, &query.bytes()), Verdict::Reply { .. })
}

#[test]
fn usual_questions_are_taken() {
    let mut fixture = example();
    fixture.put("far/1", "far.example.com:80");
    fixture.put("named/1", r#"{"host":"10.0.0.9:80","protocol":"http","text":"t"}"#);
    for (name, kind) in [
        ("_web._tcp.services.internal", SRV),
        ("_WEB._tcp", SRV),
        ("web.services.internal", A),
        ("web.services.internal", 28),
        ("web.services.internal", 65),
        ("named.services.internal", 16),
        ("_http._tcp.named.services.internal", SRV),
        ("10-0-0-1.web.services.internal", A),
        ("1.web.services.internal", A),
        ("_tcp.services.internal", A),
        ("services.internal", A),
        ("_far._tcp.services.internal", SRV),
        ("no.services.internal", A),
        ("example.com", A),
        ("", A),
    ] {
        let query = Query::new(name, kind);
        assert!(takes(&fixture, &query), "{name} {kind}");
        assert!(takes(&fixture, &query.clone().edns(1232, 0, 0x8000, &[])), "{name} {kind}");
        let cookie = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 3, 0, 0];
        assert!(
            takes(&fixture, &query.clone().edns(1232, 0, 0, &cookie)),
            "{name} {kind}: options"
        );
        assert!(takes(&fixture, &query.flags(0x03, 0xb0)), "{name} {kind}: flags");
    }
}

#[test]
fn unusual_messages_are_left_to_the_full_path() {
    let fixture = example();
    let query = || Query::new("web.services.internal", A);
    let class = |class: u8| {
        let mut query = query();
        *query.question.last_mut().unwrap() = class;
        query
    };
    let count = |at: usize, number: u8| {
        let mut query = query();
        query.header[at] = number;
        query
    };
    for (what, query) in [
        ("opcode", query().opcode(4)),
        ("class", class(3)),
        ("no question", count(5, 0)),
        ("two questions", count(5, 2)),
        ("answers", count(7, 1)),
        ("half an option", query().edns(1232, 0, 0, &[0, 10, 0, 2, 7])),
        ("half the head of one", query().edns(1232, 0, 0, &[0, 10, 0])),
        ("a version", query().edns(1232, 1, 0, &[])),
        ("two OPT records", query().edns(1232, 0, 0, &[]).edns(1232, 0, 0, &[])),
        ("another record", query().additional(&[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])),
        ("a meta type", Query::new("web.services.internal", 255)),
        ("a transfer", Query::new("services.internal", 252)),
        ("OPT as type", Query::new("services.internal", 41)),
    ] {
        assert_eq!(verdict(&fixture, &query.bytes()), Verdict::Full, "{what}");
    }
    let message = query().bytes();
    for end in 12..message.len() {
        assert_eq!(verdict(&fixture, &message[..end]), Verdict::Full, "cut at {end}");
    }
    assert_eq!(verdict(&fixture, &[&message[..], &[0]].concat()), Verdict::Full, "trailing");
}

#[test]
fn targets_that_change_elsewhere_are_not_kept() {
    let mut fixture = example();
    fixture.put("via/1", "1.web.services.internal:80");
    let query = Query::new("_via._tcp.services.internal", SRV);
    assert!(!takes(&fixture, &query));
    let glue = |fixture: &Fixture| respond(fixture, &query.bytes(), Transport::Udp).unwrap()[11];
    assert_eq!(glue(&fixture), 1);
    fixture.delete("web/1");
    assert_eq!(glue(&fixture), 0);
}

/// A service of so many instances, each with an address of its own.
fn crowd(instances: usize) -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    let value = |n: usize| format!("10.0.{}.{}:80", n / 200, n % 200);
    fixture.put_all((0..instances).map(|n| (format!("web/i{n}"), value(n))));
    fixture
}

#[test]
fn services_of_every_size_are_taken() {
    let query = Query::new("_web._tcp", SRV).edns(1232, 0, 0, &[]);
    for instances in [1, 22, 23, 24, 72, 73, 105, 106, 256] {
        let fixture = crowd(instances);
        let reply = respond(&fixture, &query.bytes(), Transport::Udp).unwrap();
        let truncated = reply[2] & 2 != 0;
        let verdict = verdict(&fixture, &query.bytes());
        assert!(
            matches!(verdict, Verdict::Reply { truncated: it, .. } if it == truncated),
            "{instances}: {verdict:?}"
        );
    }
}

#[test]
fn large_services_are_made_ready_where_nobody_waits() {
    let fixture = crowd(300);
    let query = Query::new("web.services.internal", A);
    assert!(!takes(&fixture, &query), "not in haste");
    let (mut patient, mut reply) = (Fast::unbounded(), [0; 1232]);
    let message = query.bytes();
    patient.respond(
        View { generation: &fixture.index.load(), policy: &Policy::default() },
        &message,
        Peer::udp(CLIENT),
        &mut reply,
    );
    assert!(takes(&fixture, &query), "it is kept now");
    // An address or an id is found at once, in a service of any size.
    assert!(takes(&fixture, &Query::new("10-0-0-7.web.services.internal", A)));
    assert!(takes(&fixture, &Query::new("i7.web.services.internal", SRV)));
}

/// A service of so many instances, each with a weight of its own, of whose records an answer
/// has so many at most.
fn limited(instances: u32, most: u16) -> Fixture {
    let mut zone = settings("services.internal.");
    zone.max_answers = most;
    let mut fixture = Fixture::unlisted(vec![zone]);
    fixture.list(1);
    let value =
        |n: u32| format!(r#"{{"host":"10.0.{}.{}:80","weight":{}}}"#, n / 200, n % 200, n + 1);
    fixture.put_all((0..instances).map(|n| (format!("web/i{n}"), value(n))));
    fixture
}

#[test]
fn max_answers_are_drawn_anew_for_each_query() {
    for (name, kind) in [("_web._tcp.services.internal", SRV), ("web.services.internal", A)] {
        let (fixture, query) = (limited(4, 3), Query::new(name, kind).edns(1232, 0, 0, &[]));
        let (message, mut firsts, mut lasts) = (query.bytes(), [0; 4], [0; 4]);
        let mut fast = Fast::with_draw(Draw::seeded(5));
        for _ in 0..20_000 {
            let mut reply = [0; 1232];
            let verdict = fast.respond(
                View { generation: &fixture.index.load(), policy: &Policy::default() },
                &message,
                Peer::udp(CLIENT),
                &mut reply,
            );
            let Verdict::Reply { octets, truncated: false, .. } = verdict else {
                panic!("{verdict:?}")
            };
            let message = parse(&reply[..octets]).unwrap();
            let glue = if kind == SRV { 3 } else { 0 };
            assert_eq!((message.answers.len(), message.additionals.len()), (3, glue));
            let last = |record: &Record| {
                let text = record.data.to_string();
                let text = text.rsplit(' ').next().unwrap().split('.').next().unwrap().to_owned();
                let address = if kind == A { record.data.to_string() } else { text };
                usize::from(address.as_bytes()[address.len() - 1] - b'0')
            };
            let drawn: Vec<_> = message.answers.iter().map(last).collect();
            firsts[drawn[0]] += 1;
            (0..4).filter(|it| !drawn.contains(it)).for_each(|it| lasts[it] += 1);
        }
        assert!(chi_square(&firsts, &[1.0, 2.0, 3.0, 4.0]) < CRITICAL, "{firsts:?}");
        // The heavier, the less often it is left out.
        assert!(lasts.is_sorted_by(|one, next| one > next), "{lasts:?}");
    }
}

/// What the fast path says over UDP, if it does; it takes its time.
fn patiently(fast: &mut Fast, fixture: &Fixture, message: &[u8]) -> Option<Vec<u8>> {
    let mut reply = [0; 1232];
    match fast.respond(
        View { generation: &fixture.index.load(), policy: &Policy::default() },
        message,
        Peer::udp(CLIENT),
        &mut reply,
    ) {
        Verdict::Reply { octets, .. } => Some(reply[..octets].to_vec()),
        _ => None,
    }
}

#[test]
fn max_answers_are_drawn_from_more_than_a_datagram_holds() {
    let mut fast = Fast::unbounded();
    for (instances, name, kind) in [
        (30, "_web._tcp", SRV),
        (500, "_web._tcp", SRV),
        (5000, "_web._tcp", SRV),
        (100, "web.services.internal", A),
        (3000, "web.services.internal", A),
        (9000, "web.services.internal", A),
    ] {
        let fixture = limited(instances, 3);
        let message = Query::new(name, kind).bytes();
        for _ in 0..100 {
            let reply = patiently(&mut fast, &fixture, &message).unwrap();
            let glue = if kind == SRV { 3 } else { 0 };
            assert_eq!([reply[2] & 2, reply[7], reply[11]], [0, 3, glue], "{instances} {name}");
            let message = parse(&reply).unwrap();
            for (answer, address) in message.answers.iter().zip(&message.additionals) {
                assert!(answer.data.to_string().ends_with(&address.name.to_string()));
            }
        }
    }
}

#[test]
fn over_tcp_whether_a_few_of_many_are_ready_does_not_depend_on_the_draw() {
    let message = Query::new("_web._tcp", SRV).bytes();
    for (most, is_ready) in [(3, true), (20, true), (70, true), (90, false), (150, false)] {
        let (fixture, mut reply) = (limited(200, most), [0; READY_MAX]);
        let (generation, from) = (fixture.index.load(), Peer::tcp(CLIENT));
        let verdict = Fast::default().respond(
            View { generation: &generation, policy: &Policy::default() },
            &message,
            from,
            &mut reply,
        );
        let is_whole = matches!(verdict, Verdict::Reply { truncated: false, .. });
        assert_eq!((is_whole, verdict == Verdict::Full), (is_ready, !is_ready), "{most}");
    }
}

#[test]
fn rfc2782_the_first_of_a_few_of_many_is_in_proportion_to_weight() {
    let (fixture, message) = (limited(100, 3), Query::new("web.services.internal", A).bytes());
    let (mut fast, mut counts) = (Fast::with_draw(Draw::seeded(6)), vec![0; 100]);
    for _ in 0..DRAWS {
        let reply = patiently(&mut fast, &fixture, &message).unwrap();
        counts[usize::from(reply[message.len() + 12 + 3])] += 1;
    }
    let weights: Vec<_> = (1..=100).map(f64::from).collect();
    // 148.2 is the 0.1 % point of chi-square with 99 degrees of freedom.
    let statistic = chi_square(&counts, &weights);
    assert!(statistic < 148.2, "{statistic} {counts:?}");
}

#[test]
fn nothing_but_requests_is_answered() {
    let fixture = example();
    let message = Query::new("web.services.internal", A).flags(0x80, 0).bytes();
    assert_eq!(verdict(&fixture, &message), Verdict::Silence);
    for end in 0..12 {
        assert_eq!(verdict(&fixture, &message[..end]), Verdict::Silence);
    }
}

#[test]
fn answers_change_with_their_service() {
    let mut fixture = example();
    let count = |fixture: &Fixture, name: &str, kind: u16| {
        let mut reply = [0; 1232];
        let message = Query::new(name, kind).bytes();
        Fast::default().respond(
            View { generation: &fixture.index.load(), policy: &Policy::default() },
            &message,
            Peer::udp(CLIENT),
            &mut reply,
        );
        (reply[3] & 0x0f, reply[7])
    };
    let names = [
        ("_web._tcp", SRV),
        ("web.services.internal", A),
        ("10-0-0-1.web.services.internal", A),
        ("1.web.services.internal", A),
    ];
    assert_eq!(
        names.map(|(name, kind)| count(&fixture, name, kind)),
        [(0, 3), (0, 2), (0, 1), (0, 1)]
    );
    fixture.delete("web/1");
    assert_eq!(
        names.map(|(name, kind)| count(&fixture, name, kind)),
        [(0, 2), (0, 1), (3, 0), (3, 0)]
    );
    fixture.put("web/1", "http://10.0.0.1:8081");
    assert_eq!(
        names.map(|(name, kind)| count(&fixture, name, kind)),
        [(0, 3), (0, 2), (0, 1), (0, 1)]
    );
}

/// How often each of the last octets comes first, over many replies.
fn firsts<const N: usize>(values: [&str; N], name: &str, kind: u16, at: usize) -> [u32; N] {
    let mut fixture = Fixture::new("services.internal.");
    for (number, value) in values.iter().enumerate() {
        fixture.put(&format!("web/{number}"), value);
    }
    let (message, mut counts) = (Query::new(name, kind).bytes(), [0; N]);
    let (generation, mut reply) = (fixture.index.load(), [0; 1232]);
    let mut fast = Fast::with_draw(Draw::seeded(5));
    for _ in 0..DRAWS {
        fast.respond(
            View { generation: &generation, policy: &Policy::default() },
            &message,
            Peer::udp(CLIENT),
            &mut reply,
        );
        counts[usize::from(reply[message.len() + at])] += 1;
    }
    counts
}

/// The 0.1 % point of chi-square with 3 degrees of freedom.
const CRITICAL: f64 = 16.27;

#[test]
fn rfc2782_the_first_of_100_000_srv_answers_is_in_proportion_to_weight() {
    let value = |port: u8, weight: u8| format!(r#"{{"host":"10.0.0.1:{port}","weight":{weight}}}"#);
    // No port is 0, so that the first counter stays empty.
    let values = [value(4, 40), value(1, 10), value(2, 20), value(3, 30), value(4, 40)];
    let values = values.each_ref().map(String::as_str);
    let counts = firsts(values, "_web._tcp.services.internal", SRV, 12 + 5);
    let statistic = chi_square(&counts[1..], &[1.0, 2.0, 3.0, 4.0]);
    assert!(counts[0] == 0 && statistic < CRITICAL, "{statistic} {counts:?}");
    assert!(chi_square(&counts[1..], &[1.0; 4]) > CRITICAL, "the test can fail");
}

#[test]
fn the_first_of_100_000_addresses_is_in_proportion_to_weight() {
    for (kind, at, host) in [(A, 12 + 3, "10.0.0."), (28, 12 + 15, "2001:db8::")] {
        let [left, right] = if kind == A { ["", ""] } else { ["[", "]"] };
        let value = |n: u8, weight: u8| {
            format!(r#"{{"host":"{left}{host}{n}{right}:80","weight":{weight}}}"#)
        };
        let values = [value(0, 10), value(1, 20), value(2, 30), value(3, 40)];
        let values = values.each_ref().map(String::as_str);
        let counts = firsts(values, "web.services.internal", kind, at);
        let statistic = chi_square(&counts, &[1.0, 2.0, 3.0, 4.0]);
        assert!(statistic < CRITICAL, "{kind}: {statistic} {counts:?}");
    }
}

#[test]
fn equal_weights_come_first_equally_often() {
    let values = ["10.0.0.0:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
    let counts = firsts(values, "web.services.internal", A, 12 + 3);
    assert!(chi_square(&counts, &[1.0; 4]) < CRITICAL, "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Any octets: no panic, no reply to what is no request, none beyond the buffer, and
    /// the same verdict whatever stands behind the message in memory.
    #[test]
    fn any_octets_are_survived(
        head in proptest::option::of(0u8..4),
        octets in proptest::collection::vec(any::<u8>(), 0..300),
        behind: [u8; 16],
        tcp: bool,
    ) {
        // Most random octets end at the header; those with a good one come further.
        let mut message = match head {
            Some(additional) => vec![1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, additional & 1],
            None => Vec::new(),
        };
        message.extend(octets);
        let fixture = example();
        let (transport, room) =
            if tcp { (Transport::Tcp, READY_MAX) } else { (Transport::Udp, 1232) };
        let length = message.len();
        let mut replies = Vec::new();
        for tail in [&[][..], &behind] {
            message.truncate(length);
            message.extend_from_slice(tail);
            let mut reply = vec![0; room];
            let verdict =
                Fast::default().respond(View { generation: &fixture.index.load(), policy: &Policy::default() }, &message[..length], Peer { address: CLIENT, transport }, &mut reply);
            replies.push((verdict, reply));
        }
        prop_assert_eq!(replies[0].0, replies[1].0);
        match replies[0].0 {
            Verdict::Reply { octets, .. } => {
                prop_assert!(length >= 12 && message[2] & 0x80 == 0 && octets <= room);
                let full = respond(&fixture, &message[..length], transport).unwrap();
                prop_assert_eq!(&replies[0].1[..4], &full[..4]);
            }
            Verdict::Silence => prop_assert!(length < 12 || message[2] & 0x80 != 0),
            Verdict::Full | Verdict::Foreign | Verdict::Pattern => {}
        }
    }
}
