//! The three servers, each with the same zone files.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::zones::Zone;
use crate::support::srvd::{Srvd, plain};
use crate::support::{eventually, free_addr, nsd_config};

/// Servers that are asked; gone with the value.
pub(super) struct Servers {
    /// Where srvd, NSD and Knot answer.
    pub(super) at: [SocketAddr; 3],
    _processes: [Srvd; 3],
    _directory: TempDir,
}

impl Servers {
    /// Starts all of them and waits until they answer.
    pub(super) fn start(zones: &[Zone]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for name in ["zones", "nsd", "knot"] {
            std::fs::create_dir(path.join(name)).unwrap();
        }
        for zone in zones {
            std::fs::write(path.join(format!("zones/{}.zone", zone.apex)), zone.text()).unwrap();
        }
        let [nsd, knot] = [free_addr(), free_addr()];
        let zone_files = path.join("zones");
        let nobody = "http://127.0.0.1:1";
        let arguments = ["serve", "--registry", nobody, "--listen", "127.0.0.1:0", "--zones"];
        let own = Srvd::spawn(plain(&arguments).arg(&zone_files));
        let at = [own.answers_at(), nsd, knot];
        let nsd = start("nsd", &["-d", "-c"], path, &nsd_of_zones(nsd, zones, path));
        let knot = start("knotd", &["-c"], path, &knot_config(knot, zones, path));
        let servers = Self { at, _processes: [own, nsd, knot], _directory: directory };
        for zone in zones {
            let answers = |at| super::ask(at, &zone.apex, super::SOA).is_some();
            assert!(servers.at.into_iter().all(|at| eventually(|| answers(at))), "{}", zone.text());
        }
        servers
    }
}

/// Starts a server with a configuration.
fn start(program: &str, arguments: &[&str], path: &Path, config: &str) -> Srvd {
    let file = path.join(format!("{program}.conf"));
    std::fs::write(&file, config).unwrap();
    Srvd::spawn(Command::new(program).args(arguments).arg(file))
}

/// NSD, with nothing in a reply that was not asked for.
fn nsd_of_zones(at: SocketAddr, zones: &[Zone], path: &Path) -> String {
    let zone = |zone: &Zone| format!("zone:\n  name: {0}\n  zonefile: {0}.zone\n", zone.apex);
    let zones: String = zones.iter().map(zone).collect();
    let directories = [path.join("zones"), path.join("nsd")];
    nsd_config(at, [&directories[0], &directories[1]], "minimal-responses: yes", &zones)
}

/// Knot, which takes zones as they are.
fn knot_config(at: SocketAddr, zones: &[Zone], path: &Path) -> String {
    let (address, port, path) = (at.ip(), at.port(), path.display());
    let zones: String = zones.iter().map(|it| format!("  - domain: {}\n", it.apex)).collect();
    format!(
        "server:
    listen: {address}@{port}
    rundir: {path}/knot
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: {path}/knot
template:
  - id: default
    storage: {path}/zones
    file: \"%s.zone\"
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
{zones}"
    )
}
