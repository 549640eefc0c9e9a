//! Answers that are too large for their datagram: as many whole records as fit, drawn as
//! `max-answers` draws, and nothing else but OPT; by both paths, at every size, for every type.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};
use proptest::prelude::*;
use proptest::sample::select;
use srvd::authority::Draw;
use srvd::index::{AnswersOrder, Index, Schema};
use srvd::wire::{
    Cookies, Fast, Peer, Policies, Policy, READY_MAX, Responder, Transport, UDP_MOST, UdpSize,
    Verdict, View,
};

use super::messages::{A, CLIENT, Query, SRV, parse};
use crate::draws::chi_square;
use crate::fixture::{Fixture, settings, settings_of_file};
use crate::skydns::zones::Zones;

/// The octets of a record whose owner is a pointer; the least of those that are compressed.
fn octets(record: &Record) -> usize {
    12 + match &record.data {
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        RData::SRV(srv) => 6 + srv.target.len() + 1,
        RData::TXT(txt) => txt.txt_data.iter().map(|it| 1 + it.len()).sum(),
        RData::MX(_) => 4,
        _ => 2,
    }
}

/// The most octets of a record, written without compression.
fn most_octets(record: &Record) -> usize {
    match &record.data {
        RData::PTR(name) => 12 + name.0.len() + 1,
        RData::NS(name) => 12 + name.0.len() + 1,
        RData::MX(mx) => 12 + 2 + mx.exchange.len() + 1,
        _ => octets(record),
    }
}

/// By what an order is drawn, as far as the record says.
fn tier(record: &Record) -> (u16, bool) {
    match &record.data {
        RData::SRV(srv) => (srv.priority, srv.weight == 0),
        RData::MX(mx) => (mx.preference, false),
        _ => (0, false),
    }
}

/// What a reply has beside the whole answer, which came over TCP: some of its records, none of
/// them twice; all of a lower priority before any of a higher one; and none more would have
/// fitted. `octets` is the reply without its OPT record, `room` what that may have.
pub(crate) fn check_cut(reply: &Message, whole: &Message, [octets, room]: [usize; 2]) {
    assert!(reply.authorities.is_empty() && reply.additionals.is_empty(), "{reply}");
    let mut missing: Vec<_> = whole.answers.iter().collect();
    for record in &reply.answers {
        let at = missing.iter().position(|it| *it == record && it.ttl == record.ttl);
        let at = at.unwrap_or_else(|| panic!("{record} is not there, or there once"));
        missing.swap_remove(at);
    }
    assert!(!missing.is_empty(), "all are there, and TC: {reply}");
    let drawn: Vec<_> = reply.answers.iter().map(tier).collect();
    assert!(drawn.is_sorted(), "{drawn:?}");
    let never = |record: &&&Record| most_octets(record) > room - 12 - 5;
    let first = missing.iter().filter(|it| !never(it)).map(|it| tier(it)).min();
    if let (Some(first), Some(last)) = (first, drawn.last()) {
        assert!(*last <= first, "{last:?} before {first:?}");
    }
    let largest = missing.iter().map(|it| most_octets(it)).max().unwrap();
    assert!(octets <= room && octets + largest > room, "{octets} of {room}, {largest} more");
}

/// A reply without its OPT record, which stands last.
fn without_opt(reply: &[u8]) -> usize {
    let message = parse(reply).expect("a whole message");
    let Some(edns) = &message.edns else { return reply.len() };
    let options: usize =
        edns.options().as_ref().iter().map(|(_, option)| 4 + usize::from(option.len())).sum();
    reply.len() - 11 - options
}

/// Asks one path, by a policy, as a client.
struct Asker<'a> {
    index: &'a Arc<Index>,
    policy: Policy,
    fast: Fast,
    /// Where all records are had, and how many of those that are limited come at most.
    all: (&'a Arc<Index>, usize),
}

impl<'a> Asker<'a> {
    fn new(index: &'a Arc<Index>, policy: Policy) -> Self {
        Self { index, policy, fast: Fast::unbounded(), all: (index, usize::MAX) }
    }

    /// The same where so many records come at most of those that another index gives.
    fn limited(self, all: &'a Arc<Index>, most: u16) -> Self {
        Self { all: (all, if most == 0 { usize::MAX } else { most.into() }), ..self }
    }

