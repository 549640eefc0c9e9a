//! What srvd does better than CoreDNS, point by point, and what it copies that no recorded
//! case shows.

use hickory_proto::rr::RecordType;
use srvd::authority::{Overflow, Room};
use srvd::registry::Stored;

use super::zones::{Zones, configuration};

/// Room of a datagram.
const UDP: Room = Room { octets: 1200, overflow: Overflow::Truncate };

#[test]
fn an_exact_key_is_answered_with_those_below_it() {
    let zones = Zones::holding(&[
        r#"web {"host":"10.0.0.1"}"#,
        r#"web/2 {"host":"10.0.0.2"}"#,
        r#"web/deep/3 {"host":"10.0.0.3"}"#,
        r#"webber/4 {"host":"10.0.0.4"}"#,
    ]);
    assert_eq!(zones.code("web.skydns.test.", "A"), ("NOERROR".into(), 3));
    assert_eq!(zones.lines("2.web.skydns.test.", "A"), ["2.web.skydns.test. 300 IN A 10.0.0.2"]);
    // A name in between exists (RFC 8020), and is what is below it.
    assert_eq!(zones.code("deep.web.skydns.test.", "A"), ("NOERROR".into(), 1));
    assert_eq!(zones.code("deep.web.skydns.test.", "TXT"), ("NOERROR".into(), 0));
    assert_eq!(zones.code("no.web.skydns.test.", "A"), ("NXDOMAIN".into(), 0));
    assert_eq!(zones.code("we.skydns.test.", "A"), ("NXDOMAIN".into(), 0));
}

#[test]
fn host_and_text_of_one_value_are_both_served() {
    // As external-dns writes it.
    let zones = Zones::holding(&[
        r#"app/0a1b2c3d {"host":"10.0.0.1","text":"\"heritage=external-dns\"","targetstrip":1,"owner":"me"}"#,
        r#"alias/4e5f6a7b {"host":"lb.example.com","text":"\"heritage=external-dns\"","targetstrip":1}"#,
        r#"inner/4e5f6a7b {"host":"app.skydns.test","text":"x","targetstrip":1}"#,
    ]);
    assert_eq!(zones.lines("app.skydns.test.", "A"), ["app.skydns.test. 300 IN A 10.0.0.1"]);
    let text = r#"app.skydns.test. 300 IN TXT "\"heritage=external-dns\"""#;
    assert_eq!(zones.lines("app.skydns.test.", "TXT"), [text]);
    let said = zones.ask("app.skydns.test.", "SRV");
    assert_eq!(said.answer, ["app.skydns.test. 300 IN SRV 10 100 0 app.skydns.test."]);
    assert_eq!(said.additional, ["app.skydns.test. 300 IN A 10.0.0.1"]);
    // Who asks for an address gets the alias, which is all there is of it; the text stays.
    for kind in ["A", "AAAA", "CNAME"] {
        let alias = ["alias.skydns.test. 300 IN CNAME lb.example.com."];
        assert_eq!(zones.lines("alias.skydns.test.", kind), alias, "{kind}");
    }
    let text = "alias.skydns.test. 300 IN TXT \"\\\"heritage=external-dns\\\"\"";
    assert_eq!(zones.lines("alias.skydns.test.", "TXT"), [text]);
    assert_eq!(zones.lines("inner.skydns.test.", "A"), ["inner.skydns.test. 300 IN A 10.0.0.1"]);
}

#[test]
fn one_bad_value_harms_only_itself() {
    let zones = Zones::holding(&[
        r#"web/1 {"host":"10.0.0.1","port":80}"#,
        r#"web/2 {"host":"10.0.0.2","port":"80"}"#,
        "web/3 10.0.0.3:80",
        r#"web//4 {"host":"10.0.0.4"}"#,
    ]);
    let answers = zones.lines("web.skydns.test.", "SRV");
    assert_eq!(answers, ["web.skydns.test. 300 IN SRV 10 100 80 1.web.skydns.test."]);
    assert_eq!(zones.code("2.web.skydns.test.", "A").0, "NXDOMAIN");
    let problems = zones.problems();
    assert_eq!(
        problems,
        [
            "/skydns/test/skydns/web//4: the key has an empty segment, which is no DNS label; write it without that `/`",
            r#"/skydns/test/skydns/web/2: member `port` is "80"; it must be a number from 0 to 65535"#,
            "/skydns/test/skydns/web/3: the value is not JSON: invalid type: floating point `10.0`, expected an object at line 1 column 4; write one object, or HOST:PORT",
        ]
    );
}

