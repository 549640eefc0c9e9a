//! What holds of every message, and of every question to every set of services.

use std::collections::HashMap;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};
use proptest::prelude::*;
use proptest::sample::select;
use srvd::wire::Transport;

use super::cut::check_cut;
use super::example;
use super::messages::{Query, ask, ask_over, parse, respond};
use crate::fixture::Fixture;

/// A query that is mostly proper.
fn query() -> impl Strategy<Value = Query> {
    let names = select(vec![
        "_web._tcp.services.internal",
        "web.services.internal",
        "services.internal",
        "_web._tcp",
        "a.b.c.example.com",
        "",
    ]);
    let kinds = select(vec![1, 2, 6, 16, 28, 33, 41, 65, 250, 251, 252, 255, 4096]);
    let edns = proptest::option::of((any::<u16>(), 0u8..2, any::<u16>(), options()));
    (names, kinds, any::<[u8; 2]>(), edns).prop_map(|(name, kind, flags, edns)| {
        let query = Query::new(name, kind).flags(flags[0] & 0x87, flags[1]);
        match edns {
            Some((size, version, flags, options)) => query.edns(size, version, flags, &options),
            None => query,
        }
    })
}

/// Options, whole or not.
fn options() -> impl Strategy<Value = Vec<u8>> {
    let option =
        (0u16..20, proptest::collection::vec(any::<u8>(), 0..6)).prop_map(|(code, data)| {
            [&code.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), &data].concat()
        });
    proptest::collection::vec(option, 0..3).prop_map(|options| options.concat())
}

/// What must hold of a reply to any octets.
fn check_reply(message: &[u8], reply: &[u8], limit: usize) -> Result<(), TestCaseError> {
    prop_assert!(reply.len() >= 12 && reply.len() <= limit, "{} octets", reply.len());
    prop_assert_eq!(&reply[..2], &message[..2], "the id");
    prop_assert_eq!(reply[2] & 0xf8, 0x80 | message[2] & 0x78, "QR, and the opcode");
    let parsed = parse(reply);
    // A refusal of TSIG cannot be parsed without the feature that signs.
    prop_assert!(parsed.is_some() || reply[3] & 0x0f == 9, "{:?}", parsed);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_octets_are_survived(message: Vec<u8>) {
        let fixture = example();
        let reply = respond(&fixture, &message, Transport::Udp);
        let request = message.len() >= 12 && message[2] & 0x80 == 0;
        prop_assert_eq!(reply.is_some(), request, "silence is for what is no request");
        if let Some(reply) = reply {
            check_reply(&message, &reply, 1232)?;
        }
    }

    #[test]
    fn damaged_queries_are_survived(
        query in query(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        tail in proptest::collection::vec(any::<u8>(), 0..3),
    ) {
        let fixture = example();
        let mut message = query.bytes();
        for (at, octet) in damage {
            let at = at.index(message.len());
            message[at] = octet;
        }
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len()));
        }
        message.extend(tail);
        for (transport, limit) in [(Transport::Udp, 1232), (Transport::Tcp, 65535)] {
            let reply = respond(&fixture, &message, transport);
            prop_assert_eq!(reply.is_some(), message.len() >= 12 && message[2] & 0x80 == 0);
            if let Some(reply) = reply {
                check_reply(&message, &reply, limit)?;
            }
        }
    }
}

