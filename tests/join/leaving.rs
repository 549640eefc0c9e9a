//! Signals, crashes, and a restart after one.

use std::time::Duration;

use super::{KEY, VALUE, ctl, follow, held, join, joined, lease_in, ms, number};
use crate::support::etcd::Etcd;
use crate::support::srvd::{BINARY, Srvd};

/// A signal ends the registration long before its lease would.
fn leaves_at_once(signal: &str) {
    let etcd = Etcd::start();
    let watch = follow(&etcd);
    let (mut srvd, _) = joined(&etcd.url(), &[]);
    let before = srvd.signal(signal);
    let (gone, _) = watch.prints("DELETE");
    assert_eq!(srvd.exits(), 0);
    srvd.prints(&format!("left web at 10.1.2.3:8080: {KEY}"));
    println!("{signal}: gone after {} ms", ms(before, gone));
    assert!(ms(before, gone) < 1_000, "a lease lasts 10 s, leaving does not");
    assert_eq!(held(&etcd, KEY), None);
    assert_eq!(ctl(&etcd, &["lease", "list"]).lines().count(), 1, "only the heading");
}

#[test]
fn term_removes_the_key_at_once() {
    leaves_at_once("TERM");
}

#[test]
fn int_removes_the_key_at_once() {
    leaves_at_once("INT");
}

#[test]
fn hup_removes_the_key_at_once() {
    leaves_at_once("HUP");
}

#[test]
fn quit_removes_the_key_at_once() {
    leaves_at_once("QUIT");
}

#[test]
fn a_hangup_that_nohup_ignores_stays_ignored() {
    let etcd = Etcd::start();
    let join = "join web --host 10.1.2.3 --port 8080 --registry";
    let script = format!("trap '' HUP; exec {BINARY} {join} {}", etcd.url());
    let mut srvd = Srvd::spawn(std::process::Command::new("sh").args(["-c", &script]).env_clear());
    srvd.prints("registered web");
    srvd.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert!(held(&etcd, KEY).is_some());
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
}

#[test]
fn one_line_is_printed_and_the_contracts_document_is_written() {
    let etcd = Etcd::start();
    let (srvd, lease) = joined(&etcd.url(), &[]);
    let line = format!("registered web at 10.1.2.3:8080: {KEY} (lease {lease}, ttl 10s)");
    assert_eq!(srvd.out().all(), [line]);
    assert_eq!(held(&etcd, KEY), Some((VALUE.to_owned(), number(&lease))));
}

#[test]
fn after_a_crash_the_key_goes_with_its_lease() {
    let etcd = Etcd::start();
    let watch = follow(&etcd);
    let (mut srvd, _) = joined(&etcd.url(), &["--ttl", "2s"]);
    let before = std::time::Instant::now();
    srvd.kill9();
    let (gone, _) = watch.prints("DELETE");
    println!("kill -9: gone after {} ms of a lease of 2 s", ms(before, gone));
    assert!(ms(before, gone) < 10_000);
}

#[test]
fn a_restart_after_a_crash_takes_over_without_a_gap() {
    let etcd = Etcd::start();
    let (mut crashed, old) = joined(&etcd.url(), &["--ttl", "4s"]);
    let watch = follow(&etcd);
    crashed.kill9();
    let restarted = join(&etcd.url(), &["--ttl", "4s"]);
    restarted.logs(&format!("held by lease {old}"));
    let new = lease_in(&restarted.prints("registered web").1);
    assert_ne!(old, new);
    // The old lease ends, and the key is not its any more.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(watch.out().count("DELETE"), 0, "{:?}", watch.out().all());
    assert_eq!(held(&etcd, KEY), Some((VALUE.to_owned(), number(&new))));
}

#[test]
fn a_signal_while_waiting_for_etcd_is_obeyed() {
    let mut srvd = join("http://127.0.0.1:1", &[]);
    srvd.logs("still trying");
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
}

#[test]
fn a_running_join_is_small() {
    let etcd = Etcd::start();
    let (srvd, _) = joined(&etcd.url(), &["--heartbeat", "100ms"]);
    let status = || std::fs::read_to_string(format!("/proc/{}/status", srvd.pid())).unwrap();
    // Some heartbeats, so that all of its life is in there.
    std::thread::sleep(Duration::from_secs(2));
    let text = status();
    let resident = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim();
    println!("a running join has {resident} resident");
    let kib: u64 = resident.split(' ').next().unwrap().parse().unwrap();
    assert!(cfg!(debug_assertions) || kib <= 10 * 1024, "{resident}");
}
