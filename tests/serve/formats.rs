//! Every row of the contract's table of documents, from `etcdctl put` to `dig`.
//!
//! Keys and values are to the letter what each writer's library puts. One server reads them
//! all: a zone for each prefix, and two registries, of which one is read whole.

/// What the writers put, and what is answered.
mod rows;
/// Programs that write in a form of their own.
mod templates;
/// Those whose keys say more, and what is hostile.
mod writers;

use std::net::SocketAddr;

use self::rows::{MIXED, ODD, ROWS, Row, WHOLE, ZONES};
use super::process;
use super::server::dig;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::registry::Administered;
use crate::support::srvd::{Srvd, run};

/// Puts one key.
fn put(etcd: &Etcd, key: &str, value: &str) {
    let output = etcd.ctl(&["put", key, value]);
    assert!(output.status.success(), "{key}: {output:?}");
}

/// Puts what every writer writes.
fn put_rows(first: &Etcd, second: &Etcd) {
    for Row { zone, put: (key, value), .. } in &ROWS {
        put(if *zone == WHOLE { second } else { first }, key, value);
    }
    // What is not NAME/ID is none of the business of a zone that reads everything.
    put(second, "/deep/er/key", "10.9.9.9:1");
    put(second, "shallow", "10.9.9.9:1");
}

