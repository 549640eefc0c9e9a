//! What is asked for is answered: every name of the contract, through `dig` too.
//!
//! Every case is two tests: against a real etcd, and against the embedded registry.

use hickory_proto::op::ResponseCode;

use super::server::Server;
use crate::support::eventually;
use crate::support::registry::{Registry, on_both};

on_both!(
    every_name_of_a_native_document,
    plain_locations,
    addresses_of_both_families,
    a_host_name_is_the_target,
    dig_sees_answer_and_glue,
    large_answers_are_truncated_at_the_size_asked_for,
    changes_are_shown_as_they_come,
    what_is_not_there,
);

/// The native document of the contract.
const NATIVE: &str = r#"{"name":"my-service","port":8080,"hostname":"10.1.2.3","host":"10.1.2.3:8080","url":"grpc://10.1.2.3:8080","priority":1,"weight":7,"ttl":30}"#;

/// A server that shows what is put here.
fn serve(registry: &Registry, pairs: &[(&str, &str)]) -> Server {
    for (key, value) in pairs {
        put(registry, key, value);
    }
    Server::start(&registry.url()).ready()
}

/// Puts one key below `/services`.
fn put(registry: &Registry, key: &str, value: &str) {
    let output = registry.etcdctl(&["put", &format!("/services/{key}"), value]);
    assert!(output.status.success(), "{output:?}");
}

/// Asks, and expects exactly these records.
fn expect(server: &Server, question: &str, answers: &[&str]) {
    let reply = server.ask(question);
    assert_eq!((reply.code, &reply.answers[..]), (ResponseCode::NoError, &owned(answers)[..]));
}

/// Texts, owned.
fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn every_name_of_a_native_document(registry: &Registry) {
    let server = serve(registry, &[("my-service/10-1-2-3-8080", NATIVE)]);
    let srv = "1 7 8080 10-1-2-3.my-service.services.internal.";
    for name in [
        "_my-service._tcp",
        "_MY-service._TCP",
        "_my-service._tcp.services.internal",
        "_My-Service._Tcp.Services.INTERNAL",
        "_grpc._tcp.my-service.services.internal",
        "my-service.services.internal",
        "10-1-2-3-8080.my-service.services.internal",
    ] {
        expect(&server, &format!("SRV {name}"), &[srv]);
        assert_eq!(server.ask(&format!("SRV {name}")).additional, ["10.1.2.3"], "{name}");
    }
    for name in ["my-service", "10-1-2-3.my-service", "10-1-2-3-8080.my-service"] {
        expect(&server, &format!("A {name}.services.internal"), &["10.1.2.3"]);
        expect(&server, &format!("AAAA {name}.services.internal"), &[]);
    }
    let text = server.dig("+noall +answer SRV _my-service._tcp.services.internal");
    let fields: Vec<_> = text.split_whitespace().collect();
    assert_eq!(fields[1..4], ["30", "IN", "SRV"], "{text}");
}