    /// What the fast path says, if it takes the message.
    fn fast(&mut self, message: &[u8], from: Peer) -> Option<Vec<u8>> {
        let room = if from.transport == Transport::Udp { usize::from(UDP_MOST) } else { READY_MAX };
        let mut reply = vec![0xff; room];
        match self.fast.respond(
            View { generation: &self.index.load(), policy: &self.policy },
            message,
            from,
            &mut reply,
        ) {
            Verdict::Reply { octets, truncated, .. } => {
                assert_eq!(truncated, reply[2] & 2 != 0);
                reply.truncate(octets);
                Some(reply)
            }
            Verdict::Silence => panic!("a query is answered"),
            Verdict::Full | Verdict::Foreign | Verdict::Pattern => None,
        }
    }

    /// What the full path says.
    fn full(&self, message: &[u8], from: Peer) -> Vec<u8> {
        self.full_of(self.index, message, from)
    }

    /// What it says of an index.
    fn full_of(&self, index: &Arc<Index>, message: &[u8], from: Peer) -> Vec<u8> {
        let policies = Arc::new(Policies::new(Arc::new(self.policy.clone())));
        let mut reply = Vec::new();
        let responder = Responder::with(Arc::clone(index), policies);
        assert!(responder.respond(message, from, &mut reply));
        reply
    }

    /// Asks both paths, and holds what they say to all records that there are. Gives how many
    /// of how many came over UDP, and whether the fast path took it.
    fn check(&mut self, query: &Query, room: usize) -> (usize, usize, bool) {
        let message = query.bytes();
        let whole = parse(&self.full_of(self.all.0, &message, Peer::tcp(CLIENT))).unwrap();
        assert!(!whole.metadata.truncation);
        let is_limited = whole.answers.iter().all(|it| {
            use RecordType::{A, AAAA, PTR, SRV};
            matches!(it.record_type(), A | AAAA | SRV | PTR)
                && !it.name.to_lowercase().to_ascii().ends_with("static.test.")
        });
        let most = if is_limited { self.all.1 } else { usize::MAX }.min(whole.answers.len());
        let over_tcp = self.full(&message, Peer::tcp(CLIENT));
        for reply in self.fast(&message, Peer::tcp(CLIENT)).into_iter().chain([over_tcp]) {
            let said = parse(&reply).unwrap();
            assert!(!said.metadata.truncation);
            assert_eq!(said.answers.len(), most, "all, or so many at most");
        }
        let fast = self.fast(&message, Peer::udp(CLIENT));
        let mut counts = (0, most, fast.is_some());
        let full = self.full(&message, Peer::udp(CLIENT));
        for reply in fast.into_iter().chain([full]) {
            let said = parse(&reply).expect("a whole message");
            let end = 12 + query.question.len();
            assert_eq!(reply[12..end], query.question, "the question as it was spelt");
            assert_eq!(said.edns.is_some(), !query.rest.is_empty(), "OPT");
            counts.0 = said.answers.len();
            if said.metadata.truncation {
                assert!(said.answers.len() < most, "all that are wanted are there, and TC");
                check_cut(&said, &whole, [without_opt(&reply), room]);
            } else {
                assert_eq!(said.answers.len(), most);
                assert!(without_opt(&reply) <= room);
            }
        }
        counts
    }
}

