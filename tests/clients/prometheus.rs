//! Prometheus' `dns_sd_configs`: targets from the SRV records of a name.

use std::net::SocketAddr;
use std::process::Command;

use super::{Scene, is_there, namespace};
use crate::support::etcd::page;
use crate::support::eventually;
use crate::support::srvd::Srvd;

/// Finds targets, as often as it can.
const CONFIG: &str = "scrape_configs:
  - job_name: web
    dns_sd_configs:
      - names: [_web._tcp.services.internal]
        refresh_interval: 200ms
";

/// Starts it. Gives where its API is, in a network where every port is free.
fn start(scene: &Scene) -> (Srvd, SocketAddr) {
    let config = scene.write("prometheus.yml", CONFIG);
    let data = scene.directory.path().join("data");
    let mut command = Command::new("prometheus");
    command.args(["--config.file", &config, "--web.listen-address", "127.0.0.1:9090"]);
    command.arg("--storage.tsdb.path").arg(data);
    (Srvd::spawn(&mut command), "127.0.0.1:9090".parse().unwrap())
}

#[test]
fn targets_come_and_go() {
    let Some(scene) = namespace::enter("clients::prometheus::targets_come_and_go") else { return };
    if !is_there("prometheus", "Debian: prometheus") {
        return;
    }
    scene.put_all(&[("web/1", "10.0.0.1:8080"), ("web/2", "10.0.0.2:8080")], "SRV _web._tcp", 2);
    let (_prometheus, api) = start(&scene);
    let target = |n| format!("\"10-0-0-{n}.web.services.internal:8080\"");
    let has = |n| page(api, "/api/v1/targets").is_ok_and(|it| it.contains(&target(n)));
    assert!(eventually(|| has(1) && has(2)), "{:?}", page(api, "/api/v1/targets"));
    scene.delete("web/1");
    assert!(eventually(|| !has(1) && has(2)), "{:?}", page(api, "/api/v1/targets"));
}