#[test]
fn keys_case_is_folded_and_the_questions_is_kept() {
    let zones = Zones::holding(&[
        r#"Web/A {"host":"10.0.0.1","port":80}"#,
        r#"WEB/a {"host":"10.0.0.2","port":80}"#,
    ]);
    assert_eq!(zones.code("web.skydns.test.", "A").1, 2);
    let said = zones.ask("wEb.SkyDNS.test.", "SRV");
    // Two keys of one name and port are one target with two addresses.
    assert_eq!(said.answer, ["wEb.SkyDNS.test. 300 IN SRV 10 50 80 a.web.skydns.test."]);
    assert_eq!(said.additional.len(), 2);
}

#[test]
fn glue_is_of_both_families() {
    let zones = Zones::holding(&[
        r#"web/1 {"host":"10.0.0.1","port":80,"targetstrip":1}"#,
        r#"web/2 {"host":"2001:db8::1","port":80,"targetstrip":1}"#,
        r#"ref/1 {"host":"web.skydns.test","port":80}"#,
    ]);
    for name in ["web.skydns.test.", "ref.skydns.test."] {
        let glue = zones.ask(name, "SRV").additional;
        assert_eq!(
            glue,
            ["web.skydns.test. 300 IN A 10.0.0.1", "web.skydns.test. 300 IN AAAA 2001:db8::1"]
        );
    }
}