/// Zones with something of every kind: services of many sizes, priorities and weights, static
/// sets of every type, an alias.
fn world(max_answers: u16, order: AnswersOrder) -> Fixture {
    let mut text = "$TTL 60\n@ SOA ns.example. admin.example. 7 1 2 3 4\n".to_owned();
    for n in 0..150 {
        text += &format!("@ NS ns{n}.some-long-name.example.\n");
        text += &format!("many A 192.0.2.{n}\nmany AAAA 2001:db8::{n}\n");
        text += &format!("many TXT \"{}\"\n", "t".repeat(1 + n));
        text += &format!("many MX 7 mail{n}.example.\n");
        text += &format!("_many._tcp SRV {} {} 80 host{n}.example.\n", n % 2, n % 4);
    }
    text += "alias CNAME many\nfar CNAME big.services.internal.\n";
    let statics = settings_of_file("static.test.", &text, true);
    let mut services = settings("services.internal.").naming_addresses(true);
    (services.max_answers, services.answers_order) = (max_answers, order);
    let mut reverse = settings_of_file(
        "10.in-addr.arpa.",
        "$TTL 60\n@ SOA ns.example. admin.example. 7 1 2 3 4\n@ NS ns.example.\n",
        true,
    );
    reverse.max_answers = max_answers;
    let reverse = reverse.of_schema(Schema::Static).reversing();
    let mut fixture = Fixture::unlisted(vec![services, statics, reverse]);
    fixture.list(1);
    let service = |name: &'static str, instances: u32| {
        (0..instances).map(move |n| {
            let (host, priority, weight) = match n % 5 {
                0 => (format!("[2001:db8::{n:x}]"), 0, 5),
                1 => (format!("host{n}.example.com"), 1, 1),
                _ => (format!("10.0.{}.{}", n / 200, n % 200), n % 3, n % 7),
            };
            let text = "x".repeat((n % 40) as usize);
            let value = format!(
                r#"{{"host":"{host}:{}","priority":{priority},"weight":{weight},"text":"{n}{text}","protocol":"http","tags":["t"]}}"#,
                8000 + n % 4
            );
            (format!("{name}/i{n}"), value)
        })
    };
    fixture.put_all(service("big", 300).chain(service("mid", 60)).chain(service("few", 20)));
    // Many names of one address.
    fixture.put_all((0..120).map(|n| (format!("named-{n}/1"), "10.9.9.9:80".to_owned())));
    fixture
}

/// Questions that are answered by more than the least datagram holds.
const QUESTIONS: [(&str, u16); 19] = [
    ("_big._tcp.services.internal", 33),
    ("big.services.internal", 1),
    ("BIG.services.INTERNAL", 28),
    ("big.services.internal", 16),
    ("_http._tcp.big.services.internal", 33),
    ("t.big.services.internal", 1),
    ("_mid._tcp.services.internal", 33),
    ("_few._tcp", 33),
    ("_big._tcp.services.internal", 12),
    ("_t._sub._big._tcp.services.internal", 12),
    ("_services._dns-sd._udp.services.internal", 12),
    ("9.9.9.10.in-addr.arpa", 12),
    ("static.test", 2),
    ("MANY.static.test", 1),
    ("many.static.test", 28),
    ("many.static.test", 16),
    ("many.static.test", 15),
    ("_many._tcp.static.test", 33),
    ("big.services.internal", 255),
];

/// A policy by which a client may be sent so much.
fn policy(udp_size: u16, cookies: bool) -> Policy {
    let cookies = cookies.then(|| Cookies::new([7; 16], &[]));
    Policy { udp_size: UdpSize::new(udp_size).unwrap(), cookies, ..Policy::default() }
}

/// A client's cookie, eight octets of its own.
const COOKIE: [u8; 12] = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn what_is_cut_is_cut_right_at_every_size(
        sizes in proptest::collection::vec((512_u16..=4096, 512_u16..=4096), 2),
        max_answers in select(vec![0, 0, 0, 3, 40, 100]),
        order in select(vec![AnswersOrder::Fresh, AnswersOrder::Stable]),
        cases: u64,
    ) {
        let (fixture, whole) = (world(max_answers, order), world(0, order));
        for (limit, offered) in sizes {
            for (at, (name, kind)) in QUESTIONS.into_iter().enumerate() {
                let mut query = Query::new(name, kind);
                // As resolvers spell names against forged replies.
                for (place, octet) in query.question.iter_mut().enumerate() {
                    let flips = cases.rotate_left(at as u32) >> (place % 64) & 1 == 1;
                    *octet ^= if flips && octet.is_ascii_alphabetic() { 0x20 } else { 0 };
                }
                let end = query.question.len();
                query.question[end - 4..].copy_from_slice(&[(kind >> 8) as u8, kind as u8, 0, 1]);
                let with = |options: &[u8]| query.clone().edns(offered, 0, 0, options);
                let size = usize::from(limit.min(offered));
                let is_plain = at % 3 == 0;
                let has_cookie = at % 3 == 1;
                let (query, room) = match (is_plain, has_cookie) {
                    (true, _) => (query, 512),
                    (_, true) => (with(&COOKIE), size - 17 - 28),
                    _ => (with(&[]), size - 17),
                };
                let asker = Asker::new(&fixture.index, policy(limit, has_cookie));
                asker.limited(&whole.index, max_answers).check(&query, room);
            }
        }
    }
}

