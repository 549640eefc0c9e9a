//! How large replies are, and what is left out.

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, RecordType};
use srvd::index::Schema;
use srvd::wire::Transport;

use super::messages::{A, Query, SRV, ask, ask_over, counts};
use crate::fixture::{Fixture, settings, settings_of_file};

/// A service with as many instances, each with an address of its own, from 10.0.0.100.
fn many(instances: u32) -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put_all((0..instances).map(|number| {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0064 + number);
        (format!("big/{number}"), format!("http://{address}:8080"))
    }));
    fixture
}

fn srv() -> Query {
    Query::new("_big._tcp.services.internal", SRV)
}

/// The names that SRV records point to, in order.
fn targets(message: &Message) -> Vec<String> {
    let target = |data: &RData| match data {
        RData::SRV(srv) => srv.target.to_ascii(),
        other => panic!("{other} is no SRV"),
    };
    message.answers.iter().map(|record| target(&record.data)).collect()
}

#[test]
fn rfc1035_s4_2_1_without_edns_512_octets_are_the_limit() {
    let (mut whole, mut truncated) = (0, 0);
    for instances in 1..40 {
        let (reply, message) = ask(&many(instances), &srv());
        assert!(reply.len() <= 512, "{}", reply.len());
        assert_eq!(message.answers.len(), instances.min(8) as usize);
        truncated += usize::from(message.metadata.truncation);
        whole += usize::from(!message.metadata.truncation);
    }
    // A header, the question, and 52 octets a record: 8 fit.
    assert_eq!((whole, truncated), (8, 31));
}

#[test]
fn rfc9715_replies_stay_below_1232_octets_whatever_is_offered() {
    let fixture = many(70);
    for (offered, limit) in [(0, 512), (511, 512), (700, 700), (1232, 1232), (65535, 1232)] {
        let query = Query::new("big.services.internal", A).edns(offered, 0, 0, &[]);
        let (reply, message) = ask(&fixture, &query);
        assert!(reply.len() <= limit, "{offered}: {}", reply.len());
        assert_eq!(message.metadata.truncation, limit < 1232, "{offered}");
    }
}

#[test]
fn rfc2181_s9_a_truncated_reply_has_what_fits_and_its_opt() {
    let fixture = many(1000);
    let (reply, message) = ask(&fixture, &srv().edns(4096, 0, 0x8000, &[]));
    assert!(message.metadata.truncation && message.metadata.authoritative);
    assert!((22..25).contains(&message.answers.len()) && reply.len() > 1232 - 6 - 54);
    assert!(counts(&reply)[1..] == [0, 1] && reply.len() <= 1232 - 6);
    assert!(message.edns.unwrap().flags().dnssec_ok);
}

#[test]
fn rfc2181_s9_missing_glue_is_no_truncation() {
    let mut partial = 0;
    for instances in 1..20 {
        let fixture = many(instances);
        let (reply, message) = ask(&fixture, &srv().edns(1232, 0, 0, &[]));
        assert!(!message.metadata.truncation && reply.len() <= 1232);
        let glue: Vec<_> =
            message.additionals.iter().map(|record| record.name.to_ascii()).collect();
        // Whole RRsets, in the order of the answers, up to where one did not fit.
        assert_eq!(glue[..], targets(&message)[..glue.len()]);
        partial += usize::from(glue.len() < targets(&message).len());
    }
    for instances in 1..9 {
        // Without OPT, nothing is written over what was taken back.
        let (reply, message) = ask(&many(instances), &srv());
        assert!(!message.metadata.truncation && reply.len() <= 512);
    }
    assert!(partial > 0, "the sizes were chosen for some glue to be missing");
}

#[test]
fn a_thousand_instances_fit_tcp() {
    let (reply, message) = ask_over(&many(1000), &srv(), Transport::Tcp);
    assert!(!message.metadata.truncation);
    assert_eq!(message.answers.len(), 1000);
    assert!(!message.additionals.is_empty() && reply.len() > 60_000);
}

#[test]
fn contract_9_3_more_than_a_message_holds_is_drawn_from() {
    let fixture = many(3000);
    let (reply, first) = ask_over(&fixture, &srv(), Transport::Tcp);
    assert!(!first.metadata.truncation && (65_400..=65_535).contains(&reply.len()));
    assert!(first.answers.len() > 1200 && counts(&reply)[2] < 4);
    let second = ask_over(&fixture, &srv(), Transport::Tcp).1;
    let (mut one, mut other) = (targets(&first), targets(&second));
    one.sort();
    other.sort();
    assert_ne!(one, other, "each draw is another");
    one.dedup();
    assert_eq!(one.len(), first.answers.len(), "nothing twice");
}

#[test]
fn names_are_compressed_against_the_question() {
    let (reply, message) = ask(&many(3), &srv());
    // A header, the question, three SRV with whole targets, three A with two pointers.
    let question = srv().question.len();
    let target = 1 + "10-0-0-100.big.services.internal".len() + 1;
    assert_eq!(reply.len(), 12 + question + 3 * (18 + target) + 3 * 16);
    assert!(message.additionals.iter().all(|record| record.record_type() == RecordType::A));
}

#[test]
fn negative_answers_fit_whatever_the_question() {
    let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(40)].join(".");
    let fixture = many(1);
    let (reply, message) = ask(&fixture, &Query::new(&format!("{long}.services.internal"), A));
    assert!(reply.len() <= 512 && message.authorities.len() == 1);
}

#[test]
fn contract_9_5_a_silent_registry_changes_no_size() {
    for instances in 1..30 {
        let mut fixture = many(instances);
        let query = srv().edns(1232, 0, 0, &[]);
        let (fresh, before) = ask(&fixture, &query);
        fixture.set_stale(true);
        let (stale, after) = ask(&fixture, &query);
        assert_eq!(stale.len(), fresh.len() + 6);
        assert_eq!(before.additionals.len(), after.additionals.len());
    }
}

/// The TTL of the one name of an address that a service of a hundred instances shares, of
/// which one has a TTL of its own.
fn ttl_of_name(own: u32) -> u32 {
    let text = "$TTL 60\n@ SOA ns.example. admin.example. 7 1 2 3 4\n@ NS ns.example.\n";
    let reverse = settings_of_file("10.in-addr.arpa.", text, true);
    let reverse = reverse.of_schema(Schema::Static).reversing();
    let named = settings("services.internal.").naming_addresses(true);
    let mut fixture = Fixture::unlisted(vec![named, reverse]);
    fixture.list(1);
    fixture.put_all((0..100).map(|number| {
        let ttl = if number == own { 1 } else { 5 };
        let value = format!(r#"{{"host":"10.0.0.1:{}","ttl":{ttl}}}"#, 8000 + number);
        (format!("web/{number:03}"), value)
    }));
    let (_, message) = ask(&fixture, &Query::new("1.0.0.10.in-addr.arpa", 12));
    assert_eq!(message.answers.len(), 1);
    message.answers[0].ttl
}

#[test]
fn of_many_instances_at_one_address_a_bounded_number_is_looked_at() {
    assert_eq!((ttl_of_name(0), ttl_of_name(63)), (1, 1));
    assert_eq!((ttl_of_name(64), ttl_of_name(99)), (5, 5));
}
