//! What programs are linked with: the C libraries of Debian and Alpine, and c-ares.
//!
//! All ask for A and AAAA at once, and all go through the search list; a name of one family
//! only, or one that the first domain has not, is where they differ and servers go wrong.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Scene, is_there, namespace, printed, run};

/// How long a lookup may take that nothing times out in.
const AT_ONCE: Duration = Duration::from_secs(4);

/// Instances of either family, and of both.
fn fill(scene: &Scene) {
    let entries = [
        ("old/1", "10.0.0.1:80"),
        ("old/2", "10.0.0.2:80"),
        ("new/1", "[2001:db8::1]:80"),
        ("both/1", "10.0.0.1:80"),
        ("both/2", "[2001:db8::1]:80"),
        ("named/1", "host.example.com:80"),
    ];
    scene.put_all(&entries, "SRV _named._tcp", 1);
}

/// Looks all of them up; `client` gives addresses, one a line, in any order and number.
fn check(scene: &Scene, client: impl Fn(&str) -> (bool, String)) {
    fill(scene);
    let lookup = |name: &str| {
        let begun = Instant::now();
        let (found, text) = client(name);
        assert!(!found || begun.elapsed() < AT_ONCE, "{name} waits for something: {text}");
        let words = text.lines().filter_map(|line| line.split_whitespace().next());
        let mut addresses: Vec<_> = words.map(str::to_owned).collect();
        addresses.sort_unstable();
        addresses.dedup();
        found.then_some(addresses)
    };
    let found = |addresses: &[&str]| Some(addresses.iter().map(|&it| it.to_owned()).collect());
    for dot in ["", ".services.internal", ".services.internal."] {
        let lookup = |name: &str| lookup(&format!("{name}{dot}"));
        assert_eq!(lookup("old"), found(&["10.0.0.1", "10.0.0.2"]));
        assert_eq!(lookup("new"), found(&["2001:db8::1"]));
        assert_eq!(lookup("both"), found(&["10.0.0.1", "2001:db8::1"]));
        assert_eq!(lookup("named"), None, "it has no address of ours");
        assert_eq!(lookup("no-such-service"), None);
        // With a dot in them and no dot behind, these are names of the root to all but glibc.
        if !dot.is_empty() {
            assert_eq!(lookup("1.both"), found(&["10.0.0.1"]));
            assert_eq!(lookup("10-0-0-2.old"), found(&["10.0.0.2"]));
            assert_eq!(lookup("2001-db8--1.new"), found(&["2001:db8::1"]));
        }
    }
}

/// A program of ours, compiled. None if that is not possible.
fn compiled(scene: &Scene, compiler: &str, source: &str, more: &[&str]) -> Option<PathBuf> {
    let program = scene.directory.path().join("lookup");
    let source = format!("{}/tests/clients/{source}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(compiler);
    let output = command.args([&source, "-o"]).arg(&program).args(more).output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(program)
}

#[test]
fn glibc() {
    let Some(scene) = namespace::enter("clients::libraries::glibc") else { return };
    check(&scene, |name| {
        let output = run("getent", &["ahosts", name]);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    });
    // The older call asks for IPv6 first, and for IPv4 when there is none.
    assert!(printed("getent", &["hosts", "old"]).contains("10.0.0.1"));
    assert!(printed("getent", &["hosts", "new"]).contains("2001:db8::1"));
    assert_eq!(printed("getent", &["ahostsv6", "old"]).matches("10.0.0").count(), 0);
}

#[test]
fn musl() {
    let Some(scene) = namespace::enter("clients::libraries::musl") else { return };
    if !is_there("musl-gcc", "Debian: musl-tools") {
        return;
    }
    let program = compiled(&scene, "musl-gcc", "getaddrinfo.c", &["-static"]).unwrap();
    check(&scene, |name| {
        let output = run(program.to_str().unwrap(), &[name]);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    });
}

/// Instances of a service whose addresses are more than a datagram without EDNS holds.
const MANY: usize = 40;

/// musl before 1.2.4 asks over UDP alone, and finds no name where a reply is empty. The one at
/// hand may be newer; it is kept from TCP.
#[test]
fn musl_without_tcp() {
    let Some(scene) = namespace::enter("clients::libraries::musl_without_tcp") else { return };
    if !is_there("musl-gcc", "Debian: musl-tools") || !is_there("nft", "Debian: nftables") {
        return;
    }
    let program = compiled(&scene, "musl-gcc", "getaddrinfo.c", &["-static"]).unwrap();
    let entries: Vec<_> =
        (0..MANY).map(|n| (format!("crowd/{n}"), format!("10.1.0.{n}:80"))).collect();
    let entries: Vec<_> = entries.iter().map(|(key, value)| (&**key, &**value)).collect();
    scene.put_all(&entries, "A crowd.services.internal", MANY);
    let rules = scene.write(
        "rules",
        "table inet t { chain c { type filter hook input priority 0; tcp dport 53 reject with tcp reset; }; }",
    );
    let output = run("nft", &["-f", &rules]);
    assert!(output.status.success(), "{output:?}");
    let text = printed(program.to_str().unwrap(), &["crowd.services.internal"]);
    let words = text.lines().filter_map(|line| line.split_whitespace().next());
    let addresses: std::collections::BTreeSet<_> = words.collect();
    assert!(addresses.len() > 20, "{text}");
    assert!(addresses.iter().all(|it| it.starts_with("10.1.0.")), "{text}");
}

#[test]
fn c_ares() {
    let Some(scene) = namespace::enter("clients::libraries::c_ares") else { return };
    if !is_there("/usr/include/ares.h", "Debian: libc-ares-dev") {
        return;
    }
    let program = compiled(&scene, "cc", "ares.c", &["-lcares"]).unwrap();
    check(&scene, |name| {
        let output = run(program.to_str().unwrap(), &[name]);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    });
}
