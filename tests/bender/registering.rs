//! Registrations: renewed, lost, regained, and who may hold which key.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::{Server, leases, stored};
use crate::support::etcd::{Etcd, EtcdCluster, page};
use crate::support::srvd::{Srvd, command};
use crate::support::{eventually, free_addr};

/// An instance, as a path has it.
const WEB: &str = "web/1.0.0/10.0.0.1/8080";
/// Its key.
const KEY: &str = "/services/web/10-0-0-1-8080";
/// Its document.
const DOCUMENT: &str =
    r#"{"resource":"Registration","app":"web","version":"1.0.0","host":"10.0.0.1","port":8080}"#;
/// What asks for it.
const SRV: &str = "SRV _web._tcp.services.internal";
/// A short lease.
const SHORT: &[&str] = &["--registration-ttl", "2s"];
/// How often it is renewed.
const BEAT: Duration = Duration::from_millis(300);

#[test]
fn a_registration_stands_while_it_is_renewed() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, SHORT);
    assert_eq!(server.count("/registrations"), 0);
    let body = r#"{"app":"web","version":"1.0.0","host":"10.0.0.1","port":"8080","more":[1]}"#;
    let reply = server.send("POST", "/registrations", body);
    let location = reply.field("Location").unwrap().to_owned();
    assert_eq!(location, format!("/registrations/{WEB}"));
    let entity = reply.with(201);
    assert_eq!(
        entity.to_string(),
        serde_json::from_str::<serde_json::Value>(DOCUMENT).unwrap().to_string()
    );
    // Whoever was answered reads what was written.
    assert_eq!(server.get(&location).with(200), entity);
    assert_eq!(server.count("/registrations/web/1.0.0"), 1);
    assert_eq!(server.dig(SRV), ["0 1 8080 10-0-0-1.web.services.internal."]);
    let first = server.key(KEY).unwrap();
    assert_eq!(first.value, DOCUMENT);
    assert_ne!(first.lease, 0);
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        assert_eq!(server.renew(WEB).with(200), entity);
        sleep(BEAT);
    }
    // The same lease went on all the time, and nothing was put again.
    assert_eq!(server.key(KEY), Some(first));
    assert!(eventually(|| server.count("/registrations") == 0));
    assert_eq!((server.key(KEY), server.dig(SRV).len()), (None, 0));
    server.get(&location).refuses(404, "NOT_FOUND");
}

