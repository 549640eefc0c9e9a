//! Started as root, nothing answers as root: `/proc` says so of every thread.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use super::process;
use super::server::{ask, dig};
use super::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::{Srvd, plain};

/// A user that every system has, and its number on most.
const USER: &str = "nobody";
/// Where only root may listen, and nobody else does.
const PRIVILEGED: &str = "127.0.0.77:53";

/// Whether the suite runs as root; says so if it does not.
fn is_root() -> bool {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        println!("left out: this needs root, which gives up its privileges here");
    }
    is_root
}

/// The number of the user.
fn id() -> u32 {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find_map(|line| line.strip_prefix(&format!("{USER}:"))).unwrap();
    line.split(':').nth(1).unwrap().parse().unwrap()
}

/// A field of what `/proc` says of each thread of a process.
fn of_threads(process: &Srvd, field: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.pid())).unwrap();
    let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap();
    let find = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
        line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let all: Vec<_> = tasks.map(|task| find(status(task.unwrap()))).collect();
    assert!(all.len() > 4, "{field}: {all:?}");
    all
}

/// Whether every thread runs as a user, and can do nothing else.
fn is_harmless(process: &Srvd, user: u32) {
    let none = "0000000000000000";
    let ids = [user; 4].map(|id| id.to_string()).join(" ");
    for (field, value) in [
        ("Uid", &ids[..]),
        ("CapEff", none),
        ("CapPrm", none),
        ("CapInh", none),
        ("CapAmb", none),
        ("NoNewPrivs", "1"),
    ] {
        let of_threads = of_threads(process, field);
        assert!(of_threads.iter().all(|it| it == value), "{field}: {of_threads:?}");
    }
}

/// The owner of a file; none if there is none.
fn owner(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.uid())
}

#[test]
fn another_user_answers_on_port_53_and_keeps_snapshots() {
    if !is_root() {
        return;
    }
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let state = directory.path().join("kept");
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 3));
    // What root wrote there before is the new user's as well.
    fs::create_dir(&state).unwrap();
    let old = state.join("old.example.snapshot");
    fs::write(&old, "").unwrap();
    let (url, state) = (etcd.url(), state.to_str().unwrap());
    let process = process::start(
        &[
            &["serve", "--registry", &url, "--listen", PRIVILEGED, "--workers", "3"][..],
            &["--state", state, "--run-as", USER],
        ]
        .concat(),
    );
    let at = process.answers_at();
    assert!(eventually(|| ask(at, "SRV _web._tcp").answers.len() == 3));
    is_harmless(&process, id());
    for transport in ["+notcp", "+tcp"] {
        let text = dig(at, &format!("{transport} A web.services.internal"));
        assert!(text.contains("ANSWER: 3"), "{text}");
    }
    let snapshot = Path::new(state).join("services.internal.snapshot");
    assert!(eventually(|| owner(&snapshot).is_some()));
    let paths = [&snapshot, &old, Path::new(state)];
    assert_eq!(paths.map(owner), [Some(id()); 3]);
    // And goes on doing so.
    writer.put_all(&instances("late", 3));
    let before = fs::metadata(&snapshot).unwrap().ino();
    assert!(eventually(|| fs::metadata(&snapshot).unwrap().ino() != before));
}

#[test]
fn root_without_another_user_gives_up_what_root_can_do() {
    if !is_root() {
        return;
    }
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put_all(&instances("web", 3));
    let (process, at) = process::serve(&etcd.url(), &[]);
    assert!(eventually(|| ask(at, "SRV _web._tcp").answers.len() == 3));
    is_harmless(&process, 0);
    let dev = process::start(&["dev", "--run-as", USER]);
    let at = dev.answers_at();
    assert!(eventually(|| !ask(at, "SRV _hello._tcp").answers.is_empty()));
    is_harmless(&dev, id());
}

#[test]
fn what_cannot_be_is_said() {
    if !is_root() {
        return;
    }
    let mut command = plain(&["serve", "--listen", "127.0.0.1:0", "--run-as", "root"]);
    let output = command.uid(id()).gid(id()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("becoming `root`: permission denied; only root can; start"), "{text}");
    // A directory with other things in it was hardly meant to be given away.
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter"), "").unwrap();
    let state = directory.path().to_str().unwrap();
    let output =
        process::run(&["serve", "--listen", "127.0.0.1:0", "--state", state, "--run-as", USER]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("it holds \"letter\" too; give `state` to `run-as` by hand"), "{text}");
    assert_eq!(owner(directory.path()), Some(0));
}
