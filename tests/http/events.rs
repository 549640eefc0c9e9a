//! What changes is told as it does.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use super::stream::{Client, Stream};
use super::{get, json, ready, says, serve};
use crate::serve::writer::Writer;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::run;

/// Puts a key.
fn put(etcd: &Etcd, key: &str, value: &str) {
    assert!(etcd.etcdctl(&["put", key, value]).status.success());
}

#[test]
fn it_begins_with_what_is_there_and_goes_on_with_what_comes() {
    let etcd = Etcd::start();
    put(&etcd, "/services/web/1", "10.0.0.1:80");
    let (_serving, at) = ready(&etcd.url(), &[]);
    let mut stream = Stream::open(at, "", None);
    assert!(stream.status.contains(" 200 "), "{}", stream.status);
    let head = stream.head.to_ascii_lowercase();
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    assert!(head.contains("cache-control: no-store\r\n"), "{head}");
    let first = stream.event();
    assert_eq!((first.name.as_str(), first.instance()), ("online", "1"));
    let revision = first.data["revision"].to_string();
    assert_eq!(first.id.as_deref(), Some(revision.as_str()));
    // What is told is what the commands print.
    let listed = run(&etcd.url(), &["list", "web", "--output", "json"]).stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    assert_eq!(listed, json!([first.data["instance"]]));

    put(&etcd, "/services/web/2", r#"{"host":"10.0.0.2:80","text":"<b>\u0001\" &\n</b>"}"#);
    let came = stream.event();
    assert_eq!((came.name.as_str(), came.instance()), ("online", "2"));
    assert_eq!(came.data["instance"]["text"], "<b>\u{1}\" &\n</b>");
    put(&etcd, "/services/web/2", "10.0.0.3:80");
    let changed = stream.event();
    assert_eq!((changed.name.as_str(), changed.instance()), ("changed", "2"));
    assert_eq!(changed.data["instance"]["host"], "10.0.0.3:80");
    etcd.etcdctl(&["del", "/services/web/1"]);
    let gone = stream.event();
    assert_eq!((gone.name.as_str(), gone.instance()), ("offline", "1"));
    assert!(gone.id > changed.id && changed.id > came.id && came.id > first.id);
}

#[test]
fn one_name_or_one_zone_is_followed_alone() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let config = directory.path().join("srvd.toml");
    let zones = [("a.test", "/a"), ("b.test", "/b")];
    let text =
        zones.map(|(name, prefix)| format!("[[zone]]\nname = \"{name}\"\nprefix = \"{prefix}\"\n"));
    let sky = "[[zone]]\nname = \"sky.test\"\nschema = \"skydns\"\n";
    std::fs::write(&config, text.concat() + sky).unwrap();
    let (_serving, at) = ready(&etcd.url(), &["--config", config.to_str().unwrap()]);
    let mut of_b = Stream::open(at, "?zone=B.test.", None);
    let mut of_web = Stream::open(at, "?name=WEB", None);
    for key in ["/a/db/1", "/a/web/2", "/b/web/3", "/b/db/4"] {
        put(&etcd, key, "10.0.0.1:80");
    }
    let of_b = [of_b.event(), of_b.event()];
    assert_eq!(of_b.each_ref().map(|it| it.instance()), ["3", "4"]);
    // One that is published with the next has no id of its own.
    let ids = of_b.iter().filter_map(|it| it.id.as_ref());
    assert!(of_b[1].id.is_some() && ids.clone().all(|id| !id.contains(',')), "{of_b:?}");
    // Zones are watched one by one: whose event comes first is nobody's promise.
    let mut of_web = [of_web.event(), of_web.event()];
    of_web.sort_by_key(|it| it.instance().to_owned());
    let zones = of_web.each_ref().map(|it| it.data["instance"]["zone"].as_str().unwrap());
    assert_eq!(
        (of_web.each_ref().map(|it| it.instance()), zones),
        (["2", "3"], ["a.test", "b.test"])
    );
    assert!(of_web.iter().all(|it| it.id.as_ref().unwrap().split(',').count() == 2), "{of_web:?}");
    let (code, refusal) = json(at, "/v1/events?zone=sky.test");
    assert_eq!((code, refusal["code"].as_str().unwrap()), (404, "NOT_FOUND"));
    let (code, refusal) = json(at, "/v1/events?zone=c.test");
    assert!(
        code == 404 && refusal["message"].as_str().unwrap().contains("a.test, b.test"),
        "{refusal}"
    );
}