/// Starts a server of all zones.
fn serve(first: &Etcd, second: &Etcd) -> (Srvd, SocketAddr, tempfile::TempDir) {
    let mut file = format!("registry = {:?}\n", first.url());
    for (name, prefix) in ZONES {
        file += &format!("[[zone]]\nname = {name:?}\nprefix = {prefix:?}\n");
    }
    file += &format!("[[zone]]\nname = {WHOLE:?}\nregistry = {:?}\nprefix = \"\"\n", second.url());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    std::fs::write(&path, file).unwrap();
    let arguments = ["serve", "--config", path.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let process = process::start(&arguments);
    let at = process.answers_at();
    (process, at, directory)
}

/// Waits until `dig` prints exactly these answers, in any order.
fn expect(at: SocketAddr, question: &str, zone: &str, answers: &[&str]) {
    let question = question.replace('Z', zone);
    let spelt = |answer: &&str| answer.replace("Z.", &format!("{zone}."));
    let mut wanted: Vec<_> = answers.iter().map(spelt).collect();
    wanted.sort_unstable();
    let mut seen = Vec::new();
    let found = eventually(|| {
        let text = dig(at, &format!("+short {question}"));
        seen = text.lines().map(str::to_owned).collect();
        seen.sort_unstable();
        seen == wanted
    });
    assert!(found, "{question}: {wanted:#?}, not {seen:#?}");
}

/// Asks everything that the rows say.
fn ask_rows(at: SocketAddr) {
    for Row { zone, asked, .. } in &ROWS {
        for (question, answers) in *asked {
            expect(at, question, zone, answers);
        }
    }
}

/// Waits until a name's answer has a code.
fn expect_code(at: SocketAddr, question: &str, code: &str) {
    let mut text = String::new();
    let found = eventually(|| {
        text = dig(at, &format!("+noall +comments {question}"));
        text.contains(&format!("status: {code},"))
    });
    assert!(found, "{question}: {text}");
}

#[test]
fn every_writer_in_the_first_list() {
    let (first, second) = (Etcd::start(), Etcd::start());
    put_rows(&first, &second);
    let (process, at, _directory) = serve(&first, &second);
    ask_rows(at);
    expect_code(at, "SRV _gone._tcp.targets.test", "NXDOMAIN");
    expect_code(at, "SRV _echo._tcp.whole.test", "NOERROR");
    assert_eq!(process.log().count("not served"), 0, "{:#?}", process.log().all());
}

#[test]
fn every_writer_as_it_registers_and_leaves() {
    let (first, second) = (Etcd::start(), Etcd::start());
    let (process, at, _directory) = serve(&first, &second);
    expect_code(at, "SOA services.internal", "NOERROR");
    expect_code(at, "SOA whole.test", "NOERROR");
    put_rows(&first, &second);
    ask_rows(at);
    for etcd in [&first, &second] {
        assert!(etcd.ctl(&["del", "--from-key", ""]).status.success());
    }
    for Row { zone, asked, .. } in &ROWS {
        let (question, _) = asked[0];
        expect_code(at, &question.replace('Z', zone), "NXDOMAIN");
    }
    for name in ["_grpc._tcp.helloworld", "10-4-0-2.two-faces", "host-1.two-faces"] {
        expect_code(at, &format!("ANY {name}.kratos.test"), "NXDOMAIN");
    }
    assert_eq!(process.log().count("not served"), 0, "{:#?}", process.log().all());
}

#[test]
fn formats_side_by_side_under_one_prefix() {
    let etcd = Etcd::start();
    for (id, value) in MIXED {
        put(&etcd, &format!("/services/mixed/{id}"), value);
    }
    let (process, at) = process::serve(&etcd.url(), &[]);
    let srv: Vec<_> = (1..=8).map(|n| format!("0 1 {n} 10-0-0-{n}.mixed.Z.")).collect();
    let srv: Vec<_> = srv.iter().map(String::as_str).collect();
    let zone = "services.internal";
    expect(at, "SRV _mixed._tcp.Z", zone, &srv);
    expect(at, "SRV mixed.Z", zone, &srv);
    expect(at, "SRV _http._tcp.mixed.Z", zone, &[srv[1], srv[3]]);
    expect(at, "SRV _grpc._tcp.mixed.Z", zone, &["0 1 44 10-0-0-4.mixed.Z."]);
    let addresses: Vec<_> = (1..=8).map(|n| format!("10.0.0.{n}")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    expect(at, "A mixed.Z", zone, &addresses);

    // One instance changes its writer, one is said to be gone.
    put(&etcd, "/services/mixed/a", r#"{"endpoints":["ws://10.0.0.9:9","http://10.0.0.1:10"]}"#);
    expect(at, "SRV _ws._tcp.mixed.Z", zone, &["0 1 9 10-0-0-9.mixed.Z."]);
    put(&etcd, "/services/mixed/c", r#"{"Op":1,"Addr":"10.0.0.3:3","Metadata":null}"#);
    expect(at, "A c.mixed.Z", zone, &[]);
    expect_code(at, "A 10-0-0-3.mixed.services.internal", "NXDOMAIN");
    expect(at, "A a.mixed.Z", zone, &["10.0.0.1", "10.0.0.9"]);
    assert_eq!(process.log().count("not served"), 0, "{:#?}", process.log().all());

    let output = run(&etcd.url(), &["list", "mixed", "--output", "json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches(r#""endpoints":["ws://10.0.0.9:9","http://10.0.0.1:10"]"#).count(), 1);
    assert_eq!(text.matches(r#""endpoints""#).count(), 2, "{text}");
    assert!(!text.contains("10.0.0.3"), "{text}");
}

#[test]
fn odd_documents_are_named_and_harm_nobody() {
    let etcd = Etcd::start();
    for (id, value, _) in ODD {
        put(&etcd, &format!("/services/odd/{id}"), value);
    }
    put(&etcd, "/services/odd/good", "\u{feff}{\"address\":\"10.0.0.1:80\"}\n");
    let (process, at) = process::serve(&etcd.url(), &[]);
    expect(at, "SRV _odd._tcp.Z", "services.internal", &["0 10 80 10-0-0-1.odd.Z."]);
    for (id, _, reason) in ODD {
        let key = format!("key=/services/odd/{id}");
        process::wait_for_log(&process, &["WARN", "registration not served", &key, reason]);
    }
    assert_eq!(process.log().count("not served"), ODD.len());
    put(&etcd, "/services/odd/kratos", r#"{"endpoints":["http://10.0.0.2:1"]}"#);
    expect(at, "A odd.Z", "services.internal", &["10.0.0.1", "10.0.0.2"]);
}
