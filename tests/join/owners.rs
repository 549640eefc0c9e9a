//! The owner of a key is its lease.

use std::time::Instant;

use super::{KEY, VALUE, comes_back, ctl, held, join, joined, ms, number};
use crate::support::etcd::Etcd;

#[test]
fn a_live_owner_is_never_overwritten() {
    let etcd = Etcd::start();
    let (_owner, lease) = joined(&etcd.url(), &["--ttl", "2s"]);
    let mut second = join(&etcd.url(), &["--weight", "7"]);
    assert_eq!(second.exits(), 1);
    let (_, line) = second.logs("srvd: ");
    assert!(line.contains(KEY) && line.contains(&lease) && line.contains("--force"), "{line}");
    assert_eq!(held(&etcd, KEY), Some((VALUE.to_owned(), number(&lease))));
}

#[test]
fn force_takes_over_at_once_and_the_other_stands_aside() {
    let etcd = Etcd::start();
    let (first, old) = joined(&etcd.url(), &[]);
    let before = Instant::now();
    let (mut second, new) = joined(&etcd.url(), &["--force", "--ttl", "2s"]);
    println!("forced: registered after {} ms", ms(before, Instant::now()));
    assert_eq!(held(&etcd, KEY).unwrap().1, number(&new));
    first.logs("not taking it over");
    second.signal("TERM");
    assert_eq!(second.exits(), 0);
    comes_back(&etcd, number(&new));
    assert_ne!(old, new);
}

#[test]
fn a_key_without_a_lease_needs_force() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", KEY, "by hand"]);
    let mut refused = join(&etcd.url(), &[]);
    assert_eq!(refused.exits(), 1);
    let (_, line) = refused.logs("srvd: ");
    assert!(line.contains(KEY) && line.contains("without a lease"), "{line}");
    let (_srvd, lease) = joined(&etcd.url(), &["--force"]);
    assert_eq!(held(&etcd, KEY), Some((VALUE.to_owned(), number(&lease))));
}

#[test]
fn a_refusal_before_the_first_registration_ends_it() {
    let etcd = Etcd::start();
    ctl(&etcd, &["user", "add", "root:secret"]);
    ctl(&etcd, &["user", "grant-role", "root", "root"]);
    ctl(&etcd, &["auth", "enable"]);
    let mut srvd = join(&etcd.url(), &[]);
    assert_eq!(srvd.exits(), 1);
    srvd.logs("the registry refuses");
}

#[test]
fn a_refusal_after_it_is_only_logged() {
    let etcd = Etcd::start();
    let (srvd, _) = joined(&etcd.url(), &["--heartbeat", "100ms"]);
    ctl(&etcd, &["user", "add", "root:secret"]);
    ctl(&etcd, &["user", "grant-role", "root", "root"]);
    ctl(&etcd, &["auth", "enable"]);
    srvd.logs("still trying: the registry refuses");
    ctl(&etcd, &["--user", "root:secret", "auth", "disable"]);
    let told = |part: &str| srvd.log().count(part) > 0;
    assert!(crate::support::eventually(|| told("answers again") || told("registered again")));
    comes_back(&etcd, 0);
}

#[test]
fn a_login_that_runs_out_is_renewed_by_itself() {
    let etcd = Etcd::start_with(&["--auth-token-ttl", "1"]);
    ctl(&etcd, &["user", "add", "root:secret"]);
    ctl(&etcd, &["user", "grant-role", "root", "root"]);
    ctl(&etcd, &["auth", "enable"]);
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "secret\n").unwrap();
    let login = ["--user", "root", "--password-file", password.to_str().unwrap()];
    let (srvd, lease) = joined(&etcd.url(), &[&login[..], &["--ttl", "6s"]].concat());
    // Heartbeats are 3 s apart, and a login is forgotten in between.
    std::thread::sleep(std::time::Duration::from_secs(9));
    let root = ["--user", "root:secret"];
    let held = || ctl(&etcd, &[&root[..], &["get", KEY, "--print-value-only"]].concat());
    assert_eq!(held(), format!("{VALUE}\n"));
    ctl(&etcd, &[&root[..], &["lease", "revoke", &lease]].concat());
    srvd.logs("registered again");
    assert_eq!(held(), format!("{VALUE}\n"));
    assert_eq!(srvd.log().count("refuses"), 0, "{:?}", srvd.log().all());
}

#[test]
fn a_lease_shorter_than_the_server_grants_is_what_it_grants() {
    let etcd = Etcd::start_with(&["--election-timeout", "1200"]);
    let (srvd, lease) = joined(&etcd.url(), &["--ttl", "1s"]);
    assert!(srvd.out().all()[0].ends_with(&format!("(lease {lease}, ttl 2s)")));
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(held(&etcd, KEY), Some((VALUE.to_owned(), number(&lease))));
}
