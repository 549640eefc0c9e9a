//! Each way of not being let in is one clear line with a remedy.

use std::net::TcpListener;

use super::{Desk, ctl, enable_auth, root};
use crate::support::certificates::Authority;
use crate::support::etcd::{CLIENT, Etcd};
use crate::support::free_addr;
use crate::support::secure::SecureEtcd;
use crate::support::srvd::run;

/// Runs `list`, which must end with this code and say one line with these texts.
fn expect(registry: &str, arguments: &[String], code: i32, texts: &[&str]) {
    let mut all = vec!["list", "--output", "json"];
    all.extend(arguments.iter().map(String::as_str));
    let output = run(registry, &all);
    let said = String::from_utf8(output.stderr).unwrap();
    println!("{code}: {}", said.trim_end());
    assert_eq!(output.status.code(), Some(code), "{registry} {arguments:?}: {said}");
    assert_eq!(said.lines().count(), usize::from(!texts.is_empty()), "{said}");
    for text in texts {
        assert!(said.contains(text), "no `{text}` in: {said}");
    }
}

#[test]
fn what_does_not_fit_in_tls_is_named() {
    let [ours, other] = ["ours", "other"].map(Authority::new);
    let desk = Desk::new();
    let ca = desk.ca(&ours);
    let etcd = SecureEtcd::start(&ours.server());
    expect(&etcd.url(), &ca, 0, &[]);
    expect(
        &etcd.url(),
        &Desk::new().ca(&other),
        4,
        &["signed by an authority we do not know", "--ca"],
    );
    expect(&etcd.url(), &[], 4, &["signed by an authority we do not know", "--ca"]);
    expect(&etcd.url().replace("https", "http"), &[], 4, &["https://"]);
    let plain = etcd.process.url().replace("http", "https");
    expect(&plain, &ca, 4, &["does not speak TLS", "write http://"]);
    let etcd = SecureEtcd::start(&ours.expired_server());
    expect(&etcd.url(), &ca, 4, &["certificate expired on 2021-01-01T00:00:00Z", "renew it"]);
    let etcd = SecureEtcd::start(&ours.server_elsewhere());
    expect(&etcd.url(), &ca, 4, &["not for 127.0.0.1", "etcd.example.net", "--registry"]);
    let etcd = SecureEtcd::start_with(&ours.server(), &[&ours], &[]);
    expect(&etcd.url(), &ca, 4, &["client certificate", "--cert and --key"]);
    let mut foreign = ca.clone();
    foreign.extend(desk.identity(&other.client("client")));
    expect(
        &etcd.url(),
        &foreign,
        4,
        &["--cert and --key", "signed by an authority that etcd trusts"],
    );
    let mut known = ca.clone();
    known.extend(desk.identity(&ours.client("client")));
    expect(&etcd.url(), &known, 0, &[]);
}

#[test]
fn who_is_not_known_or_not_allowed_is_told_what_to_do() {
    let etcd = Etcd::start();
    let desk = Desk::new();
    ctl(&etcd, &["put", "/other/a/1", "10.0.0.1:80"]);
    expect(
        &etcd.url(),
        &desk.user("reader", "reader"),
        0,
        &["authentication turned off", "leave --user `reader` out"],
    );
    enable_auth(&etcd);
    expect(&etcd.url(), &desk.user("reader", "reader"), 0, &[]);
    expect(&etcd.url(), &desk.user("reader", "wrong"), 1, &["another password", "--password-file"]);
    expect(&etcd.url(), &desk.user("nobody", "reader"), 1, &["no such user", "--user"]);
    expect(&etcd.url(), &[], 1, &["none is given", "--user and --password-file"]);
    let elsewhere = format!("{}?prefix=/other", etcd.url());
    expect(
        &elsewhere,
        &desk.user("reader", "reader"),
        1,
        &[
            "user `reader` may not read `/other/`",
            "etcdctl role grant-permission ROLE read --prefix=true '/other/'",
        ],
    );
    root(&etcd, &["user", "revoke-role", "reader", "reader"]);
    expect(&etcd.url(), &desk.user("reader", "reader"), 1, &["may not read `/services/`"]);
}

#[test]
fn an_ipv6_address_is_found_in_a_certificate_and_a_name_too() {
    let (authority, at) = (Authority::new("ours"), free_addr().port());
    let Ok(probe) = TcpListener::bind(("::1", at)) else { return };
    drop(probe);
    let listen = format!("http://{CLIENT},https://[::1]:{at},https://127.0.0.1:{at}");
    let etcd = SecureEtcd::start_with(&authority.server(), &[], &["--listen-client-urls", &listen]);
    let desk = Desk::new();
    for host in ["[::1]", "127.0.0.1", "localhost"] {
        expect(&format!("https://{host}:{at}"), &desk.ca(&authority), 0, &[]);
    }
    assert!(etcd.process.is_healthy());
}
