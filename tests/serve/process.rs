//! The real binary, as the suites of serving use it.

use std::net::SocketAddr;
use std::process::{Output, Stdio};

use crate::support::eventually;
use crate::support::srvd::{Srvd, plain};

/// Starts `srvd` with arguments.
pub(super) fn start(arguments: &[&str]) -> Srvd {
    Srvd::spawn(&mut plain(arguments))
}

/// Starts `srvd serve` on a free port of a registry and waits until it says where.
pub(super) fn serve(registry: &str, arguments: &[&str]) -> (Srvd, SocketAddr) {
    let all = [&["serve", "--registry", registry, "--listen", "127.0.0.1:0"], arguments];
    let process = start(&all.concat());
    let at = process.answers_at();
    (process, at)
}

/// Waits until a process has logged a line with all these texts.
pub(super) fn wait_for_log(process: &Srvd, texts: &[&str]) {
    let has_all = |line: &String| texts.iter().all(|text| line.contains(text));
    let logged = || process.log().all().iter().any(has_all);
    assert!(eventually(logged), "no {texts:?} in {:#?}", process.log().all());
}

/// Runs `srvd` to its end, which must come soon. What it prints must fit a pipe.
pub(super) fn run(arguments: &[&str]) -> Output {
    let mut command = plain(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = eventually(|| child.try_wait().unwrap().is_some());
    if !ended {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(ended, "srvd {arguments:?} does not end: {output:?}");
    output
}