#[test]
fn every_question_is_cut_by_the_least_datagram_and_most_are_made_ready() {
    let fixture = world(0, AnswersOrder::Fresh);
    let mut asker = Asker::new(&fixture.index, policy(512, false));
    let mut ready = 0;
    for (name, kind) in QUESTIONS {
        let (some, all, is_fast) = asker.check(&Query::new(name, kind), 512);
        assert!(some > 0 && some < all, "{name} {kind}: {some} of {all}");
        ready += usize::from(is_fast);
    }
    assert_eq!(ready, 12, "names that are compressed, and any type, are for the full path");
}

#[test]
fn max_answers_bounds_pointers_too() {
    let (fixture, whole) = (world(3, AnswersOrder::Fresh), world(0, AnswersOrder::Fresh));
    let asker = Asker::new(&fixture.index, policy(1232, false));
    let mut asker = asker.limited(&whole.index, 3);
    for (name, kind) in QUESTIONS {
        let (some, all, _) = asker.check(&Query::new(name, kind).edns(1232, 0, 0, &[]), 1215);
        let is_limited = !name.ends_with("static.test") && kind != 16;
        assert_eq!((some, all) == (3, 3), is_limited, "{name} {kind}: {some} of {all}");
    }
    // Others each time.
    let pointer = Query::new("_big._tcp.services.internal", 12).bytes();
    let drawn = || asker.full(&pointer, Peer::udp(CLIENT));
    let all: BTreeSet<_> = (0..40).flat_map(|_| lines(&drawn())).collect();
    assert!(all.len() > 60, "{}", all.len());
}

/// The data of a reply's answers, in order.
fn lines(reply: &[u8]) -> Vec<String> {
    parse(reply).unwrap().answers.iter().map(|it| it.data.to_string()).collect()
}

#[test]
fn rfc1034_s3_6_2_an_alias_is_there_and_what_fits_of_where_it_leads() {
    let fixture = world(0, AnswersOrder::Fresh);
    let asker = Asker::new(&fixture.index, policy(1232, false));
    for (name, kind, whole) in
        [("alias.static.test", A, 150), ("far.static.test", A, 175), ("far.static.test", 16, 300)]
    {
        let query = Query::new(name, kind);
        let said = parse(&asker.full(&query.bytes(), Peer::udp(CLIENT))).unwrap();
        assert!(said.metadata.truncation && said.metadata.authoritative);
        assert_eq!(said.answers[0].record_type(), RecordType::CNAME);
        assert!(said.answers[1..].iter().all(|it| u16::from(it.record_type()) == kind));
        assert!((5..whole).contains(&said.answers.len()), "{}", said.answers.len());
        assert!(said.authorities.is_empty() && said.additionals.is_empty());
        let all = parse(&asker.full(&query.bytes(), Peer::tcp(CLIENT))).unwrap();
        assert!(!all.metadata.truncation && all.answers.len() > 100, "{}", all.answers.len());
    }
}

