//! Tokens that expire, authentication turned on and off, roles and passwords taken away
//! and given back, all under a running `serve` and `join`.

use std::process::Stdio;
use std::time::Duration;

use srvd::etcd::{Access, Etcd as Client, Files};
use srvd::files::NamedFile;

use super::{Desk, Served, ctl, enable_auth, joined, owned, put, root};
use crate::support::etcd::{Etcd, etcdctl};
use crate::support::srvd::Srvd;
use crate::support::{eventually, runtime, soon};

/// An etcd whose tokens live two seconds unless they are used.
fn forgetful() -> Etcd {
    Etcd::start_with(&["--auth-token-ttl", "2"])
}

/// `join` as `writer`, with a short lease.
fn writer(etcd: &Etcd, desk: &Desk) -> Srvd {
    let mut arguments = owned(&["--ttl", "4s", "--heartbeat", "1s"]);
    arguments.extend(desk.user("writer", "writer"));
    joined(&etcd.url(), &arguments)
}

/// Gives a user another password.
fn set_password(etcd: &Etcd, user: &str, password: &str) {
    let arguments = ["--user", "root:root", "user", "passwd", user, "--interactive=false"];
    let mut passwd = Srvd::spawn(etcdctl(&etcd.url(), &arguments).stdin(Stdio::piped()));
    passwd.writes(&format!("{password}\n"));
    assert_eq!(passwd.exits(), 0, "{:?}", passwd.log().all());
}

/// Whether the registration of `join` is in etcd.
fn is_registered(etcd: &Etcd) -> bool {
    let get = ["--user", "root:root", "get", "/services/web/10-1-2-3-8080"];
    !etcd.etcdctl(&get).stdout.is_empty()
}

#[test]
fn an_expired_token_costs_neither_the_watch_nor_the_lease() {
    let (mut etcd, desk) = (forgetful(), Desk::new());
    enable_auth(&etcd);
    let served = Served::start(&etcd.url(), &desk.user("reader", "reader"));
    let join = writer(&etcd, &desk);
    served.shows(&["10.1.2.3"]);
    // Longer than a token lives unused; the watch uses none meanwhile.
    std::thread::sleep(Duration::from_secs(5));
    put(&etcd, "1", "10.0.0.1:80");
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    // The watch has to be opened anew, and etcd knows no token of before.
    etcd.restart();
    put(&etcd, "2", "10.0.0.2:80");
    served.shows(&["10.0.0.1", "10.0.0.2", "10.1.2.3"]);
    assert!(is_registered(&etcd));
    assert_eq!(join.log().count("refuses"), 0, "{:#?}", join.log().all());
    let log = served.process.log();
    assert_eq!(log.count("refuses"), 0, "{:#?}", log.all());
}

#[test]
fn authentication_is_turned_on_and_off() {
    let (etcd, desk) = (forgetful(), Desk::new());
    ctl(&etcd, &["put", "/services/web/1", "10.0.0.1:80"]);
    let served = Served::start(&etcd.url(), &desk.user("reader", "reader"));
    let join = writer(&etcd, &desk);
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    enable_auth(&etcd);
    put(&etcd, "1", "10.0.0.3:80");
    served.shows(&["10.0.0.3", "10.1.2.3"]);
    let beats = etcd.messages("LeaseKeepAlive");
    assert!(eventually(|| etcd.messages("LeaseKeepAlive") > beats + 4));
    assert!(is_registered(&etcd));
    root(&etcd, &["auth", "disable"]);
    ctl(&etcd, &["put", "/services/web/1", "10.0.0.4:80"]);
    served.shows(&["10.0.0.4", "10.1.2.3"]);
    let beats = etcd.messages("LeaseKeepAlive");
    assert!(eventually(|| etcd.messages("LeaseKeepAlive") > beats + 4));
    served.shows(&["10.0.0.4", "10.1.2.3"]);
    assert_eq!(join.log().count("lost"), 0, "{:#?}", join.log().all());
}

