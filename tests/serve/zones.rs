//! Zones, prefixes, namespaces and registries side by side.

use hickory_proto::op::ResponseCode;

use super::server::Server;
use super::writer::Writer;
use crate::support::etcd::Etcd;
use crate::support::eventually;

#[test]
fn a_namespace_and_a_prefix_are_read_to_the_letter() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    for (key, value) in [
        ("/services/team/web/1", "10.0.0.1:80"),
        ("/services/web/1", "10.0.0.2:80"),
        ("/my apps/web/1", "10.0.0.3:80"),
        ("/services2/web/1", "10.0.0.4:80"),
        ("kitex/registry-etcd/web/1", "10.0.0.5:80"),
    ] {
        writer.put(key, value);
    }
    for (path, address) in [
        ("/team", "10.0.0.1"),
        ("", "10.0.0.2"),
        ("?prefix=/my%20apps", "10.0.0.3"),
        ("?prefix=/services2/", "10.0.0.4"),
        ("?prefix=kitex/registry-etcd", "10.0.0.5"),
    ] {
        let server = Server::start(&format!("{}{path}", etcd.url())).ready();
        assert_eq!(server.ask("A web.services.internal").answers, [address], "{path}");
        assert_eq!(server.zone().len(), 1, "{path}");
    }
}

#[test]
fn an_empty_prefix_reads_the_whole_keyspace() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/web/1", "10.0.0.1:80");
    writer.put("web/2", "10.0.0.2:80");
    writer.put("/a/deeper/key", "10.0.0.3:80");
    let server = Server::start(&format!("{}?prefix=", etcd.url())).ready();
    assert_eq!(server.ask("A web.services.internal").answers, ["10.0.0.1", "10.0.0.2"]);
    writer.put("/other/1", "10.0.0.4:80");
    server.wait_for("A other.services.internal", &["10.0.0.4"]);
    writer.delete("web/2");
    server.wait_for("A web.services.internal", &["10.0.0.1"]);
    assert_eq!(server.zone().len(), 2);
}

#[test]
fn zones_of_two_prefixes_do_not_mix() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/one/web/1", "10.0.0.1:80");
    writer.put("/two/shop/web/1", "10.0.0.2:80");
    let server = Server::with_file(&format!(
        r#"
        registry = "{}"
        [[zone]]
        name = "one.example"
        prefix = "/one"
        [[zone]]
        name = "two.example"
        prefix = "/two"
        namespace = "shop"
        ttl = "1m"
        negative-ttl = "7s"
        "#,
        etcd.url()
    ))
    .ready();
    assert_eq!(server.ask("A web.one.example").answers, ["10.0.0.1"]);
    assert_eq!(server.ask("A web.two.example").answers, ["10.0.0.2"]);
    // Bare names are those of the first zone.
    assert_eq!(server.ask("SRV _web._tcp").answers, ["0 1 80 10-0-0-1.web.one.example."]);
    let text = server.dig("+noall +answer A web.two.example");
    assert_eq!(text.split_whitespace().nth(1), Some("60"), "{text}");
    let text = server.dig("+noall +authority A nothing.two.example");
    assert_eq!(text.split_whitespace().nth(1), Some("7"), "{text}");
    writer.put("/two/shop/db/1", "10.0.0.3:80");
    server.wait_for("A db.two.example", &["10.0.0.3"]);
    assert_eq!(server.ask("A db.one.example").code, ResponseCode::NXDomain);
    assert_eq!(server.ask("A web.three.example").code, ResponseCode::Refused);
}

#[test]
fn a_registry_that_is_missing_costs_its_own_zone_alone() {
    let (here, mut missing) = (Etcd::start(), Etcd::start());
    Writer::new(&here.url()).put("/services/web/1", "10.0.0.1:80");
    Writer::new(&missing.url()).put("/services/web/1", "10.0.0.2:80");
    missing.kill9();
    let server = Server::with_file(&format!(
        r#"
        [[zone]]
        name = "here.example"
        registry = "{}"
        [[zone]]
        name = "missing.example"
        registry = "{}"
        "#,
        here.url(),
        missing.url()
    ));
    server.wait_for("A web.here.example", &["10.0.0.1"]);
    let reply = server.ask("A web.missing.example");
    assert_eq!(reply.outcome(), (ResponseCode::ServFail, Some(14)));
    missing.restart();
    server.wait_for("A web.missing.example", &["10.0.0.2"]);
}

#[test]
fn a_zone_file_replaces_the_template() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("zones")).unwrap();
    let zone = "$TTL 60\n@ SOA ns1.example.net. admin.example.net. 1000000 1 2 3 4\n@ NS ns1.example.net.\n@ NS ns2\n";
    std::fs::write(directory.path().join("zones/services.internal.zone"), zone).unwrap();
    let path = directory.path().join("srvd.toml");
    // A relative path is relative to the file.
    std::fs::write(&path, format!("registry = {:?}\nzones = \"zones\"", etcd.url())).unwrap();
    let server = Server::with_config(&path).ready();
    let ns = server.ask("NS services.internal").answers;
    assert_eq!(ns, ["ns1.example.net.", "ns2.services.internal."]);
    let reply = server.ask("SOA services.internal");
    assert!(
        reply.answers[0].starts_with("ns1.example.net. admin.example.net. 100000"),
        "{reply:?}"
    );
    assert_eq!(server.ask("A web.services.internal").answers, ["10.0.0.1"]);
    let serial = reply.serial.unwrap();
    writer.put("/services/web/2", "10.0.0.2:80");
    let risen = || server.ask("SOA services.internal").serial.unwrap() == serial + 1;
    assert!(eventually(risen));
}