#[test]
fn skydns_answers_are_cut_alike() {
    let mut zones = Zones::holding(&[]);
    let pairs: Vec<_> = (0..200)
        .map(|n| {
            let host = format!("10.1.{}.{}", n / 100, n % 100);
            let value = format!(
                r#"{{"host":"{host}","port":80,"text":"words {n}","mail":true,"priority":{}}}"#,
                n % 2
            );
            (format!("/skydns/test/skydns/big/k{n}"), value)
        })
        .collect();
    zones.list(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    for size in (512..=4096).step_by(97) {
        let mut asker = Asker::new(&zones.index, policy(size, false));
        for kind in [A, SRV, 16, 15] {
            let query = Query::new("big.skydns.test", kind).edns(size, 0, 0, &[]);
            let (some, all, _) = asker.check(&query, usize::from(size) - 17);
            assert!(some > 5 && all == 200, "{kind}: {some} of {all}");
        }
    }
}

#[test]
fn nothing_fits_beside_the_longest_question_and_target() {
    let mut fixture = Fixture::new("services.internal.");
    let host = format!("{}.{}.{}", "h".repeat(63), "o".repeat(63), "s".repeat(63));
    fixture.put_all(
        (0..9).map(|n| (format!("web/{n}"), format!("{n}{host}.test:80", host = &host[1..]))),
    );
    let mut asker = Asker::new(&fixture.index, policy(512, false));
    let (some, all, is_fast) = asker.check(&Query::new("_web._tcp.services.internal", SRV), 512);
    assert_eq!((some, all, is_fast), (2, 9, true));
}

/// How often each record is the first of an answer that is cut, and how often it is there.
fn drawn(
    fixture: &Fixture,
    query: &Query,
    draws: u32,
    mut ask: impl FnMut(&Fixture, &[u8]) -> Vec<u8>,
) -> [HashMap<String, u32>; 2] {
    let (message, mut counts) = (query.bytes(), [HashMap::new(), HashMap::new()]);
    for _ in 0..draws {
        let reply = ask(fixture, &message);
        assert!(reply[2] & 2 != 0, "it is cut");
        let lines = lines(&reply);
        *counts[0].entry(lines[0].clone()).or_default() += 1;
        for line in lines {
            *counts[1].entry(line).or_default() += 1;
        }
    }
    counts
}

/// A service of so many addresses; of each ten, the weights are 1 to 10.
fn weighted(instances: u32) -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put_all((0..instances).map(|n| {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n);
        (format!("web/{n}"), format!(r#"{{"host":"{address}:80","weight":{}}}"#, n % 10 + 1))
    }));
    fixture
}

/// How often records of each weight come.
fn by_weight(counts: &HashMap<String, u32>) -> Vec<u32> {
    let mut sums = vec![0; 10];
    for (line, count) in counts {
        let address: std::net::Ipv4Addr = line.parse().unwrap();
        sums[(address.to_bits() - 0x0a00_0000) as usize % 10] += count;
    }
    sums
}

/// The first of what is cut is drawn by weight, by both paths; of more instances than are kept,
/// from samples that change.
#[test]
fn rfc2782_what_is_cut_is_drawn_by_weight() {
    let weights: Vec<_> = (1..=10).map(f64::from).collect();
    let query = Query::new("web.services.internal", A);
    let (small, large) = (weighted(100), weighted(9_000));
    let mut fast = Fast::with_draw(Draw::seeded(11));
    let mut unbounded = Fast::unbounded();
    let mut ask = |fixture: &Fixture, message: &[u8], is_fast: bool| {
        let generation = fixture.index.load();
        for fast in [&mut fast, &mut unbounded].into_iter().filter(|_| is_fast) {
            let (mut reply, policy) = (vec![0; 1232], Policy::default());
            let from = Peer::udp(CLIENT);
            if let Verdict::Reply { octets, .. } = fast.respond(
                View { generation: &generation, policy: &policy },
                message,
                from,
                &mut reply,
            ) {
                reply.truncate(octets);
                return reply;
            }
        }
        assert!(!is_fast, "the fast path takes it");
        super::messages::respond(fixture, message, Transport::Udp).unwrap()
    };
    for (fixture, draws, is_fast) in
        [(&small, 20_000, true), (&large, 60_000, true), (&small, 5_000, false)]
    {
        let ask = |fixture: &Fixture, message: &[u8]| ask(fixture, message, is_fast);
        let [firsts, all] = drawn(fixture, &query, draws, ask);
        let firsts = by_weight(&firsts);
        // 27.88 is the 0.1 % point of chi-square with 9 degrees of freedom. Samples vary too.
        let statistic = chi_square(&firsts, &weights);
        assert!(statistic < 60.0, "{statistic} {firsts:?}");
        assert!(chi_square(&firsts, &[1.0; 10]) > 200.0, "the test can fail");
        let often = by_weight(&all);
        assert!(often.is_sorted(), "the heavier, the oftener: {often:?}");
        if draws == 60_000 {
            // A sample has 4,095 of the 9,000; another is taken after 4,096 replies.
            assert!(all.len() > 8_900, "all are met: {}", all.len());
        }
    }
}

/// What a client is given, as a set, by one path.
fn set(reply: &[u8]) -> BTreeSet<String> {
    lines(reply).into_iter().collect()
}

/// A client.
fn client(number: u32) -> SocketAddr {
    let address = match number % 2 {
        0 => IpAddr::from(std::net::Ipv4Addr::from_bits(0xc633_6400 + number)),
        _ => IpAddr::from(std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(number))),
    };
    SocketAddr::new(address, 1024 + number as u16)
}

/// A zone whose clients are given the same each time.
fn stable(instances: u32, max_answers: u16) -> Fixture {
    let mut zone = settings("services.internal.");
    (zone.max_answers, zone.answers_order) = (max_answers, AnswersOrder::Stable);
    let mut fixture = Fixture::unlisted(vec![zone]);
    fixture.list(1);
    fixture.put_all((0..instances).map(instance));
    fixture
}

