//! What a server that answers has to say, through ours.

use std::time::Duration;

use srvd::forward::{ForwardCounts, Source};
use srvd::names::Networks;
use srvd::wire::Policy;

use super::Forwarding;
use super::upstream::Nsd;
use crate::wire::example;

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_answer_comes_through() {
    let nsd = Nsd::start();
    let forwarding = Forwarding::to(&[nsd.at]);
    for transport in ["+notcp", "+tcp"] {
        for (query, texts) in [
            ("A www.others.test", &["NOERROR", "flags: qr rd ra;", "ANSWER: 2", "192.0.2.2"][..]),
            ("AAAA www6.others.test", &["ANSWER: 1", "2001:db8::1"]),
            ("TXT text.others.test", &["\"some words\" \"and more\""]),
            ("TYPE65280 odd.others.test", &["TYPE65280", "\\# 4 0A000001"]),
            ("MX mail.others.test", &["10 www.others.test."]),
            ("SRV _x._tcp.others.test", &["ANSWER: 2", "1 2 80 www.others.test."]),
            ("SOA others.test", &["ANSWER: 1", "ns.others.test. hostmaster.others.test. 7"]),
            ("NS others.test", &["ANSWER: 1", "ns.others.test."]),
            ("+cd A www.others.test", &["flags: qr rd ra cd;", "ANSWER: 2"]),
            ("+dnssec A www.others.test", &["flags: do;", "ANSWER: 2"]),
        ] {
            let output = forwarding.see(&format!("{transport} {query}"), texts).await;
            assert!(!output.contains(" aa") && !output.contains(" ad"), "{output}");
        }
    }
    let output = forwarding.see("+noedns A www.others.test", &["ANSWER: 2"]).await;
    assert!(!output.contains("EDNS"), "{output}");
    forwarding.see("A WwW.oThErS.tEsT", &[";WwW.oThErS.tEsT.", "\nWwW.oThErS.tEsT."]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2308_negatives_have_the_soa_of_others() {
    let nsd = Nsd::start();
    let forwarding = Forwarding::to(&[nsd.at]);
    let soa = "\t30\tIN\tSOA\tns.others.test.";
    for _ in 0..2 {
        let texts = ["NXDOMAIN", "flags: qr rd ra;", "ANSWER: 0, AUTHORITY: 1", soa];
        forwarding.see("A nothing.others.test", &texts).await;
        forwarding.see("MX www.others.test", &["NOERROR", "ANSWER: 0, AUTHORITY: 1", soa]).await;
    }
    assert_eq!(forwarding.forwarder.counts().cached, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6604_aliases_come_in_order_with_the_code_of_the_last() {
    let nsd = Nsd::start();
    let forwarding = Forwarding::to(&[nsd.at]);
    for _ in 0..2 {
        let output = forwarding.see("A one.others.test", &["NOERROR", "ANSWER: 4"]).await;
        let places = ["CNAME\ttwo.", "CNAME\twww.", "192.0.2."].map(|it| output.find(it).unwrap());
        assert!(places.is_sorted(), "{output}");
        let texts = ["NXDOMAIN", "ANSWER: 1, AUTHORITY: 1", "CNAME\tnothing.", "IN\tSOA"];
        forwarding.see("A lost.others.test", &texts).await;
        let texts = ["NOERROR", "ANSWER: 1, AUTHORITY: 1", "CNAME\ttext.", "IN\tSOA"];
        forwarding.see("A empty.others.test", &texts).await;
    }
    assert_eq!(forwarding.forwarder.counts().cached, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2181_of_a_large_answer_there_is_what_fits() {
    let nsd = Nsd::start();
    let forwarding = Forwarding::to(&[nsd.at]);
    // A header, the question, and 16 octets a record.
    for (size, some) in [("+noedns", "ANSWER: 29,"), ("+bufsize=4096", "ANSWER: 7")] {
        let query = format!("+ignore {size} A big.others.test");
        let texts = ["flags: qr tc rd ra;", some, "AUTHORITY: 0"];
        forwarding.see(&query, &texts).await;
    }
    forwarding.see("A big.others.test", &["flags: qr rd ra;", "ANSWER: 1000", "(TCP)"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_kept_and_counted_down() {
    let nsd = Nsd::start();
    let forwarding = Forwarding::to(&[nsd.at]);
    let ttl = |output: &str| -> u32 {
        let line = output.lines().find(|line| line.contains("\tA\t")).unwrap();
        line.split('\t').filter(|it| !it.is_empty()).nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(ttl(&forwarding.see("A www.others.test", &["ANSWER: 2"]).await), 60);
    forwarding.see("A moment.others.test", &["192.0.2.9"]).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let left = ttl(&forwarding.see("A WWW.others.test", &["ANSWER: 2"]).await);
    assert!((50..=58).contains(&left), "{left}");
    let before = forwarding.forwarder.counts();
    assert_eq!((before.asked, before.cached), (2, 1));
    assert_eq!(ttl(&forwarding.see("A moment.others.test", &["192.0.2.9"]).await), 1);
    assert_eq!(forwarding.forwarder.counts().asked, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_or_not_ours_to_ask_is_refused() {
    let nsd = Nsd::start();
    let forwarding = Forwarding::to(&[nsd.at]);
    forwarding.see("+norec A www.others.test", &["REFUSED", "flags: qr;", "EDE: 20"]).await;
    forwarding.see("CH TXT version.bind", &["REFUSED"]).await;
    forwarding.see("+tcp AXFR others.test", &["Transfer failed"]).await;
    forwarding.see("A web.services.internal", &["flags: qr aa rd;", "ANSWER: 2"]).await;
    assert_eq!(forwarding.forwarder.counts().asked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8914_who_may_not_recurse_is_told_so() {
    let nsd = Nsd::start();
    let allow_recursion = Networks::new(&["192.0.2.0/24".parse().unwrap()]);
    let policy = Policy { allow_recursion, ..Policy::default() };
    let sources = vec![Source::Address(nsd.at)];
    let forwarding = Forwarding::start_by(&example(), "127.0.0.1:0", sources, policy);
    for transport in ["+notcp", "+tcp"] {
        let query = format!("{transport} A www.others.test");
        forwarding.see(&query, &["REFUSED", "flags: qr rd;", "EDE: 18"]).await;
        let query = format!("{transport} A web.services.internal");
        forwarding.see(&query, &["NOERROR", "flags: qr aa rd;", "ANSWER: 2"]).await;
    }
    assert_eq!(forwarding.forwarder.counts(), ForwardCounts::default());
}
