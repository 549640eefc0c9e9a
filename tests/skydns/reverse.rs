//! A zone of SkyDNS's schema that is a reverse zone, and one whose answers are limited.

use super::zones::Zones;

#[test]
fn a_reverse_zone_has_stored_names_and_those_of_registrations() {
    let text = r#"reverse = ["10.in-addr.arpa"]
[[zone]]
name = "services.internal"
[[zone]]
name = "10.in-addr.arpa"
schema = "skydns"
"#;
    let mut zones = Zones::configured(text, &[]);
    zones.put("/skydns/arpa/in-addr/10/0/0/1", r#"{"host":"gw.example.org","ttl":90}"#);
    zones.put("/skydns/arpa/in-addr/10/0/0/3", r#"{"host":"db.example.org"}"#);
    zones.put("/services/web/1", "10.0.0.1:80");
    zones.put("/services/web/2", r#"{"host":"10.0.0.2:80","ttl":7}"#);
    let both = [
        "1.0.0.10.in-addr.arpa. 5 IN PTR 10-0-0-1.web.services.internal.",
        "1.0.0.10.in-addr.arpa. 5 IN PTR gw.example.org.",
    ];
    assert_eq!(zones.lines("1.0.0.10.in-addr.arpa.", "PTR"), both);
    let registered = ["2.0.0.10.in-addr.arpa. 7 IN PTR 10-0-0-2.web.services.internal."];
    assert_eq!(zones.lines("2.0.0.10.in-addr.arpa.", "PTR"), registered);
    let stored = ["3.0.0.10.in-addr.arpa. 300 IN PTR db.example.org."];
    assert_eq!(zones.lines("3.0.0.10.in-addr.arpa.", "PTR"), stored);
    assert_eq!(zones.code("9.0.0.10.in-addr.arpa.", "PTR"), ("NXDOMAIN".into(), 0));
    zones.delete("/services/web/1");
    zones.delete("/services/web/2");
    assert_eq!(zones.lines("1.0.0.10.in-addr.arpa.", "PTR").len(), 1);
    assert_eq!(zones.code("2.0.0.10.in-addr.arpa.", "PTR"), ("NXDOMAIN".into(), 0));
}

#[test]
fn max_answers_limits_addresses_and_srv() {
    let text = "[[zone]]\nname = \"skydns.test\"\nschema = \"skydns\"\nmax-answers = 2\n";
    let mut zones = Zones::configured(text, &[]);
    for number in 1..=5 {
        let value =
            format!(r#"{{"host":"10.0.0.{number}","port":80,"text":"{number}","mail":true}}"#);
        zones.put(&format!("/skydns/test/skydns/web/{number}"), &value);
    }
    let counts = ["A", "SRV", "MX", "TXT"].map(|kind| zones.lines("web.skydns.test.", kind).len());
    assert_eq!(counts, [2, 2, 2, 5]);
}