#[test]
fn leased_keys_have_short_ttls() {
    let mut zones = Zones::holding(&[]);
    let mut put = |key: &str, value: &str| {
        let stored = Stored { value: value.as_bytes(), is_leased: true };
        zones.put_stored(&format!("/skydns/test/skydns/{key}"), stored);
    };
    put("long", r#"{"host":"10.0.0.1","ttl":3600}"#);
    put("short", r#"{"host":"10.0.0.2","ttl":7}"#);
    put("none", r#"{"host":"10.0.0.3"}"#);
    for (name, ttl) in [("long", 30), ("short", 7), ("none", 30)] {
        let answers = zones.lines(&format!("{name}.skydns.test."), "A");
        assert!(answers[0].starts_with(&format!("{name}.skydns.test. {ttl} IN A")), "{answers:?}");
    }
}

#[test]
fn rfc4592_a_stored_star_stands_for_what_does_not_exist() {
    let zones = Zones::holding(&[
        r#"* {"host":"10.0.0.1","port":80}"#,
        r#"sub/x {"host":"10.0.0.2"}"#,
        r#"deep/*/y {"host":"10.0.0.3","text":"t"}"#,
        r#"dns/apex/1 {"host":"10.0.0.9"}"#,
    ]);
    let first = |name: &str| zones.lines(name, "A").first().cloned().unwrap_or_default();
    assert_eq!(first("no.skydns.test."), "no.skydns.test. 300 IN A 10.0.0.1");
    assert_eq!(first("a.b.no.skydns.test."), "a.b.no.skydns.test. 300 IN A 10.0.0.1");
    assert_eq!(zones.code("no.skydns.test.", "TXT"), ("NOERROR".into(), 0));
    // The closest encloser of these exists and has no wildcard of its own.
    assert_eq!(zones.code("no.sub.skydns.test.", "A"), ("NXDOMAIN".into(), 0));
    assert_eq!(zones.code("no.dns.skydns.test.", "A"), ("NXDOMAIN".into(), 0));
    assert_eq!(first("x.deep.skydns.test."), "x.deep.skydns.test. 300 IN A 10.0.0.3");
    assert_eq!(first("sub.skydns.test."), "sub.skydns.test. 300 IN A 10.0.0.2");
    assert_eq!(first("skydns.test."), "skydns.test. 300 IN A 10.0.0.9");
    // What SRV records of a wildcard point to resolves, and is what was asked for.
    let said = zones.ask("no.skydns.test.", "SRV");
    assert_eq!(said.answer, ["no.skydns.test. 300 IN SRV 10 100 80 no.skydns.test."]);
    assert_eq!(said.additional, ["no.skydns.test. 300 IN A 10.0.0.1"]);
    // A `*` in the question stands for any label, one that is stored as `*` among them.
    assert_eq!(zones.code("*.skydns.test.", "A"), ("NOERROR".into(), 4));
    assert_eq!(zones.code("*.deep.skydns.test.", "A"), ("NOERROR".into(), 1));
}

#[test]
fn labels_that_stand_for_any_are_one_label_each() {
    let zones = Zones::holding(&[
        r#"a/x/1 {"host":"10.0.0.1"}"#,
        r#"b/x/1 {"host":"10.0.0.2"}"#,
        r#"b/y/1 {"host":"10.0.0.3"}"#,
        r#"b/y/z/1 {"host":"10.0.0.4"}"#,
    ]);
    for (name, code, count) in [
        ("x.*.skydns.test.", "NOERROR", 2),
        ("X.ANY.skydns.test.", "NOERROR", 2),
        ("*.b.skydns.test.", "NOERROR", 3),
        ("any.*.*.skydns.test.", "NOERROR", 4),
        ("1.*.y.b.skydns.test.", "NOERROR", 1),
        // Nothing matches below what exists; and what is above does not exist.
        ("no.*.skydns.test.", "NOERROR", 0),
        ("*.no.skydns.test.", "NXDOMAIN", 0),
        ("*.*.*.*.*.*.skydns.test.", "NOERROR", 0),
    ] {
        assert_eq!(zones.code(name, "A"), (code.into(), count), "{name}");
    }
}

#[test]
fn the_apex_exists_and_is_never_the_whole_zone() {
    let zones = Zones::holding(&[
        r#"web/1 {"host":"10.0.0.1"}"#,
        r#"dns/apex/a {"host":"10.0.0.2","port":80,"text":"t","mail":true}"#,
        r#"dns/apex/b {"host":"web.skydns.test"}"#,
    ]);
    for (kind, answers) in [
        ("A", &["skydns.test. 300 IN A 10.0.0.1", "skydns.test. 300 IN A 10.0.0.2"][..]),
        ("TXT", &["skydns.test. 300 IN TXT \"t\""]),
        ("MX", &["skydns.test. 300 IN MX 10 a.apex.dns.skydns.test."]),
        ("NS", &["skydns.test. 300 IN NS ns.dns.skydns.test."]),
        ("CNAME", &[]),
    ] {
        assert_eq!(zones.lines("skydns.test.", kind), answers, "{kind}");
    }
    assert_eq!(zones.code("skydns.test.", "SRV").1, 2);
    let any = zones.lines("skydns.test.", "ANY");
    assert!(any.len() == 1 && any[0].contains(" IN SOA "), "{any:?}");
    // A lone name at the apex is no alias: SOA and NS stand there.
    let zones = Zones::holding(&[r#"dns/apex {"host":"www.example.org"}"#]);
    assert_eq!(zones.code("skydns.test.", "A"), ("NOERROR".into(), 0));
}

#[test]
fn a_start_of_authority_stands_at_the_apex_alone() {
    let zones = Zones::holding(&[r#"web/1 {"host":"10.0.0.1"}"#]);
    assert_eq!(zones.code("skydns.test.", "SOA").1, 1);
    assert_eq!(zones.code("web.skydns.test.", "SOA"), ("NOERROR".into(), 0));
    assert_eq!(zones.code("no.skydns.test.", "SOA"), ("NXDOMAIN".into(), 0));
    assert!(zones.ask("no.skydns.test.", "SOA").authority[0].starts_with("skydns.test. 30 IN SOA"));
}

#[test]
fn several_keys_are_several_pointers() {
    let mut zones = Zones::new(&["in-addr.arpa", "ip6.arpa", "skydns.test"], "/skydns");
    zones.put("/skydns/arpa/in-addr/10/0/0/1", r#"{"host":"a.example","ttl":60}"#);
    zones.put("/skydns/arpa/in-addr/10/0/0/1/x", r#"{"host":"B.example"}"#);
    zones.put("/skydns/arpa/in-addr/10/0/0/1/y", r#"{"host":"b.example."}"#);
    zones.put("/skydns/arpa/in-addr/10/0/0/2", r#"{"host":"c.example"}"#);
    let answers = zones.lines("1.0.0.10.in-addr.arpa.", "PTR");
    assert_eq!(
        answers,
        [
            "1.0.0.10.in-addr.arpa. 60 IN PTR a.example.",
            "1.0.0.10.in-addr.arpa. 60 IN PTR b.example.",
        ]
    );
    // Networks have none, and a host name is no alias here.
    assert_eq!(zones.code("0.0.10.in-addr.arpa.", "PTR"), ("NOERROR".into(), 0));
    assert_eq!(zones.code("2.0.0.10.in-addr.arpa.", "A"), ("NOERROR".into(), 0));
    assert_eq!(zones.code("3.0.0.10.in-addr.arpa.", "PTR"), ("NXDOMAIN".into(), 0));
    let nibbles = "1/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/8/b/d/0/1/0/0/2";
    let (name, key) = (nibbles.replace('/', "."), nibbles.split('/').rev().collect::<Vec<_>>());
    zones.put(&format!("/skydns/arpa/ip6/{}", key.join("/")), r#"{"host":"a.example"}"#);
    assert_eq!(zones.code(&format!("{name}.ip6.arpa."), "PTR").1, 1);
}

#[test]
fn mail_is_exchanged_with_hosts_that_say_so() {
    let zones = Zones::holding(&[
        r#"mx/a {"host":"10.0.0.1","mail":true,"priority":20}"#,
        r#"mx/b {"host":"mail.example.org","mail":true}"#,
        r#"mx/c {"host":"10.0.0.3"}"#,
    ]);
    let said = zones.ask("mx.skydns.test.", "MX");
    assert_eq!(
        said.answer,
        [
            "mx.skydns.test. 300 IN MX 10 mail.example.org.",
            "mx.skydns.test. 300 IN MX 20 a.mx.skydns.test.",
        ]
    );
    assert_eq!(said.additional, ["a.mx.skydns.test. 300 IN A 10.0.0.1"]);
}

#[test]
fn texts_have_no_empty_last_string() {
    for (octets, strings) in [(254, 1), (255, 1), (256, 2), (510, 2), (511, 3)] {
        let text = "a".repeat(octets);
        let zones = Zones::holding(&[&format!(r#"t {{"text":"{text}"}}"#)]);
        let answers = zones.lines("t.skydns.test.", "TXT");
        assert_eq!(answers[0].matches('"').count(), 2 * strings, "{octets}");
        assert!(!answers[0].contains("\"\""));
    }
}

#[test]
fn zones_below_one_prefix_read_their_own_subtrees() {
    let mut zones = Zones::new(&["a.test", "b.test", "test"], "/cluster/one/skydns");
    for apex in ["a", "b"] {
        let value = format!(r#"{{"host":"10.0.0.{}","port":80}}"#, apex.len());
        zones.put(&format!("/cluster/one/skydns/test/{apex}/web/x"), &value);
    }
    zones.put("/cluster/one/skydns/test/web/x", r#"{"host":"10.0.0.9","port":80}"#);
    for apex in ["a.test.", "b.test.", "test."] {
        let said = zones.ask(&format!("web.{apex}"), "SRV");
        // No component of the prefix is in what it points to.
        assert_eq!(said.answer, [format!("web.{apex} 300 IN SRV 10 100 80 x.web.{apex}")]);
        assert_eq!(said.additional.len(), 1);
    }
}

#[test]
fn a_zone_file_wins_at_its_nodes() {
    let file = "$TTL 60\n@ SOA ns1 admin 7 1 2 3 4\n@ NS ns1\nns1 A 10.9.9.1\nweb A 10.9.9.2\n@ TXT \"from the file\"\n";
    let text = configuration(&["skydns.test"], "/skydns");
    let mut zones = Zones::configured(&text, &[("skydns.test.zone", file)]);
    zones.put("/skydns/test/skydns/web/1", r#"{"host":"10.0.0.1","text":"t"}"#);
    zones.put("/skydns/test/skydns/db/1", r#"{"host":"10.0.0.2"}"#);
    zones.put("/skydns/test/skydns/dns/ns/a", r#"{"host":"10.0.0.3"}"#);
    zones.put("/skydns/test/skydns/dns/apex/a", r#"{"host":"10.0.0.4","text":"t"}"#);
    for (name, kind, answers) in [
        ("web.skydns.test.", "A", &["web.skydns.test. 60 IN A 10.9.9.2"][..]),
        ("web.skydns.test.", "TXT", &[]),
        ("1.web.skydns.test.", "A", &["1.web.skydns.test. 300 IN A 10.0.0.1"]),
        ("db.skydns.test.", "A", &["db.skydns.test. 300 IN A 10.0.0.2"]),
        ("skydns.test.", "NS", &["skydns.test. 60 IN NS ns1.skydns.test."]),
        ("skydns.test.", "A", &["skydns.test. 300 IN A 10.0.0.4"]),
        ("skydns.test.", "TXT", &["skydns.test. 60 IN TXT \"from the file\""]),
    ] {
        assert_eq!(zones.lines(name, kind), answers, "{name} {kind}");
    }
    assert!(
        zones.problems().iter().any(|it| it.contains("web.skydns.test")),
        "{:?}",
        zones.problems()
    );
}

#[test]
fn large_answers_are_truncated_or_drawn() {
    let mut zones = Zones::holding(&[]);
    let pairs: Vec<_> = (0..6000)
        .map(|n| {
            let value = format!(r#"{{"host":"10.1.{}.{}","port":80}}"#, n / 250, n % 250 + 1);
            (format!("/skydns/test/skydns/big/{n}"), value)
        })
        .collect();
    zones.list(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    for kind in [RecordType::A, RecordType::SRV, RecordType::ANY] {
        let answer = zones.answer("big.skydns.test.", kind, UDP);
        assert!(answer.truncated && answer.answers[0].data.len() > 10, "{kind}");
        assert!(answer.additional.is_empty(), "{kind}");
        let room = Room { octets: 65_000, overflow: Overflow::Cut };
        let answer = zones.answer("big.skydns.test.", kind, room);
        let set = &answer.answers[0];
        assert!(set.is_cut && !answer.truncated && set.data.len() > 1_000, "{kind}");
    }
}

#[test]
fn questions_of_many_stars_end_soon() {
    let mut zones = Zones::holding(&[]);
    let keys: Vec<_> = (0..40_000)
        .map(|n| format!("/skydns/test/skydns/{}/{}/{}/{}", n % 15, n / 15 % 15, n / 225 % 15, n))
        .collect();
    let value = r#"{"host":"10.0.0.1","port":80}"#;
    zones.list(keys.iter().map(|key| (key.as_str(), value)));
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(zones.lines("*.*.*.*.skydns.test.", "A").len(), 1);
        assert!(zones.answer("*.*.any.0.skydns.test.", RecordType::SRV, UDP).truncated);
        assert_eq!(zones.code("none.*.*.*.skydns.test.", "A"), ("NOERROR".into(), 0));
    }
    // Each looks at some thousand entries; all of them would be a million and more.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn what_is_drawn_follows_priority_and_weight() {
    let zones = Zones::holding(&[
        r#"w/a {"host":"10.0.0.1","priority":1,"weight":900}"#,
        r#"w/b {"host":"10.0.0.2","priority":1}"#,
        r#"w/c {"host":"10.0.0.3","priority":2,"weight":60000}"#,
    ]);
    let first = |kind: RecordType| {
        let answer = zones.answer("w.skydns.test.", kind, UDP);
        answer.answers[0].data.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (mut heavy, draws) = (0, 1_000);
    for _ in 0..draws {
        let addresses = first(RecordType::A);
        assert_eq!(addresses[2], "10.0.0.3");
        heavy += i32::from(addresses[0] == "10.0.0.1");
    }
    // Nine in ten; 60 is more than six standard deviations.
    assert!((heavy - 900).abs() < 60, "{heavy}");
    assert!(first(RecordType::SRV)[2].starts_with("2 100 0 c.w."));
}
