//! Namespaces of the kernel (namespaces(7)) that end with what runs in them, so that no test
//! touches this machine: as root, or as root of a user namespace.

use std::process::{Command, Output};

/// Ways to get a namespace.
const WAYS: [&[&str]; 2] = [&[], &["--map-root-user"]];

/// Runs one ignored test of this binary in a network namespace with loopback only. Nothing
/// where none is permitted, or `probe` does not work there.
pub(crate) fn run_in_network(test: &str, probe: &str) -> Option<Output> {
    let up = "ip link set lo up";
    let mut command = enter(&["--net"], &format!("{up} && {probe}"))?;
    command.args(["sh", "-c", &format!("{up} && exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    Some(command.output().unwrap())
}

/// What runs a program as PID 1. Nothing where that is not permitted.
pub(crate) fn as_first_process() -> Option<Command> {
    enter(&["--pid", "--fork", "--mount-proc", "--kill-child"], "true")
}

/// What runs a program in such a namespace, where `probe` works in it.
fn enter(kind: &[&str], probe: &str) -> Option<Command> {
    let command = |way: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(way).args(kind);
        command
    };
    let works = |way: &&&[&str]| {
        let probe = command(way).args(["sh", "-c", probe]).output();
        probe.is_ok_and(|output| output.status.success())
    };
    WAYS.iter().find(works).map(|way| command(way))
}
