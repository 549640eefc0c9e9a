//! Backends and frontends: names that are flipped from one set of instances to another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::server::{Server, ask};
use super::writer::Writer;
use crate::support::eventually;
use crate::support::registry::Registry;

/// Puts a backend of an app.
fn put_backend(writer: &Writer, name: &str, app: &str, version: &str) {
    let value =
        format!(r#"{{"resource":"Backend","name":"{name}","app":"{app}","version":"{version}"}}"#);
    writer.put(format!("/services/_backends/{name}"), value);
}

/// Puts a frontend of a backend.
fn put_frontend(writer: &Writer, name: &str, backend: &str) {
    let value = format!(r#"{{"resource":"Frontend","name":"{name}","backend":"{backend}"}}"#);
    writer.put(format!("/services/_frontends/{name}"), value);
}

/// Puts an instance of `web` with a version.
fn put_web(writer: &Writer, id: &str, host: &str, version: &str) {
    let value = format!(r#"{{"host":"{host}","protocol":"http","version":"{version}"}}"#);
    writer.put(format!("/services/web/{id}"), value);
}

/// Two versions of `web`, and a backend of each.
fn two_versions() -> (Registry, Writer) {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    put_web(&writer, "b1", "10.0.0.1:80", "1");
    put_web(&writer, "b2", "10.0.0.2:80", "1");
    put_web(&writer, "g1", "10.0.0.3:80", "2");
    put_web(&writer, "g2", "10.0.0.4:80", "2");
    put_backend(&writer, "blue", "web", "1");
    put_backend(&writer, "green", "web", "2");
    (registry, writer)
}

/// The targets of both versions.
const BLUE: [&str; 2] =
    ["0 1 80 10-0-0-1.web.services.internal.", "0 1 80 10-0-0-2.web.services.internal."];
/// As [`BLUE`].
const GREEN: [&str; 2] =
    ["0 1 80 10-0-0-3.web.services.internal.", "0 1 80 10-0-0-4.web.services.internal."];

#[test]
fn dig_finds_them_by_every_name() {
    let (registry, writer) = two_versions();
    put_frontend(&writer, "shop", "blue");
    let server = Server::start(&registry.url()).ready();
    for name in ["_shop._tcp", "_blue._tcp.services.internal", "_http._tcp.shop.services.internal"]
    {
        let mut found: Vec<_> =
            server.dig(&format!("+short SRV {name}")).lines().map(str::to_owned).collect();
        found.sort_unstable();
        assert_eq!(found, BLUE, "{name}");
    }
    let reply = server.ask("SRV _shop._tcp.services.internal");
    assert_eq!(reply.additional, ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(server.ask("A shop.services.internal").answers, ["10.0.0.1", "10.0.0.2"]);
    // Without a version: all of the app.
    put_backend(&writer, "all", "web", "");
    let all = [BLUE, GREEN].concat();
    server.wait_for("SRV _all._tcp", &all);
    // Deleted, and without members: not there.
    writer.delete("/services/_backends/all");
    server.wait_for("SRV _all._tcp", &[]);
    assert_eq!(server.ask("SRV _all._tcp").code, ResponseCode::NXDomain);
    put_backend(&writer, "shadow", "web", "3");
    put_frontend(&writer, "early", "shadow");
    put_web(&writer, "b2", "10.0.0.2:80", "1.1");
    server.wait_for("SRV _shop._tcp", &BLUE[..1]);
    assert_eq!(server.ask("A early.services.internal").code, ResponseCode::NXDomain);
    put_web(&writer, "s1", "10.0.0.9:80", "3");
    server.wait_for("A early.services.internal", &["10.0.0.9"]);
    // A value of no use takes it away, and disturbs nobody else.
    writer.put("/services/_frontends/early", "blue");
    server.wait_for("A early.services.internal", &[]);
    assert_eq!(server.ask("SRV _shop._tcp").answers, BLUE[..1]);
}

#[test]
fn a_frontend_of_the_apps_own_name_hides_it_but_not_its_targets() {
    let (registry, writer) = two_versions();
    put_frontend(&writer, "web", "green");
    let server = Server::start(&registry.url()).ready();
    assert_eq!(server.ask("SRV _web._tcp").answers, GREEN);
    assert_eq!(server.ask("SRV _blue._tcp").answers, BLUE);
    assert_eq!(server.ask("A 10-0-0-1.web.services.internal").answers, ["10.0.0.1"]);
    assert_eq!(server.ask("A b1.web.services.internal").answers, ["10.0.0.1"]);
    put_frontend(&writer, "web", "nowhere");
    server.wait_for("SRV _web._tcp", &[]);
    assert_eq!(server.ask("SRV _web._tcp").code, ResponseCode::NXDomain);
    assert_eq!(server.ask("A web.services.internal").code, ResponseCode::NoError);
    let reply = server.ask("SRV _blue._tcp");
    assert_eq!((reply.answers, reply.additional.len()), (BLUE.map(str::to_owned).into(), 2));
    writer.delete("/services/_frontends/web");
    server.wait_for("SRV _web._tcp", &[BLUE, GREEN].concat());
}

#[test]
fn a_flip_under_load_is_never_seen_half() {
    /// How often it is flipped.
    const FLIPS: usize = 40;
    /// How soon clients must see it (in the median: a loaded machine may stop for longer).
    const SOON: Duration = Duration::from_secs(1);
    let (registry, writer) = two_versions();
    put_frontend(&writer, "shop", "blue");
    let server = Server::start(&registry.url()).ready();
    server.wait_for("SRV _shop._tcp", &BLUE);
    let (at, is_over, asked) = (server.at, AtomicBool::new(false), AtomicUsize::new(0));
    let load = || {
        while !is_over.load(Ordering::Relaxed) {
            let reply = ask(at, "SRV _shop._tcp.services.internal");
            let is_whole = reply.answers == BLUE || reply.answers == GREEN;
            assert!(is_whole && reply.additional.len() == 2, "{reply:?}");
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let flip = |number: usize| {
        let (backend, targets) = [("green", GREEN), ("blue", BLUE)][number % 2];
        let begun = Instant::now();
        put_frontend(&writer, "shop", backend);
        let is_seen = eventually(|| ask(at, "SRV _shop._tcp").answers == targets);
        is_over.fetch_or(!is_seen, Ordering::Relaxed);
        assert!(is_seen, "{backend} was never seen");
        begun.elapsed()
    };
    let mut times: Vec<_> = std::thread::scope(|scope| {
        let clients = [scope.spawn(load), scope.spawn(load)];
        let times = (0..FLIPS).map(flip).collect();
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
        times
    });
    times.sort_unstable();
    assert!(times[FLIPS / 2] < SOON, "{times:?}");
    assert!(asked.load(Ordering::Relaxed) > FLIPS, "there was no load");
}
