//! Wrong usage is refused with a message and its exit code; what is bound is printed; the
//! end is quick and clean.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use super::known::pipe;
use super::process::{self, run};
use super::server::{ask, dig};
use super::writer::Writer;
use crate::support::eventually;
use crate::support::registry::Registry;
use crate::support::srvd::address_in;

/// The exit code and the last line of standard error.
fn refusal(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code(), text)
}

/// `srvd serve` with arguments must say this and exit with 2.
fn expect_usage(arguments: &[&str], message: &str) {
    let (code, text) = refusal(&run(&[&["serve"], arguments].concat()));
    assert_eq!(code, Some(2), "{arguments:?}: {text}");
    assert!(text.contains(message), "{arguments:?}: {text}");
}

#[test]
fn connection_strings_are_refused_by_name() {
    for (url, message) in [
        ("", "is empty; write http://HOST:PORT"),
        ("etcd://a", "--registry: `etcd://a` has the scheme `etcd`; write http:// or https://"),
        ("http://u:p@a", "has a user or password in it; give them with --user"),
        ("http://a:x", "has the port `x`; a port is a number from 1 to 65535"),
        ("http://a:70000", "has the port `70000`"),
        ("http://a,,b", "names an empty host"),
        ("http://a,a", "names the endpoint `a:2379` twice"),
        ("http://a b", "has the host `a b`, which is neither"),
        (
            "http://a?color=red",
            "has the unknown option `color`; known are prefix, timeout and refresh",
        ),
        ("http://a?timeout=soon", "has timeout=`soon`; write a duration"),
        ("http://a?refresh=1ms", "has refresh=`1ms`"),
        ("http://a/b//c", "`b//c` has an empty path segment"),
        ("http://a#b", "has a `#`"),
    ] {
        expect_usage(&["--registry", url], message);
    }
}

#[test]
fn flags_are_refused_by_name() {
    for (arguments, message) in [
        (&["--colour"][..], "unexpected argument '--colour'"),
        (&["--listen", "here"], "invalid value 'here' for '--listen <ADDRESS>'"),
        (&["--listen", "127.0.0.1"], "it has no port; write 127.0.0.1:53"),
        (&["--workers=-1"], "invalid value '-1' for '--workers <N>'"),
        (&["--udp-size", "99999"], "--udp-size: 99999 is not within 512 to 4096"),
        (&["--workers", "5000"], "5000 is not within 0 to 1024; 0 is one per core"),
        (&["--bare-names", "maybe"], "invalid value 'maybe' for '--bare-names <BOOL>'"),
        (&["--log-format", "xml"], "invalid value 'xml' for '--log-format <FORMAT>'"),
        (&["--zones", "/nowhere"], "--zones /nowhere: is not a directory"),
        (&["--config", "/nowhere.toml"], "/nowhere.toml: No such file or directory"),
        (&["--user", "u"], "--user and --password-file go together"),
        (&["--user", "u:p"], "--user: give the name without a password"),
        (&["--ca", "/nowhere.pem"], "--ca /nowhere.pem: No such file or directory"),
        (&["--cert", "/dev/null"], "--cert and --key go together"),
        (&["--ca", "/dev/null"], "--ca /dev/null: has no certificate in it"),
    ] {
        expect_usage(arguments, message);
    }
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["sing"]).status.code(), Some(2));
    assert_eq!(run(&["lookup"]).status.code(), Some(2));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn configuration_is_refused_with_file_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    for (text, messages) in [
        ("registry = \"etcd://a\"", &["srvd.toml:1", "registry", "write http:// or https://"][..]),
        ("\nlisten = [\"here\"]", &["srvd.toml:2:", "listen", "a host name is no address"]),
        ("listen = []", &["srvd.toml:1: listen", "name at least one address"]),
        ("colour = 1", &[":1: ", "unknown key `colour`"]),
        ("registry = ", &["srvd.toml:1:"]),
        ("[[zone]]\nname = \"a..b\"", &["srvd.toml:2:", "`a..b` is no zone name"]),
        ("[[zone]]\nprefix = \"/a\"", &["missing field `name`"]),
        ("[[zone]]\nname = \"a\"\nttl = \"soon\"", &["srvd.toml:3:", "ttl", "whole seconds"]),
        (
            "[[zone]]\nname = \"a\"\n[[zone]]\nname = \"A.\"",
            &["srvd.toml:4", "`a.` is listed twice"],
        ),
        (
            "[[zone]]\nname = \"a\"\nprefix = \"/a//b\"",
            &["srvd.toml:2", "`a.`", "has an empty path segment"],
        ),
        ("workers = \"two\"", &["srvd.toml:1:", "workers"]),
        ("zones = \"nowhere\"", &["srvd.toml:1: zones", "nowhere: is not a directory"]),
        ("user = \"u\"", &["srvd.toml:1: user", "--user and --password-file go together"]),
    ] {
        std::fs::write(&path, text).unwrap();
        let (code, said) = refusal(&run(&["serve", "--config", path.to_str().unwrap()]));
        assert_eq!(code, Some(2), "{text}: {said}");
        assert!(messages.iter().all(|message| said.contains(message)), "{text}: {said}");
    }
}

