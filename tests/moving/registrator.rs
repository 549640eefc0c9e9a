//! From registrator, whose requests are sent as go-etcd, its client, sends them.

use std::process::Command;

use super::{Asked, ETCD_V2, ask_all, block, configure, put_v2, serve, v2_at};
use crate::support::dig_shows;
use crate::support::etcd::Etcd;

/// The guide.
const GUIDE: &str = "From registrator";

/// What is answered: of `skydns2://` as SkyDNS does; `etcd://` has no DNS of its own.
const ASKED: [Asked; 5] = [
    ("+short SRV _redis._tcp.services.internal", &["0 1 6379 10-0-0-2.redis.services.internal."]),
    ("+short A redis.services.internal", &["10.0.0.2"]),
    ("+short SRV _dns._udp.services.internal", &["0 1 5353 10-0-0-2.dns.services.internal."]),
    (
        "+noall +answer SRV redis.skydns.local",
        &["redis.skydns.local. 30 IN SRV 10 100 6379 node1:redis:6379.redis.skydns.local."],
    ),
    ("+short A redis.skydns.local", &["10.0.0.2"]),
];

/// A registrator that was started as the guide says.
struct Registrator {
    /// Where its keys are.
    path: String,
    /// Whether values are documents of SkyDNS.
    is_skydns: bool,
    /// The TTL that it gives to nodes.
    ttl: String,
}

impl Registrator {
    /// Reads a command.
    fn read(command: &str) -> Self {
        let mut words = command.split(' ').rev();
        let url = words.next().unwrap();
        let ttl = command.split("-ttl ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let (kind, place) = url.split_once("://").unwrap();
        let (host, path) = place.split_once('/').unwrap();
        assert!(ETCD_V2.contains(host), "{host}");
        let is_skydns = kind == "skydns2";
        let domain = path.split('.').rev().collect::<Vec<_>>().join("/");
        let path = if is_skydns { format!("/skydns/{domain}") } else { format!("/{path}") };
        Self { path, is_skydns, ttl }
    }

    /// The key of a container's port.
    fn key(&self, name: &str, id: &str) -> String {
        format!("{}/{name}/{id}", self.path)
    }

    /// Registers it, and again where it is there.
    fn register(&self, at: &str, (name, id, ip, port): (&str, &str, &str, u16)) {
        let value = match self.is_skydns {
            true => format!(r#"value={{"host":"{ip}","port":{port}}}"#),
            false => format!("value={ip}:{port}"),
        };
        put_v2(at, &self.key(name, id), &[&value, &format!("ttl={}", self.ttl)]);
    }

    /// Its container has ended.
    fn deregister(&self, at: &str, name: &str, id: &str) {
        curl(at, &["-X", "DELETE", &format!("/v2/keys{}", self.key(name, id))]);
    }
}

/// A request, the path last.
fn curl(at: &str, arguments: &[&str]) -> String {
    let (path, options) = arguments.split_last().unwrap();
    let output =
        Command::new("curl").arg("-sf").args(options).arg(format!("http://{at}{path}")).output();
    let output = output.expect("curl is installed");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn registrators_containers_are_answered_in_both_of_its_forms() {
    let (directory, etcd) = (tempfile::tempdir().unwrap(), Etcd::start());
    // Zones without a key are a problem.
    for key in ["/services/old/host:old:80", "/skydns/local/skydns/old"] {
        assert!(etcd.etcdctl(&["put", key, r#"{"host":"10.0.0.1","port":80}"#]).status.success());
    }
    let url = etcd.url();
    let places = [("http://10.0.0.1:2379", &*url), (ETCD_V2, "etcd-v2 = \"127.0.0.1:0\"")];
    configure(directory.path(), GUIDE, &places);
    let (process, at) = serve(directory.path());
    let v2 = v2_at(&process);
    let commands: Vec<_> = block(GUIDE, "sh").lines().map(Registrator::read).collect();
    assert_eq!(commands.iter().map(|it| it.is_skydns).collect::<Vec<_>>(), [false, true]);
    // What its client asks first, and before each request.
    assert!(curl(&v2, &["/version"]).contains('2'));
    assert!(curl(&v2, &["/v2/machines"]).contains(&v2));
    for registrator in &commands {
        for _ in 0..2 {
            registrator.register(&v2, ("redis", "node1:redis:6379", "10.0.0.2", 6379));
            registrator.register(&v2, ("dns", "node1:dns:53:udp", "10.0.0.2", 5353));
        }
    }
    ask_all(at, &ASKED);
    commands.iter().for_each(|it| it.deregister(&v2, "redis", "node1:redis:6379"));
    dig_shows(at, "+short A redis.services.internal", &[]);
    dig_shows(at, "+short A redis.skydns.local", &[]);
}
