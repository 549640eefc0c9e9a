use std::io::{BufRead, BufReader};
use std::time::Duration;

use etcd_client::{Client, Txn, TxnOp};

use super::{Pending, Server};
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::load::Load;
use crate::support::runtime;

/// A value near the largest.
const VALUE_OCTETS: usize = 60_000;

/// Puts keys without a value, 100 in each transaction.
fn put_all(etcd: &Etcd, keys: &[String]) {
    runtime().block_on(async {
        let mut client = Client::connect([etcd.url()], None).await.unwrap();
        for some in keys.chunks(100) {
            let puts: Vec<_> = some.iter().map(|key| TxnOp::put(&**key, "", None)).collect();
            client.txn(Txn::new().and_then(puts)).await.unwrap();
        }
    });
}

#[test]
fn waits_for_what_was_take_little_memory() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let form = format!("value={}", "x".repeat(VALUE_OCTETS));
    let first = server.put("/services/web/1", &form).modified();
    (0..300).for_each(|_| assert_eq!(server.put("/services/web/1", &form).status, 200));
    let before = Load::of(server.process.pid()).resident;
    let path = format!("/services?wait=true&waitIndex={first}");
    let mut waits: Vec<_> = (0..20).map(|_| server.wait(&path)).collect();
    let mut most = before;
    for _ in 0..60 {
        most = most.max(Load::of(server.process.pid()).resident);
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("from {before} to {most} KiB");
    assert!(most < before + 150_000, "from {before} to {most} KiB");
    assert!(waits.iter_mut().all(|wait| wait.0.set_nonblocking(true).is_ok()));
    server.delete("/services/web?recursive=true");
    assert_eq!(server.put("/services/web/2", "value=b").status, 201);
}

#[test]
fn many_replays_of_one_client_are_all_told() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let first = server.put("/services/web/1", "value=a").modified();
    (0..40).for_each(|_| drop(server.put("/services/web/2", "value=b")));
    let path = |key: &str| format!("/services/web/{key}?wait=true&waitIndex={first}");
    let waits: Vec<_> = (0..20).map(|_| server.wait(&path("1"))).collect();
    let quiet: Vec<_> = (0..4).map(|_| server.wait(&path("3"))).collect();
    let late: Vec<_> = (0..4).map(|_| server.wait(&path("1"))).collect();
    for wait in waits.into_iter().chain(late) {
        assert_eq!(wait.reply().modified(), first);
    }
    server.put("/services/web/3", "value=c");
    for wait in quiet {
        assert_eq!(wait.reply().json()["node"]["value"], "c");
    }
}

#[test]
fn leases_are_asked_after_once_for_all_waits() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let all = "/services?wait=true&recursive=true&stream=true";
    let wait = |number: usize| {
        server.wait(if number.is_multiple_of(2) { all } else { "/services/x?wait=true" })
    };
    let mut waits: Vec<_> = (0..30).map(wait).collect();
    assert!(waits.iter_mut().all(Pending::is_quiet));
    let granted = server.etcdctl(&["lease", "grant", "600"]);
    let lease = granted.split(' ').nth(1).unwrap();
    let before = etcd.calls("LeaseTimeToLive");
    for number in 0..10 {
        let key = format!("/services/web/{number}");
        server.etcdctl(&["put", &key, "10.0.0.1:80", "--lease", lease]);
    }
    assert!(waits.iter_mut().step_by(2).all(|wait| !wait.is_quiet()));
    let asked = etcd.calls("LeaseTimeToLive") - before;
    assert!((1..=10).contains(&asked), "{asked}");
}

#[test]
fn a_revision_of_many_keys_is_told_in_parts() {
    const KEYS: usize = 10_500;
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let keys: Vec<_> = (0..KEYS).map(|number| format!("/services/many/{number:05}")).collect();
    put_all(&etcd, &keys);
    let mut stream = server.wait("/services?wait=true&recursive=true&stream=true");
    assert!(eventually(|| stream.is_quiet()));
    server.etcdctl(&["del", "--prefix", "/services/many/"]);
    server.put("/services/after/1", "value=a");
    let lines = BufReader::new(stream.0).lines().map(Result::unwrap);
    let told: Vec<_> = lines.take_while(|line| !line.contains("/services/after/1")).collect();
    let deleted = told.iter().filter(|line| line.contains("\"action\":\"delete\""));
    assert_eq!(deleted.count(), KEYS);
}
