//! Certificates and passwords that change are taken without a restart; what cannot be used
//! leaves the old ones in use.

use std::time::Duration;

use srvd::etcd::{Access, Etcd, Files};
use srvd::files::NamedFile;

use super::{Desk, Served, connections_to, ctl, joined, owned};
use crate::support::certificates::Authority;
use crate::support::eventually;
use crate::support::secure::SecureEtcd;

/// `--ca`, `--cert` and `--key` of one generation.
fn generation(desk: &Desk, authority: &Authority) -> Vec<String> {
    let mut arguments = desk.ca(authority);
    arguments.extend(desk.identity(&authority.client("client")));
    arguments
}

#[test]
fn a_second_generation_takes_over_from_the_first() {
    let [first, second] = ["first", "second"].map(Authority::new);
    let mut etcd = SecureEtcd::start_with(&first.server(), &[&first], &[]);
    ctl(&etcd.process, &["put", "/services/web/1", "10.0.0.1:80"]);
    let desk = Desk::new();
    let arguments = generation(&desk, &first);
    let served = Served::start(&etcd.url(), &arguments);
    let lease = owned(&["--ttl", "30s", "--heartbeat", "1s"]);
    let join = joined(&etcd.url(), &[lease, arguments].concat());
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    // From now on nothing of the first generation is good for a new connection.
    etcd.restart_as(&second.server(), &[&second]);
    served.process.logs("signed by an authority we do not know");
    served.shows(&["10.0.0.1", "10.1.2.3"]);
    generation(&desk, &second);
    ctl(&etcd.process, &["put", "/services/web/2", "10.0.0.2:80"]);
    served.shows(&["10.0.0.1", "10.0.0.2", "10.1.2.3"]);
    let beats = etcd.process.messages("LeaseKeepAlive");
    assert!(eventually(|| etcd.process.messages("LeaseKeepAlive") > beats + 1));
    assert_eq!(join.log().count("lost"), 0, "{:#?}", join.log().all());
}

#[test]
fn files_that_cannot_be_used_leave_the_old_ones_in_use() {
    let [first, second] = ["first", "second"].map(Authority::new);
    let mut etcd = SecureEtcd::start_with(&first.server(), &[&first], &[]);
    ctl(&etcd.process, &["put", "/services/web/1", "10.0.0.1:80"]);
    let desk = Desk::new();
    let served = Served::start(&etcd.url(), &generation(&desk, &first));
    served.shows(&["10.0.0.1"]);
    let good = std::fs::read_to_string(desk.path("cert.pem")).unwrap();
    for (name, text, says) in [
        ("cert.pem", &good[..good.len() / 2], "is no PEM that can be read"),
        ("key.pem", &second.client("client").key, "does not belong to the certificate of --cert"),
        ("ca.pem", "", "has no certificate in it"),
    ] {
        let before = std::fs::read_to_string(desk.path(name)).unwrap();
        let path = desk.file(name, text);
        served.process.logs(&format!("{path}: {says}"));
        etcd.process.restart();
        let place = format!("10.0.1.{}:80", name.len());
        ctl(&etcd.process, &["put", "/services/web/1", &place]);
        served.shows(&[place.trim_end_matches(":80")]);
        desk.file(name, &before);
    }
    let told = served.process.log().count("still using what was read before");
    assert_eq!(told, 3, "{:#?}", served.process.log().all());
    // Good ones are taken, even if only now.
    generation(&desk, &second);
    etcd.restart_as(&second.server(), &[&second]);
    ctl(&etcd.process, &["put", "/services/web/1", "10.0.2.1:80"]);
    served.shows(&["10.0.2.1"]);
}

#[test]
fn a_connection_is_replaced_when_the_files_change_and_kept_when_the_new_ones_are_refused() {
    let [first, second] = ["first", "second"].map(Authority::new);
    let etcd = SecureEtcd::start_with(&first.server(), &[&first], &[]);
    let desk = Desk::new();
    generation(&desk, &first);
    let named = |name: &str| NamedFile { path: desk.path(name).into(), origin: "--x".into() };
    let identity = Some((named("cert.pem"), named("key.pem")));
    let files = Files { ca: Some(named("ca.pem")), identity, user: None };
    let client = Etcd::new(&etcd.url().parse().unwrap(), &Access::read(files).unwrap());
    let runtime = crate::support::runtime();
    let upkeep = client.clone();
    runtime.spawn(async move {
        upkeep.keep_up(&(b"/services/".to_vec(), b"/services0".to_vec())).await
    });
    let get = || runtime.block_on(client.get("/services/web/1", Duration::from_secs(10)));
    let connections = || connections_to(etcd.addr());
    get().unwrap();
    let first_one = connections();
    assert_eq!(first_one.len(), 1);
    // A pair that etcd does not trust: calls go on over the connection there is.
    desk.identity(&second.client("client"));
    std::thread::sleep(Duration::from_secs(5));
    get().unwrap();
    assert!(connections().contains(&first_one[0]), "the only good connection was given up");
    // One that it trusts: the next calls make a connection with it, and the old one goes.
    desk.identity(&first.client("again"));
    let replaced = eventually(|| {
        get().unwrap();
        !connections().contains(&first_one[0])
    });
    assert!(replaced, "the connection made with the old pair is still there");
}