#[test]
fn lists_are_sorted_and_tell_what_others_registered() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    for place in
        ["web/2/10.0.0.1/81", "web/1/10.0.0.2/80", "my_app/1/b.example/1", "web/1/[2001:db8::1]/80"]
    {
        server.renew(place).with(200);
    }
    server.etcdctl(&["put", "/services/web/x", r#"{"host":"10.0.0.9:9"}"#]);
    server.etcdctl(&["put", "/services/web/no-port", r#"{"host":"10.0.0.9"}"#]);
    assert!(eventually(|| server.count("/registrations/web") == 4));
    let shown = |path: &str| {
        let listed = server.get(path).with(200);
        let word = |it: &serde_json::Value| {
            let part = |member: &str| it[member].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", part("app"), part("version"), part("host"), it["port"])
        };
        listed.as_array().unwrap().iter().map(word).collect::<Vec<_>>()
    };
    let web =
        ["web - 10.0.0.9 9", "web 1 10.0.0.2 80", "web 1 2001:db8::1 80", "web 2 10.0.0.1 81"];
    assert_eq!(shown("/registrations"), [&["my-app 1 b.example 1"], &web[..]].concat());
    assert_eq!(shown("/registrations/WEB"), web);
    assert_eq!(shown("/registrations/my_app"), ["my-app 1 b.example 1"]);
    assert_eq!(shown("/registrations/web/1"), web[1..3]);
    assert!(shown("/registrations/none").is_empty() && shown("/registrations/web/3").is_empty());
}

#[test]
fn what_was_taken_away_is_back_with_the_next_post() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let healed = |what: &str| {
        server.renew(WEB).with(200);
        let now = server.key(KEY).unwrap();
        assert_eq!(now.value, DOCUMENT, "{what}");
        assert_ne!(now.lease, 0, "{what}");
        assert_eq!(server.dig(SRV).len(), 1, "{what}");
        now
    };
    let first = healed("at first");
    server.revoke(first.lease);
    let second = healed("its lease was revoked");
    assert_ne!(second.lease, first.lease);
    server.etcdctl(&["del", KEY]);
    assert_eq!(healed("its key was deleted").lease, second.lease, "the lease lived on");
    server.etcdctl(&["put", KEY, DOCUMENT]);
    healed("it was put without a lease");
    server.etcdctl(&["put", KEY, &DOCUMENT.replace("1.0.0", "0.9")]);
    healed("another version was put");
    assert_eq!(leases(&etcd), 1, "it went on through all of that");
    let text = page(server.http, "/metrics").unwrap();
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
    };
    assert_eq!(figure("srvd_registrations_held"), "1");
    assert_eq!(figure("srvd_registration_renewals_total"), "5");
    assert_eq!(figure("srvd_registration_losses_total{gone=\"lease\"}"), "1");
    assert_eq!(figure("srvd_registration_losses_total{gone=\"key\"}"), "1");
    assert_eq!(figure("srvd_registration_refusals_total"), "0");
}

#[test]
fn another_version_takes_the_place_without_a_gap() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.renew(WEB).with(200);
    let first = server.key(KEY).unwrap();
    server.renew(&WEB.replace("1.0.0", "2")).with(200);
    let second = server.key(KEY).unwrap();
    assert_eq!((second.created, second.lease), (first.created, first.lease));
    assert_eq!(second.value, DOCUMENT.replace("1.0.0", "2"));
    assert_eq!(server.count("/registrations/web/1.0.0"), 0);
    assert_eq!(server.count("/registrations/web/2"), 1);
}

#[test]
fn what_belongs_to_others_is_left_alone() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let join = ["join", "web", "--port", "8080", "--host", "10.0.0.1"];
    let joined = Srvd::spawn(&mut command(&etcd.url(), &join));
    joined.prints("registered web at 10.0.0.1:8080");
    let held = server.key(KEY).unwrap();
    let message = server.renew(WEB).refuses(409, "CONFLICT");
    assert!(
        message.contains(KEY) && message.contains(&format!("lease {:016x}", held.lease)),
        "{message}"
    );
    // Another host whose name has the same label form.
    server.renew("api/1/10.0.0.1/80").with(200);
    server.renew("api/1/10-0-0-1/80").refuses(409, "CONFLICT");
    server.etcdctl(&["put", "/services/static/10-0-0-1-80", "10.0.0.1:80"]);
    server.renew("static/1/10.0.0.1/80").refuses(409, "CONFLICT");
    assert_eq!(server.key(KEY), Some(held));
}

#[test]
fn a_restart_loses_nothing_that_is_renewed() {
    let etcd = Etcd::start();
    let mut server = Server::start(&etcd, SHORT);
    server.renew(WEB).with(200);
    let first = server.key(KEY).unwrap();
    for _ in 0..3 {
        server.process.kill9();
        server = Server::start(&etcd, SHORT);
        server.renew(WEB).with(200);
        sleep(BEAT);
    }
    assert_eq!(server.key(KEY), Some(first));
}