/// An instance by its number.
fn instance(n: u32) -> (String, String) {
    let host = match n % 4 {
        0 => format!("Host{n}.Example.com"),
        1 => format!("[2001:db8::{n:x}]"),
        _ => format!("10.0.{}.{}", n / 200, n % 200),
    };
    (format!("web/{n}"), format!(r#"{{"host":"{host}:80","weight":{}}}"#, n % 3 + 1))
}

#[test]
fn a_stable_choice_is_the_same_for_a_client_by_either_path_and_on_every_replica() {
    for (max_answers, size) in [(8, 1232), (0, 512), (5, 512), (0, 1232)] {
        let (one, other) = (stable(100, max_answers), stable(100, max_answers));
        let mut asker = Asker::new(&one.index, policy(1232, false));
        let replica = Asker::new(&other.index, policy(1232, false));
        for (name, kind) in [
            ("_web._tcp.services.internal", SRV),
            ("web.services.internal", A),
            ("_web._tcp.services.internal", 12),
        ] {
            let message = Query::new(name, kind).edns(size, 0, 0, &[]).bytes();
            let (mut sets, mut orders) = (BTreeSet::new(), BTreeSet::new());
            for number in 0..20 {
                let from = Peer::udp(client(number));
                let first = set(&asker.full(&message, from));
                for _ in 0..4 {
                    let reply = asker.full(&message, from);
                    orders.insert(lines(&reply));
                    assert_eq!(set(&reply), first);
                    let ready = asker.fast(&message, from);
                    assert_eq!(ready.is_some(), kind != 12);
                    assert!(ready.is_none_or(|it| set(&it) == first), "{name}: the fast path");
                    assert_eq!(set(&replica.full(&message, from)), first, "another replica");
                }
                sets.insert(first);
            }
            if (max_answers, size, kind) != (0, 1232, A) {
                assert!(sets.len() > 15, "clients are given others: {}", sets.len());
                assert!(kind == 12 || orders.len() > 40, "in an order drawn anew");
            }
        }
    }
}

#[test]
fn a_stable_choice_changes_as_little_as_the_service_does() {
    let mut fixture = stable(60, 8);
    let message = Query::new("_web._tcp.services.internal", SRV).edns(1232, 0, 0, &[]).bytes();
    let all = |fixture: &Fixture| -> Vec<_> {
        let asker = Asker::new(&fixture.index, policy(1232, false));
        (0..100).map(|it| set(&asker.full(&message, Peer::udp(client(it))))).collect()
    };
    let mut before = all(&fixture);
    for n in 60..90 {
        let (key, value) = instance(n);
        fixture.put(&key, &value);
        fixture.delete(&format!("web/{}", n - 50));
        let after = all(&fixture);
        let differing =
            |(one, other): (&BTreeSet<String>, &BTreeSet<String>)| one.difference(other).count();
        let changed: Vec<_> = before.iter().zip(&after).map(differing).collect();
        assert!(changed.iter().all(|it| *it <= 2), "one went and one came: {changed:?}");
        // Each of 60 is one of a client's 8 in an eighth of the cases and less.
        let sum: usize = changed.iter().sum();
        assert!((1..80).contains(&sum), "{sum}");
        before = after;
    }
}

#[test]
fn over_many_clients_a_stable_choice_is_by_weight() {
    let mut zone = settings("services.internal.");
    (zone.max_answers, zone.answers_order) = (1, AnswersOrder::Stable);
    let mut fixture = Fixture::unlisted(vec![zone]);
    fixture.list(1);
    for n in 1..=4 {
        fixture.put(&format!("web/{n}"), &format!(r#"{{"host":"10.0.0.{n}:80","weight":{n}}}"#));
    }
    let mut asker = Asker::new(&fixture.index, policy(1232, false));
    let message = Query::new("web.services.internal", A).bytes();
    let mut counts = [0; 4];
    for number in 0..20_000 {
        let reply = asker.fast(&message, Peer::udp(client(number))).unwrap();
        counts[usize::from(reply[reply.len() - 1]) - 1] += 1;
    }
    // 16.27 is the 0.1 % point of chi-square with 3 degrees of freedom.
    let statistic = chi_square(&counts, &[1.0, 2.0, 3.0, 4.0]);
    assert!(statistic < 16.27, "{statistic} {counts:?}");
    assert!(chi_square(&counts, &[1.0; 4]) > 16.27, "the test can fail");
}