#[test]
fn zone_files_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let zones = directory.path().to_str().unwrap();
    for (text, message) in [
        ("$TTL 5\n@ SOA nonsense\n", "services.internal.zone:2: "),
        (
            "$TTL 5\n@ NS ns.dns\n@ CNAME a\n",
            "services.internal.zone:2: `services.internal.` has a CNAME",
        ),
        ("@ NS ns.dns\n", "services.internal.zone:1: the record has no TTL"),
    ] {
        std::fs::write(directory.path().join("services.internal.zone"), text).unwrap();
        expect_usage(&["--zones", zones], message);
    }
    std::fs::write(directory.path().join("services.internal.zone"), [0xff, 0xfe]).unwrap();
    expect_usage(&["--zones", zones], "services.internal.zone:1: ");
    std::fs::remove_file(directory.path().join("services.internal.zone")).unwrap();
    std::fs::write(directory.path().join("alone.test.zone"), "$TTL 5\n@ NS ns\n").unwrap();
    expect_usage(&["--zones", zones], "alone.test.zone: there is no SOA record at `alone.test.`");
}

#[test]
fn an_address_in_use_fails_and_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = refusal(&run(&["serve", "--listen", &address]));
    assert_eq!(code, Some(1), "{text}");
    let us = format!("(process {}) listens on 127.0.0.1; stop it", std::process::id());
    assert!(text.contains(&format!("TCP address {address} is in use")), "{text}");
    assert!(text.contains(&us), "{text}");

    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = refusal(&run(&["serve", "--listen", &address]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("UDP address {address} is in use")), "{text}");
    assert!(text.contains(&us), "{text}");
    // As systemd-resolved's stub keeps the port from who wants it on all addresses.
    let stub = UdpSocket::bind("127.0.0.53:0").unwrap();
    let any = format!("0.0.0.0:{}", stub.local_addr().unwrap().port());
    let (code, text) = refusal(&run(&["serve", "--listen", &any]));
    assert!(code == Some(1) && text.contains("DNSStubListener=no"), "{text}");

    let (code, text) = refusal(&run(&["serve", "--listen", "192.0.2.1:5300"]));
    assert_eq!(
        (code, text.contains("192.0.2.1:5300 is no address of this machine")),
        (Some(1), true)
    );
}

#[test]
fn a_second_server_on_one_address_fails() {
    let registry = Registry::embedded();
    let (first, at) = process::serve(&registry.url(), &[]);
    let (code, text) = refusal(&run(&["serve", "--listen", &at.to_string()]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("is in use: `srvd` (process {})", first.pid())), "{text}");
}

#[test]
fn port_0_prints_what_was_bound_and_sigterm_ends_at_once() {
    let registry = Registry::embedded();
    Writer::new(&registry.url()).put("/services/web/1", "10.0.0.1:80");
    let listen = ["--listen", "127.0.0.2:0", "--workers", "3"];
    let (mut process, first) = process::serve(&registry.url(), &listen);
    let second = process.prints("127.0.0.2:");
    assert!(eventually(|| ask(first, "A web.services.internal").answers == ["10.0.0.1"]));
    let second = address_in(&second.1);
    assert!(first.port() != 0 && dig(second, "+short A web.services.internal") == "10.0.0.1\n");
    for name in ["TERM", "INT"] {
        let (mut process, _) = process::serve(&registry.url(), &[]);
        let told = Instant::now();
        process.signal(name);
        assert_eq!(process.exits(), 0, "SIG{name}: {:?}", process.log().all());
        assert!(told.elapsed() < Duration::from_secs(5), "SIG{name}: {:?}", told.elapsed());
    }
    process.signal("TERM");
    assert_eq!(process.exits(), 0);
}

#[test]
fn sigterm_ends_at_once_while_etcd_is_away() {
    let (mut process, at) = process::serve("http://192.0.2.1:1,127.0.0.1:1", &[]);
    assert_eq!(ask(at, "A web.services.internal").reason, Some(14));
    process.signal("TERM");
    let told = Instant::now();
    assert_eq!(process.exits(), 0);
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[test]
fn a_zone_file_is_read_through_its_flag() {
    let registry = Registry::embedded();
    let directory = tempfile::tempdir().unwrap();
    let zone =
        "$TTL 60\n@ SOA ns1.example.net. admin.example.net. 7 1 2 3 4\n@ NS ns1.example.net.\n";
    std::fs::write(directory.path().join("services.internal.zone"), zone).unwrap();
    let says = |path: &Path| {
        let flags = ["--zones", path.to_str().unwrap()];
        let (_process, at) = process::serve(&registry.url(), &flags);
        assert!(eventually(|| ask(at, "NS services.internal").reason.is_none()));
        ask(at, "NS services.internal").answers
    };
    assert_eq!(says(directory.path()), ["ns1.example.net."]);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(says(empty.path()), ["ns.dns.services.internal."]);
}

#[test]
fn named_pipes_are_refused_wherever_files_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("zones/p.zone");
    pipe(&path);
    let [path, zones] = [&*path, path.parent().unwrap()].map(|it| it.to_str().unwrap());
    for option in ["--config", "--http-token-file", "--ca", "--cookie-secret-file"] {
        expect_usage(&[option, path], "it is a named pipe");
    }
    expect_usage(&["--zones", zones], "it is a named pipe");
    let output = run(&["join", "--from", path]);
    assert!(refusal(&output).1.contains("it is a named pipe"), "{output:?}");
}

#[test]
fn sighup_is_answered_and_ends_nothing() {
    let registry = Registry::embedded();
    let (mut process, at) = process::serve(&registry.url(), &[]);
    process.signal("HUP");
    process.logs("configuration reloaded");
    assert!(eventually(|| ask(at, "SOA services.internal").answers.len() == 1));
    process.signal("TERM");
    assert_eq!(process.exits(), 0);
}
