//! The documents: README, `docs/` and the files beside README.
//!
//! What they say of the program is held where it can be: links and anchors lead somewhere,
//! `console` blocks are run, tables name what there is, lists are those of Cargo.

mod compose;
mod console;
mod kubernetes;
mod links;
mod monitoring;
mod tables;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The checkout.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a script of this directory with an input, by the packages that `tests/run.sh` installs; none
/// where there is no Python.
fn python(script: &str, arguments: &[PathBuf], input: &str) -> Option<Output> {
    let mut python = Command::new("python3")
        .arg(root().join("tests/documents").join(script))
        .args(arguments)
        .env("PYTHONPATH", root().join("target/tools/python"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    python.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Some(python.wait_with_output().unwrap())
}

/// Every document: those beside README, and those in `docs/`.
fn documents() -> Vec<PathBuf> {
    let folders = [root().to_path_buf(), root().join("docs")];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|it| it == "md")).collect();
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The text of a document.
fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn the_readme_is_read_in_five_minutes() {
    let octets = text("README.md").len();
    assert!(octets <= 10_000, "README.md has {octets} octets: what is longer belongs into docs/");
}

#[test]
fn the_readme_names_the_test_command_that_ci_runs() {
    assert!(text("README.md").contains("\ntests/run.sh\n"));
    assert!(text(".ci/run").contains("/tests/run.sh"));
}

#[test]
fn the_list_of_licences_is_that_of_the_lock_file() {
    let list = Command::new(root().join("deploy/third-party.sh")).output().unwrap();
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    let (now, written) = (String::from_utf8(list.stdout).unwrap(), text("THIRD-PARTY.md"));
    assert!(now == written, "run: deploy/third-party.sh > THIRD-PARTY.md");
}
