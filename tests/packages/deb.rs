//! The Debian package: by dpkg in a root of its own, and what lintian says.

use std::path::Path;
use std::process::Command;

use super::distribution::{Distribution, Manager, lifecycle};
use super::{build, has_tool, is_root, made, succeed};
use crate::support::srvd::BINARY;

/// dpkg, which knows no other package there.
const DPKG: Manager = Manager {
    kind: "deb",
    ending: ".deb",
    install: |system, file| dpkg(system, &["--force-depends", "--install"], file.to_str().unwrap()),
    remove: |system| dpkg(system, &["--remove"], "srvd"),
    stops: &[
        "disable --now srvd.socket srvd-http.socket srvd.service",
        "stop srvd-join@*.service",
        "daemon-reload",
    ],
};

/// Runs dpkg on the system.
fn dpkg(system: &Distribution, action: &[&str], what: &str) {
    for (path, text) in [("status", ""), ("available", ""), ("info/format", "1\n")] {
        let path = format!("/var/lib/dpkg/{path}");
        if !system.root.at(&path).exists() {
            system.root.write(&path, text);
        }
    }
    std::fs::create_dir_all(system.root.at("/var/lib/dpkg/updates")).unwrap();
    let mut command = Command::new("dpkg");
    // A minimal system: what dpkg looks for in PATH is that of the machine.
    command.arg("--root").arg(system.root.as_ref()).args(["--force-not-root", "--force-bad-path"]);
    println!("{}", succeed(command.args(action).arg(what)));
}

#[test]
fn it_is_installed_upgraded_removed_and_purged() {
    if !(is_root() && has_tool("cargo-deb")) {
        return;
    }
    let Some(system) = lifecycle(&DPKG) else { return };
    // What was configured and kept is there until it is purged.
    let state = system.root.at("/var/lib/srvd");
    assert!(state.exists() && system.root.at("/etc/srvd/srvd.toml").exists());
    dpkg(&system, &["--purge"], "srvd");
    assert!(!state.exists() && !system.root.at("/etc/srvd/srvd.toml").exists());
    assert!(system.root.at("/etc/srvd/join/web.env").exists(), "it was somebody's own");
    let left = system.root.files().into_iter().filter(|it| it.contains("srvd")).collect::<Vec<_>>();
    assert_eq!(left, ["/etc/srvd/join/web.env 644"]);
}

#[test]
fn lintian_finds_no_error() {
    if Command::new("lintian").arg("--version").output().is_err() {
        println!("lintian is not installed: left out");
        return;
    }
    if !has_tool("cargo-deb") {
        return;
    }
    // What is built to be packed has no symbols; whether the program of the tests has some depends
    // on the linker.
    let directory = tempfile::tempdir().unwrap();
    let bare = directory.path().join("srvd");
    succeed(Command::new("strip").arg("-o").arg(&bare).arg(BINARY));
    let dist = build(&bare, "deb");
    let file = made(&dist, ".deb");
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error"]).arg::<&Path>(&file);
    println!("{}", succeed(&mut lintian));
}
