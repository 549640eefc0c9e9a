//! The operator's window, asked as probes and scrapers ask: with plain sockets.

/// Server-sent events, as a client reads them.
mod stream;
mod zones;

/// Who may write, and over what.
mod access;
/// Commands that ask a server.
mod asked;
/// What changes is told as it does.
mod events;
/// Why a name is answered as it is, over HTTP and in the terminal.
mod explain;
/// Services, instances and standing, page by page.
mod listing;
/// What the page looks at: zones, what is in them, what happened, in which order.
mod looking;
/// Figures, beside what was asked.
mod metrics;
/// The document that describes it all, and what is answered.
mod openapi;
/// What cannot be asked, and what is said to it.
mod refused;
/// Who comes back misses nothing.
mod resume;
/// One look from the terminal.
mod status;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::etcd::{Etcd, page};
use crate::support::srvd::{Srvd, plain};
use crate::support::{PATIENCE, dig, eventually, free_addr};

/// `srvd serve` of a registry, and where it answers HTTP.
pub(super) fn serve(registry: &str, arguments: &[&str]) -> (Srvd, SocketAddr) {
    let all = [&["serve", "--registry", registry, "--listen", "127.0.0.1:0"], arguments].concat();
    let process = Srvd::spawn(&mut plain(&all));
    let (_, line) = process.prints("answering HTTP on ");
    (process, line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap())
}

