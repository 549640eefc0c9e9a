//! The programs in `examples/`, as processes.
//!
//! `cargo test` builds them with the tests; where only one suite is asked for it does not, and
//! then this one does: some seconds, once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{dig_prints, serve};
use crate::support::etcd::Etcd;
use crate::support::registry::Administered;
use crate::support::srvd::{BINARY, Srvd};
use crate::support::{dig, eventually};

/// Where the built examples are.
fn built() -> &'static Path {
    /// Found once.
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let profile = Path::new(BINARY).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--offline", "--quiet", "--examples"]);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let done = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        profile.join("examples")
    })
}

/// Starts an example with arguments.
fn example(name: &str, etcd: &Etcd, arguments: &[&str]) -> Srvd {
    let mut command = Command::new(built().join(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("SRVD_") {
            command.env_remove(variable);
        }
    }
    Srvd::spawn(command.args(arguments).env("SRVD_REGISTRY", etcd.url()))
}

/// Starts `register`, and waits until it says so.
fn register(etcd: &Etcd) -> Srvd {
    let process = example("register", etcd, &["web", "8080"]);
    process.prints("registered at ");
    process
}

#[test]
fn registered_is_found_left_is_gone_killed_is_gone_with_its_lease() {
    let mut etcd = Etcd::start();
    let (_server, at) = serve(&etcd);
    let is_found = || dig(at, "+short SRV _web._tcp.services.internal").starts_with("0 10 8080 ");
    let mut held = register(&etcd);
    assert!(eventually(is_found));
    let mut looked = example("lookup", &etcd, &["web"]);
    looked.prints("weight 10 tags example");
    assert_eq!(looked.exits(), 0);
    held.signal("INT");
    held.prints("left");
    assert_eq!(held.exits(), 0);
    dig_prints(at, "");
    let killed = register(&etcd);
    assert!(eventually(is_found));
    killed.signal("KILL");
    dig_prints(at, "");
    let _held = register(&etcd);
    etcd.wipe_and_restart();
    let keys = || etcd.ctl(&["get", "--prefix", "--keys-only", "/services/web/"]).stdout;
    assert!(eventually(|| !keys().is_empty()), "it registers again");
    assert!(eventually(is_found));
}

#[test]
fn a_watch_sees_them_come_and_go() {
    let etcd = Etcd::start();
    let watch = example("watch", &etcd, &["web"]);
    watch.prints("0 instances: ");
    let mut held = register(&etcd);
    watch.prints("1 instances: ");
    held.signal("INT");
    assert_eq!(held.exits(), 0);
    assert!(eventually(|| watch.out().count("0 instances: ") == 2));
}
