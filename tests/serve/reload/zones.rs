//! Zones that come, go and move while the server runs, and leave the others alone.

use std::net::SocketAddr;

use super::load::Asker;
use super::{Scene, USED};
use crate::serve::writer::{Writer, instances};
use crate::support::etcd::{Etcd, page};
use crate::support::eventually;

/// How often a zone comes and goes, where something might be left of it each time.
const TIMES: usize = 50;
/// Memory that may be more after that, in octets: what an allocator keeps.
const GROWTH: f64 = 24.0 * 1024.0 * 1024.0;

/// The text of a zone.
fn zone(name: &str, prefix: &str) -> String {
    format!("[[zone]]\nname = \"{name}\"\nprefix = \"{prefix}\"\n")
}

/// The zone that is there all the time.
fn main() -> String {
    zone("services.internal", "/services")
}

impl Scene {
    /// Where the server answers HTTP.
    pub(super) fn http(&self) -> SocketAddr {
        let (_, line) = self.process.prints("answering HTTP on ");
        line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap()
    }

    /// A page over HTTP.
    pub(super) fn page(&self, path: &str) -> String {
        page(self.http(), path).unwrap()
    }

    /// Has the configuration read again with these zones.
    fn turn_to(&self, zones: &[String]) {
        self.configure(&zones.concat());
        self.reload();
    }

    /// How often a zone was listed.
    fn lists(&self, zone: &str) -> usize {
        let (zone, lines) = (format!(" zone={zone} "), self.process.log().all());
        let is_list = |line: &&String| line.contains("the registry was listed");
        lines.iter().filter(is_list).filter(|line| line.replace('"', "").contains(&zone)).count()
    }