#[test]
fn aliases_are_told_of() {
    let etcd = Etcd::start();
    put(&etcd, "/services/_backends/b", r#"{"resource":"Backend","app":"web","version":"1"}"#);
    let (_serving, at) = ready(&etcd.url(), &[]);
    let mut stream = Stream::open(at, "", None);
    let first = stream.event();
    let expected = json!({
        "zone": "services.internal", "name": "b", "key": "/services/_backends/b",
        "resource": "Backend", "app": "web", "version": "1",
    });
    assert_eq!((&first.data["alias"], &first.data["change"]), (&expected, &json!("online")));
    put(&etcd, "/services/_frontends/f", r#"{"resource":"Frontend","backend":"b"}"#);
    put(&etcd, "/services/_frontends/f", r#"{"resource":"Frontend"}"#);
    etcd.etcdctl(&["del", "/services/_frontends/f"]);
    let told = [stream.event(), stream.event(), stream.event()];
    let changes = told.each_ref().map(|it| it.data["change"].as_str().unwrap());
    assert_eq!(changes, ["online", "changed", "offline"]);
    assert_eq!(told.each_ref().map(|it| it.name.as_str()), ["alias"; 3]);
    assert_eq!(told[1].data["alias"].get("backend"), None);
}

#[test]
fn a_follower_from_before_the_first_list_misses_nothing() {
    let mut etcd = Etcd::start();
    put(&etcd, "/services/web/1", "10.0.0.1:80");
    etcd.stop();
    let (_serving, at) = serve(&etcd.url(), &["--hold-collapse", "0s"]);
    let (mut stream, mut client) = (Stream::open(at, "", None), Client::default());
    etcd.spawn();
    client.follow(&mut stream, "/services/web/1", true);
    put(&etcd, "/services/web/2", "10.0.0.2:80");
    client.follow(&mut stream, "/services/web/2", true);
    assert_eq!(client.known.len(), 2);
}

#[test]
fn followers_have_places_of_their_own_and_are_not_without_number() {
    let etcd = Etcd::start();
    let (_serving, at) = ready(&etcd.url(), &[]);
    let mut all: Vec<_> =
        (0..srvd::events::FOLLOWERS_MAX).map(|_| Stream::open(at, "", None)).collect();
    assert!(all.iter().all(|it| it.status.contains(" 200 ")));
    let (_, status) = json(at, "/v1/status");
    assert_eq!(status["followers"], all.len());
    let one_more = Stream::open(at, "", None);
    assert!(one_more.status.contains(" 503 "), "{}", one_more.status);
    assert!(one_more.head.to_ascii_lowercase().contains("retry-after: "), "{}", one_more.head);
    assert!(says(at, "/healthz", "200"), "followers take the places of probes");
    put(&etcd, "/services/web/1", "10.0.0.1:80");
    assert!(all.iter_mut().all(|it| it.event().instance() == "1"));
    drop(all);
    assert!(eventually(|| json(at, "/v1/status").1["followers"] == 0), "their places are not free");
}

#[test]
fn a_follower_ends_when_the_server_does() {
    let etcd = Etcd::start();
    let (mut serving, at) = ready(&etcd.url(), &[]);
    let mut stream = Stream::open(at, "", None);
    serving.signal("TERM");
    assert!(std::iter::from_fn(|| stream.next()).all(|it| it.name.is_empty()));
    assert_eq!(serving.exits(), 0);
}

/// What waits for a client that does not read is bounded, and its place is soon another's.
#[test]
fn a_follower_that_does_not_read_is_cut() {
    let etcd = Etcd::start();
    let text = "x".repeat(50_000);
    let value = format!(r#"{{"host":"10.0.0.1:80","text":"{text}"}}"#);
    let writer = Writer::new(&etcd.url());
    (0..400).for_each(|id| writer.put(format!("/services/web/{id}"), value.as_str()));
    let (_serving, at) = ready(&etcd.url(), &[]);
    let mut silent = TcpStream::connect(at).unwrap();
    silent.write_all(b"GET /v1/events HTTP/1.0\r\n\r\n").unwrap();
    assert!(eventually(|| json(at, "/v1/status").1["followers"] == 1));
    assert!(eventually(|| json(at, "/v1/status").1["followers"] == 0), "it keeps its place");
    let mut all = Vec::new();
    let _ = silent.read_to_end(&mut all);
    assert!(all.len() < 400 * 50_000, "all of it was kept for a client that did not read");
    assert!(get(at, "/healthz").0.contains("200"));
}
