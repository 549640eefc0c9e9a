//! From etcd to `dig`, as external-dns, registrator and people write it.

use std::net::SocketAddr;
use std::path::Path;

use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig, dig_shows};

/// The zones that are served; the directory of snapshots is beside the file.
const ZONES: &str = r#"
state = "kept"
hold-collapse = "0s"
[[zone]]
name = "skydns.local"
schema = "skydns"
[[zone]]
name = "services.internal"
[[zone]]
name = "10.in-addr.arpa"
schema = "skydns"
"#;

/// What is put, by whom.
const PUT: [(&str, &str); 10] = [
    // external-dns, to the letter but for its random labels.
    (
        "/skydns/local/skydns/app/6d0f1a2b",
        r#"{"host":"10.0.0.1","text":"\"heritage=external-dns,external-dns/owner=default\"","targetstrip":1,"owner":"default"}"#,
    ),
    ("/skydns/local/skydns/www/7e1f2b3c", r#"{"host":"app.skydns.local","targetstrip":1}"#),
    // registrator's skydns2://.
    ("/skydns/local/skydns/redis/node1:redis:6379", r#"{"host":"10.0.0.2","port":6379}"#),
    ("/skydns/local/skydns/redis/node2:redis:6379", r#"{"host":"10.0.0.3","port":6379}"#),
    // People.
    ("/skydns/local/skydns/redis/bad", r#"{"host":"10.0.0.4","port":"many"}"#),
    ("/skydns/local/skydns/a/b/", r#"{"host":"10.0.0.7"}"#),
    ("/skydns/local/skydns/*/any", r#"{"host":"10.0.0.5"}"#),
    ("/skydns/arpa/in-addr/10/0/0/1", r#"{"host":"app.skydns.local"}"#),
    ("/skydns/arpa/in-addr/10/0/0/1/www", r#"{"host":"www.skydns.local"}"#),
    ("/services/web/1", "10.0.0.9:80"),
];

/// Puts a key.
fn put(etcd: &Etcd, arguments: &[&str]) {
    let output = etcd.etcdctl(&[&["put"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Starts a server with a configuration file.
fn serve(file: &Path) -> (Srvd, SocketAddr) {
    let arguments = ["serve", "--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let process = Srvd::spawn(&mut plain(&arguments));
    let at = process.answers_at();
    (process, at)
}

/// Asks for what everybody wrote.
fn ask_all(at: SocketAddr) {
    dig_shows(at, "+short app.skydns.local A", &["10.0.0.1"]);
    let text = r#""\"heritage=external-dns,external-dns/owner=default\"""#;
    dig_shows(at, "+short app.skydns.local TXT", &[text]);
    dig_shows(at, "+short www.skydns.local A", &["app.skydns.local.", "10.0.0.1"]);
    let redis = [
        "10 50 6379 node1:redis:6379.redis.skydns.local.",
        "10 50 6379 node2:redis:6379.redis.skydns.local.",
    ];
    dig_shows(at, "+short redis.skydns.local SRV", &redis);
    dig_shows(
        at,
        "+noall +additional redis.skydns.local SRV",
        &[
            "node1:redis:6379.redis.skydns.local. 300 IN A 10.0.0.2",
            "node2:redis:6379.redis.skydns.local. 300 IN A 10.0.0.3",
        ],
    );
    dig_shows(at, "+short b.a.skydns.local A", &["10.0.0.7"]);
    dig_shows(at, "+short something.else.skydns.local A", &["10.0.0.5"]);
    dig_shows(at, "+short -x 10.0.0.1", &["app.skydns.local.", "www.skydns.local."]);
    dig_shows(at, "+short _web._tcp SRV", &["0 1 80 10-0-0-9.web.services.internal."]);
    let nothing = dig(at, "+noall +comments +authority no.redis.skydns.local A");
    assert!(nothing.contains("status: NXDOMAIN"), "{nothing}");
    assert!(
        nothing.contains("30\tIN\tSOA\tns.dns.skydns.local. hostmaster.skydns.local."),
        "{nothing}"
    );
}

#[test]
fn what_others_write_is_answered_and_outlives_etcd() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("srvd.toml");
    let mut etcd = Etcd::start();
    std::fs::write(&file, format!("registry = {:?}\n{ZONES}", etcd.url())).unwrap();
    for (key, value) in PUT {
        put(&etcd, &[key, value]);
    }
    let (mut process, at) = serve(&file);
    ask_all(at);
    let granted = etcd.etcdctl(&["lease", "grant", "600"]);
    let granted = String::from_utf8_lossy(&granted.stdout).into_owned();
    let lease = format!("--lease={}", granted.split(' ').nth(1).unwrap());
    put(&etcd, &[&lease, "/skydns/local/skydns/leased", r#"{"host":"10.0.0.6","ttl":3600}"#]);
    dig_shows(
        at,
        "+noall +answer leased.skydns.local A",
        &["leased.skydns.local. 30 IN A 10.0.0.6"],
    );
    // The same value without the lease.
    put(&etcd, &["/skydns/local/skydns/leased", r#"{"host":"10.0.0.6","ttl":3600}"#]);
    dig_shows(
        at,
        "+noall +answer leased.skydns.local A",
        &["leased.skydns.local. 3600 IN A 10.0.0.6"],
    );
    let checked = plain(&["check", "--config", file.to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    let bad = r#"skydns.local /skydns/local/skydns/redis/bad: member `port` is "many"; it must be"#;
    assert!(text.contains(bad) && text.lines().count() == 1, "{text}");
    let listed = plain(&["list", "--config", file.to_str().unwrap()]).output().unwrap();
    let services = r#"[{"instances":1,"name":"web","zone":"services.internal"}]"#;
    assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), services);
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(said.contains("zone skydns.local has the schema skydns"), "{said}");
    process.signal("TERM");
    assert_eq!(process.exits(), 0);
    etcd.stop();
    let (_process, at) = serve(&file);
    ask_all(at);
    dig_shows(at, "+short leased.skydns.local A", &["10.0.0.6"]);
}

/// Its own service stands where services do, in whatever order the zones are written.
#[test]
fn dev_greets_in_a_zone_of_services_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("srvd.toml");
    let skydns = "[[zone]]\nname = \"skydns.local\"\nschema = \"skydns\"\n";
    let dev = |zones: &str| {
        std::fs::write(&file, zones).unwrap();
        let at = ["--listen", "127.0.0.1:0"];
        Srvd::spawn(&mut plain(&[&["dev", "--config", file.to_str().unwrap()][..], &at].concat()))
    };
    let process = dev(&format!("{skydns}[[zone]]\nname = \"services.internal\"\n"));
    process.prints("_hello._tcp");
    dig_shows(process.answers_at(), "+short hello.services.internal A", &["127.0.0.1"]);
    let process = dev(skydns);
    process.prints("srvd list");
    assert_eq!(process.out().count("hello"), 0);
}
