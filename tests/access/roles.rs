//! A read-only role is enough for `serve`, a write role for `join`.

use std::process::Command;

use super::{Desk, Served, enable_auth, join, joined, put};
use crate::support::certificates::Authority;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::secure::SecureEtcd;
use crate::support::srvd::{Srvd, run};

/// A real etcd with the users of [`enable_auth`].
fn guarded() -> Etcd {
    let etcd = Etcd::start();
    enable_auth(&etcd);
    etcd
}

/// Runs a command with a user. Gives its exit code and what it printed.
fn as_user(etcd: &Etcd, user: &[String], command: &[&str]) -> (Option<i32>, String) {
    let mut all = command.to_vec();
    all.extend(user.iter().map(String::as_str));
    let output = run(&etcd.url(), &all);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

#[test]
fn a_reader_serves_and_a_writer_joins() {
    let (etcd, desk) = (guarded(), Desk::new());
    put(&etcd, "1", "10.0.0.1:80");
    let served = Served::start(&etcd.url(), &desk.user("reader", "reader"));
    served.shows(&["10.0.0.1"]);
    let mut writer = joined(&etcd.url(), &desk.user("writer", "writer"));
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    writer.signal("TERM");
    assert_eq!(writer.exits(), 0, "{:?}", writer.log().all());
    served.shows(&["10.0.0.1"]);
    let log = served.process.log();
    assert_eq!(log.count("WARN"), 0, "{:#?}", log.all());
    let reader = desk.user("reader", "reader");
    let (code, text) = as_user(&etcd, &reader, &["lookup", "web", "--output", "address"]);
    assert_eq!((code, text.trim()), (Some(0), "10.0.0.1:80"));
    let (code, text) = as_user(&etcd, &reader, &["leave", "web", "--id", "1"]);
    assert!(code == Some(1) && text.contains("may not write `/services/`"), "{code:?} {text}");
    let writer = desk.user("writer", "writer");
    let (code, text) = as_user(&etcd, &writer, &["leave", "web", "--id", "1"]);
    assert_eq!(code, Some(0), "{text}");
    served.shows(&[]);
}

#[test]
fn old_clients_of_a_reader_read_and_are_told_what_is_missing() {
    let (etcd, desk) = (guarded(), Desk::new());
    put(&etcd, "1", "10.0.0.1:80");
    let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--etcd-v2", "127.0.0.1:0"];
    let user = desk.user("reader", "reader");
    all.extend(user.iter().map(String::as_str));
    let server = Srvd::start(&etcd.url(), &all);
    let line = server.prints("answering etcd's v2 API on ").1;
    let at = line.rsplit(' ').next().unwrap();
    let curl = |arguments: &[&str]| {
        let key = format!("http://{at}/v2/keys/services/web/1");
        let mut command = Command::new("curl");
        command.args(["-s", "-w", " %{http_code}", &key]).args(arguments);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let read = curl(&[]);
    assert!(read.contains("\"value\":\"10.0.0.1:80\"") && read.ends_with(" 200"), "{read}");
    for write in [&["-XPUT", "-dvalue=x"][..], &["-XDELETE"]] {
        let told = curl(write);
        assert!(told.contains("\"errorCode\":110") && told.ends_with(" 403"), "{told}");
        assert!(told.contains("user `reader` may not write `/services/`; grant it"), "{told}");
    }
}

#[test]
fn a_reader_that_joins_is_told_what_is_missing() {
    let (etcd, desk) = (guarded(), Desk::new());
    let mut reader = join(&etcd.url(), &desk.user("reader", "reader"));
    reader.logs("user `reader` may not write `/services/`; grant it to a role of the user");
    assert_eq!(reader.exits(), 1);
    let mut wrong = join(&etcd.url(), &desk.user("writer", "wrong"));
    wrong.logs("no such user, or another password; check --user and --password-file");
    assert_eq!(wrong.exits(), 1);
    let mut nobody = join(&etcd.url(), &[]);
    nobody.logs("etcd requires a user, and none is given");
    assert_eq!(nobody.exits(), 1);
}

#[test]
fn a_server_that_is_refused_says_so_and_is_not_ready() {
    let (etcd, desk) = (guarded(), Desk::new());
    put(&etcd, "1", "10.0.0.1:80");
    let served = Served::start(&etcd.url(), &desk.user("reader", "wrong"));
    served.process.logs("no such user, or another password; check --user and --password-file");
    let text = served.dig(&["A", "web.services.internal"]);
    assert!(text.contains("SERVFAIL") && text.contains("EDE: 14 (Not Ready)"), "{text}");
    // The right password is taken without a restart.
    desk.user("reader", "reader");
    served.shows(&["10.0.0.1"]);
    assert_eq!(served.process.log().count("no such user"), 1);
}

#[test]
fn the_name_in_a_client_certificate_is_a_user() {
    let (authority, desk) = (Authority::new("ours"), Desk::new());
    let etcd = SecureEtcd::start_with(&authority.server(), &[&authority], &[]);
    enable_auth(&etcd.process);
    put(&etcd.process, "1", "10.0.0.1:80");
    let mut reader = desk.ca(&authority);
    reader.extend(desk.identity(&authority.client("reader")));
    Served::start(&etcd.url(), &reader).shows(&["10.0.0.1"]);
    let mut refused = join(&etcd.url(), &reader);
    refused.logs("who has no --user may not write `/services/`");
    assert_eq!(refused.exits(), 1);
    let desk = Desk::new();
    let mut writer = desk.ca(&authority);
    writer.extend(desk.identity(&authority.client("writer")));
    let process = joined(&etcd.url(), &writer);
    let is_there =
        || etcd.process.etcdctl(&["--user", "root:root", "get", "--prefix", "/services/web/10"]);
    assert!(eventually(|| !is_there().stdout.is_empty()), "{:?}", process.log().all());
}