#[test]
fn a_role_is_taken_away_and_given_back() {
    let (mut etcd, desk) = (forgetful(), Desk::new());
    enable_auth(&etcd);
    put(&etcd, "1", "10.0.0.1:80");
    let served = Served::start(&etcd.url(), &desk.user("reader", "reader"));
    let join = writer(&etcd, &desk);
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    for user in ["reader", "writer"] {
        root(&etcd, &["user", "revoke-role", user, user]);
    }
    join.logs("still trying: the registry refuses: permission denied; user `writer` may not");
    // What was watched before goes on; a watch opened anew is refused.
    etcd.restart();
    served.process.logs("the registry refuses: permission denied; user `reader` may not read");
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    root(&etcd, &["del", "/services/web/10-1-2-3-8080"]);
    for user in ["reader", "writer"] {
        root(&etcd, &["user", "grant-role", user, user]);
    }
    put(&etcd, "2", "10.0.0.2:80");
    served.shows(&["10.0.0.1", "10.0.0.2", "10.1.2.3"]);
    assert!(eventually(|| is_registered(&etcd)), "{:#?}", join.log().all());
}

#[test]
fn a_password_is_changed_under_us() {
    let (mut etcd, desk) = (forgetful(), Desk::new());
    enable_auth(&etcd);
    put(&etcd, "1", "10.0.0.1:80");
    let served = Served::start(&etcd.url(), &desk.user("reader", "reader"));
    let join = writer(&etcd, &desk);
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    for user in ["reader", "writer"] {
        set_password(&etcd, user, "new");
    }
    join.logs("still trying: the registry refuses: no such user, or another password");
    etcd.restart();
    served.process.logs("no such user, or another password");
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    for user in ["reader", "writer"] {
        desk.user(user, "new");
    }
    put(&etcd, "2", "10.0.0.2:80");
    served.shows(&["10.0.0.1", "10.0.0.2", "10.1.2.3"]);
    assert!(eventually(|| is_registered(&etcd)), "{:#?}", join.log().all());
}

/// A handle on a registry as `reader`.
fn reader(etcd: &Etcd, desk: &Desk) -> Client {
    desk.user("reader", "reader");
    let path = desk.path("reader.password").into();
    let file = NamedFile { path, origin: "--password-file".to_owned() };
    let user = Some(("reader".to_owned(), file));
    let access = Access::read(Files { user, ..Files::default() }).unwrap();
    Client::new(&etcd.url().parse().unwrap(), &access)
}

/// Lets a token expire, then opens a watch first of all: it is refused in band.
fn a_watch_outlives_its_token(etcd: &Etcd) {
    let (desk, runtime) = (Desk::new(), runtime());
    enable_auth(etcd);
    let client = reader(etcd, &desk);
    let range = (b"/services/".to_vec(), b"/services0".to_vec());
    runtime.block_on(async {
        for id in ["1", "2"] {
            let mut watch = client.watch(&range, 0).await.unwrap();
            put(etcd, id, "10.0.0.1:80");
            let message = soon(watch.messages.next()).await.unwrap();
            assert_eq!(message.events.len(), 1);
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
    });
    let logins = etcd.calls("Authenticate");
    // Those of `put`, and ours: at the start and after the token had expired.
    assert!(logins >= 2 + 2, "{logins}");
    let forbidden = (b"/".to_vec(), b"0".to_vec());
    let error = runtime.block_on(client.watch(&forbidden, 0)).err().unwrap();
    assert!(error.to_string().contains("user `reader` may not read `/`"), "{error}");
}

#[test]
fn a_watch_outlives_a_simple_token() {
    a_watch_outlives_its_token(&forgetful());
}

#[test]
fn a_watch_outlives_a_signed_token() {
    let desk = Desk::new();
    let key = desk.file("token.key", "of no value to anybody");
    let tokens = format!("jwt,sign-method=HS256,priv-key={key},ttl=2s");
    a_watch_outlives_its_token(&Etcd::start_with(&["--auth-token", &tokens]));
}
