//! Why a name is answered as it is, over HTTP and in the terminal.

use serde_json::{Value, json as object};

use super::{json, ready};
use crate::serve::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::free_addr;
use crate::support::srvd::{plain, run};

/// What `srvd explain` prints as JSON, and its exit code.
fn explained(registry: &str, arguments: &[&str]) -> (i32, Value) {
    let output = run(registry, &[&["explain", "--output", "json"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::String(said));
    (output.status.code().unwrap(), value)
}

#[test]
fn the_terminal_and_the_server_say_the_same() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 3));
    writer.put("/services/one/1", r#"{"host":"10.0.0.9:80","text":"hello"}"#);
    let (_serving, at) = ready(&etcd.url(), &[]);
    for (name, kind, code) in [
        ("_one._tcp.services.internal", "srv", 0),
        ("_one._tcp", "SRV", 0),
        ("one.services.internal", "TXT", 0),
        ("one.services.internal", "TYPE28", 0),
        ("won.services.internal", "A", 3),
        ("one", "A", 3),
    ] {
        let (exit, printed) = explained(&etcd.url(), &[name, kind]);
        let (status, shown) = json(at, &format!("/v1/explain?name={name}&type={kind}"));
        assert_eq!((exit, status, &printed), (code, 200, &shown), "{name} {kind}");
    }
    let (_, shown) = json(at, "/v1/explain?name=_one._tcp.services.internal");
    assert_eq!((&shown["type"], &shown["rcode"]), (&object!("SRV"), &object!("NOERROR")));
    let answer = "_one._tcp.services.internal. 5 IN SRV 0 1 80 10-0-0-9.one.services.internal.";
    assert_eq!(shown["answers"], object!([answer]));
    assert_eq!(shown["additional"], object!(["10-0-0-9.one.services.internal. 5 IN A 10.0.0.9"]));
    assert_eq!(shown["documents"], object!([{ "key": "/services/one/1" }]));
    assert_eq!(shown["why"], Value::Null);
}

#[test]
fn the_terminal_shows_lines_and_exit_codes() {
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let text = run(&etcd.url(), &["explain", "wbe.services.internal", "--output", "table"]);
    let text = String::from_utf8(text.stdout).unwrap();
    for line in [
        "wbe.services.internal. A",
        "zone:   services.internal",
        "code:   NXDOMAIN",
        "why:    no instance of `wbe` is registered; the nearest name is web.services.internal",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in {text}");
    }
    assert_eq!(explained(&etcd.url(), &["a..b"]).0, 2);
    assert_eq!(explained(&etcd.url(), &["web", "NONE"]).0, 2);
    let nowhere = format!("http://{}", free_addr());
    assert_eq!(explained(&nowhere, &["web.services.internal"]).0, 4);
}

/// A name of a zone file needs no registry; that of a registry's does.
#[test]
fn zones_that_a_name_is_not_in_may_be_away() {
    let (directory, nowhere) = (tempfile::tempdir().unwrap(), format!("http://{}", free_addr()));
    let zone = "$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nhost A 192.0.2.1\n";
    std::fs::write(directory.path().join("alone.test.zone"), zone).unwrap();
    let zones = directory.path().to_str().unwrap();
    let arguments = ["explain", "host.alone.test", "--zones", zones, "--output", "json"];
    let output = plain(&[&["--registry", &nowhere][..], &arguments].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("zone services.internal is left out"),
        "{said}"
    );
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["answers"], object!(["host.alone.test. 60 IN A 192.0.2.1"]));
    assert_eq!(shown["rule"], "records of the zone file at this name");
}