#[test]
fn an_outage_longer_than_the_lease_is_survived() {
    let mut etcd = Etcd::start();
    let server = Server::start(&etcd, SHORT);
    server.renew(WEB).with(200);
    etcd.freeze();
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        let asked = Instant::now();
        let reply = server.renew(WEB);
        // The timeout of the registry is 3 s; a busy machine has some more.
        assert!(asked.elapsed() < Duration::from_secs(10), "it hangs");
        assert!(reply.field("Retry-After").is_some(), "{reply:?}");
        reply.refuses(503, "UNAVAILABLE");
        let made = server.send("POST", "/frontends", r#"{"name":"www"}"#);
        made.refuses(503, "UNAVAILABLE");
    }
    etcd.thaw();
    assert!(eventually(|| server.renew(WEB).status == 200));
    assert!(eventually(|| server.renew(WEB).status == 200 && server.dig(SRV).len() == 1));
    etcd.kill9();
    server.renew(WEB).refuses(503, "UNAVAILABLE");
    assert_eq!(server.count("/registrations/web"), 1, "what is known goes on being shown");
    etcd.wipe_and_restart();
    assert!(eventually(|| server.renew(WEB).status == 200 && server.key(KEY).is_some()));
}

#[test]
fn members_that_die_or_freeze_cost_no_registration() {
    let mut cluster = EtcdCluster::start(3);
    let url = cluster.urls().join(",").replace(",http://", ",");
    let server = Server::of(&url, &["--registration-ttl", "10s"]);
    server.renew(WEB).with(200);
    let first = server.key(KEY).unwrap();
    let renew_for = |seconds| {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut done = 0;
        while Instant::now() < until {
            done += usize::from(server.renew(WEB).status == 200);
            sleep(BEAT);
        }
        assert!(done > 0, "no renewal in {seconds} s");
    };
    let leader = cluster.leader();
    cluster.members[leader].kill9();
    renew_for(6);
    cluster.members[leader].restart();
    let leader = cluster.leader();
    cluster.members[leader].freeze();
    renew_for(6);
    cluster.members[leader].thaw();
    renew_for(2);
    cluster.members[leader].wait_healthy();
    assert_eq!(stored(&cluster.members[leader].url(), KEY), Some(first));
}

#[test]
fn before_the_registry_was_listed_nothing_is_said() {
    let nowhere = format!("http://{}", free_addr());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--registry", &nowhere];
    let server = Server::run(&nowhere, &arguments);
    for path in ["/registrations", "/registrations/web", "/backends", "/frontends/x"] {
        server.get(path).refuses(503, "UNAVAILABLE");
    }
    server.renew(WEB).refuses(503, "UNAVAILABLE");
}

#[test]
fn two_servers_do_not_fight() {
    let etcd = Etcd::start();
    let servers = [Server::start(&etcd, &[]), Server::start(&etcd, &[])];
    servers[0].renew(WEB).with(200);
    let first = servers[0].key(KEY).unwrap();
    for turn in 0..10 {
        servers[turn % 2].renew(WEB).with(200);
    }
    assert_eq!(servers[0].key(KEY), Some(first.clone()));
    // A new version comes by one, and is renewed by both.
    for turn in 0..4 {
        servers[turn % 2].renew(&WEB.replace("1.0.0", "2")).with(200);
    }
    let second = servers[0].key(KEY).unwrap();
    assert_eq!((second.lease, second.created), (first.lease, first.created));
    assert_eq!(second.modified, first.modified + 1);
    // One loses the lease, and both put it back.
    servers[0].revoke(first.lease);
    for turn in 0..4 {
        servers[turn % 2].renew(&WEB.replace("1.0.0", "2")).with(200);
    }
    assert_eq!(leases(&etcd), 1);
}

#[test]
fn many_at_once_make_one_registration() {
    let etcd = Etcd::start();
    let servers = [Server::start(&etcd, &[]), Server::start(&etcd, &[])];
    for round in 0..5 {
        let place = format!("web/1/10.0.0.{round}/80").replace(".0/", ".9/");
        scope(|scope| {
            for turn in 0..16 {
                let (server, place) = (&servers[turn % 2], &place);
                scope.spawn(move || server.renew(place).with(200));
            }
        });
    }
    let keys = (0..5).map(|round| if round == 0 { 9 } else { round });
    let held = keys.map(|n| stored(&etcd.url(), &format!("/services/web/10-0-0-{n}-80")).unwrap());
    let on_keys: HashSet<_> = held.map(|it| it.lease).collect();
    assert_eq!(on_keys.len(), 5);
    assert!(eventually(|| leases(&etcd) == 5), "leases that lost the race are revoked");
}

