//! Every surface says how a zone is: log, `/readyz`, `/v1/status`, metrics. (The page does so in
//! its own suite.)

use std::net::SocketAddr;

use serde_json::Value;

use super::process;
use super::writer::{Writer, instances};
use crate::support::etcd::{Etcd, page};
use crate::support::eventually;
use crate::support::srvd::Srvd;

/// Enough instances for a collapse.
const INSTANCES: usize = 30;

/// Where a server answers HTTP.
fn http(process: &Srvd) -> SocketAddr {
    let (_, line) = process.prints("answering HTTP on ");
    line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap()
}

/// The one zone in `/v1/status`.
fn zone(at: SocketAddr) -> Value {
    let text = page(at, "/v1/status").unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["zones"][0].clone()
}

/// Whether a page has all parts.
fn has(at: SocketAddr, path: &str, parts: &[&str]) -> bool {
    page(at, path).is_ok_and(|text| parts.iter().all(|part| text.contains(part)))
}

#[test]
fn a_start_without_etcd_is_called_so_everywhere() {
    let (process, _) = process::serve("http://127.0.0.1:1?timeout=1s", &[]);
    let at = http(&process);
    let sentence = "not ready: the registry has not been listed yet; last error: ";
    assert!(eventually(|| has(at, "/readyz", &[" 503 ", sentence, "http://127.0.0.1:1"])));
    let zone = zone(at);
    assert_eq!(zone["standing"], "not-ready");
    assert!(zone["condition"].as_str().unwrap().starts_with(sentence), "{zone}");
    assert!(zone["trouble"].as_str().unwrap().contains("http://127.0.0.1:1"), "{zone}");
    let standing = r#"srvd_zone_standing{zone="services.internal.",standing="#;
    let [is, is_not] = [r#""not-ready"} 1"#, r#""fresh"} 0"#].map(|it| format!("{standing}{it}"));
    assert!(has(at, "/metrics", &[&is, &is_not]));
    let (_, line) = process.logs("queries get SERVFAIL until then");
    assert!(line.contains(sentence), "{line}");
    assert_eq!(process.log().count("still answering"), 0, "{:?}", process.log().all());
}

#[test]
fn a_collapse_that_is_held_is_called_so_everywhere() {
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put_all(&instances("web", INSTANCES));
    let (process, _) = process::serve(&etcd.url(), &["--hold-collapse", "10m"]);
    let at = http(&process);
    assert!(eventually(|| has(at, "/readyz", &[" 200 ", "services.internal. ready\n"])));
    assert!(zone(at)["held_until"].is_null());
    assert!(etcd.etcdctl(&["del", "--prefix", "/services/web/"]).status.success());
    let sentence = "ready, holding the removal of 30 of 30 instances until ";
    assert!(eventually(|| has(at, "/readyz", &[" 200 ", sentence])), "{:?}", page(at, "/readyz"));
    let zone = zone(at);
    assert_eq!(zone["standing"], "fresh");
    assert_eq!((zone["held"].as_u64(), zone["held_of"].as_u64()), (Some(30), Some(30)));
    assert!(zone["held_until"].as_str().unwrap().ends_with('Z'), "{zone}");
    process.logs(
        "30 of 30 instances were removed within 10s; delaying these and further removals for 10m",
    );
}
