//! What one question may cost, whatever is stored.

use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use srvd::authority::{Overflow, Room};

use super::zones::{Zones, configuration};

/// Room of a datagram.
const UDP: Room = Room { octets: 1200, overflow: Overflow::Truncate };
/// More room than anything here takes.
const ANY: Room = Room { octets: 100_000_000, overflow: Overflow::Cut };
/// What is looked at for one question.
const VISITED: usize = 16_384;

/// A zone of these keys and values.
fn holding(pairs: &[(String, String)]) -> Zones {
    let mut zones = Zones::holding(&[]);
    let key = |key: &str| format!("/skydns/test/skydns/{key}");
    let pairs: Vec<_> = pairs.iter().map(|(it, value)| (key(it), value.as_str())).collect();
    zones.list(pairs.iter().map(|(key, value)| (key.as_str(), *value)));
    zones
}

/// An address of a number below many, as a value.
fn address(n: usize) -> String {
    format!(r#"{{"host":"10.{}.{}.{}","port":80}}"#, n >> 16, n >> 8 & 255, n & 255)
}

#[test]
fn hosts_that_are_patterns_are_not_followed() {
    let zones = Zones::holding(&[
        r#"web/1 {"host":"10.0.0.1"}"#,
        r#"x/1 {"host":"any.web.skydns.test","port":80}"#,
        r#"x/2 {"host":"1.any.skydns.test","port":80}"#,
        r#"x/3 {"host":"1.web.skydns.test","port":80,"priority":9}"#,
        r#"y/1 {"host":"any.web.skydns.test","port":80}"#,
    ]);
    assert_eq!(zones.lines("x.skydns.test.", "A"), ["x.skydns.test. 300 IN A 10.0.0.1"]);
    assert_eq!(zones.code("y.skydns.test.", "A"), ("NOERROR".into(), 0));
    let said = zones.ask("x.skydns.test.", "SRV");
    assert_eq!(said.answer.len(), 3);
    assert_eq!(said.additional, ["1.web.skydns.test. 300 IN A 10.0.0.1"]);
}

#[test]
fn hosts_that_lead_nowhere_end_soon() {
    let tree =
        (0..20_000).map(|n| (format!("{}/{}/{n}", n % 150, n / 150), r#"{"text":"t"}"#.to_owned()));
    let hosts = (0..1_024).map(|n| {
        let host = format!(r#"{{"host":"nope{n}.any.any.skydns.test","port":80}}"#);
        (format!("x/{n}"), host)
    });
    let zones = holding(&tree.chain(hosts).collect::<Vec<_>>());
    let begun = Instant::now();
    for kind in [RecordType::A, RecordType::SRV, RecordType::ANY] {
        let _ = zones.answer("x.skydns.test.", kind, ANY);
        let _ = zones.answer("x.skydns.test.", kind, UDP);
    }
    // Each host by itself would be a walk of the whole zone.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn instances_that_hosts_lead_to_are_counted() {
    let text = format!("[[zone]]\nname = \"srv.test\"\n{}", configuration(&["skydns.test"], "/s"));
    let mut zones = Zones::configured(&text, &[]);
    let mut pairs = Vec::new();
    for service in 0..30 {
        let host = format!(r#"{{"host":"web{service}.srv.test","port":80}}"#);
        pairs.push((format!("/s/test/skydns/x/{service}"), host));
        let instances = (0..1_000).map(|n| {
            let n = service * 1_000 + n;
            let value = format!("10.{}.{}.{}:80", n >> 16, n >> 8 & 255, n & 255);
            (format!("/services/web{service}/{n}"), value)
        });
        pairs.extend(instances);
    }
    zones.list(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let set = &zones.answer("x.skydns.test.", RecordType::A, ANY).answers[0];
    assert!(set.is_cut && (10_000..VISITED).contains(&set.data.len()), "{}", set.data.len());
    let glue = zones.answer("x.skydns.test.", RecordType::SRV, ANY).additional;
    assert!((10..17).contains(&glue.len()), "{}", glue.len());
    assert!(glue.iter().all(|set| set.data.len() == 1_000 && !set.is_cut));
    // Who asks for a service itself gets all of it.
    assert_eq!(zones.answer("web7.srv.test.", RecordType::A, ANY).answers[0].data.len(), 1_000);
}

#[test]
fn the_addresses_of_all_targets_are_counted_together() {
    let mut pairs = Vec::new();
    for target in 0..30 {
        let host = format!(r#"{{"host":"web{target}.skydns.test","port":80}}"#);
        pairs.push((format!("x/{target}"), host));
        pairs.extend((0..1_000).map(|n| (format!("web{target}/{n}"), address(target * 1_000 + n))));
    }
    let zones = holding(&pairs);
    let answer = zones.answer("x.skydns.test.", RecordType::SRV, ANY);
    assert_eq!(answer.answers[0].data.len(), 30);
    // A and AAAA are looked for each.
    let glue = answer.additional;
    assert!((7..=8).contains(&glue.len()), "{}", glue.len());
    assert!(glue.iter().all(|set| set.data.len() == 1_000 && !set.is_cut));
}

/// The least time that a question over UDP takes for what does not fit.
fn cost(zones: &Zones, name: &str, kind: RecordType) -> Duration {
    let cost = || {
        let begun = Instant::now();
        assert!(zones.answer(name, kind, UDP).truncated, "{name} {kind}");
        begun.elapsed()
    };
    (0..20).map(|_| cost()).min().unwrap()
}

#[test]
fn what_does_not_fit_a_datagram_is_not_gathered() {
    let key = |service: &str, n: usize| format!("{service}/{}/{n}", n % 200);
    let mut pairs: Vec<_> = (0..200).map(|n| (key("small", n), address(n))).collect();
    pairs.extend((0..16_000).map(|n| (key("large", n), address(n))));
    // Those of another group than the shortest path's, and equal ones, are no records.
    pairs.push(("few/a".into(), r#"{"host":"10.0.0.1","group":"g"}"#.into()));
    pairs.extend((0..2_000).map(|n| {
        let value = format!(r#"{{"host":"10.1.{}.{}","group":"h"}}"#, n / 250, n % 250);
        (key("few", n), value)
    }));
    pairs.extend((0..2_000).map(|n| (key("same", n), address(7))));
    let zones = holding(&pairs);
    for kind in [RecordType::A, RecordType::SRV, RecordType::ANY] {
        let small = cost(&zones, "small.skydns.test.", kind);
        for name in ["large.skydns.test.", "any.large.skydns.test."] {
            let large = cost(&zones, name, kind);
            // Some times a datagram is looked at, not all 16,000.
            assert!(large < small * 20, "{name} {kind}: {large:?}, {small:?}");
        }
    }
    for name in ["few.skydns.test.", "same.skydns.test."] {
        let answer = zones.answer(name, RecordType::A, UDP);
        assert!(!answer.truncated && answer.answers[0].data.len() == 1, "{name}");
    }
}

/// Room of a reply over TCP.
const TCP: Room = Room { octets: 65_000, overflow: Overflow::Cut };

#[test]
fn what_is_not_looked_at_over_udp_is_asked_for_over_tcp() {
    let mut pairs: Vec<_> =
        (0..8_000).map(|n| (format!("h/{}/{n}", n % 200), address(n))).collect();
    pairs.push(("h/zz/zz".into(), r#"{"host":"2001:db8::1"}"#.into()));
    let zones = holding(&pairs);
    for name in ["h.skydns.test.", "any.any.h.skydns.test.", "*.*.h.skydns.test."] {
        let answer = zones.answer(name, RecordType::AAAA, UDP);
        let found = answer.answers.iter().map(|set| set.data.len()).sum::<usize>();
        assert!(answer.truncated && found <= 1, "{name}: what was found, and TC");
        let answer = zones.answer(name, RecordType::AAAA, TCP);
        assert_eq!(answer.answers.iter().map(|set| set.data.len()).sum::<usize>(), 1, "{name}");
    }
    // What is found whole is answered at once.
    let answer = zones.answer("any.7.h.skydns.test.", RecordType::A, UDP);
    assert!(!answer.truncated && answer.answers[0].data.len() == 40);
}
