//! What is believed of an upstream's reply: what answers the question, outside our zones.

use srvd::forward::Rules;

use super::Forwarding;
use super::upstream::{Wayward, answers, coded, first_label, framed};
use crate::wire::messages::{A, wire_name};

/// Types.
const CNAME: u16 = 5;
const AAAA: u16 = 28;

/// An address that nobody should see.
const FORGED: [u8; 4] = [6, 6, 6, 6];

#[tokio::test(flavor = "multi_thread")]
async fn records_of_other_names_are_dropped() {
    let upstream = Wayward::start(|query| {
        let records = [
            ("svc.services.internal", A, 60, FORGED.to_vec()),
            ("www.others.test", A, 60, vec![192, 0, 2, 77]),
            ("www.others.test", AAAA, 60, [6; 16].to_vec()),
            ("other.others.test", CNAME, 60, wire_name("www.others.test")),
        ];
        vec![answers(query, &records)]
    });
    let forwarding = Forwarding::to(&[upstream.at]);
    for _ in 0..2 {
        let texts = ["NOERROR", "ANSWER: 1, AUTHORITY: 0", "192.0.2.77"];
        let output = forwarding.see("A www.others.test", &texts).await;
        assert!(!output.contains("6.6.6.6") && !output.contains("606"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_into_our_zones_ends_with_our_answer() {
    let upstream = Wayward::start(|query| {
        let (target, owner) = match first_label(query).as_str() {
            "www" => ("web.services.internal", "www.others.test"),
            _ => ("nothing.services.internal", "gone.others.test"),
        };
        let alias = (owner, CNAME, 60, wire_name(target));
        let code = u8::from(target.starts_with("web")) * 3;
        vec![coded(answers(query, &[alias, (target, A, 60, FORGED.to_vec())]), code)]
    });
    let forwarding = Forwarding::to(&[upstream.at]);
    for transport in ["+notcp", "+tcp"] {
        let query = format!("{transport} A www.others.test");
        let texts = ["NOERROR", "flags: qr rd ra;", "ANSWER: 3", "CNAME\tweb.", "10.0.0.1"];
        let output = forwarding.see(&query, &texts).await;
        assert!(!output.contains("6.6.6.6"), "{output}");
        let query = format!("{transport} A gone.others.test");
        let texts = ["NXDOMAIN", "ANSWER: 1, AUTHORITY: 1", "services.internal.\t", "\tSOA\t"];
        let output = forwarding.see(&query, &texts).await;
        assert!(!output.contains("6.6.6.6"), "{output}");
        let query = format!("{transport} CNAME www.others.test");
        forwarding.see(&query, &["NOERROR", "ANSWER: 1", "CNAME\tweb."]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2181_s5_an_rrset_has_one_ttl_and_every_datum_once() {
    let upstream = Wayward::start(|query| {
        let record = |ttl, last| ("www.others.test", A, ttl, vec![192, 0, 2, last]);
        let alias = ("other.others.test", CNAME, 60, wire_name("www.others.test"));
        vec![answers(query, &[record(9, 1), alias, record(7, 2), record(60, 1)])]
    });
    let forwarding = Forwarding::to(&[upstream.at]);
    let output =
        forwarding.see("A www.others.test", &["ANSWER: 2", "192.0.2.1", "192.0.2.2"]).await;
    assert_eq!(output.matches("\t7\tIN\tA\t").count(), 2, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_left_out_where_that_is_wanted() {
    let upstream = Wayward::start(|query| {
        let name = format!("{}.others.test", first_label(query));
        let public = (name.as_str(), A, 60, vec![9, 9, 9, 9]);
        let private = (name.as_str(), A, 60, vec![10, 0, 0, 9]);
        vec![match name.starts_with("both") {
            true => answers(query, &[public, private]),
            false => answers(query, &[private]),
        }]
    });
    let usual = Forwarding::to(&[upstream.at]);
    usual.see("A only.others.test", &["NOERROR", "ANSWER: 1", "10.0.0.9"]).await;
    let rules = Rules { keeps_private: false, ..Rules::default() };
    let forwarding = Forwarding::by(rules, &[upstream.at]);
    for _ in 0..2 {
        let texts = ["NOERROR", "ANSWER: 0, AUTHORITY: 0", "EDE: 15"];
        forwarding.see("A only.others.test", &texts).await;
        forwarding.see("A both.others.test", &["NOERROR", "ANSWER: 1", "9.9.9.9"]).await;
        forwarding.see("A web.services.internal", &["ANSWER: 2", "10.0.0.1"]).await;
    }
    assert_eq!(forwarding.forwarder.counts().private, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_sent_in_mixed_case_and_must_come_back_so() {
    let reply = |query: &[u8]| {
        let name = format!("{}.others.test", first_label(query));
        answers(query, &[(name.as_str(), A, 60, vec![192, 0, 2, 77])])
    };
    let lower = move |query: &[u8]| {
        let mut forged = answers(query, &[("www.others.test", A, 60, FORGED.to_vec())]);
        forged[12..29].make_ascii_lowercase();
        vec![forged]
    };
    let (sender, spelt) = std::sync::mpsc::channel();
    let faithful = Wayward::start(move |query| {
        sender.send(query[12..29].to_vec()).unwrap();
        vec![reply(query)]
    });
    let rules = Rules { mixes_case: true, ..Rules::default() };
    let forwarding = Forwarding::by(rules.clone(), &[faithful.at]);
    for name in ["aaa", "bbb", "ccc", "DDD"] {
        let query = format!("A {name}.others.test");
        forwarding.see(&query, &[&format!("\n{name}.others.test."), "192.0.2.77"]).await;
    }
    let is_mixed = |it: &Vec<u8>| *it != it.to_ascii_lowercase() && *it != it.to_ascii_uppercase();
    assert!(spelt.try_iter().filter(is_mixed).count() >= 3);
    // Who does not keep the case is asked again by a connection, which nobody can forge.
    let careless = Wayward::start_both(lower, move |query| framed(reply(query)));
    let forwarding = Forwarding::by(rules, &[careless.at]);
    let output = forwarding.see("A www.others.test", &["192.0.2.77"]).await;
    assert!(!output.contains("6.6.6.6"), "{output}");
}
