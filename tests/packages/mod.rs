//! What is installed: made by `deploy/build.sh` of the programs under test, and put into roots that
//! are nothing else's. What the programs need of a system is therefore what is here.

mod asking;
mod container;
mod deb;
mod distribution;
mod image;
mod inventory;
mod root;
mod rpm;
mod tarball;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::support::srvd::BINARY;

/// The version that is packed.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The static program of the same sources, which `tests/run.sh` links.
const STATIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/srvd-static");

/// The checkout.
fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The static program; none where it is not there, or of older sources.
fn static_program() -> Option<&'static Path> {
    let changed = |path: &Path| path.metadata().and_then(|it| it.modified());
    let (it, other) = (changed(Path::new(STATIC)), changed(Path::new(BINARY)));
    let is_new = it.is_ok_and(|it| other.is_ok_and(|other| it >= other));
    if !is_new {
        println!("{STATIC} is missing or older than the program: left out; see tests/run.sh");
    }
    is_new.then(|| Path::new(STATIC))
}

/// Whether the test may have roots of its own.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("only root may have another root: left out");
    }
    is_root
}

/// Whether a program of Cargo that makes packages is here.
fn has_tool(name: &str) -> bool {
    let is_here = checkout().join("target/tools/bin").join(name).exists();
    if !is_here {
        println!("{name} is not in target/tools: left out; see tests/run.sh");
    }
    is_here
}

/// The output of a command that must succeed.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = said(&output);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// All that a command printed.
fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Runs `deploy/build.sh` with a program that is there.
fn build(program: &Path, kind: &str) -> TempDir {
    run_build(program, kind, "1")
}

/// A package of the program under test, in a revision.
fn build_package(kind: &str, revision: &str) -> TempDir {
    run_build(Path::new(BINARY), kind, revision)
}

/// Runs `deploy/build.sh`.
fn run_build(program: &Path, kind: &str, revision: &str) -> TempDir {
    /// The layout is in one place.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dist = tempfile::tempdir().unwrap();
    let mut command = Command::new(checkout().join("deploy/build.sh"));
    command.arg(kind).env("BINARY", program).env("DIST", dist.path());
    command.env("REVISION", revision);
    println!("{}", succeed(&mut command));
    dist
}

/// The one file that a build made beside the checksums.
fn made(dist: &TempDir, ending: &str) -> PathBuf {
    let files = std::fs::read_dir(dist.path()).unwrap().map(|it| it.unwrap().path());
    let found: Vec<_> = files.filter(|it| it.to_string_lossy().ends_with(ending)).collect();
    let [file] = &found[..] else { panic!("one file that ends in {ending}: {found:?}") };
    file.clone()
}
