//! What people type: four tools that write and read messages each in their own way.

use super::{Scene, is_there, printed, run};

/// A service that fits a datagram, and one that takes TCP.
fn filled() -> Scene {
    let scene = Scene::start();
    for n in 0..60 {
        scene.put(&format!("crowd/{n}"), &format!("10.1.0.{n}:{}", 1000 + n));
    }
    let web = r#"{"host":"10.0.0.1:80","text":"two words","tags":["blue"]}"#;
    scene.put_all(&[("web/1", web), ("web/2", "[2001:db8::2]:80")], "SRV _web._tcp", 2);
    scene
}

/// What the tools are asked, and what must be in what they print.
const QUESTIONS: [(&str, &str, &[&str]); 7] = [
    ("_web._tcp.services.internal", "SRV", &["10-0-0-1.web.services.internal", "0 1 80"]),
    ("web.services.internal", "A", &["10.0.0.1"]),
    ("web.services.internal", "AAAA", &["2001:db8::2"]),
    ("web.services.internal", "TXT", &["two words"]),
    ("services.internal", "SOA", &["hostmaster.services.internal"]),
    ("services.internal", "NS", &["ns.dns.services.internal"]),
    ("_WEB._Tcp.Services.Internal", "SRV", &["10-0-0-1.web.services.internal"]),
];

/// Asks a tool everything, a large answer last.
fn check(tool: &str, package: &str, arguments: impl Fn(&Scene, &str, &str) -> Vec<String>) {
    if !is_there(tool, package) {
        return;
    }
    let scene = filled();
    let ask = |name: &str, kind: &str| {
        let arguments = arguments(&scene, name, kind);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        printed(tool, &arguments)
    };
    for (name, kind, wanted) in QUESTIONS {
        let text = ask(name, kind);
        let has_all = wanted.iter().all(|it| text.to_lowercase().contains(it));
        assert!(has_all, "{tool} {name} {kind}: {text}");
        let is_warning = |line: &str| line.contains("WARN") && !line.contains("recursion");
        assert!(!text.lines().any(is_warning), "{tool} {name} {kind}: {text}");
    }
    let crowd = ask("_crowd._tcp.services.internal", "SRV");
    let answers = |line: &&str| line.contains("_crowd._tcp") && line.contains(" 1 10");
    assert_eq!(crowd.lines().filter(answers).count(), 60, "{tool}: {crowd}");
    let missing = ask("no.such.services.internal", "A");
    assert!(missing.contains("NXDOMAIN"), "{tool}: {missing}");
}

#[test]
fn dig() {
    check("dig", "Debian: bind9-dnsutils", |scene, name, kind| {
        let at = scene.at;
        let words = format!("@{} -p {} {name} {kind}", at.ip(), at.port());
        words.split_whitespace().map(str::to_owned).collect()
    });
}

#[test]
fn kdig() {
    check("kdig", "Debian: knot-dnsutils", |scene, name, kind| {
        let at = scene.at;
        let words = format!("@{} -p {} {name} {kind}", at.ip(), at.port());
        words.split_whitespace().map(str::to_owned).collect()
    });
}

#[test]
fn host() {
    check("host", "Debian: bind9-host", |scene, name, kind| {
        let at = scene.at;
        let words = format!("-p {} -t {kind} {name} {}", at.port(), at.ip());
        words.split_whitespace().map(str::to_owned).collect()
    });
}

#[test]
fn drill() {
    check("drill", "Debian: ldnsutils", |scene, name, kind| {
        let at = scene.at;
        // It asks again over TCP only when it is told that it may need to.
        let tcp = if name.contains("crowd") { "-t" } else { "-u" };
        let words = format!("{tcp} -p {} {name} @{} {kind}", at.port(), at.ip());
        words.split_whitespace().map(str::to_owned).collect()
    });
}

/// LDAP has its port named, and clients look for that name below the service.
#[test]
fn host_finds_ldap() {
    if !is_there("host", "Debian: bind9-host") {
        return;
    }
    let scene = Scene::start();
    let value = r#"{"host":"10.0.0.1:389","protocol":"ldap"}"#;
    scene.put_all(&[("directory/1", value)], "SRV _directory._tcp", 1);
    let port = scene.at.port().to_string();
    let name = "_ldap._tcp.directory.services.internal";
    let output = run("host", &["-p", &port, "-t", "SRV", name, "127.0.0.1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let wanted = "has SRV record 0 1 389 10-0-0-1.directory.services.internal.";
    assert!(text.contains(wanted), "{text}");
}