fn plain_locations(registry: &Registry) {
    let pairs = [("web/1", "10.0.0.1:80"), ("web/2", "http://10.0.0.2:81"), ("web/3", "10.0.0.3")];
    let server = serve(registry, &pairs);
    let srv = ["0 1 80 10-0-0-1.web.services.internal.", "0 1 81 10-0-0-2.web.services.internal."];
    expect(&server, "SRV _web._tcp.services.internal", &srv);
    expect(&server, "SRV _http._tcp.web.services.internal", &srv[1..]);
    expect(&server, "A web.services.internal", &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    expect(&server, "A 3.web.services.internal", &["10.0.0.3"]);
}

fn addresses_of_both_families(registry: &Registry) {
    let value = r#"{"hostname":"2001:db8::1","port":8080}"#;
    let server = serve(registry, &[("web/a", value), ("web/b", "http://[::ffff:10.0.0.9]:1")]);
    expect(&server, "AAAA web.services.internal", &["2001:db8::1"]);
    expect(&server, "AAAA 2001-db8--1.web.services.internal", &["2001:db8::1"]);
    expect(&server, "A web.services.internal", &["10.0.0.9"]);
    let reply = server.ask("SRV _web._tcp");
    let srv =
        ["0 1 1 10-0-0-9.web.services.internal.", "0 1 8080 2001-db8--1.web.services.internal."];
    assert_eq!((&reply.answers[..], reply.additional.len()), (&owned(&srv)[..], 2));
}

fn a_host_name_is_the_target(registry: &Registry) {
    let server = serve(registry, &[("db/1", r#"{"host":"DB.Example.com:5432"}"#)]);
    let reply = server.ask("SRV _db._tcp.services.internal");
    assert_eq!(reply.answers, ["0 1 5432 db.example.com."]);
    assert!(reply.additional.is_empty(), "{reply:?}");
    expect(&server, "A db.services.internal", &[]);
}

fn dig_sees_answer_and_glue(registry: &Registry) {
    let server = serve(registry, &[("my-service/1", "10.1.2.3:8080")]);
    let text = server.dig("SRV _my-service._tcp");
    let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let has = |fields: &str| lines.contains(&fields.split(' ').collect::<Vec<_>>());
    assert!(text.contains("status: NOERROR"), "{text}");
    assert!(text.contains("flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 2"));
    assert!(
        has("_my-service._tcp. 5 IN SRV 0 1 8080 10-1-2-3.my-service.services.internal."),
        "{text}"
    );
    assert!(has("10-1-2-3.my-service.services.internal. 5 IN A 10.1.2.3"), "{text}");
    let short = server.dig("+short A my-service.services.internal");
    assert_eq!(short, "10.1.2.3\n");
}

fn large_answers_are_truncated_at_the_size_asked_for(registry: &Registry) {
    let pairs: Vec<_> = (1..30).map(|n| (format!("web/{n}"), format!("10.0.0.{n}:80"))).collect();
    for (key, value) in &pairs {
        put(registry, key, value);
    }
    let server = Server::start(&registry.url()).ready();
    let query = "SRV _web._tcp.services.internal";
    let counts = |options: &str| {
        let text = server.dig(&format!("+ignore {options} {query}"));
        let flags = text.lines().find(|line| line.contains("flags: qr")).unwrap().to_owned();
        let records = text.lines().filter(|line| line.contains("\tSRV\t")).count();
        (flags.contains(" tc "), records, flags.contains("ADDITIONAL: 1"))
    };
    // 29 records of some 50 octets do not fit 512, nor 1232; none of them is half said.
    let (truncated, some, has_opt) = counts("+bufsize=512");
    assert!(truncated && has_opt && (7..10).contains(&some), "{some}");
    let (truncated, some, has_opt) = counts("+noedns");
    assert!(truncated && !has_opt && (7..10).contains(&some), "{some}");
    let addresses = server.dig("+ignore +bufsize=1232 A web.services.internal");
    assert!(addresses.contains("ANSWER: 29,") && !addresses.contains(" tc "), "{addresses}");
}

fn changes_are_shown_as_they_come(registry: &Registry) {
    let server = serve(registry, &[]);
    assert_eq!(server.ask("SRV _web._tcp").code, ResponseCode::NXDomain);
    put(registry, "web/1", "10.0.0.1:80");
    server.wait_for("A web.services.internal", &["10.0.0.1"]);
    put(registry, "web/1", "10.0.0.2:80");
    server.wait_for("A web.services.internal", &["10.0.0.2"]);
    put(registry, "web/2", "10.0.0.3:80");
    server.wait_for("A web.services.internal", &["10.0.0.2", "10.0.0.3"]);
    // One change may have waited for the turn of the serial.
    let serial = || server.ask("SOA services.internal").serial;
    let revision = server.zone().revision().map(|it| it as u32);
    assert!(eventually(|| serial() == revision), "{:?} {revision:?}", serial());
    assert!(registry.etcdctl(&["del", "--prefix", "/services/web/"]).status.success());
    let gone = || server.ask("A web.services.internal").code == ResponseCode::NXDomain;
    assert!(eventually(gone));
    assert!(eventually(|| serial() == revision.map(|it| it + 1)));
}

fn what_is_not_there(registry: &Registry) {
    let server = serve(registry, &[("web/1", "http://10.0.0.1:80")]);
    for (question, code) in [
        ("A nothing.services.internal", ResponseCode::NXDomain),
        ("A below.nothing.services.internal", ResponseCode::NXDomain),
        ("SRV _web._udp.services.internal", ResponseCode::NXDomain),
        ("SRV _nothing._tcp", ResponseCode::NXDomain),
        ("A _tcp.services.internal", ResponseCode::NoError),
        ("A _tcp.web.services.internal", ResponseCode::NoError),
        ("TXT web.services.internal", ResponseCode::NoError),
        ("A example.com", ResponseCode::Refused),
    ] {
        let reply = server.ask(question);
        assert_eq!((reply.code, reply.answers.len()), (code, 0), "{question}");
        assert_eq!(reply.serial.is_some(), code != ResponseCode::Refused, "{question}");
    }
}
