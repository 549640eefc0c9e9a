//! `srvd leave`.

use std::process::Output;

use super::{KEY, comes_back, ctl, grant, held, joined, number};
use crate::support::etcd::Etcd;
use crate::support::srvd::run;

/// Runs `leave` with these arguments.
fn leave(etcd: &Etcd, args: &[&str]) -> Output {
    run(&etcd.url(), &[&["leave"], args].concat())
}

/// What a process wrote to its standard output and error.
fn texts(output: Output) -> (String, String) {
    let text = |octets| String::from_utf8(octets).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn one_id() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", "/services/web/a", "10.0.0.1:1"]);
    ctl(&etcd, &["put", "/services/web/b", "10.0.0.1:2"]);
    let output = leave(&etcd, &["web", "--id", "a"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(texts(output), ("removed /services/web/a\n".to_owned(), String::new()));
    assert!(held(&etcd, "/services/web/b").is_some());
    let again = leave(&etcd, &["web", "--id", "a"]);
    assert_eq!(again.status.code(), Some(3));
    assert!(texts(again).1.contains("there is no instance a of web"));
}

#[test]
fn all_of_this_host_or_of_another() {
    let etcd = Etcd::start();
    for (id, hostname) in [("a", "127.0.0.1"), ("b", "127.0.0.1"), ("c", "10.9.9.9")] {
        let value = format!(r#"{{"hostname":"{hostname}","port":1}}"#);
        ctl(&etcd, &["put", &format!("/services/web/{id}"), &value]);
    }
    ctl(&etcd, &["put", "/services/web/other", "127.0.0.1:80"]);
    ctl(&etcd, &["put", "/services/web2/a", r#"{"hostname":"127.0.0.1","port":1}"#]);
    let here = leave(&etcd, &["web"]);
    assert_eq!(texts(here).0, "removed /services/web/a\nremoved /services/web/b\n");
    assert_eq!(leave(&etcd, &["web"]).status.code(), Some(3));
    let there = leave(&etcd, &["web", "--host", "10.9.9.9"]);
    assert_eq!(texts(there).0, "removed /services/web/c\n");
    assert!(held(&etcd, "/services/web/other").is_some(), "it says no hostname");
    assert!(held(&etcd, "/services/web2/a").is_some());
}

#[test]
fn a_lease_is_revoked_only_with_its_last_key() {
    let etcd = Etcd::start();
    let lease = grant(&etcd, 60);
    for id in ["a", "b"] {
        ctl(&etcd, &["put", "--lease", &lease, &format!("/services/web/{id}"), "10.0.0.1:1"]);
    }
    let first = leave(&etcd, &["web", "--id", "a"]);
    assert!(texts(first).1.contains("if the program that registered"));
    assert_eq!(held(&etcd, "/services/web/b").unwrap().1, number(&lease));
    leave(&etcd, &["web", "--id", "b"]);
    assert_eq!(ctl(&etcd, &["lease", "list"]).lines().count(), 1, "only the heading");
}

#[test]
fn a_join_that_still_runs_registers_again() {
    let etcd = Etcd::start();
    let (srvd, lease) = joined(&etcd.url(), &[]);
    let output = leave(&etcd, &["web", "--host", "10.1.2.3"]);
    let (out, err) = texts(output);
    assert_eq!(out, format!("removed {KEY}\n"));
    assert!(err.contains("it will register again"), "{err}");
    srvd.logs("registered again");
    comes_back(&etcd, number(&lease));
}

#[test]
fn what_list_shows_can_be_removed() {
    let etcd = Etcd::start();
    for key in ["col_x/1", "COL-x/2", "col-x/3", "col_y/1"] {
        let value = r#"{"hostname":"10.0.0.1","port":1}"#;
        ctl(&etcd, &["put", &format!("/services/{key}"), value]);
    }
    let listed = run(&etcd.url(), &["list", "col_x", "--output", "json"]);
    assert!(texts(listed).0.contains(r#""key":"/services/col_x/1""#));
    let one = leave(&etcd, &["col_x", "--id", "1"]);
    assert_eq!(texts(one).0, "removed /services/col_x/1\n");
    let rest = leave(&etcd, &["Col.X", "--host", "10.0.0.1"]);
    assert_eq!(texts(rest).0, "removed /services/COL-x/2\nremoved /services/col-x/3\n");
    assert!(held(&etcd, "/services/col_y/1").is_some());
}

#[test]
fn an_id_as_it_is_written_goes_before_its_label_form() {
    let etcd = Etcd::start();
    for id in ["a_b", "a-b"] {
        ctl(&etcd, &["put", &format!("/services/web/{id}"), "10.0.0.1:1"]);
    }
    let exact = leave(&etcd, &["web", "--id", "a_b"]);
    assert_eq!(texts(exact).0, "removed /services/web/a_b\n");
    let by_label = leave(&etcd, &["web", "--id", "A.B"]);
    assert_eq!(texts(by_label).0, "removed /services/web/a-b\n");
}

#[test]
fn no_name_or_too_long_a_name_removes_nothing() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", "/services/web/a", r#"{"hostname":"127.0.0.1","port":1}"#]);
    let long = "n".repeat(63);
    for (args, message) in [
        (&[""][..], "NAME is empty"),
        (&["", "--id", "a"], "NAME is empty"),
        (&[&long], "NAME has 63 octets, at most 62"),
    ] {
        let output = leave(&etcd, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(texts(output).1.contains(message), "{args:?}");
    }
    assert!(held(&etcd, "/services/web/a").is_some());
}

#[test]
fn etcd_away_is_exit_4_and_wrong_usage_2() {
    let away = run("http://127.0.0.1:1", &["leave", "web"]);
    assert_eq!(away.status.code(), Some(4), "{away:?}");
    let wrong = run("http://127.0.0.1:1", &["leave", "web", "--id", "a/b"]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}
