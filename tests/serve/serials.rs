//! The SOA serial: it moves with its zone alone, forward, and is the same on every server.

use super::process;
use super::server::{Server, ask};
use super::writer::{Writer, instances};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;

/// Enough instances for a collapse.
const INSTANCES: usize = 30;
/// What has the serial.
const SOA: &str = "SOA services.internal";

/// A registry with a service.
fn registry() -> (Etcd, Writer) {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", INSTANCES));
    (etcd, writer)
}

/// The serial that a server shows.
fn serial(server: &Server) -> u32 {
    server.ask(SOA).serial.unwrap()
}

/// The revision that a server holds.
fn revision(server: &Server) -> u32 {
    u32::try_from(server.zone().revision().unwrap()).unwrap()
}

/// Makes a change, and waits for it. Gives its revision.
fn change(server: &Server, writer: &Writer, address: &str) -> u32 {
    writer.put("/services/one/1", format!("{address}:80"));
    server.wait_for("A one.services.internal", &[address]);
    revision(server)
}

#[test]
fn what_others_write_moves_nothing() {
    let (etcd, writer) = registry();
    let server = Server::start(&etcd.url()).ready();
    let changed = change(&server, &writer, "10.0.0.1");
    assert!(eventually(|| serial(&server) == changed), "{} {changed}", serial(&server));
    writer.delete("/services/web/7");
    assert!(eventually(|| serial(&server) == changed + 1));
    // Elsewhere, and what says the same once more.
    writer.put("/services/web/1", instances("web", 2)[1].1.clone());
    for n in 0..100 {
        writer.put(format!("/other/{n}"), "x");
    }
    // The registry says how far it is when it is asked, which it is every other second.
    let vitals = server.zone().vitals().clone();
    assert!(eventually(|| vitals.newest.get() > i64::from(changed) + 100));
    assert_eq!((serial(&server), server.zone().serial()), (changed + 1, changed + 1));
}

#[test]
fn servers_that_began_at_other_times_show_the_same() {
    let (etcd, writer) = registry();
    let first = Server::start(&etcd.url()).ready();
    let changed = change(&first, &writer, "10.0.0.1");
    for n in 0..5 {
        writer.put(format!("/other/{n}"), "x");
    }
    // The last change is a deletion, of which a list has nothing left.
    writer.delete("/services/web/7");
    assert!(eventually(|| serial(&first) == changed + 6), "{} {changed}", serial(&first));
    for n in 0..9 {
        writer.put(format!("/other/{n}"), "y");
    }
    let second = Server::start(&etcd.url()).ready();
    assert_eq!((serial(&second), revision(&second)), (changed + 6, changed + 15));
    let changed = change(&second, &writer, "10.0.0.2");
    for server in [&first, &second] {
        assert!(eventually(|| serial(server) == changed), "{} {changed}", serial(server));
    }
}

#[test]
fn it_goes_on_when_the_registry_is_restored_to_an_older_snapshot() {
    let mut cluster = EtcdCluster::start(1);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("saved");
    let writer = Writer::new(&cluster.urls()[0]);
    writer.put_all(&instances("web", 5));
    cluster.members[0].save(&file);
    let server = Server::start(&cluster.urls()[0]).ready();
    let mut changed = 0;
    for n in 1..20 {
        changed = change(&server, &writer, &format!("10.0.0.{n}"));
    }
    assert!(eventually(|| serial(&server) == changed));
    cluster.restore(&file);
    server.wait_for("A one.services.internal", &[]);
    assert!(eventually(|| serial(&server) == changed + 1), "{}", serial(&server));
    // It moves with each change, and is the usual one again once the revisions are ahead.
    let writer = Writer::new(&cluster.urls()[0]);
    writer.put("/services/one/1", "10.0.1.1:80");
    assert!(eventually(|| serial(&server) == changed + 2), "{}", serial(&server));
    for n in 0..40 {
        writer.put(format!("/other/{n}"), "x");
    }
    writer.put("/services/one/1", "10.0.1.2:80");
    server.wait_for("A one.services.internal", &["10.0.1.2"]);
    let fresh = Server::start(&cluster.urls()[0]).ready();
    assert!(serial(&fresh) > changed + 2);
    assert!(eventually(|| serial(&server) == serial(&fresh)), "{}", serial(&server));
}

#[test]
fn what_is_held_back_has_no_serial_of_its_own() {
    let (etcd, writer) = registry();
    let with = |hold: &str| {
        let text = format!("registry = {:?}\nhold-collapse = \"{hold}\"", etcd.url());
        Server::with_file(&text).ready()
    };
    let [holding, brief, plain] = ["1h", "8s", "0s"].map(with);
    let before = change(&plain, &writer, "10.0.0.1");
    for server in [&holding, &brief, &plain] {
        assert!(eventually(|| serial(server) == before));
    }
    assert!(etcd.etcdctl(&["del", "--prefix", "/services/web/"]).status.success());
    assert!(eventually(|| serial(&plain) == before + 1));
    let vitals = holding.zone().vitals().clone();
    assert!(eventually(|| vitals.held.get() == INSTANCES as u64));
    // Additions are shown, without a serial: what is shown is not what the registry has.
    let last = change(&holding, &writer, "10.0.0.2");
    assert!(eventually(|| serial(&plain) == last));
    assert_eq!(serial(&holding), before);
    assert!(eventually(|| serial(&brief) == last), "once it is let go: {}", serial(&brief));
    assert!(brief.zone().service(b"web").is_none());
    // And where all came back.
    writer.put_all(&instances("web", INSTANCES));
    assert!(eventually(|| serial(&holding) == serial(&plain) && serial(&plain) > last));
    assert_eq!(vitals.held.get(), 0);
}

#[test]
fn it_is_kept_over_a_restart_while_etcd_is_away() {
    let (mut etcd, writer) = registry();
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().to_str().unwrap();
    for (address, is_away) in [("10.0.0.1", true), ("10.0.0.2", false)] {
        let (mut first, at) = process::serve(&etcd.url(), &["--state", state]);
        writer.put("/services/one/1", format!("{address}:80"));
        assert!(eventually(|| ask(at, "A one.services.internal").answers == [address]));
        let revision = writer.revision();
        assert!(eventually(|| ask(at, SOA).serial == Some(revision)));
        first.signal("TERM");
        assert_eq!(first.exits(), 0);
        writer.put("/other/a", address);
        if is_away {
            etcd.kill9();
        }
        let (second, at) = process::serve(&etcd.url(), &["--state", state]);
        process::wait_for_log(&second, &["serving snapshot"]);
        assert_eq!(ask(at, SOA).serial, Some(revision));
        if is_away {
            etcd.restart();
        }
        process::wait_for_log(&second, &["the registry was listed"]);
        assert!(eventually(|| ask(at, SOA).reason.is_none()));
        assert_eq!(ask(at, SOA).serial, Some(revision), "nothing of the zone changed");
    }
}
