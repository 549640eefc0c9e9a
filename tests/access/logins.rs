//! Tokens that expire, authentication turned on and off, roles and passwords taken away
//! and given back, all under a running `serve` and `join`.

use std::time::Duration;

use super::{Desk, Served, ctl, enable_auth, joined, owned, put, root};
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::Srvd;

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
    let beats = etcd.calls("LeaseKeepAlive");
    assert!(eventually(|| etcd.calls("LeaseKeepAlive") > beats + 4));
    assert!(is_registered(&etcd));
    root(&etcd, &["auth", "disable"]);
    ctl(&etcd, &["put", "/services/web/1", "10.0.0.4:80"]);
    served.shows(&["10.0.0.4", "10.1.2.3"]);
    let beats = etcd.calls("LeaseKeepAlive");
    assert!(eventually(|| etcd.calls("LeaseKeepAlive") > beats + 4));
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
        let script = format!(
            "printf 'new\\n' | ETCDCTL_API=3 etcdctl --endpoints {} --user root:root user passwd {user} --interactive=false",
            etcd.url()
        );
        let status = std::process::Command::new("sh").args(["-c", &script]).status();
        assert!(status.unwrap().success());
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