/// The status line of a page, and its body.
pub(super) fn get(at: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    std::io::Write::write_all(&mut stream, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// Whether a path is answered with a status.
pub(super) fn says(at: SocketAddr, path: &str, status: &str) -> bool {
    get(at, path).0.contains(status)
}

#[test]
fn readiness_waits_for_the_registry_and_stays_when_it_goes() {
    let nowhere = free_addr();
    let (_waiting, at) = serve(&format!("http://{nowhere}"), &[]);
    assert!(says(at, "/healthz", "200"));
    let (status, body) = get(at, "/readyz");
    assert!(status.contains("503"), "{status}");
    let sentence = "services.internal. not ready: the registry has not been listed yet; ";
    assert!(body.starts_with(sentence) && body.lines().count() == 1, "{body}");

    let mut etcd = Etcd::start();
    let (_serving, at) = serve(&etcd.url(), &[]);
    assert!(eventually(|| says(at, "/readyz", "200")));
    assert_eq!(get(at, "/readyz").1, "services.internal. ready\n");
    etcd.kill9();
    assert!(eventually(|| get(at, "/readyz").1.contains("ready, stale: last confirmed")));
    assert!(says(at, "/readyz", "200"));
}

#[test]
fn figures_are_those_of_the_registry() {
    let etcd = Etcd::start();
    let (_serving, at) = serve(&etcd.url(), &[]);
    let has = |line: &str| get(at, "/metrics").1.lines().any(|it| it == line);
    assert!(eventually(|| has(r#"srvd_zone_ready{zone="services.internal."} 1"#)));
    assert!(has(r#"srvd_zone_services{zone="services.internal."} 0"#));
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    assert!(eventually(|| has(r#"srvd_zone_services{zone="services.internal."} 1"#)));
    let (_, text) = get(at, "/metrics");
    assert!(text.contains("# HELP srvd_zone_services "), "{text}");
}

#[test]
fn a_zone_that_is_a_file_alone_has_no_figures_of_a_registry() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let zone = "$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\n";
    std::fs::write(directory.path().join("alone.test.zone"), zone).unwrap();
    let (_process, at) = serve(&etcd.url(), &["--zones", directory.path().to_str().unwrap()]);
    assert!(eventually(|| says(at, "/readyz", "200")));
    let (_, text) = get(at, "/metrics");
    let of_alone: Vec<_> = text.lines().filter(|it| it.contains("alone.test")).collect();
    let expected = [
        "srvd_zone_ready{zone=\"alone.test.\"} 1",
        "srvd_zone_serial{zone=\"alone.test.\"} 7",
        "srvd_zone_problems{zone=\"alone.test.\",kind=\"unusable\"} 0",
        "srvd_zone_problems{zone=\"alone.test.\",kind=\"stray\"} 0",
        "srvd_zone_problems{zone=\"alone.test.\",kind=\"zone-file\"} 0",
    ];
    assert_eq!(of_alone, expected);
}

#[test]
fn the_serial_of_a_reverse_zone_is_that_of_its_soa_record() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let zone = "$TTL 60\n@ SOA ns.example. admin.example. 7 1 2 3 4\n@ NS ns.example.\n";
    std::fs::write(directory.path().join("10.in-addr.arpa.zone"), zone).unwrap();
    let config = directory.path().join("srvd.toml");
    std::fs::write(&config, "reverse = [\"10.in-addr.arpa\"]\n").unwrap();
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    let [zones, config] = [directory.path(), &*config].map(|it| it.to_str().unwrap());
    let (_process, at) = serve(&etcd.url(), &["--zones", zones, "--config", config]);
    assert!(eventually(|| says(at, "/readyz", "200")));
    let figure = |line: &str| {
        let text = get(at, "/metrics").1;
        let value = text.lines().find_map(|it| it.strip_prefix(line)).map(str::to_owned);
        value.unwrap().trim().parse::<u32>().unwrap()
    };
    let revision = figure("srvd_registry_revision{zone=\"services.internal.\"}");
    assert!(revision > 0);
    assert_eq!(figure("srvd_zone_serial{zone=\"10.in-addr.arpa.\"}"), 7 + revision);
}

#[test]
fn problems_are_those_that_check_finds() {
    let etcd = Etcd::start();
    etcd.etcdctl(&["put", "/services/web/1", "nonsense"]);
    etcd.etcdctl(&["put", "/services/web/2", "10.0.0.1:80"]);
    etcd.etcdctl(&["put", "/services/web/3/4", "10.0.0.1:80"]);
    let (_serving, at) = serve(&etcd.url(), &[]);
    assert!(eventually(|| says(at, "/readyz", "200")));
    let listed: serde_json::Value = serde_json::from_str(&get(at, "/v1/problems").1).unwrap();
    let mut checked = plain(&["check", "--registry", &etcd.url(), "--output", "json"]);
    let checked = checked.output().unwrap();
    assert_eq!(listed, serde_json::from_slice::<serde_json::Value>(&checked.stdout).unwrap());
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    etcd.etcdctl(&["del", "/services/web/3/4"]);
    assert!(eventually(|| !get(at, "/v1/problems").1.contains("NAME/ID")));
}

#[test]
fn other_paths_and_methods_are_refused() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    assert!(says(at, "/nothing", "404"));
    let mut stream = TcpStream::connect(at).unwrap();
    std::io::Write::write_all(&mut stream, b"DELETE /readyz HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.contains("405"), "{reply}");
}

#[test]
fn a_connection_that_ended_leaves_its_place() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    // More than may be open at once, each of which ends with its reply.
    (0..600).for_each(|n| assert!(says(at, "/healthz", "200"), "request {n}"));
}

#[test]
fn clients_that_say_nothing_do_not_keep_others_out() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    let silent: Vec<_> = (0..300).map(|_| TcpStream::connect(at).unwrap()).collect();
    assert!(eventually(|| page(at, "/healthz").is_ok_and(|it| it.contains("200 OK"))));
    drop(silent);
}

#[test]
fn it_may_be_off_and_a_taken_address_is_named() {
    let nowhere = format!("http://{}", free_addr());
    let (_serving, at) = serve(&nowhere, &[]);
    let taken = at.to_string();
    let arguments = ["--registry", &nowhere, "serve", "--listen", "127.0.0.1:0", "--http", &taken];
    let output = plain(&arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot answer HTTP on") && said.contains("--http"), "{said}");

    let arguments = ["--registry", &nowhere, "serve", "--listen", "127.0.0.1:0", "--http", "off"];
    let off = Srvd::spawn(&mut plain(&arguments));
    off.prints("answering DNS on");
    assert_eq!(off.out().count("HTTP"), 0);
}

/// What a path answers, as JSON, and the number of its status.
fn json(at: SocketAddr, path: &str) -> (u16, serde_json::Value) {
    let (status, body) = get(at, path);
    let code = status.split(' ').nth(1).unwrap().parse().unwrap();
    (code, serde_json::from_str(&body).unwrap_or_else(|fault| panic!("{path}: {fault}: {body}")))
}

/// `srvd serve` of a registry once it is ready. Tests remove on purpose, and all at once.
fn ready(registry: &str, arguments: &[&str]) -> (Srvd, SocketAddr) {
    let (process, at) = serve(registry, &[&["--hold-collapse", "0s"], arguments].concat());
    assert!(eventually(|| says(at, "/readyz", "200")), "{:?}", process.log().all());
    (process, at)
}

#[test]
fn a_delayed_end_is_not_ready_at_once_and_answers_until_it_is_over() {
    let etcd = Etcd::start();
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    let (mut serving, at) = serve(&etcd.url(), &["--shutdown-delay", "4s"]);
    assert!(eventually(|| says(at, "/readyz", "200")));
    let dns = serving.answers_at();
    let begun = serving.signal("TERM");
    assert!(eventually(|| says(at, "/readyz", "503")));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(get(at, "/readyz").1.lines().next(), Some("draining"));
    assert!(dig(dns, "+short A web.services.internal").contains("10.0.0.1"));
    serving.logs("answering for another 4s");
    assert_eq!(serving.exits(), 0);
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
}