/// Registrations from a world so small that they meet.
fn registrations() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = select(vec!["a", "b", "dns", "a.b", "a.b", "B.a.b"]);
    let host = select(vec![
        "10.0.0.1",
        "10.0.0.2",
        "[2001:db8::1]",
        "a.services.internal",
        "far.example.com",
        "10-0-0-1.b.services.internal",
    ]);
    let id = select(vec!["i", "j", "10-0-0-1", "k", "l", "m", "n", "o"]);
    let tail = select(vec!["", ":80", ":81"]);
    let proto = select(vec!["tcp", "udp"]);
    let protocol = select(vec!["", r#","protocol":"http""#, r#","protocol":"x""#]);
    let rank = select(vec![(0, 0), (0, 1), (1, 3)]);
    let more = select(vec!["", r#","ttl":60"#, r#","text":"t","tags":["u"]"#]);
    let one = (name, id, host, tail, proto, protocol, rank, more).prop_map(
        |(name, id, host, tail, proto, protocol, (priority, weight), more)| {
            let value = format!(
                r#"{{"host":"{host}{tail}","proto":"{proto}","priority":{priority},"weight":{weight}{protocol}{more}}}"#
            );
            (format!("{name}/{id}"), value)
        },
    );
    proptest::collection::vec(one, 0..24)
}

/// Names of up to four labels below the zone, from labels that mean something.
fn names() -> Vec<String> {
    const LABELS: [&str; 11] =
        ["a", "b", "dns", "ns", "_tcp", "_a", "_u", "_http", "i", "10-0-0-1", "2001-db8--1"];
    let mut names = vec!["services.internal".to_owned()];
    let mut last = names.clone();
    for _ in 0..3 {
        last = last
            .iter()
            .flat_map(|name| LABELS.iter().map(move |label| format!("{label}.{name}")))
            .collect();
        names.extend(last.clone());
    }
    let bare = ["_tcp", "_udp", "_a._tcp", "_b._udp", "i._a._tcp", "b._tcp", "_a.b._tcp", "b._udp"];
    names.extend(bare.map(str::to_owned));
    names
}

/// What must hold of one answer.
fn check_answer(fixture: &Fixture, query: &Query) -> Result<Message, TestCaseError> {
    let (reply, message) = ask(fixture, query);
    prop_assert!(reply.len() <= 512);
    let (_, full) = ask_over(fixture, query, Transport::Tcp);
    prop_assert!(!full.metadata.truncation);
    prop_assert_eq!(message.metadata.response_code, full.metadata.response_code);
    let soas = full.authorities.iter().filter(|it| it.record_type() == RecordType::SOA).count();
    prop_assert_eq!(soas, usize::from(full.answers.is_empty()), "exactly one SOA if negative");
    if message.metadata.truncation {
        check_cut(&message, &full, [reply.len(), 512]);
    } else {
        prop_assert_eq!(message.answers.len(), full.answers.len(), "all");
    }
    let octets = 12 + query.question.len() + answer_octets(&full);
    prop_assert_eq!(message.metadata.truncation, octets > 512, "TC only if they do not fit");
    check_rrset(&full)?;
    Ok(full)
}

/// The octets of the answers, each owner a pointer; nothing of SOA and NS, which are small.
fn answer_octets(message: &Message) -> usize {
    let octets = |data: &RData| match data {
        RData::A(_) => 12 + 4,
        RData::AAAA(_) => 12 + 16,
        RData::SRV(srv) => 12 + 6 + srv.target.len() + 1,
        RData::TXT(txt) => 12 + txt.txt_data.iter().map(|it| 1 + it.len()).sum::<usize>(),
        _ => 0,
    };
    message.answers.iter().map(|record| octets(&record.data)).sum()
}

/// What must hold of the answers themselves.
fn check_rrset(message: &Message) -> Result<(), TestCaseError> {
    let ttls: std::collections::HashSet<_> = message.answers.iter().map(|it| it.ttl).collect();
    prop_assert!(ttls.len() <= 1, "one TTL");
    for (at, record) in message.answers.iter().enumerate() {
        prop_assert!(message.answers[..at].iter().all(|it| it.data != record.data), "twice");
    }
    let ranks: Vec<_> = message
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some((srv.priority, srv.weight == 0)),
            _ => None,
        })
        .collect();
    prop_assert!(ranks.is_sorted(), "by priority, weight 0 last");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_question_to_every_set_of_services(registrations in registrations()) {
        const KINDS: [u16; 8] = [1, 2, 6, 16, 28, 33, 65, 255];
        let mut fixture = Fixture::new("services.internal.");
        fixture.put_all(registrations);
        let mut exists = HashMap::new();
        for name in names() {
            let mut codes = Vec::new();
            for kind in KINDS {
                codes.push(check_answer(&fixture, &Query::new(&name, kind))?.metadata.response_code);
            }
            codes.dedup();
            prop_assert_eq!(codes.len(), 1, "{} exists for some types only", name);
            exists.insert(name, codes[0] != ResponseCode::NXDomain);
        }
        for (name, there) in &exists {
            if let Some((_, parent)) = name.split_once('.').filter(|_| *there)
                && let Some(parent) = exists.get(parent)
            {
                prop_assert!(parent, "{} exists below nothing (RFC 8020)", name);
            }
        }
    }

    #[test]
    fn every_target_of_ours_resolves(registrations in registrations()) {
        let mut fixture = Fixture::new("services.internal.");
        fixture.put_all(registrations);
        for name in ["_a._tcp.services.internal", "_b._udp", "dns.services.internal"] {
            let full = ask_over(&fixture, &Query::new(name, 33), Transport::Tcp).1;
            let glue: Vec<_> = full.additionals.iter().map(|it| (&it.name, &it.data, it.ttl)).collect();
            for record in &full.answers {
                let RData::SRV(srv) = &record.data else { continue };
                let target = srv.target.to_ascii();
                for kind in [1, 28] {
                    let own = ask_over(&fixture, &Query::new(&target, kind), Transport::Tcp).1;
                    for it in own.answers {
                        prop_assert!(glue.contains(&(&srv.target, &it.data, it.ttl)), "{}", target);
                    }
                }
            }
        }
    }
}
