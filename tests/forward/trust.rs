//! What is believed of an upstream's reply: what answers the question.

use super::Forwarding;
use super::upstream::{Wayward, answers};
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
