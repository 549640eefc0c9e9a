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

#[test]
fn who_asks_for_an_address_gets_the_alias_beside_other_data() {
    let zones = Zones::holding(&[
        // As external-dns writes a load balancer that has a name.
        r#"lb/1a2b {"host":"lb-1.elb.example.net","text":"\"heritage=external-dns\"","targetstrip":1}"#,
        r#"port {"host":"lb-2.elb.example.net","port":443,"ttl":20}"#,
        r#"two/a {"host":"a.example.net","weight":100}"#,
        r#"two/b {"host":"b.example.net","weight":300}"#,
        r#"two/c {"host":"c.example.net","priority":20}"#,
        r#"mail {"host":"mx.example.net","mail":true}"#,
        r#"mixed/a {"host":"10.0.0.1"}"#,
        r#"mixed/b {"host":"b.example.net"}"#,
        r#"inner {"host":"lb.skydns.test","text":"t"}"#,
        r#"gone {"host":"no.skydns.test","text":"t"}"#,
    ]);
    for kind in ["A", "AAAA", "CNAME"] {
        let alias = ["lb.skydns.test. 300 IN CNAME lb-1.elb.example.net."];
        assert_eq!(zones.lines("lb.skydns.test.", kind), alias, "{kind}");
        let port = ["port.skydns.test. 20 IN CNAME lb-2.elb.example.net."];
        assert_eq!(zones.lines("port.skydns.test.", kind), port, "{kind}");
        assert_eq!(zones.lines("two.skydns.test.", kind).len(), 1, "{kind}");
    }
    let left = zones.answer("lb.skydns.test.", RecordType::A, TCP).leaves;
    assert_eq!(left.map(|name| name.to_string()).as_deref(), Some("lb-1.elb.example.net."));
    // Every other type has what is there.
    assert_eq!(zones.code("lb.skydns.test.", "TXT").1, 1);
    let srv = "port.skydns.test. 20 IN SRV 10 100 443 lb-2.elb.example.net.";
    assert_eq!(zones.lines("port.skydns.test.", "SRV"), [srv]);
    assert_eq!(zones.code("mail.skydns.test.", "MX").1, 1);
    assert_eq!(zones.code("mail.skydns.test.", "A"), ("NOERROR".into(), 0));
    // By weight, and the lowest priority alone.
    let mut drawn = [0; 3];
    for _ in 0..400 {
        let line = zones.lines("two.skydns.test.", "A").remove(0);
        let target = line.rsplit(' ').next().unwrap();
        drawn[usize::from(target.as_bytes()[0] - b'a')] += 1;
    }
    assert!((40..=160).contains(&drawn[0]) && drawn[0] + drawn[1] == 400, "{drawn:?}");
    // A name of ours that leads out is followed there; one that leads nowhere has no data.
    let chain = [
        "inner.skydns.test. 300 IN CNAME lb.skydns.test.",
        "lb.skydns.test. 300 IN CNAME lb-1.elb.example.net.",
    ];
    assert_eq!(zones.lines("inner.skydns.test.", "A"), chain);
    assert_eq!(zones.code("gone.skydns.test.", "A"), ("NOERROR".into(), 0));
    // Beside addresses there can be none: that is a problem.
    assert_eq!(zones.lines("mixed.skydns.test.", "A"), ["mixed.skydns.test. 300 IN A 10.0.0.1"]);
    let found: Vec<_> = zones.index.load().zones()[0].problems().map(|it| it.to_string()).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("/skydns/test/skydns/mixed/b: its host `b.example.net` is"));
}
