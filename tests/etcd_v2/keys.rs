use std::time::Duration;

use serde_json::Value;

use super::Server;
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;

/// A document of a registration, as a form has it.
const WEB: &str = "value=%7B%22hostname%22%3A%2210.0.0.1%22%2C%22port%22%3A8080%7D";

/// What `etcdctl` shows of a key, as JSON.
fn stored(server: &Server, key: &str) -> Option<Value> {
    let text = server.etcdctl(&["get", key, "-w", "json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    all["kvs"].as_array().map(|kvs| kvs[0].clone())
}

/// How many leases there are.
fn leases(server: &Server) -> usize {
    let text = server.etcdctl(&["lease", "list", "-w", "json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    all["leases"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_is_put_is_found_by_dns_and_ends_with_its_ttl() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let reply = server.put("/services/web/1", &format!("{WEB}&ttl=2"));
    assert_eq!(reply.status, 201, "{reply:?}");
    // The reply waited until this server has seen it.
    assert_eq!(server.dig("SRV _web._tcp.services.internal").len(), 1);
    let stored = stored(&server, "/services/web/1").unwrap();
    assert_eq!(stored["mod_revision"], reply.json()["node"]["modifiedIndex"]);
    assert!(stored["lease"].as_i64().unwrap() != 0, "{stored}");
    assert!(eventually(|| server.get("/services/web/1").status == 404));
    assert!(eventually(|| server.dig("SRV _web._tcp.services.internal").is_empty()));
    assert_eq!(leases(&server), 0);
}

#[test]
fn v3_clients_and_v2_clients_see_each_other() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    let reply = server.get("/services/web/1");
    assert_eq!(reply.json()["node"]["value"], "10.0.0.1:80");
    assert_eq!(
        server.get("/services?recursive=true").json()["node"]["nodes"][0]["key"],
        "/services/web"
    );
    server.put("/services/web/2", "value=10.0.0.2:80");
    assert_eq!(server.etcdctl(&["get", "/services/web/2", "--print-value-only"]), "10.0.0.2:80\n");
    // A key that others lie below is a directory; keys that no path can name are not shown.
    server.etcdctl(&["put", "/services/web", "x"]);
    server.etcdctl(&["put", "/services//y", "x"]);
    let listed = server.get("/services").json()["node"]["nodes"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["dir"], true);
}

#[test]
fn a_renewal_makes_no_revision_and_one_lease() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let first = server.put("/services/web/1", &format!("{WEB}&ttl=3"));
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(1_000));
        let again = server.put("/services/web/1", "ttl=3&refresh=true&prevExist=true");
        assert_eq!((again.status, again.index()), (200, first.index()), "{again:?}");
        assert_eq!(again.json()["node"]["ttl"], 3);
    }
    // Who registers anew each time with the same TTL keeps the lease as well.
    for _ in 0..4 {
        assert_eq!(server.put("/services/web/1", &format!("{WEB}&ttl=3")).status, 200);
    }
    assert_eq!(leases(&server), 1);
    let longer = server.put("/services/web/1", "ttl=600&refresh=true&prevExist=true");
    assert_eq!(longer.json()["node"]["ttl"], 600);
    assert_eq!(leases(&server), 1, "the shorter one is revoked");
    // Without a TTL it stays for ever.
    server.put("/services/web/1", WEB);
    assert_eq!(leases(&server), 0);
    assert_eq!(stored(&server, "/services/web/1").unwrap()["lease"], Value::Null);
}

#[test]
fn a_lease_of_others_is_not_revoked() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let granted = server.etcdctl(&["lease", "grant", "600"]);
    let session = granted.split(' ').nth(1).unwrap();
    let put = |key: &str| server.etcdctl(&["put", key, "10.0.0.1:80", "--lease", session]);
    put("/services/web/1");
    assert_eq!(server.delete("/services/web/1").status, 200);
    assert_eq!(leases(&server), 1, "the session of another goes on");
    put("/services/web/1");
    assert_eq!(server.put("/services/web/1", &format!("{WEB}&ttl=60")).status, 200);
    assert_eq!(leases(&server), 2);
    assert_eq!(server.delete("/services/web/1").status, 200);
    assert_eq!(leases(&server), 1, "the server's own is revoked");
}

#[test]
fn a_directory_takes_what_is_in_it_along() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    assert_eq!(server.put("/services/web", "dir=true&ttl=2").status, 201);
    server.put("/services/web/1", WEB);
    let listed = server.get("/services/web").json()["node"].clone();
    assert!(
        listed["ttl"].as_u64().unwrap() >= 1 && listed["nodes"][0]["ttl"].is_null(),
        "{listed}"
    );
    // Another end of the directory is one of what is in it.
    let touched = server.put("/services/web", "dir=true&ttl=4&prevExist=true");
    assert_eq!(touched.status, 200, "{touched:?}");
    std::thread::sleep(Duration::from_millis(2_800));
    assert_eq!(server.get("/services/web/1").status, 200);
    assert!(eventually(|| server.get("/services/web").status == 404));
    assert_eq!(server.get("/services/web/1").status, 404);
    // A mark is no problem of the zone.
    server.put("/services/empty", "dir=true");
    assert_eq!(server.etcdctl(&["get", "/services/empty/"]), "/services/empty/\n\n");
    assert!(server.dig("SRV _empty._tcp.services.internal").is_empty());
}

