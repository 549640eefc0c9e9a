//! Commands that ask a running server: what they print without etcd, and through breaks.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json as object};

use super::ready;
use crate::serve::writer::Writer;
use crate::support::certificates::Authority;
use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, plain};
use crate::support::{eventually, free_addr};

/// What a command prints, and its exit code.
fn asked(arguments: &[&str]) -> (i32, String) {
    let output: Output = plain(arguments).output().unwrap();
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// The same as JSON.
fn asked_json(arguments: &[&str]) -> Value {
    let (code, text) = asked(arguments);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_server_is_looked_up_and_explained_without_etcd() {
    let mut etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", r#"{"host":"10.0.0.1:80","priority":1,"tags":["a","b"]}"#);
    writer.put("/services/web/2", r#"{"host":"10.0.0.2:80","priority":2,"version":"v2"}"#);
    writer.put("/services/db/1", r#"{"hostname":"db.example.com"}"#);
    let (_serving, at) = ready(&etcd.url(), &[]);
    let server = format!("http://{at}");
    let etcd_url = etcd.url();
    let ways = [["--registry", &etcd_url], ["--server", &server]];
    let commands: [&[&str]; 5] = [
        &["lookup", "web", "--output", "address"],
        &["lookup", "web", "--output", "json"],
        &["lookup", "WEB", "--zone", "Services.internal."],
        &["explain", "web.services.internal", "a", "--output", "table"],
        &["explain", "nobody.services.internal", "--output", "table"],
    ];
    let before = commands.map(|it| asked(&[it, &ways[0]].concat()));
    etcd.kill9();
    // An answer has its addresses in an order of their own.
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    for (command, (code, text)) in commands.iter().zip(before) {
        let now = asked(&[command, &ways[1][..]].concat());
        let since = |text: &str| match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(mut it)) => {
                it.retain(|key, _| !key.starts_with("since") && key != "leased");
                vec![Value::Object(it).to_string()]
            }
            _ => sorted(text),
        };
        assert_eq!((now.0, since(&now.1)), (code, since(&text)), "{command:?}");
    }
    let (code, table) = asked(&["lookup", "web", "--output", "table", "--server", &server]);
    let rows: Vec<Vec<_>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(code, 0, "{table}");
    assert_eq!(rows[0][6..], ["TAGS", "LEASE", "ZONE", "KEY"]);
    assert_eq!(
        rows[1][4..],
        ["1", "–", "a,b", "stays", "until", "deleted", "services.internal", "/services/web/1"]
    );
    for (arguments, code, said) in [
        (&["lookup", "wbe"][..], 3, "no instance of `wbe` is registered; there is `web`"),
        (&["lookup", "db"], 3, "no instance of `db` has a port"),
        (&["lookup", "web", "--zone", "nowhere"], 3, "there is no zone nowhere"),
        (&["explain", "a..b"], 2, "a..b"),
    ] {
        let (exit, text) = asked(&[arguments, &["--server", &server]].concat());
        assert!(exit == code && text.contains(said), "{arguments:?}: {exit} {text}");
    }
    let (code, text) = asked(&["watch", "--zone", "nowhere", "--server", &server]);
    assert!(code == 3 && text.contains("there is no zone"), "{code} {text}");
    let nobody = format!("http://{}", free_addr());
    for command in [&["lookup", "web"][..], &["watch"], &["explain", "a"]] {
        let (code, text) = asked(&[command, &["--server", &nobody]].concat());
        assert!(code == 4 && text.contains("cannot be reached"), "{command:?}: {code} {text}");
    }
}

#[test]
fn a_certificate_may_be_of_an_authority_that_is_named() {
    let (authority, directory) = (Authority::new("ours"), tempfile::tempdir().unwrap());
    let pair = authority.server();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ca, cert) = (write("ca", &authority.pem), write("cert", &pair.certificate));
    let key = write("key", &pair.key);
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let (url, at) = (etcd.url(), free_addr().to_string());
    let arguments = ["serve", "--registry", &url, "--listen", "127.0.0.1:0", "--http", &at];
    let tls = ["--http-cert", &cert, "--http-key", &key];
    let _serving = Srvd::spawn(&mut plain(&[&arguments[..], &tls].concat()));
    let server = format!("https://{at}");
    let look = |more: &[&str]| {
        asked(&[&["lookup", "web", "--output", "address", "--server", &server], more].concat())
    };
    let found = || look(&["--ca", &ca]);
    assert!(eventually(|| found() == (0, "10.0.0.1:80\n".to_owned())), "{:?}", found());
    let (code, text) = look(&[]);
    assert!(code == 4 && text.contains("certificate"), "{text}");
    let (code, text) = asked(&["status", "--server", &server, "--ca", &ca]);
    assert!(code == 0 && text.contains("services.internal"), "{text}");
    let (code, text) = look(&["--ca", &key]);
    assert!(code == 2 && text.contains("has no certificate in it"), "{text}");
}

/// The events that a watch printed, in short.
fn events(process: &Srvd) -> Vec<String> {
    let brief = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        let part = |value: &Value| value.as_str().unwrap().to_owned();
        format!("{} {}", part(&event["event"]), part(&event["instance"]["key"]))
    };
    process.out().all().iter().map(brief).collect()
}