    /// The sum of a metric whose lines begin so.
    fn metric(&self, start: &str) -> f64 {
        let page = self.page("/metrics");
        let lines = page.lines().filter(|line| line.starts_with(start));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// The serial of a zone.
    fn serial(&self, zone: &str) -> u32 {
        let text = self.dig(&format!("+short SOA {zone}"));
        text.split(' ').nth(2).and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{text}"))
    }
}

#[test]
fn a_zone_comes_goes_and_comes_back_while_another_stays() {
    let scene = Scene::start(&main());
    let writer = Writer::new(&scene.registry.url());
    writer.put("/b/web/1", "10.1.0.1:80");
    let b = zone("b.test", "/b");
    scene.sees("A web.b.test", &["REFUSED"]);
    scene.turn_to(&[b.clone(), main()]);
    scene.process.logs("; added: b.test");
    scene.sees("A web.b.test", &["NOERROR", "10.1.0.1"]);
    // The first zone of services is another now.
    scene.sees("SRV _web._tcp", &["NOERROR", "ANSWER: 1"]);
    let serial = scene.serial("b.test");
    assert!(scene.page("/readyz").contains("b.test. ready"), "{}", scene.page("/readyz"));
    assert!(scene.metric("srvd_zone_instances{zone=\"b.test.\"}") > 0.5);
    scene.turn_to(&[main()]);
    scene.process.logs("; removed: b.test");
    scene.sees("A web.b.test", &["REFUSED"]);
    scene.sees("SRV _web._tcp", &["NOERROR", "ANSWER: 4"]);
    assert!(!scene.page("/readyz").contains("b.test"));
    let metrics = scene.page("/metrics");
    assert!(!metrics.contains("zone=\"b.test."), "{metrics}");
    scene.turn_to(&[main(), b]);
    scene.sees("A web.b.test", &["NOERROR", "10.1.0.1"]);
    assert!(scene.serial("b.test") > serial, "a serial goes forward");
    assert_eq!((scene.lists("services.internal"), scene.lists("b.test")), (1, 2));
    writer.put("/services/web/5", "10.0.0.5:80");
    scene.sees("+ignore A web.services.internal", &["ANSWER: 5"]);
}

#[test]
fn a_zone_that_is_called_otherwise_is_another_one() {
    let scene = Scene::start(&main());
    scene.turn_to(&[zone("other.internal", "/services")]);
    scene.process.logs("; added: other.internal; removed: services.internal");
    scene.sees("+ignore A web.other.internal", &["NOERROR", "ANSWER: 4"]);
    scene.sees("A web.services.internal", &["REFUSED"]);
}

#[test]
fn zones_that_move_are_answered_as_they_were_until_they_are_listed() {
    let scene = Scene::start(&[zone("a.test", "/a"), zone("b.test", "/b"), main()].concat());
    let writer = Writer::new(&scene.registry.url());
    writer.put("/a/web/1", "10.1.0.1:80");
    writer.put("/b/web/1", "10.2.0.1:80");
    scene.sees("A web.a.test", &["10.1.0.1"]);
    scene.sees("A web.b.test", &["10.2.0.1"]);
    let serials = ["a.test", "b.test"].map(|it| scene.serial(it));
    let askers = ["web.a.test", "web.b.test"].map(|it| Asker::addresses(scene.at, it));
    scene.turn_to(&[zone("a.test", "/b"), zone("b.test", "/a"), main()]);
    scene.process.logs("; moved: a.test, b.test");
    scene.sees("A web.a.test", &["10.2.0.1"]);
    scene.sees("A web.b.test", &["10.1.0.1"]);
    for asker in askers {
        for reply in asker.stop().1 {
            let has = |address: &[u8]| reply.windows(4).any(|window| window == address);
            let which = [has(&[10, 1, 0, 1]), has(&[10, 2, 0, 1])];
            assert!(which[0] != which[1], "one or the other, never none nor both: {reply:?}");
        }
    }
    for (zone, before) in ["a.test", "b.test"].into_iter().zip(serials) {
        assert!(scene.serial(zone) > before, "{zone}");
    }
    assert_eq!(scene.lists("services.internal"), 1);
}

#[test]
fn a_zone_moves_to_another_registry() {
    let (scene, other) = (Scene::start(""), Etcd::start());
    let writer = Writer::new(&other.url());
    writer.put("/services/web/1", "10.9.0.1:80");
    let serial = scene.serial("services.internal");
    // By its own key, then by that of the whole file.
    scene.turn_to(&[format!("{}registry = \"{}\"\n", main(), other.url())]);
    scene.sees("+ignore A web.services.internal", &["ANSWER: 1", "10.9.0.1"]);
    assert!(scene.serial("services.internal") > serial);
    scene.turn_to(&[]);
    scene.sees("+ignore A web.services.internal", &["ANSWER: 4"]);
    scene.write("srvd.toml", &format!("registry = \"{}\"\n", other.url()));
    scene.reload();
    scene.sees("+ignore A web.services.internal", &["ANSWER: 1", "10.9.0.1"]);
    writer.put("/services/web/2", "10.9.0.2:80");
    scene.sees("+ignore A web.services.internal", &["ANSWER: 2"]);
    // Nobody talks to the first registry any more.
    let port = scene.registry.addr().port();
    assert!(eventually(|| !scene.process.peers().contains(&port)));
}

#[test]
fn a_zone_changes_its_schema_and_its_template() {
    let scene = Scene::start(&[main(), zone("b.test", "/b")].concat());
    let writer = Writer::new(&scene.registry.url());
    writer.put("/b/web/1", "10.1.0.1:80");
    writer.put("/b/test/b/sky", r#"{"host":"10.2.0.1"}"#);
    writer.put("/b/one/two/three", r#"{"at":"10.3.0.1"}"#);
    scene.sees("A web.b.test", &["10.1.0.1"]);
    let sky = format!("{}schema = \"skydns\"\n", zone("b.test", "/b"));
    scene.turn_to(&[main(), sky]);
    scene.sees("A sky.b.test", &["NOERROR", "10.2.0.1"]);
    scene.sees("A web.b.test", &["NXDOMAIN"]);
    let template = "template = { key = \"/one/{name}/{id}\", host = \"/at\" }\n";
    scene.turn_to(&[main(), format!("{}{template}", zone("b.test", "/b"))]);
    scene.sees("A two.b.test", &["NOERROR", "10.3.0.1"]);
    scene.sees("A sky.b.test", &["NXDOMAIN"]);
    assert_eq!(scene.lists("services.internal"), 1);
}

#[test]
fn a_registry_that_is_away_keeps_its_own_zone_waiting_alone() {
    let (scene, mut other) = (Scene::start(&main()), Etcd::start());
    Writer::new(&other.url()).put("/b/web/1", "10.1.0.1:80");
    other.kill9();
    let b = format!("{}registry = \"{}?timeout=1s\"\n", zone("b.test", "/b"), other.url());
    scene.turn_to(&[main(), b.clone()]);
    scene.sees("A web.b.test", &["SERVFAIL", "EDE: 14"]);
    assert!(eventually(|| scene.page("/readyz").contains("503")));
    assert!(scene.page("/readyz").contains("b.test. not ready"), "{}", scene.page("/readyz"));
    scene.sees("+ignore A web.services.internal", &["NOERROR", "ANSWER: 4"]);
    other.restart();
    scene.sees("A web.b.test", &["NOERROR", "10.1.0.1"]);
    assert!(eventually(|| scene.page("/readyz").contains("200")));
    // A zone that is there moves to a registry that is away: its names stay, and grow old.
    let away = format!("{}registry = \"http://127.0.0.1:1?timeout=1s\"\n", zone("b.test", "/b"));
    scene.turn_to(&[main(), away]);
    scene.sees("A web.b.test", &["NOERROR", "10.1.0.1", "EDE: 3"]);
    assert!(scene.page("/readyz").contains("200"), "as through an outage");
    scene.turn_to(&[main(), b]);
    scene.sees("A web.b.test", &["NOERROR", "10.1.0.1"]);
    assert!(eventually(|| !scene.dig("A web.b.test").contains("EDE")));
    assert_eq!(scene.lists("services.internal"), 1);
}

#[test]
fn nothing_is_left_of_zones_that_came_and_went() {
    let scene = Scene::start(&main());
    let writer = Writer::new(&scene.registry.url());
    let pairs = instances("web", 200).into_iter();
    writer.put_all(
        &pairs.map(|(key, value)| (key.replace("/services/", "/b/"), value)).collect::<Vec<_>>(),
    );
    let b = zone("b.test", "/b");
    let cycle = || {
        scene.turn_to(&[main(), b.clone()]);
        scene.sees("+ignore A web.b.test", &["NOERROR"]);
        scene.turn_to(&[main()]);
    };
    (0..5).for_each(|_| cycle());
    let resident = || scene.metric("process_resident_memory_bytes");
    let descriptors = || scene.metric("process_open_fds");
    let watchers = || {
        let page = page(scene.registry.addr(), "/metrics").unwrap();
        let line = page.lines().find(|it| it.starts_with("etcd_debugging_mvcc_watcher_total "));
        line.and_then(|it| it.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or_default()
    };
    let before = (resident(), descriptors(), watchers());
    (0..TIMES).for_each(|_| cycle());
    assert!(eventually(|| descriptors() < before.1 + 5.0), "{} {}", before.1, descriptors());
    assert!(eventually(|| watchers() <= before.2), "{} {}", before.2, watchers());
    assert!(eventually(|| resident() < before.0 + GROWTH), "{} {}", before.0, resident());
    assert_eq!(scene.lists("services.internal"), 1);
    scene.sees("+ignore A web.services.internal", &["ANSWER: 4"]);
}

#[test]
fn snapshots_stay_with_their_zones() {
    let mut scene = Scene::start(&format!("state = \"kept\"\n{}", main()));
    let kept = |zones: &[String]| format!("state = \"kept\"\n{}", zones.concat());
    Writer::new(&scene.registry.url()).put("/b/web/1", "10.1.0.1:80");
    let file = scene.path("kept/b.test.snapshot");
    scene.configure(&kept(&[main(), zone("b.test", "/b")]));
    scene.reload();
    scene.sees("A web.b.test", &["10.1.0.1"]);
    assert!(eventually(|| file.exists()), "it is written");
    scene.configure(&kept(&[main()]));
    scene.reload();
    scene.sees("A web.b.test", &["REFUSED"]);
    assert!(file.exists(), "it is kept");
    scene.registry.kill9();
    scene.configure(&kept(&[main(), zone("b.test", "/b")]));
    scene.reload();
    scene.sees("A web.b.test", &["NOERROR", "10.1.0.1", "EDE: 3"]);
    // What was kept of one source is not taken for another's.
    scene.configure(&kept(&[main()]));
    scene.reload();
    scene.configure(&kept(&[main(), zone("b.test", "/c")]));
    scene.reload();
    scene.sees("A web.b.test", &["SERVFAIL", "EDE: 14"]);
    scene.registry.restart();
    scene.sees("A web.b.test", &["NXDOMAIN"]);
}

#[test]
fn no_query_of_another_zone_is_lost_while_a_large_one_comes() {
    let scene = Scene::start(&main());
    let pairs = instances("web", 2_000).into_iter();
    let pairs: Vec<_> =
        pairs.map(|(key, value)| (key.replace("/services/", "/b/"), value)).collect();
    Writer::new(&scene.registry.url()).put_all(&pairs);
    let asker = Asker::addresses(scene.at, "web.services.internal");
    for _ in 0..10 {
        scene.turn_to(&[main(), zone("b.test", "/b")]);
        scene.sees("+tcp A web.b.test", &["ANSWER: 2000"]);
        scene.turn_to(&[main()]);
        scene.sees("A web.b.test", &["REFUSED"]);
    }
    let (count, seen) = asker.stop();
    assert!(count > 100, "{count}");
    for reply in seen {
        assert_eq!((reply[3] & 0xf, reply[7]), (0, 4), "no error, four answers: {reply:?}");
    }
}

#[test]
fn many_reloads_in_a_row_end_with_the_last() {
    let scene = Scene::start(&main());
    let writer = Writer::new(&scene.registry.url());
    (0..10).for_each(|n| writer.put(format!("/z{n}/web/1"), format!("10.1.0.{n}:80")));
    for turn in 0..30 {
        let zones = (0..10).filter(|n| (turn + n) % 3 == 0);
        let zones = zones.map(|n| zone(&format!("z{n}.test"), &format!("/z{}", (n + turn) % 10)));
        let text = format!("{}{}", main(), zones.collect::<String>());
        // In one step: nobody reads a half of it, however slow this machine is.
        scene.write("next", &scene.configuration(&text));
        std::fs::rename(scene.path("next"), scene.path("srvd.toml")).unwrap();
        scene.process.signal("HUP");
    }
    let last = [main(), zone("z1.test", "/z2"), zone("z4.test", "/z5")];
    scene.turn_to(&last);
    scene.sees("A web.z1.test", &["10.1.0.2"]);
    scene.sees("A web.z4.test", &["10.1.0.5"]);
    scene.sees("A web.z2.test", &["REFUSED"]);
    assert!(scene.process.log().count(USED) > 1);
    assert_eq!(scene.lists("services.internal"), 1);
    scene.sees("+ignore A web.services.internal", &["ANSWER: 4"]);
}

#[test]
fn registrations_over_http_go_where_the_zone_is_read_from() {
    let scene = Scene::start(&main());
    let post = |port: u16| {
        let body = format!(r#"{{"app":"posted","version":"1","host":"10.7.0.1","port":{port}}}"#);
        let url = format!("http://{}/registrations", scene.http());
        let output = std::process::Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H"])
            .args(["content-type: application/json", "-d", &body, &url])
            .output()
            .expect("curl is installed");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(post(80), "201");
    scene.sees("A posted.services.internal", &["10.7.0.1"]);
    scene.turn_to(&[zone("services.internal", "/elsewhere")]);
    scene.sees("A web.services.internal", &["NXDOMAIN"]);
    assert_eq!(post(81), "201");
    scene.sees("SRV _posted._tcp.services.internal", &["NOERROR", " 81 "]);
    let keys = scene.registry.etcdctl(&["get", "--prefix", "--keys-only", "/elsewhere/posted"]);
    assert!(String::from_utf8_lossy(&keys.stdout).contains("/elsewhere/posted/"), "{keys:?}");
}

#[test]
fn the_registry_in_the_same_process_has_zones_that_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    let write = |zones: &[String]| std::fs::write(&path, zones.concat()).unwrap();
    write(&[main()]);
    let registry = format!("http://{}", crate::support::free_addr());
    let config = path.to_str().unwrap();
    let arguments = ["dev", "--config", config, "--listen", "127.0.0.1:0", "--registry", &registry];
    let process = super::process::start(&arguments);
    let at = process.answers_at();
    let sees = |query: &str, text: &str| {
        let mut output = String::new();
        let is_seen = eventually(|| {
            output = crate::support::dig(at, query);
            output.contains(text)
        });
        assert!(is_seen, "{query}: {output}\n{:#?}", process.log().all());
    };
    sees("SRV _hello._tcp.services.internal", "ANSWER: 1");
    Writer::new(&registry).put("/b/web/1", "10.1.0.1:80");
    write(&[main(), zone("b.test", "/b")]);
    process.signal("HUP");
    sees("A web.b.test", "10.1.0.1");
    write(&[zone("b.test", "/b")]);
    process.signal("HUP");
    sees("SRV _hello._tcp.services.internal", "REFUSED");
    sees("A web.b.test", "10.1.0.1");
}
