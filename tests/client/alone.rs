//! The client alone: what it brings; and the package that it comes in.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::support::sources;

/// Crates that a program gets with the client, itself included.
const CRATES_MAX: usize = 120;
/// Crates that only the server may bring.
const SERVERS: [&str; 8] =
    ["clap", "hickory-proto", "hickory-server", "moka", "imbl", "domain", "utoipa", "nix"];

/// What cargo prints for some arguments, without asking a registry.
fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).args(["--locked", "--offline"]);
    let done = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn it_brings_few_crates_and_none_of_the_servers() {
    let client = ["--no-default-features", "--features", "client"];
    let tree = ["tree", "--edges", "normal", "--prefix", "none", "--no-dedupe"];
    let tree = cargo(&[&tree[..], &client].concat());
    let crates: BTreeSet<_> = tree.lines().collect();
    assert!((50..=CRATES_MAX).contains(&crates.len()), "{} crates", crates.len());
    let name = |line: &&str| line.split(' ').next().unwrap_or_default().to_owned();
    let names: BTreeSet<_> = crates.iter().map(name).collect();
    let brought: Vec<_> = SERVERS.iter().filter(|it| names.contains(**it)).collect();
    assert!(brought.is_empty(), "{brought:?} came with the client");
    // etcd-client's tonic brings a web framework for servers that nobody starts; ours is no reason.
    assert!(names.contains("etcd-client"));
}

#[test]
fn the_package_has_what_a_build_needs_and_no_inputs_of_tests() {
    let list = cargo(&["package", "--list", "--allow-dirty"]);
    let packed: BTreeSet<_> = list.lines().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
    let mut count = 0;
    for (path, text) in sources::all() {
        let folder = path.parent().unwrap();
        let named = text.split("include_str!(\"").skip(1).filter_map(|it| it.split('"').next());
        for file in named.map(|name| folder.join(name)).chain([path.clone()]) {
            let file = file.canonicalize().unwrap();
            let file = file.strip_prefix(&root).unwrap().to_str().unwrap();
            assert!(packed.contains(file), "{file} is not in the package");
            count += 1;
        }
    }
    assert!(count > 500, "{count} files");
    assert!(packed.contains("examples/register.rs") && packed.contains("LICENSE-MIT"));
    let tests: Vec<_> = packed.iter().filter(|it| it.starts_with("tests/")).collect();
    assert!(tests.is_empty(), "{tests:?}");
}
