//! What the suites share: processes to talk to, and patience with deadlines.
#![allow(
    unused_macros,
    unused_imports,
    dead_code,
    reason = "a suite takes what it needs, and may be the only one"
)]

pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod etcd;
pub(crate) mod grpc_proxy;
pub(crate) mod https;
pub(crate) mod load;
pub(crate) mod namespace;
pub(crate) mod proxy;
pub(crate) mod quic;
pub(crate) mod registry;
pub(crate) mod secure;
pub(crate) mod sources;
pub(crate) mod srvd;
pub(crate) mod tls;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything in a test may take before it counts as not happening.
///
/// Far above what is ever needed: a busy two-core machine must not fail a test
/// that is merely slow, and a passing test never waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at again.
const GLANCE: Duration = Duration::from_millis(20);

/// Where test ports are taken from: below the range that the kernel hands to
/// outgoing connections, so that the port of a stopped member stays free for it.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// Blocks until `done` says so, and tells whether it did before [`PATIENCE`] ran out.
pub(crate) fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(GLANCE);
    }
}

/// Waits for `future`, and panics if it takes longer than [`PATIENCE`].
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it did not happen in time")
}

/// A loopback address whose port is free, and was not given out before.
pub(crate) fn free_addr() -> SocketAddr {
    /// The ports given out by this test run; a stopped member still owns its own.
    static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    loop {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        if TcpListener::bind(addr).is_ok() && taken.insert(addr.port()) {
            return addr;
        }
    }
}

/// A runtime of its own for what a test must not disturb.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Sends a signal to one process, by its id.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill is installed").success(), "cannot send SIG{name} to {pid}");
}

/// What `dig` prints for its arguments. Both dig and our workers let others share their
/// port, so once in ten thousand times dig is given our own, hears itself, and is run again.
pub(crate) fn dig(at: SocketAddr, arguments: &str) -> String {
    let mut text = dig_once(at, arguments);
    while text.contains("query response not set") {
        text = dig_once(at, arguments);
    }
    text
}

/// Waits until `dig` prints exactly these lines, in any order; white space counts as one space.
pub(crate) fn dig_shows(at: SocketAddr, question: &str, answers: &[&str]) {
    let (mut wanted, mut seen) = (answers.to_vec(), Vec::new());
    wanted.sort_unstable();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = eventually(|| {
        seen = dig(at, question).lines().map(words).collect();
        seen.sort_unstable();
        seen == wanted
    });
    assert!(found, "{question}: {wanted:#?}, not {seen:#?}");
}

/// What `dig` prints, run once.
fn dig_once(at: SocketAddr, arguments: &str) -> String {
    let output = Command::new("dig")
        .args([&format!("@{}", at.ip()), "-p", &at.port().to_string()])
        .args(["+tries=1", "+timeout=5", "+nocookie"])
        .args(arguments.split_whitespace())
        .output()
        .expect("dig is installed (Debian: bind9-dnsutils)");
    String::from_utf8(output.stdout).unwrap()
}

/// NSD's configuration: one server for some zones, whose files are in the first directory and
/// its own in the second.
pub(crate) fn nsd_config(
    at: SocketAddr,
    [files, own]: [&Path; 2],
    option: &str,
    zones: &str,
) -> String {
    let (address, port, files, own) = (at.ip(), at.port(), files.display(), own.display());
    format!(
        r#"server:
  ip-address: {address}@{port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{files}"
  zonelistfile: "{own}/zone.list"
  xfrdfile: "{own}/xfrd.state"
  xfrdir: "{own}"
  pidfile: ""
  rrl-ratelimit: 0
  {option}
remote-control:
  control-enable: no
{zones}"#
    )
}
