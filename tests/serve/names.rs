//! The rest of the names: tags and versions, DNS-SD, addresses, and answers of a few records.

use hickory_proto::op::ResponseCode;

use super::server::Server;
use super::writer::Writer;
use crate::support::eventually;
use crate::support::registry::Registry;

/// Documents: of two versions, with tags, with ids that are no host names.
const PAIRS: [(&str, &str); 4] = [
    (
        "/services/web/First Printer, 2.Floor",
        r#"{"host":"10.0.0.1:80","protocol":"http","version":"1.0","tags":["printer"],"meta":{"path":"/a"}}"#,
    ),
    ("/services/web/b\\\"ü", r#"{"host":"10.0.0.2:80","protocol":"http","version":"2.0"}"#),
    ("/services/web/3", r#"{"host":"[2001:db8::3]:80","version":"2.0","tags":["printer"]}"#),
    ("/services/log/1", r#"{"host":"10.0.0.2:514","proto":"udp","ttl":2}"#),
];

/// A server of these, by a file with more in it.
fn serve(more: &str) -> (Registry, Server) {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    PAIRS.iter().for_each(|(key, value)| writer.put(*key, *value));
    let text = format!("registry = {:?}\nhold-collapse = \"0s\"\n{more}", registry.url());
    let server = Server::with_file(&text).ready();
    (registry, server)
}

/// The lines that `dig +short` prints, sorted.
fn short(server: &Server, question: &str) -> Vec<String> {
    let text = server.dig(&format!("+short {question}"));
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn tags_and_versions_are_names() {
    let (_registry, server) = serve("");
    assert_eq!(short(&server, "A 2-0.web.services.internal"), ["10.0.0.2"]);
    assert_eq!(short(&server, "AAAA printer.web.services.internal"), ["2001:db8::3"]);
    let srv = ["0 1 80 10-0-0-1.web.services.internal."];
    assert_eq!(short(&server, "SRV _http._tcp.1-0.web.services.internal"), srv);
    assert_eq!(server.ask("A 3-0.web.services.internal").code, ResponseCode::NXDomain);
}

#[test]
fn dns_sd_is_browsed_with_dig() {
    let (_registry, server) = serve("");
    let types = ["_log._udp.services.internal.", "_web._tcp.services.internal."];
    assert_eq!(short(&server, "PTR _services._dns-sd._udp.services.internal"), types);
    assert_eq!(short(&server, "PTR lb._dns-sd._udp.services.internal"), ["services.internal."]);
    let first = r"First\032Printer,\0322\.Floor._web._tcp.services.internal.";
    let second = r#"b\\\"\195\188._web._tcp.services.internal."#;
    let third = "3._web._tcp.services.internal.";
    assert_eq!(short(&server, "PTR _web._tcp.services.internal"), [third, first, second]);
    let printers = "PTR _printer._sub._web._tcp.services.internal";
    assert_eq!(short(&server, printers), [third, first]);
    for (name, target) in [(first, "10-0-0-1"), (second, "10-0-0-2"), (third, "2001-db8--3")] {
        let srv = format!("0 1 80 {target}.web.services.internal.");
        assert_eq!(short(&server, &format!("SRV {name}")), [srv]);
    }
    let text = r#""path=/a" "version=1.0" "tag=printer""#;
    assert_eq!(short(&server, &format!("TXT {first}")), [text]);
    assert_eq!(short(&server, "TXT 1._log._udp.services.internal"), [r#""""#]);
    let all = server.dig("+noall +additional PTR _log._udp.services.internal");
    let has = ["SRV", "TXT", "10.0.0.2"].iter().all(|part| all.contains(part));
    assert!(has && all.lines().count() == 3, "{all}");
}

#[test]
fn addresses_have_names_in_reverse_zones() {
    let (registry, server) = serve("reverse = [\"10.in-addr.arpa\", \"8.b.d.0.1.0.0.2.ip6.arpa\"]");
    let both = ["10-0-0-2.log.services.internal.", "10-0-0-2.web.services.internal."];
    assert_eq!(short(&server, "-x 10.0.0.2"), both);
    assert_eq!(short(&server, "-x 2001:db8::3"), ["2001-db8--3.web.services.internal."]);
    let reply = server.ask("PTR 9.0.0.10.in-addr.arpa");
    let serial = server.ask("SOA 10.in-addr.arpa").serial;
    assert_eq!((reply.code, reply.serial), (ResponseCode::NXDomain, serial));
    assert_eq!(server.ask("PTR 0.0.10.in-addr.arpa").code, ResponseCode::NoError);
    assert_eq!(server.ask("PTR 1.1.168.192.in-addr.arpa").code, ResponseCode::Refused);
    let writer = Writer::new(&registry.url());
    writer.delete("/services/log/1");
    server.wait_for("PTR 2.0.0.10.in-addr.arpa", &both[1..]);
    assert!(eventually(|| server.ask("SOA 10.in-addr.arpa").serial > serial));
}

#[test]
fn answers_have_so_many_records_at_most() {
    let (registry, server) = serve("[[zone]]\nname = \"services.internal\"\nmax-answers = 2");
    let writer = Writer::new(&registry.url());
    let crowd = super::writer::instances("crowd", 300);
    writer.put_all(&crowd);
    let names = ["SRV _crowd._tcp.services.internal", "A crowd.services.internal"];
    for question in names {
        let drawn = || server.ask(question);
        assert!(eventually(|| drawn().answers.len() == 2), "{:?}", drawn());
        let all: std::collections::HashSet<_> = (0..40).flat_map(|_| drawn().answers).collect();
        assert!(!drawn().truncated && all.len() > 20, "{question}: drawn anew: {all:?}");
    }
}

#[test]
fn names_are_found_as_people_write_them() {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    let long = format!("octodev-{}", "0123456789".repeat(8));
    for (key, value) in [
        ("/services/octodev.io/1", r#"{"host":"10.0.0.1:80","protocol":"http","version":"1.0"}"#),
        ("/services/my_web/1", r#"{"host":"my_host_1:80","tags":["blue","v_2"]}"#),
        ("/services/count/1", "483920175634:80"),
        ("/services/io/1", "10.0.0.9:80"),
        ("/services/as-dotted/1", r#"{"name":"as.dotted","host":"10.0.0.3:80"}"#),
        (&*format!("/services/long/{long}"), "10.0.0.2:80"),
    ] {
        writer.put(key, value);
    }
    let server = Server::start(&registry.url()).ready();
    for (question, answer) in [
        ("SRV _octodev.io._tcp.services.internal", "0 1 80 10-0-0-1.octodev-io.services.internal."),
        ("SRV _octodev.io._tcp", "0 1 80 10-0-0-1.octodev-io.services.internal."),
        ("SRV _OctoDev-IO._tcp", "0 1 80 10-0-0-1.octodev-io.services.internal."),
        ("A octodev.io.services.internal", "10.0.0.1"),
        ("A 1.octodev.io.services.internal", "10.0.0.1"),
        (
            "SRV _http._tcp.octodev.io.services.internal",
            "0 1 80 10-0-0-1.octodev-io.services.internal.",
        ),
        ("A io.services.internal", "10.0.0.9"),
        ("SRV _my_web._tcp.services.internal", "0 1 80 my_host_1."),
        ("SRV _my_web._blue.services.internal", "0 1 80 my_host_1."),
        ("SRV _my-web._v_2.services.internal", "0 1 80 my_host_1."),
        ("SRV _count._tcp.services.internal", "0 1 80 483920175634."),
        ("SRV _long._tcp.services.internal", "0 1 80 10-0-0-2.long.services.internal."),
    ] {
        assert_eq!(short(&server, question), [answer], "{question}");
    }
    for name in ["x.io.services.internal", "_my_web._green.services.internal"] {
        assert_eq!(server.ask(&format!("SRV {name}")).code, ResponseCode::NXDomain, "{name}");
    }
    // What stands above names of several labels is there, without data (RFC 8020).
    writer.delete("/services/io/1");
    let code = |name: &str| server.ask(&format!("A {name}.services.internal")).code;
    assert!(eventually(|| short(&server, "A io.services.internal").is_empty()));
    for name in ["io", "io._tcp", "_blue", "_v_2", "dotted"] {
        assert_eq!(code(name), ResponseCode::NoError, "{name}");
    }
    assert_eq!(short(&server, "A as.dotted.services.internal"), ["10.0.0.3"]);
    writer.delete("/services/octodev.io/1");
    assert!(eventually(|| code("io") == ResponseCode::NXDomain));
    assert_eq!(code("io._tcp"), ResponseCode::NXDomain);
    // The owner is the name that was asked.
    let answer = server.dig("+noall +answer SRV _my_web._blue.services.internal");
    assert!(answer.starts_with("_my_web._blue.services.internal."), "{answer}");
    let id = srvd::names::short_id(&long);
    assert_eq!(short(&server, &format!("A {id}.long.services.internal")), ["10.0.0.2"]);
}