#[test]
fn keys_made_in_order_stay_in_order() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let names = std::thread::scope(|scope| {
        let post = || {
            let one = || server.ask("POST", "/services/queue", "value=x");
            (0..10).map(|_| one()).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(post)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut made: Vec<_> = names
        .iter()
        .map(|reply| {
            assert_eq!(reply.status, 201, "{reply:?}");
            (reply.modified(), reply.json()["node"]["key"].as_str().unwrap().to_owned())
        })
        .collect();
    made.sort();
    assert!(made.is_sorted_by(|one, next| one.1 < next.1), "{made:?}");
    assert_eq!(server.get("/services/queue").json()["node"]["nodes"].as_array().unwrap().len(), 40);
}

#[test]
fn all_of_many_write_one_key() {
    let etcd = Etcd::start();
    let servers = [Server::start(&etcd, &[]), Server::start(&etcd, &[])];
    std::thread::scope(|scope| {
        for number in 0..60 {
            let server = &servers[number % 2];
            let form = format!("value=10.0.0.{number}:80&ttl=60");
            scope.spawn(move || {
                let reply = server.put("/services/web/1", &form);
                assert!(reply.status < 300, "{reply:?}");
            });
        }
    });
    // One that the other server granted, and that lost, ends by itself.
    assert!(leases(&servers[0]) <= 2);
}

#[test]
fn a_renewal_does_not_wait_for_what_happens_elsewhere() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.put("/services/web/1", &format!("{WEB}&ttl=60"));
    let start = std::time::Instant::now();
    for number in 0..10 {
        server.etcdctl(&["put", "/elsewhere", &number.to_string()]);
        assert_eq!(server.put("/services/web/1", "ttl=60&refresh=true").status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn one_of_many_wins_a_comparison() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let statuses = std::thread::scope(|scope| {
        let create = || server.put("/services/lock/1", "value=me&prevExist=false").status;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        let mut all: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
        all.sort_unstable();
        all
    });
    assert_eq!(statuses, [201, 412, 412, 412, 412, 412, 412, 412]);
}

#[test]
fn reads_and_writes_go_on_at_another_member_and_say_when_none_is_there() {
    let mut etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.put("/services/web/1", WEB);
    etcd.kill9();
    let reply = server.get("/services/web/1");
    assert_eq!(reply.fault(), (500, 300), "{reply:?}");
    assert!(reply.json()["cause"].as_str().unwrap().contains("cannot be reached"), "{reply:?}");
    assert_eq!(server.put("/services/web/1", WEB).fault(), (500, 300));
    etcd.restart();
    assert!(eventually(|| server.get("/services/web/1").status == 200));
    assert!(eventually(|| server.put("/services/web/1", WEB).status == 200));
}

#[test]
fn a_member_that_goes_is_not_missed() {
    let mut cluster = EtcdCluster::start(3);
    let urls = cluster.urls().join(",").replace("http://", "");
    let url = format!("http://{urls}");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--registry", &url];
    let more = ["--hold-collapse", "0s", "--etcd-v2", "127.0.0.1:0"];
    let server = Server::run(&cluster.members[2].url(), &[&arguments[..], &more].concat());
    let put = |number: u32| server.put("/services/web/1", &format!("{WEB}&ttl={number}"));
    assert_eq!(put(60).status, 201);
    let gone = cluster.members.iter().position(|it| url.contains(&it.addr().to_string()));
    cluster.members[gone.unwrap()].kill9();
    assert_eq!(put(60).status, 200);
    assert_eq!(put(70).status, 200);
    assert_eq!(server.get("/services/web/1").status, 200);
    let mut wait = server.wait("/services/web/1?wait=true");
    assert!(wait.is_quiet());
    assert_eq!(server.delete("/services/web/1").status, 200);
    assert_eq!(wait.reply().json()["action"], "delete");
}

#[test]
fn dev_has_it_too() {
    let registry = format!("http://{}", crate::support::free_addr());
    let old = crate::support::free_addr().to_string();
    let arguments = ["dev", "--listen", "127.0.0.1:0", "--registry", &registry, "--etcd-v2", &old];
    let server = Server::run(&registry, &arguments);
    assert_eq!(server.put("/services/web/1", &format!("{WEB}&ttl=5")).status, 201);
    assert_eq!(server.dig("SRV _web._tcp.services.internal").len(), 1);
    assert_eq!(server.get("/services").json()["node"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(server.delete("/services/web?recursive=true").status, 200);
    assert!(server.dig("SRV _web._tcp.services.internal").is_empty());
    assert_eq!(server.ask("POST", "/services/queue", "value=x").status, 201);
}
