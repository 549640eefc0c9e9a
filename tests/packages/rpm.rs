//! The rpm: by rpm in a root of its own, and what rpmlint says.

use std::path::Path;
use std::process::Command;

use super::distribution::{Distribution, Manager, lifecycle};
use super::{VERSION, build_package, checkout, has_tool, is_root, made, succeed};

/// rpm, which knows no other package there.
const RPM: Manager = Manager {
    kind: "rpm",
    ending: ".rpm",
    install: |system, file| rpm(system, &["--upgrade", "--nodeps"], file.to_str().unwrap()),
    remove: |system| rpm(system, &["--erase"], "srvd"),
    stops: &[
        "disable --now srvd.socket srvd-http.socket srvd.service",
        "stop srvd-join@*.service",
        "daemon-reload",
    ],
};

/// Runs rpm on the system; Debian's does so only when it is forced to.
fn rpm(system: &Distribution, action: &[&str], what: &str) {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(system.root.as_ref()).arg("--force-debian");
    println!("{}", succeed(command.args(action).arg(what)));
}

/// Whether rpm and what makes one are here; says so if they are not.
fn has_rpm() -> bool {
    let is_here = Command::new("rpm").arg("--version").output().is_ok();
    if !is_here {
        println!("rpm is not installed: left out");
    }
    is_here && has_tool("cargo-generate-rpm")
}

#[test]
fn it_is_installed_upgraded_and_removed() {
    if !(is_root() && has_rpm()) {
        return;
    }
    let Some(system) = lifecycle(&RPM) else { return };
    // A configuration that somebody changed is kept under another name, snapshots as they are.
    let kept = system.root.read("/etc/srvd/srvd.toml.rpmsave");
    assert!(kept.contains("registry"), "{kept}");
    assert!(system.root.at("/var/lib/srvd").exists());
}

#[test]
fn it_says_what_it_has_and_rpmlint_finds_no_error() {
    if !has_rpm() {
        return;
    }
    let dist = build_package("rpm", "1");
    let file = made(&dist, ".rpm");
    let ask = |what: &[&str]| succeed(Command::new("rpm").arg("-qp").args(what).arg(&file));
    let tags = ask(&["--queryformat", "%{NAME} %{VERSION} %{RELEASE} %{LICENSE}"]);
    assert_eq!(tags, format!("srvd {VERSION} 1 MIT OR Apache-2.0"));
    assert_eq!(ask(&["--configfiles"]), "/etc/srvd/srvd.toml\n");
    let needs = ask(&["--requires"]);
    assert!(needs.contains("libc.so.6(GLIBC_"), "{needs}");
    let mut rpmlint = Command::new("rpmlint");
    rpmlint.arg("--config").arg(checkout().join("deploy/rpm/rpmlint.toml")).arg::<&Path>(&file);
    match rpmlint.output() {
        Err(_) => println!("rpmlint is not installed: left out"),
        Ok(output) => assert!(output.status.success(), "{}", super::said(&output)),
    }
}
