//! From CoreDNS's `etcd` plugin, over TLS, as a user, with names of others.

use std::process::Stdio;

use super::{Asked, ask_all, block, configure, placed, run, section, serve, shell};
use crate::forward::upstream::Nsd;
use crate::support::certificates::Authority;
use crate::support::secure::SecureEtcd;
use crate::support::srvd::Srvd;
use crate::support::{dig_shows, eventually, free_addr};

/// The guide.
const GUIDE: &str = "From CoreDNS `etcd`";

/// What is in etcd: what the plugin's own guide puts, and external-dns.
const KEPT: [(&str, &str); 12] = [
    ("/skydns/org/example/x1", r#"{"host":"1.1.1.1","ttl":60}"#),
    ("/skydns/org/example/bar/x1", r#"{"host":"1.1.1.1","ttl":60}"#),
    ("/skydns/org/example/bar/x2", r#"{"host":"1.1.1.2","ttl":60}"#),
    ("/skydns/org/example/www", r#"{"host":"x1.example.org"}"#),
    ("/skydns/org/example/_tcp/_web/a", r#"{"host":"10.0.0.1","port":8080}"#),
    ("/skydns/org/example/_tcp/_web/b", r#"{"host":"10.0.0.2","port":8080,"priority":20}"#),
    ("/skydns/org/example/txt", r#"{"text":"this is a random text message."}"#),
    ("/skydns/org/example/dns/ns/ns1", r#"{"host":"10.0.0.53"}"#),
    ("/skydns/org/example/dns/apex", r#"{"host":"10.0.0.80"}"#),
    ("/skydns/org/example/mail", r#"{"host":"x1.example.org","mail":true,"priority":5}"#),
    (
        "/skydns/org/example/app/6d0f1a2b",
        r#"{"host":"10.0.0.3","text":"\"heritage=external-dns,external-dns/owner=default\"","targetstrip":1,"owner":"default"}"#,
    ),
    ("/skydns/arpa/in-addr/10/0/0/127", r#"{"host":"reverse.example.org."}"#),
];

/// What CoreDNS answers.
const ASKED: [Asked; 14] = [
    ("+noall +answer A x1.example.org", &["x1.example.org. 60 IN A 1.1.1.1"]),
    ("+short A bar.example.org", &["1.1.1.1", "1.1.1.2"]),
    ("+short AAAA bar.example.org", &[]),
    ("+short A www.example.org", &["x1.example.org.", "1.1.1.1"]),
    (
        "+short SRV _web._tcp.example.org",
        &["10 100 8080 a._web._tcp.example.org.", "20 100 8080 b._web._tcp.example.org."],
    ),
    ("+noall +answer A a._web._tcp.example.org", &["a._web._tcp.example.org. 300 IN A 10.0.0.1"]),
    ("+short TXT txt.example.org", &[r#""this is a random text message.""#]),
    ("+short NS example.org", &["ns1.ns.dns.example.org."]),
    ("+short A ns1.ns.dns.example.org", &["10.0.0.53"]),
    ("+short A example.org", &["10.0.0.80"]),
    ("+short MX mail.example.org", &["5 x1.example.org."]),
    ("+short A app.example.org", &["10.0.0.3"]),
    ("+short -x 10.0.0.127", &["reverse.example.org."]),
    // `forward`.
    ("+short A www6.others.test", &[]),
];

/// An etcd that wants a certificate and a password, with what CoreDNS read.
fn kept(authority: &Authority) -> SecureEtcd {
    let etcd = SecureEtcd::start_with(&authority.server(), &[authority], &[]);
    for (key, value) in KEPT {
        ctl(&etcd, &["put", key, value]);
    }
    for steps in [
        "user add root:root",
        "user grant-role root root",
        "role add dns",
        "role grant-permission dns read --prefix=true /skydns/",
        "user add reader:secret",
        "user grant-role reader dns",
        "auth enable",
    ] {
        ctl(&etcd, &steps.split(' ').collect::<Vec<_>>());
    }
    etcd
}

/// Runs `etcdctl`.
fn ctl(etcd: &SecureEtcd, arguments: &[&str]) {
    let output = etcd.process.etcdctl(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[test]
fn coredns_names_are_answered_by_the_guides_configuration() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new("etcd"));
    let (etcd, others) = (kept(&authority), Nsd::start());
    let client = authority.client("coredns");
    let files = [
        ("cert.pem", &*client.certificate),
        ("key.pem", &client.key),
        ("ca.pem", &authority.pem),
        ("password", "secret"),
    ];
    files.iter().for_each(|(name, text)| {
        std::fs::write(directory.path().join(name), text).unwrap();
    });
    let (url, upstream) = (etcd.url(), others.at.to_string());
    let places = [("https://10.0.0.1:2379,10.0.0.2:2379", &*url), ("/etc/resolv.conf", &*upstream)];
    configure(directory.path(), GUIDE, &places);
    let (process, at) = serve(directory.path());
    ask_all(at, &ASKED);
    dig_shows(at, "+short AAAA www6.others.test", &["2001:db8::1"]);
    drop(process);
    check_before_the_switch(directory.path());
}

/// The guide's last section, with the configuration that was written.
fn check_before_the_switch(directory: &std::path::Path) {
    let at = free_addr();
    let (address, port) = (at.to_string(), format!("-p {}", at.port()));
    let places = [("127.0.0.1:5300", &*address), ("-p 5300", &*port)];
    let commands = placed(block("Checking before you switch", "sh"), &places);
    let mut lines = commands.lines();
    let mut next = || lines.next().unwrap();
    run(directory, next());
    let process = Srvd::spawn(shell(directory, &format!("exec {}", next())).stdin(Stdio::null()));
    process.prints("answering DNS on ");
    let (dig, explain) = (next(), next());
    assert!(eventually(|| run(directory, dig).contains("a._web._tcp.example.org.")), "{dig}");
    let said = run(directory, explain);
    assert!(said.contains("/skydns/org/example/_tcp/_web/a"), "{said}");
}

/// What stands in the Corefile stands in the configuration.
#[test]
fn both_configurations_of_coredns_say_the_same() {
    let (corefile, toml) = (block(GUIDE, "text"), block(GUIDE, "toml"));
    for word in
        ["example.org", "10.in-addr.arpa", "10.0.0.1:2379", "10.0.0.2:2379", "cert.pem", "key.pem"]
            .into_iter()
            .chain(["ca.pem", "/skydns", "reader", "/etc/resolv.conf"])
    {
        assert!(corefile.contains(word) && toml.contains(word), "{word}");
    }
    assert!(section(GUIDE).contains("/skydns/org/example/dns/apex"));
}
