//! `list`, `lookup` and `watch`.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::process::{self, run};
use super::writer::Writer;
use crate::support::eventually;
use crate::support::registry::Registry;
use crate::support::srvd::BINARY;

/// A document with every member that is shown.
const FULL: &str = r#"{"name":"web","port":8080,"hostname":"10.0.0.1","url":"grpc://10.0.0.1:8080","priority":1,"weight":7,"ttl":30,"version":"v1","tags":["blue"],"meta":{"k":"v"},"text":"hello"}"#;

/// A registry with two services.
fn filled(registry: Registry) -> Registry {
    let writer = Writer::new(&registry.url());
    writer.put("/services/web/a", FULL);
    writer.put("/services/Web/b", r#"{"host":"[2001:db8::1]:90","priority":5}"#);
    writer.put("/services/db/1", r#"{"hostname":"db.example.com"}"#);
    writer.put("/services/db/bad", "of no use");
    registry
}

/// Runs a command against a registry.
fn ask(registry: &Registry, arguments: &[&str]) -> Output {
    run(&[arguments, &["--registry", &registry.url()]].concat())
}

/// What a successful command printed.
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a successful command printed, as JSON.
fn said_json(output: &Output) -> Value {
    serde_json::from_str(&said(output)).unwrap()
}

/// The one JSON object of the full document.
fn full_object() -> Value {
    json!({
        "zone": "services.internal", "name": "web", "id": "a", "key": "/services/web/a",
        "hostname": "10.0.0.1", "host": "10.0.0.1:8080", "url": "grpc://10.0.0.1:8080",
        "port": 8080, "protocol": "grpc", "proto": "tcp", "priority": 1, "weight": 7,
        "ttl": 30, "version": "v1", "tags": ["blue"], "meta": {"k": "v"}, "text": "hello",
    })
}

fn list_shows_services_and_instances(registry: &Registry) {
    let zone = "services.internal";
    let service = |name, count| json!({ "name": name, "instances": count, "zone": zone });
    let services = json!([service("db", 1), service("web", 2)]);
    assert_eq!(said_json(&ask(registry, &["list"])), services);
    let instances = said_json(&ask(registry, &["list", "WEB"]));
    assert_eq!(instances.as_array().unwrap().len(), 2);
    assert!(instances.as_array().unwrap().contains(&full_object()), "{instances}");
    let table = said(&ask(registry, &["list", "--output", "table"]));
    let rows: Vec<Vec<_>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows, [["NAME", "INSTANCES", "ZONE"], ["db", "1", zone], ["web", "2", zone]]);
    let table = said(&ask(registry, &["list", "db", "--output", "table"]));
    let row: Vec<_> = table.lines().nth(1).unwrap().split("  ").map(str::trim).collect();
    let row: Vec<_> = row.into_iter().filter(|it| !it.is_empty()).collect();
    let (deleted, key) = ("stays until deleted", "/services/db/1");
    assert_eq!(row, ["db", "1", "db.example.com", "0", "1", "–", "–", deleted, zone, key]);
    let table = said(&ask(registry, &["list", "web", "--output", "table"]));
    let row = table.lines().find(|row| row.trim_start().starts_with("web")).unwrap();
    assert!(row.contains(" v1 ") && row.contains(" blue "), "{table}");
}

fn leases_are_shown(registry: &Registry) {
    let writer = Writer::new(&registry.url());
    let pair = |id: &str| (format!("/services/mq/{id}"), "10.0.0.1:80".to_owned());
    writer.put_leased(&[pair("1"), pair("2")], 600);
    writer.put("/services/mq/3", "10.0.0.1:80");
    let listed = said_json(&ask(registry, &["list", "mq"]));
    let left = |it: &Value| (it["lease"]["granted"].as_i64(), it["lease"]["left"].as_i64());
    for leased in listed.as_array().unwrap().iter().take(2) {
        let (granted, left) = left(leased);
        assert!(granted == Some(600) && left.is_some_and(|it| (500..=600).contains(&it)));
    }
    assert!(listed[2].get("lease").is_none(), "{listed}");
    let table = said(&ask(registry, &["list", "mq", "--output", "table"]));
    let lease = |row: usize| table.lines().nth(row).unwrap().split_whitespace().nth(7).unwrap();
    assert!(["9m", "8m", "10m"].contains(&lease(1)), "{table}");
    assert_eq!(lease(3), "stays", "{table}");
}

#[test]
fn leases_of_etcd_are_shown() {
    leases_are_shown(&Registry::real());
}

#[test]
fn leases_of_the_embedded_registry_are_shown() {
    leases_are_shown(&Registry::embedded());
}

#[test]
fn zones_are_told_apart() {
    let registry = filled(Registry::embedded());
    Writer::new(&registry.url()).put("/other/web/9", "10.0.0.9:90");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    let zones = "[[zone]]\nname = \"one.internal\"\n[[zone]]\nname = \"two.internal\"\nprefix = \"/other\"\n";
    std::fs::write(&path, format!("registry = {:?}\n{zones}", registry.url())).unwrap();
    let ask =
        |arguments: &[&str]| run(&[arguments, &["--config", path.to_str().unwrap()]].concat());
    let counts = said_json(&ask(&["list"]));
    let of_web: Vec<_> =
        counts.as_array().unwrap().iter().filter(|it| it["name"] == "web").collect();
    assert_eq!((of_web.len(), &of_web[1]["zone"]), (2, &json!("two.internal")));
    assert_eq!(said_json(&ask(&["list", "web"])).as_array().unwrap().len(), 3);
    let two = said_json(&ask(&["list", "web", "--zone", "TWO.internal."]));
    assert_eq!((two.as_array().unwrap().len(), &two[0]["id"]), (1, &json!("9")));
    let address = said(&ask(&["lookup", "web", "--zone", "two.internal", "--output", "address"]));
    assert_eq!(address, "10.0.0.9:90\n");
    let output = ask(&["list", "--zone", "three.internal"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("there is no zone `three.internal`; there is one.internal, two"),
        "{text}"
    );
    let output = ask(&["lookup", "wbe"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is `web`"), "{output:?}");
}

#[test]
fn list_asks_etcd() {
    list_shows_services_and_instances(&filled(Registry::real()));
}

#[test]
fn list_asks_the_embedded_registry() {
    list_shows_services_and_instances(&filled(Registry::embedded()));
}

#[test]
fn lookup_picks_the_lowest_priority() {
    let registry = filled(Registry::real());
    for _ in 0..3 {
        let address = said(&ask(&registry, &["lookup", "web", "--output", "address"]));
        assert_eq!(address, "10.0.0.1:8080\n");
    }
    assert_eq!(said_json(&ask(&registry, &["lookup", "Web"])), full_object());
    let table = said(&ask(&registry, &["lookup", "web", "--output", "table"]));
    assert_eq!(table.lines().count(), 2, "{table}");
    Writer::new(&registry.url()).delete("/services/web/a");
    let address = said(&ask(&registry, &["lookup", "web", "--output", "address"]));
    assert_eq!(address, "[2001:db8::1]:90\n");
}

#[test]
fn backends_and_frontends_are_listed_as_dns_has_them() {
    let registry = filled(Registry::real());
    let writer = Writer::new(&registry.url());
    let backend = r#"{"resource":"Backend","app":"web","version":"v1"}"#;
    writer.put("/services/_backends/blue", backend);
    writer.put("/services/_frontends/shop", r#"{"resource":"Frontend","backend":"blue"}"#);
    for name in ["blue", "shop", "SHOP"] {
        assert_eq!(said_json(&ask(&registry, &["list", name])), json!([full_object()]));
        assert_eq!(said_json(&ask(&registry, &["lookup", name])), full_object());
    }
    writer.put("/services/_frontends/shop", r#"{"resource":"Frontend","backend":"green"}"#);
    assert_eq!(ask(&registry, &["list", "shop"]).status.code(), Some(3));
    let services = said_json(&ask(&registry, &["list"]));
    assert_eq!(services.as_array().unwrap().len(), 2, "aliases are no services: {services}");
}

#[test]
fn nothing_found_is_3_and_no_registry_is_4() {
    let registry = filled(Registry::embedded());
    // `db` is there, but without a port.
    for arguments in [["list", "nothing"], ["lookup", "nothing"], ["lookup", "db"]] {
        let output = ask(&registry, &arguments);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.starts_with("srvd: no instance of `"), "{text}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(said_json(&ask(&Registry::embedded(), &["list"])), json!([]));
    for arguments in [&["list"][..], &["list", "web"], &["lookup", "web"], &["watch"]] {
        let all = [arguments, &["--registry", "127.0.0.1:1?timeout=1s"]].concat();
        let output = run(&all);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("the registry cannot be reached: http://127.0.0.1:1: "), "{text}");
    }
}

/// The events that a watch printed, without their revisions, sorted where they came at once.
fn events(process: &crate::support::srvd::Srvd, count: usize) -> Vec<Value> {
    assert!(eventually(|| process.out().all().len() >= count), "{:?}", process.out().all());
    process.out().all().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn watch_prints_what_happens(registry: &Registry) {
    let mut process = process::start(&["watch", "--registry", &registry.url()]);
    let there = events(&process, 3);
    assert!(there.iter().all(|event| event["event"] == "online"), "{there:?}");
    assert!(there.iter().any(|event| event["instance"] == full_object()), "{there:?}");
    let writer = Writer::new(&registry.url());
    writer.put("/services/web/a", "10.0.0.7:70");
    writer.put("/services/new/1", "10.0.0.8:80");
    writer.delete("/services/db/1");
    writer.put("/services/web/a", "of no use");
    let all = events(&process, 7);
    let brief = |event: &Value| {
        let part = |value: &Value| value.as_str().unwrap().to_owned();
        let instance = &event["instance"];
        (part(&event["event"]), part(&instance["key"]), part(&instance["host"]))
    };
    let wanted = [
        ("changed", "/services/web/a", "10.0.0.7:70"),
        ("online", "/services/new/1", "10.0.0.8:80"),
        ("offline", "/services/db/1", "db.example.com"),
        ("offline", "/services/web/a", "10.0.0.7:70"),
    ];
    let wanted = wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(all[3..].iter().map(brief).collect::<Vec<_>>(), wanted);
    let revisions: Vec<_> = all.iter().map(|event| event["revision"].as_i64().unwrap()).collect();
    assert!(revisions.is_sorted() && revisions[0] > 0, "{revisions:?}");
    process.signal("TERM");
    assert_eq!(process.exits(), 0);
}

#[test]
fn watch_follows_etcd() {
    watch_prints_what_happens(&filled(Registry::real()));
}

#[test]
fn watch_follows_the_embedded_registry() {
    watch_prints_what_happens(&filled(Registry::embedded()));
}

#[test]
fn watch_of_one_service_prints_no_other() {
    let registry = filled(Registry::embedded());
    let url = registry.url();
    let process = process::start(&["watch", "WEB", "--output", "table", "--registry", &url]);
    assert!(eventually(|| process.out().all().len() == 2), "{:?}", process.out().all());
    let writer = Writer::new(&url);
    writer.put("/services/db/2", "10.0.0.8:80");
    writer.put("/services/web/c", "10.0.0.9:80");
    process.prints("10.0.0.9:80");
    let lines = process.out().all();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let fields: Vec<_> = lines[2].split_whitespace().collect();
    assert_eq!(fields, ["online", "web", "c", "10.0.0.9:80"]);
}

#[test]
fn watch_goes_on_over_an_outage() {
    let mut etcd = crate::support::etcd::Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    writer.put("/services/web/2", "10.0.0.2:80");
    let process = process::start(&["watch", "--registry", &etcd.url()]);
    events(&process, 2);
    etcd.wipe_and_restart();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    assert!(eventually(|| process.out().all().iter().any(|line| line.contains("\"offline\""))));
    writer.put("/services/web/3", "10.0.0.3:80");
    process.prints("10.0.0.3:80");
}

/// What a shell makes of a line in which `srvd` stands for the binary.
fn shell(line: &str) -> Output {
    let script = format!("set -o pipefail; srvd() {{ {BINARY} \"$@\"; }}; {line}");
    Command::new("timeout").args(["60", "bash", "-c", &script]).output().unwrap()
}

#[test]
fn a_reader_that_goes_ends_a_command_quietly() {
    let registry = filled(Registry::embedded());
    let url = registry.url();
    for line in [
        "srvd completions bash | head -1".to_owned(),
        "srvd completions zsh | true".to_owned(),
        format!("srvd watch --output json --registry {url} | head -2"),
        format!("srvd watch nothing --registry {url} | sleep 0.5"),
        format!("srvd list --registry {url} | true"),
        format!("srvd check --registry {url} 2>&1 | true; true"),
        format!("srvd explain web.services.internal --registry {url} | true"),
        "srvd --help | true".to_owned(),
        "srvd list --registry 127.0.0.1:1?timeout=1s 2>&1 | true; test ${PIPESTATUS[0]} = 4".into(),
    ] {
        let output = shell(&line);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {errors}");
        assert!(
            !errors.contains("panicked") && !errors.contains("Broken pipe"),
            "{line}: {errors}"
        );
    }
}
