//! The fast path says of names that do not exist what the full path says, and leaves all
//! others to it; messages are whole and as large as they may be.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use srvd::wire::{Fast, Peer, Policy, READY_MAX, Responder, Transport, Verdict, View};

use super::zones::Zones;

/// Who asks.
fn client() -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, 1), 5353).into()
}

/// A question without EDNS.
fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.to_vec().unwrap()
}

/// What becomes of a message on the fast path.
fn verdict(zones: &Zones, message: &[u8], reply: &mut [u8]) -> Verdict {
    let (generation, policy) = (zones.index.load(), Policy::default());
    let from = Peer::udp(client());
    Fast::unbounded().respond(
        View { generation: &generation, policy: &policy },
        message,
        from,
        &mut reply[..1232],
    )
}

/// What the fast path replies; nothing where it leaves the question to the full one.
fn fast(zones: &Zones, message: &[u8]) -> Option<Message> {
    let mut reply = vec![0; READY_MAX];
    match verdict(zones, message, &mut reply) {
        Verdict::Reply { octets, .. } => Some(Message::from_vec(&reply[..octets]).unwrap()),
        Verdict::Full | Verdict::Foreign | Verdict::Pattern => None,
        Verdict::Silence => panic!("a question is answered"),
    }
}

/// What the full path replies, and in how many octets.
fn full(zones: &Zones, message: &[u8], transport: Transport) -> (usize, Message) {
    let mut reply = Vec::new();
    assert!(Responder::new(Arc::clone(&zones.index)).respond(
        message,
        Peer { address: client(), transport },
        &mut reply
    ));
    (reply.len(), Message::from_vec(&reply).unwrap())
}

#[test]
fn both_paths_say_the_same() {
    let zones = Zones::holding(&[
        r#"web/1 {"host":"10.0.0.1","port":80}"#,
        r#"sub/* {"host":"10.0.0.2"}"#,
        r#"alias {"host":"www.example.org"}"#,
    ]);
    let mut fast_ones = 0;
    for name in
        ["", "web.", "1.web.", "no.", "no.web.", "no.sub.", "*.", "*.no.", "alias.", "ns.dns."]
    {
        for kind in [RecordType::A, RecordType::SRV, RecordType::SOA, RecordType::HINFO] {
            let message = question(&format!("{name}skydns.test."), kind);
            let (_, full) = full(&zones, &message, Transport::Udp);
            assert!(full.metadata.authoritative, "{name} {kind}");
            let Some(fast) = fast(&zones, &message) else {
                assert_ne!(full.metadata.response_code, ResponseCode::NXDomain, "{name} {kind}");
                continue;
            };
            fast_ones += 1;
            let sections =
                |it: &Message| [&it.answers, &it.authorities, &it.additionals].map(|it| sorted(it));
            assert_eq!(fast.metadata.response_code, full.metadata.response_code, "{name} {kind}");
            assert_eq!(sections(&fast), sections(&full), "{name} {kind}");
        }
    }
    // But for a pattern, and for what a stored wildcard stands for where that is not its addresses.
    assert_eq!(fast_ones, 8 * 4 + 1);
}

/// Records as text, in no order.
fn sorted(records: &[Record]) -> Vec<String> {
    let mut all: Vec<_> = records.iter().map(ToString::to_string).collect();
    all.sort_unstable();
    all
}

#[test]
fn messages_are_whole_and_no_larger_than_they_may_be() {
    let mut zones = Zones::holding(&[]);
    for n in 0..400 {
        let value =
            format!(r#"{{"host":"10.0.{}.{}","port":80,"text":"{n}"}}"#, n / 200, n % 200 + 1);
        zones.put(&format!("/skydns/test/skydns/{}/{n}", n % 40), &value);
    }
    for kind in [RecordType::A, RecordType::SRV, RecordType::TXT, RecordType::ANY] {
        // All are below this one, ten below the other.
        let many = question("*.skydns.test.", kind);
        let (octets, reply) = full(&zones, &many, Transport::Udp);
        assert!((450..=512).contains(&octets) && reply.metadata.truncation, "{kind} {octets}");
        assert!(reply.answers.len() > 5 && reply.additionals.is_empty(), "{kind}");
        let (octets, reply) = full(&zones, &many, Transport::Tcp);
        assert!(octets > 4_000 && !reply.metadata.truncation, "{kind} {octets}");
        assert_eq!(reply.answers.len(), 400, "{kind}");
        let (_, reply) = full(&zones, &question("7.skydns.test.", kind), Transport::Tcp);
        assert_eq!(reply.answers.len(), 10, "{kind}");
    }
    let (octets, reply) =
        full(&zones, &question("7.skydns.test.", RecordType::SRV), Transport::Udp);
    assert!(octets <= 512 && reply.answers.len() == 10 && !reply.metadata.truncation, "{octets}");
    assert!(reply.additionals.len() < 10, "glue is what fits");
}

/// They have a queue of their own, whatever else is in the query.
#[test]
fn patterns_are_told_apart_before_they_are_answered() {
    let zones = Zones::holding(&[r#"web/1 {"host":"10.0.0.1","port":80}"#]);
    let mut reply = vec![0; READY_MAX];
    let mut of = |message: &[u8]| verdict(&zones, message, &mut reply);
    for name in ["*.skydns.test.", "any.web.skydns.test.", "1.ANY.skydns.test."] {
        let mut message = question(name, RecordType::A);
        assert_eq!(of(&message), Verdict::Pattern, "{name}");
        // A record among the answers, which is stepped over; then another class.
        message[7] = 1;
        message.extend([0; 11]);
        assert_eq!(of(&message), Verdict::Pattern, "{name}");
        let class = message.len() - 12;
        message[class] = 3;
        assert_eq!(of(&message), Verdict::Pattern, "{name}");
    }
    for name in ["web.skydns.test.", "many.web.skydns.test.", "any.example.org."] {
        assert_ne!(of(&question(name, RecordType::A)), Verdict::Pattern, "{name}");
    }
}
