//! Hosts that are names, and stand alone.

use hickory_proto::rr::RecordType;

use super::zones::{TCP, Zones};

#[test]
fn a_cname_stands_alone_and_once() {
    let zones = Zones::holding(&[
        r#"web/1 {"host":"10.0.0.1"}"#,
        r#"alias {"host":"web.skydns.test","ttl":60}"#,
        r#"two/1 {"host":"web.skydns.test"}"#,
        r#"two/2 {"host":"www.example.org"}"#,
        r#"port {"host":"web.skydns.test","port":80}"#,
        r#"out {"host":"www.example.org"}"#,
    ]);
    let chain =
        ["alias.skydns.test. 60 IN CNAME web.skydns.test.", "web.skydns.test. 300 IN A 10.0.0.1"];
    assert_eq!(zones.lines("alias.skydns.test.", "A"), chain);
    assert_eq!(zones.lines("alias.skydns.test.", "CNAME"), chain[..1]);
    assert_eq!(zones.lines("alias.skydns.test.", "ANY"), chain[..1]);
    // Where an alias leads has no such data: there is none at the name either.
    assert_eq!(zones.code("alias.skydns.test.", "AAAA"), ("NOERROR".into(), 0));
    assert_eq!(zones.lines("two.skydns.test.", "A"), ["two.skydns.test. 300 IN A 10.0.0.1"]);
    assert_eq!(zones.lines("port.skydns.test.", "A"), ["port.skydns.test. 300 IN A 10.0.0.1"]);
    let out = ["out.skydns.test. 300 IN CNAME www.example.org."];
    for kind in ["A", "AAAA", "SRV", "TXT", "CNAME", "ANY"] {
        assert_eq!(zones.lines("out.skydns.test.", kind), out, "{kind}");
    }
    let left = zones.answer("out.skydns.test.", RecordType::A, TCP).leaves;
    assert_eq!(left.map(|name| name.to_string()).as_deref(), Some("www.example.org."));
}

/// Aliases one behind the other, of which the last leads to an address.
fn chain(links: usize) -> Zones {
    let mut zones = Zones::holding(&[r#"c0 {"host":"10.0.0.1"}"#]);
    for link in 1..=links {
        let value = format!(r#"{{"host":"c{}.skydns.test"}}"#, link - 1);
        zones.put(&format!("/skydns/test/skydns/c{link}"), &value);
    }
    zones
}

#[test]
fn chains_end_after_ten_aliases() {
    assert_eq!(chain(10).code("c10.skydns.test.", "A"), ("NOERROR".into(), 11));
    let said = chain(11).ask("c11.skydns.test.", "A");
    assert_eq!((said.code.as_str(), said.answer.len(), said.authority.len()), ("NOERROR", 0, 1));
    assert_eq!(chain(40).code("c40.skydns.test.", "A"), ("NOERROR".into(), 0));
    // Also those that are followed for their addresses.
    let mut many = chain(40);
    many.put("/skydns/test/skydns/all/1", r#"{"host":"c40.skydns.test"}"#);
    many.put("/skydns/test/skydns/all/2", r#"{"host":"c9.skydns.test"}"#);
    assert_eq!(many.code("all.skydns.test.", "A").1, 1);
}

#[test]
fn loops_and_aliases_without_end_are_as_if_they_had_no_data() {
    let zones = Zones::holding(&[
        r#"self {"host":"self.skydns.test"}"#,
        r#"gone {"host":"no.skydns.test"}"#,
        r#"all/1 {"host":"all.skydns.test"}"#,
        r#"all/2 {"host":"all.skydns.test"}"#,
        r#"all/3 {"host":"10.0.0.1"}"#,
    ]);
    for name in ["self.skydns.test.", "gone.skydns.test."] {
        let said = zones.ask(name, "A");
        assert_eq!((said.code.as_str(), said.answer.len()), ("NOERROR", 0), "{name}");
        assert!(said.authority[0].starts_with("skydns.test. 30 IN SOA"), "{said:?}");
    }
    assert_eq!(zones.lines("all.skydns.test.", "A"), ["all.skydns.test. 300 IN A 10.0.0.1"]);
}