#[test]
fn clients_that_keep_connections_leave_places_to_others() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    /// Asks on a connection of its own, and whether it is kept.
    fn ask(at: SocketAddr) -> (TcpStream, bool) {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut octets = Vec::new();
        while !octets.ends_with(b"ok\n") {
            let mut piece = [0; 512];
            let count = stream.read(&mut piece).unwrap();
            assert_ne!(count, 0, "the connection ended without a reply");
            octets.extend_from_slice(&piece[..count]);
        }
        let is_kept = !String::from_utf8(octets).unwrap().contains("connection: close");
        (stream, is_kept)
    }
    let mut open = vec![ask(server.http)];
    assert!(open[0].1);
    let is_crowded = eventually(|| {
        open.push(ask(server.http));
        !open[open.len() - 1].1
    });
    assert!(is_crowded && open.len() > 32, "{} connections were kept", open.len());
    server.renew(WEB).with(200);
    drop(open);
    assert!(eventually(|| ask(server.http).1));
}

#[test]
fn a_reader_is_told_what_is_missing() {
    let etcd = Etcd::start();
    crate::access::enable_auth(&etcd);
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "reader").unwrap();
    let user = ["--user", "reader", "--password-file", password.to_str().unwrap()];
    let server = Server::start(&etcd, &user);
    let grant = "user `reader` may not write `/services/`; grant it to a role of the user";
    let message = server.renew(WEB).refuses(403, "FORBIDDEN");
    assert!(message.contains(grant), "{message}");
    for (method, path, body) in [
        ("POST", "/backends", r#"{"name":"b","app":"a","version":"1"}"#),
        ("POST", "/frontends", r#"{"name":"f"}"#),
    ] {
        let message = server.send(method, path, body).refuses(403, "FORBIDDEN");
        assert!(message.contains(grant), "{message}");
    }
    assert_eq!(server.count("/registrations"), 0);
    // The lease that could not be used is gone, too.
    let listed = etcd.etcdctl(&["--user", "root:root", "lease", "list"]).stdout;
    assert!(String::from_utf8(listed).unwrap().starts_with("found 0 leases"));
}

#[test]
fn without_a_zone_of_services_nothing_registers() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let file = directory.path().join("srvd.toml");
    let text = "[[zone]]\nname = \"skydns.local\"\nschema = \"skydns\"\n";
    std::fs::write(&file, text).unwrap();
    let url = etcd.url();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--registry", &url, "--config"];
    let server = Server::run(&url, &[&arguments[..], &[file.to_str().unwrap()]].concat());
    for reply in [server.renew(WEB), server.get("/registrations"), server.get("/backends/x")] {
        let message = reply.refuses(404, "NOT_FOUND");
        assert!(message.contains("schema `services`"), "{message}");
    }
}

#[test]
fn a_registration_is_left_at_once_and_its_lease_with_it() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &["--registration-ttl", "1h"]);
    let (place, key) = ("web/1.0/10.0.0.7/80", "/services/web/10-0-0-7-80");
    server.renew(place).with(200);
    let lease = server.key(key).unwrap().lease;
    assert_eq!(server.dig("A web.services.internal"), ["10.0.0.7"]);
    let leave = || server.ask("DELETE", &format!("/registrations/{place}"));
    leave().with(204);
    assert_eq!((server.key(key), server.dig("A web.services.internal")), (None, Vec::new()));
    let leases = etcd.etcdctl(&["lease", "list"]).stdout;
    assert!(!String::from_utf8(leases).unwrap().contains(&format!("{lease:x}")));
    leave().refuses(404, "NOT_FOUND");
    // It may come back, and what another program put there is not removed.
    server.renew(place).with(200);
    leave().with(204);
    server.etcdctl(&["put", key, r#"{"name":"other","host":"10.0.0.8:81"}"#]);
    leave().refuses(409, "CONFLICT");
    assert!(server.key(key).is_some());
}
