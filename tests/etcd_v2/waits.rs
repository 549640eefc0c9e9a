use std::time::Duration;

use super::{Reply, Server};
use crate::support::etcd::Etcd;
use crate::support::eventually;

/// The action and the key of an event, and its value before and after.
fn event(reply: &Reply) -> (String, String, String, String) {
    let event = reply.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let [node, previous] = ["node", "prevNode"].map(|it| event[it].clone());
    (text(&event["action"]), text(&node["key"]), text(&previous["value"]), text(&node["value"]))
}

/// The same as texts.
fn told(action: &str, key: &str, before: &str, after: &str) -> (String, String, String, String) {
    (action.to_owned(), key.to_owned(), before.to_owned(), after.to_owned())
}

#[test]
fn a_wait_ends_with_the_next_change() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let mut one = server.wait("/services/web/1?wait=true");
    let mut all = server.wait("/services?wait=true&recursive=true");
    assert!(one.is_quiet() && all.is_quiet());
    // Neither another key, nor a hidden one, nor a key that only begins like it.
    server.put("/services/_web/1", "value=1");
    server.put("/services/web/_1", "value=1");
    server.etcdctl(&["put", "/servicesx", "1"]);
    assert!(one.is_quiet() && all.is_quiet());
    server.put("/services/web/1", "value=a");
    assert_eq!(event(&one.reply()), told("set", "/services/web/1", "", "a"));
    assert_eq!(event(&all.reply()), told("set", "/services/web/1", "", "a"));
}

#[test]
fn a_wait_above_the_zones_tells_nothing_of_what_lies_between() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let config = directory.path().join("srvd.toml");
    let zones = "[[zone]]\nname = \"services.internal\"\n[[zone]]\nname = \"b\"\nprefix = \"/a\"\n";
    std::fs::write(&config, zones).unwrap();
    let server = Server::start(&etcd, &["--config", config.to_str().unwrap()]);
    let first = server.put("/a/web/1", "value=a").modified();
    server.etcdctl(&["put", "/m/secret", "hunter1"]);
    let paths = ["/?wait=true".to_owned(), format!("/?wait=true&waitIndex={}", first + 1)];
    let mut waits = paths.map(|path| server.wait(&format!("{path}&recursive=true&stream=true")));
    assert!(waits.iter_mut().all(super::Pending::is_quiet));
    server.etcdctl(&["put", "/m/secret", "hunter2"]);
    server.etcdctl(&["del", "/m/secret"]);
    server.etcdctl(&["put", "/services/web/1", "b"]);
    std::thread::sleep(Duration::from_millis(300));
    crate::support::signal(server.process.pid(), "TERM");
    for wait in waits {
        assert_eq!(event(&wait.reply()), told("set", "/services/web/1", "", "b"));
    }
}

#[test]
fn a_wait_with_an_index_misses_nothing_and_says_what_is_forgotten() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let first = server.put("/services/web/1", "value=a").modified();
    let second = server.put("/services/web/1", "value=b&prevExist=true").modified();
    server.delete("/services/web/1");
    let at = |index: u64| {
        event(&server.wait(&format!("/services/web/1?wait=true&waitIndex={index}")).reply())
    };
    assert_eq!(at(1), told("set", "/services/web/1", "", "a"));
    assert_eq!(at(first + 1), told("update", "/services/web/1", "a", "b"));
    assert_eq!(at(second + 1), told("delete", "/services/web/1", "b", ""));
    // A server that did not do it itself says what keys and values show.
    let other = Server::start(&etcd, &[]);
    let reply = other.wait(&format!("/services/web/1?wait=true&waitIndex={}", first + 1)).reply();
    assert_eq!(event(&reply), told("set", "/services/web/1", "a", "b"));

    let mut future = server.wait(&format!("/services/web/1?wait=true&waitIndex={}", second + 50));
    assert!(future.is_quiet());
    drop(future);
    server.etcdctl(&["compact", &second.to_string()]);
    let reply = server.wait("/services/web/1?wait=true&waitIndex=2").reply();
    assert_eq!(reply.fault(), (400, 401), "{reply:?}");
    let cause = format!("the requested history has been cleared [{second}/2]");
    assert_eq!(reply.json()["cause"], cause);
    assert_eq!(at(second + 1), told("delete", "/services/web/1", "b", ""));
}

#[test]
fn a_stream_tells_everything() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let mut stream = server.wait("/services?wait=true&recursive=true&stream=true");
    assert!(stream.is_quiet());
    server.put("/services/web/1", "value=a&ttl=2");
    server.put("/services/web/1", "ttl=2&refresh=true&prevExist=true");
    server.put("/services/web/1", "ttl=3&refresh=true&prevExist=true");
    server.etcdctl(&["put", "/services/web/2", "b"]);
    server.put("/services/web/2", "value=c&prevValue=b");
    assert!(eventually(|| server.get("/services/web/1").status == 404));
    server.put("/services/dir", "dir=true");
    server.put("/services/dir/x", "value=1");
    server.delete("/services/dir?recursive=true");
    server.etcdctl(&["del", "/services/web/2"]);
    std::thread::sleep(Duration::from_millis(300));
    let at = server.process.pid();
    crate::support::signal(at, "TERM");
    let reply = stream.reply();
    let one = |line: &str| {
        let line = Reply { text: line.to_owned(), ..reply.clone() };
        let (action, key, ..) = event(&line);
        format!("{action} {key}")
    };
    let events: Vec<_> = reply.text.lines().map(one).collect();
    assert_eq!(
        events,
        [
            "set /services/web/1",
            "set /services/web/2",
            "compareAndSwap /services/web/2",
            "expire /services/web/1",
            "set /services/dir",
            "set /services/dir/x",
            "delete /services/dir",
            "delete /services/web/2",
        ]
    );
}

#[test]
fn a_directory_that_expires_is_one_event_of_all_in_it() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.put("/services/web", "dir=true&ttl=1");
    server.put("/services/web/1", "value=a");
    let one = server.wait("/services/web/1?wait=true");
    let all = server.wait("/services?wait=true&recursive=true");
    assert_eq!(event(&all.reply()), told("expire", "/services/web", "", ""));
    let one = event(&one.reply());
    assert_eq!(one.0, "expire");
}

#[test]
fn a_wait_outlives_the_members_it_watches() {
    let mut etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let mut wait = server.wait("/services/web/1?wait=true");
    assert!(wait.is_quiet());
    etcd.kill9();
    etcd.restart();
    server.etcdctl(&["put", "/services/web/1", "a"]);
    assert_eq!(event(&wait.reply()), told("set", "/services/web/1", "", "a"));
}

#[test]
fn so_many_may_wait() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let waits: Vec<_> = (0..300).map(|_| server.wait("/services/web/1?wait=true")).collect();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.get("/services/web/1").status, 404, "others are still answered");
    server.put("/services/web/1", "value=a");
    let statuses: Vec<_> = waits.into_iter().map(|it| it.reply().status).collect();
    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((count(200), count(503)), (256, 44));
}
