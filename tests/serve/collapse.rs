//! Most of a zone vanishes at once: that is held for a while, and never for ever.

use hickory_proto::op::ResponseCode;

use super::process;
use super::server::{Server, ask};
use super::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::eventually;

/// Enough instances for a collapse.
const INSTANCES: usize = 30;
/// How long is held where the end of it is waited for.
const HOLD: &str = "hold-collapse = \"8s\"";
/// How long is held where what is held is looked at: no slow machine sees the end of it.
const HOLD_ON: &str = "hold-collapse = \"1h\"";
/// What shows how many are there.
const QUESTION: &str = "A web.services.internal";

/// A registry with a service that can collapse.
fn registry() -> (Etcd, Writer) {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", INSTANCES));
    (etcd, writer)
}

/// A server that has seen so many of them.
fn server(etcd: &Etcd, more: &str, count: usize) -> Server {
    let server = Server::with_file(&format!("registry = {:?}\n{more}", etcd.url())).ready();
    assert!(eventually(|| shown(&server) == count), "{} are shown", shown(&server));
    server
}

/// How many instances are shown.
fn shown(server: &Server) -> usize {
    server.zone().service(b"web").map_or(0, srvd::index::Service::len)
}

/// How many removals are held, and how many collapses there were.
fn counts(server: &Server) -> (u64, u64) {
    let vitals = server.zone().vitals().clone();
    (vitals.held.get(), vitals.collapses.get())
}

/// Deletes everything of the service in one revision.
fn delete_all(etcd: &Etcd) {
    assert!(etcd.etcdctl(&["del", "--prefix", "/services/web/"]).status.success());
}

/// Waits until a change that was made after all others is shown.
fn wait_for_marker(server: &Server, writer: &Writer) {
    writer.put("/services/marker/1", "10.9.9.9:80");
    server.wait_for("A marker.services.internal", &["10.9.9.9"]);
}

#[test]
fn what_vanishes_at_once_is_held_and_then_goes() {
    let (etcd, writer) = registry();
    let [holding, brief] = [HOLD_ON, HOLD].map(|hold| server(&etcd, hold, INSTANCES));
    delete_all(&etcd);
    wait_for_marker(&holding, &writer);
    assert_eq!(shown(&holding), INSTANCES, "additions go on, removals wait");
    assert_eq!(counts(&holding), (INSTANCES as u64, 1));
    assert_eq!(holding.ask(QUESTION).outcome(), (ResponseCode::NoError, None));
    assert!(eventually(|| shown(&brief) == 0), "it is held for ever");
    assert_eq!(brief.ask(QUESTION).code, ResponseCode::NXDomain);
    assert_eq!(counts(&brief), (0, 1));
}

#[test]
fn what_comes_back_meanwhile_stays() {
    let (etcd, writer) = registry();
    let [holding, brief] = [HOLD_ON, HOLD].map(|hold| server(&etcd, hold, INSTANCES));
    delete_all(&etcd);
    // What comes with the removals, in one batch, would make them too few.
    assert!(eventually(|| [&holding, &brief].iter().all(|it| counts(it).1 == 1)));
    writer.put_all(&instances("web", INSTANCES)[..10]);
    writer.put("/services/web/29", "10.7.7.7:80");
    wait_for_marker(&holding, &writer);
    assert_eq!(shown(&holding), INSTANCES, "none twice, none missing");
    assert_eq!(holding.ask("A 29.web.services.internal").answers, ["10.7.7.7"]);
    assert!(eventually(|| shown(&brief) == 11));
    writer.expect_shown_by(&brief);
}

#[test]
fn a_small_zone_and_a_guard_turned_off_hold_nothing() {
    let (etcd, writer) = registry();
    let off = server(&etcd, "hold-collapse = \"0s\"", INSTANCES);
    delete_all(&etcd);
    wait_for_marker(&off, &writer);
    assert_eq!(shown(&off), 0);
    writer.put_all(&instances("web", 18));
    let small = server(&etcd, "hold-collapse = \"1h\"", 18);
    delete_all(&etcd);
    writer.put("/services/marker/1", "10.9.9.8:80");
    small.wait_for("A marker.services.internal", &["10.9.9.8"]);
    assert_eq!(shown(&small), 0, "19 instances were a collapse");
}

#[test]
fn a_list_that_lacks_most_is_held_even_if_etcd_goes_again() {
    let (mut etcd, _writer) = registry();
    let server = server(&etcd, HOLD, INSTANCES);
    etcd.wipe_and_restart();
    let vitals = server.zone().vitals().clone();
    assert!(eventually(|| vitals.collapses.get() == 1));
    assert_eq!(shown(&server), INSTANCES);
    etcd.kill9();
    assert!(eventually(|| shown(&server) == 0), "without a session nothing is released");
}

#[test]
fn a_registry_wiped_while_we_were_down_is_held_too() {
    let (mut etcd, _writer) = registry();
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().to_str().unwrap();
    let serve =
        |etcd: &Etcd| process::serve(&etcd.url(), &["--state", state, "--hold-collapse", "15s"]);
    let (mut first, at) = serve(&etcd);
    assert!(eventually(|| ask(at, QUESTION).answers.len() == INSTANCES));
    first.signal("TERM");
    assert_eq!(first.exits(), 0);
    etcd.wipe_and_restart();
    let (second, at) = serve(&etcd);
    process::wait_for_log(
        &second,
        &["mass removal: 30 of 30", "set hold-collapse to \"0s\" and reload"],
    );
    assert_eq!(ask(at, QUESTION).answers.len(), INSTANCES);
    assert!(eventually(|| ask(at, QUESTION).code == ResponseCode::NXDomain));
    process::wait_for_log(&second, &["mass removal delayed for 15s"]);
}
