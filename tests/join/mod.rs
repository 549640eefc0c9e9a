//! `srvd join` and `srvd leave` as processes, against real etcd.
//!
//! | file | proves |
//! | --- | --- |
//! | `leaving` | signals, crashes, and a restart after one |
//! | `loss` | whatever is lost comes back by itself |
//! | `outage` | etcd away, wiped, a member killed or frozen |
//! | `owners` | the owner of a key is its lease |
//! | `with_command` | COMMAND: environment, readiness, order of signals, exit codes |
//! | `removal` | `srvd leave` |
//! | `checks` | `--check`: while it fails, an instance is not in the registry |
//! | `idle` | while nothing can be done, next to nothing is done |
//! | `many` | `--from`: many in one process |
//! | `moving` | this machine's address changes |
//! | `first_process` | as PID 1 of a container |
//! | `notify` | what systemd is told |
//! | `usage` | what is typed wrong is told, with exit code 2 |
//! | `in_process` | the same registration without a process of its own |

mod checks;
mod first_process;
mod idle;
mod in_process;
mod leaving;
mod loss;
mod many;
mod moving;
mod notify;
mod outage;
mod owners;
mod removal;
mod usage;
mod with_command;

use std::time::Instant;

use crate::support::etcd;
use crate::support::eventually;
use crate::support::registry::Administered;
use crate::support::srvd::Srvd;

/// The key of what [`join`] registers.
const KEY: &str = "/services/web/10-1-2-3-8080";
/// The value that belongs there, as the contract writes it.
const VALUE: &str = r#"{"name":"web","port":8080,"hostname":"10.1.2.3","host":"10.1.2.3:8080","url":"http://10.1.2.3:8080"}"#;

/// Starts `join` for [`KEY`] with further arguments.
fn join(registry: &str, args: &[&str]) -> Srvd {
    let plain = ["join", "web", "--host", "10.1.2.3", "--port", "8080"];
    Srvd::start(registry, &[&plain, args].concat())
}

/// The same, and waits until it is registered. Gives its lease as it is printed, too.
fn joined(registry: &str, args: &[&str]) -> (Srvd, String) {
    let srvd = join(registry, args);
    let lease = lease_in(&srvd.prints("registered web at").1);
    (srvd, lease)
}

/// The lease that a line names.
fn lease_in(line: &str) -> String {
    let after = line.split_once("lease ").expect("the line names a lease").1;
    after.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// Runs `etcdctl`, which must succeed. Gives what it printed.
fn ctl(etcd: &impl Administered, args: &[&str]) -> String {
    let output = etcd.ctl(args);
    assert!(output.status.success(), "etcdctl {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Grants a lease of this many seconds to somebody else.
fn grant(etcd: &impl Administered, seconds: u32) -> String {
    lease_in(&ctl(etcd, &["lease", "grant", &seconds.to_string()]))
}

/// Value and lease of a key as etcd has them; nothing when etcd has not, or is away.
fn held(etcd: &impl Administered, key: &str) -> Option<(String, i64)> {
    let output = etcd.ctl(&["--command-timeout=2s", "get", key, "-w", "fields"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let value: String = serde_json::from_str(field("\"Value\" : ")?).unwrap();
    Some((value, field("\"Lease\" : ")?.parse().unwrap()))
}

/// Waits until [`KEY`] holds what belongs there, under a lease other than this one. Gives
/// that lease.
fn comes_back(etcd: &impl Administered, other_than: i64) -> i64 {
    let mut lease = 0;
    let back = eventually(|| match held(etcd, KEY) {
        Some((value, found)) if value == VALUE && found != 0 && found != other_than => {
            lease = found;
            true
        }
        _ => false,
    });
    assert!(back, "the key is not back: {:?}", held(etcd, KEY));
    lease
}

/// The same where only root may look, under whatever lease.
fn comes_back_as_root(etcd: &impl Administered) {
    let get = ["--user", "root:root", "get", "--print-value-only", KEY];
    let is_back = || String::from_utf8(etcd.ctl(&get).stdout).unwrap().trim() == VALUE;
    assert!(eventually(is_back), "the key is not back");
}

/// A lease id as a number.
fn number(lease: &str) -> i64 {
    i64::from_str_radix(lease, 16).unwrap()
}

/// Follows all keys of a registry from now on, one line for each change: `PUT` or
/// `DELETE`, then key and value.
fn follow(etcd: &impl Administered) -> Srvd {
    let watch = Srvd::spawn(&mut etcd::etcdctl(&etcd.address(), &["watch", "--prefix", "/"]));
    let is_open = || {
        ctl(etcd, &["put", "/mark", ""]);
        watch.out().count("/mark") > 0
    };
    assert!(eventually(is_open), "the watch never opened");
    watch
}

/// Milliseconds between two moments.
fn ms(from: Instant, to: Instant) -> u128 {
    to.saturating_duration_since(from).as_millis()
}