#[test]
fn a_watch_goes_on_where_it_was_when_its_server_begins_anew() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    for id in ["1", "2", "3"] {
        writer.put(format!("/services/web/{id}"), format!("10.0.0.{id}:80"));
    }
    writer.put("/services/db/1", "10.0.1.1:80");
    let at = free_addr().to_string();
    let arguments = ["serve", "--registry", &etcd.url(), "--listen", "127.0.0.1:0", "--http", &at];
    let arguments: [String; 7] = arguments.map(str::to_owned);
    let serve = || Srvd::spawn(&mut plain(&arguments.each_ref().map(String::as_str)));
    let mut serving = serve();
    serving.prints("answering HTTP on ");
    let server = format!("http://{at}");
    assert!(eventually(|| asked(&["status", "--server", &server]).0 == 0));
    let watch = Srvd::spawn(&mut plain(&["watch", "web", "--server", &server]));
    assert!(eventually(|| events(&watch).len() == 3), "{:?}", watch.log().all());
    writer.put("/services/web/4", "10.0.0.4:80");
    watch.prints("10.0.0.4:80");
    serving.kill9();
    watch.logs("is gone");
    writer.delete("/services/web/1");
    writer.put("/services/web/2", "10.0.0.22:80");
    // Another process knows nothing of what was before, and tells everything.
    serving = serve();
    serving.prints("answering HTTP on ");
    watch.logs("answers again");
    writer.put("/services/web/5", "10.0.0.5:80");
    watch.prints("10.0.0.5:80");
    writer.put("/services/db/2", "10.0.1.2:80");
    let mut all = events(&watch);
    all[4..6].sort_unstable();
    let expected = ["online /services/web/4", "changed /services/web/2", "offline /services/web/1"];
    assert_eq!(all[3..6], expected, "{all:?}");
    assert_eq!(all[6..], ["online /services/web/5"], "{all:?}");
    let first: Value = serde_json::from_str(&watch.out().all()[0]).unwrap();
    let object = object!({ "event": "online", "instance": first["instance"], "revision": first["revision"] });
    assert_eq!(first, object, "the same object as etcd's");
}

#[test]
fn what_is_printed_of_a_server_is_json_in_every_form() {
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let (_serving, at) = ready(&etcd.url(), &[]);
    let server = format!("http://{at}");
    let services = asked_json(&["list", "--server", &server]);
    let service = object!({ "name": "web", "instances": 1, "zone": "services.internal" });
    assert_eq!(services, object!([service]));
    let watch = Srvd::spawn(&mut plain(&["watch", "--output", "table", "--server", &server]));
    watch.prints("10.0.0.1:80");
    let line = watch.out().all().remove(0);
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["online", "web", "1", "10.0.0.1:80"]);
}

/// A server that has too much to do so many times, then has an instance. Gives where it is, and how
/// often it was asked.
fn busy(times: usize) -> (String, Arc<AtomicUsize>) {
    let (listener, asked) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::<AtomicUsize>::default());
    let (url, count) = (format!("http://{}", listener.local_addr().unwrap()), Arc::clone(&asked));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            _ = stream.read(&mut [0; 4096]);
            let (status, body) = match count.fetch_add(1, Ordering::Relaxed) < times {
                true => {
                    ("503 Later\r\nRetry-After: 0", r#"{"code":"UNAVAILABLE","message":"busy"}"#)
                }
                false => ("200 Fine", r#"{"instances":[{"hostname":"10.0.0.1","port":80}]}"#),
            };
            let length = body.len();
            _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        }
    });
    (url, asked)
}

#[test]
fn a_server_that_has_too_much_to_do_is_asked_again_and_not_for_ever() {
    let (url, asked_of) = busy(3);
    let (code, text) = asked(&["list", "web", "--server", &url, "--output", "json"]);
    assert_eq!((code, asked_of.load(Ordering::Relaxed)), (0, 4), "{text}");
    let (url, asked_of) = busy(usize::MAX);
    let (code, text) = asked(&["list", "web", "--server", &url]);
    assert_eq!((code, asked_of.load(Ordering::Relaxed)), (1, 6), "{text}");
    assert!(text.contains("503") && text.contains("busy"), "{text}");
}
