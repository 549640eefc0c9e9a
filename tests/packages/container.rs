//! A container: a process of an image in namespaces of its own, run by runc, which Docker and
//! Kubernetes use too.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::image::Image;
use crate::support::eventually;
use crate::support::srvd::Srvd;

/// The one place that may be written to.
pub(super) const STATE: &str = "/var/lib/srvd";

/// Whose network it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// That of the test: etcd is reached.
    Shared,
    /// One with loopback only, where every port is for everybody.
    Own,
}

/// A running container. It ends when dropped.
pub(super) struct Container {
    /// runc, with what the container prints.
    pub(super) process: Srvd,
    /// Its name, and where runc keeps what it knows of it.
    name: String,
    directory: TempDir,
}

impl Container {
    /// Starts one; none where no container may be.
    pub(super) fn start(
        image: &Image,
        command: &[String],
        mounts: &[(&Path, &str)],
        network: Network,
    ) -> Option<Self> {
        /// Names are those of control groups of the machine: none is there twice.
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("srvd-test-{}-{number}", std::process::id());
        let directory = tempfile::tempdir().unwrap();
        let prepare = |command: &[String], mounts: &[(&Path, &str)]| {
            let config = config(image, command, mounts, network);
            std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        };
        // That containers cannot be run here is found out with what needs nothing.
        prepare(&["/usr/bin/srvd", "--version"].map(str::to_owned), &[]);
        match runc(&directory).args(["run", "--bundle"]).arg(directory.path()).arg(&name).output() {
            Ok(output) if output.status.success() => (),
            Ok(output) => {
                println!("no container can be run here: left out: {}", super::said(&output));
                return None;
            }
            Err(_) => {
                println!("runc is not installed: left out");
                return None;
            }
        }
        prepare(command, mounts);
        let mut run = runc(&directory);
        run.arg("run").arg("--pid-file").arg(directory.path().join("pid"));
        run.arg("--bundle").arg(directory.path()).arg(&name);
        let process = Srvd::spawn(&mut run);
        Some(Self { process, name, directory })
    }

    /// Runs a program of the image inside.
    pub(super) fn exec(&self, command: &[String]) -> Output {
        runc(&self.directory).arg("exec").arg(&self.name).args(command).output().unwrap()
    }

    /// Runs a program of this machine in the container's network. Gives what it printed.
    pub(super) fn inside(&self, command: &[&str]) -> String {
        let mut enter = Command::new("nsenter");
        enter.arg(format!("--net=/proc/{}/ns/net", self.pid())).args(command);
        super::succeed(&mut enter)
    }

    /// A field of what `/proc` says of its first process.
    pub(super) fn field(&self, name: &str) -> String {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:\t")));
        line.unwrap().to_owned()
    }

    /// How many children its first process has, zombies too.
    pub(super) fn children(&self) -> usize {
        let pid = self.pid();
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let children = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap_or_default()
        };
        threads.map(children).map(|it| it.split_whitespace().count()).sum()
    }

    /// The process outside that is its first one inside.
    fn pid(&self) -> u32 {
        let file = self.directory.path().join("pid");
        let mut pid = None;
        eventually(|| {
            pid = std::fs::read_to_string(&file).ok().and_then(|it| it.parse().ok());
            pid.is_some()
        });
        pid.unwrap_or_else(|| panic!("it was not started: {}", self.said()))
    }

    /// Tells it to end as orchestrators do. Gives its exit code.
    pub(super) fn ends(&mut self) -> i32 {
        super::succeed(runc(&self.directory).args(["kill", &self.name, "TERM"]));
        self.process.exits()
    }

    /// What it printed and logged.
    pub(super) fn said(&self) -> String {
        format!("printed: {:#?}\nlogged: {:#?}", self.process.out().all(), self.process.log().all())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = runc(&self.directory).args(["delete", "--force", &self.name]).output();
    }
}

/// runc, with a place of its own.
fn runc(directory: &TempDir) -> Command {
    let mut command = Command::new("runc");
    command.arg("--root").arg(directory.path().join("runc"));
    command
}

/// What the runtime is told (config.json of the OCI's runtime specification).
fn config(image: &Image, command: &[String], mounts: &[(&Path, &str)], network: Network) -> Value {
    let user = image.config["config"]["User"].as_str().unwrap();
    let [uid, gid] = [0, 1].map(|at| user.split(':').nth(at).unwrap().parse::<u32>().unwrap());
    let bound = mounts.iter().map(|(from, to)| {
        let access = if *to == STATE { "rw" } else { "ro" };
        json!({ "destination": to, "type": "bind", "source": from, "options": ["bind", access] })
    });
    let proc = json!({ "destination": "/proc", "type": "proc", "source": "proc" });
    let dev = json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"] });
    let mut namespaces = ["pid", "ipc", "uts", "mount"].map(|it| json!({ "type": it })).to_vec();
    let mut sysctl = json!({});
    if network == Network::Own {
        namespaces.push(json!({ "type": "network" }));
        sysctl = json!({ "net.ipv4.ip_unprivileged_port_start": "0" });
    }
    let none: [&str; 0] = [];
    let mounts: Vec<_> = [proc, dev].into_iter().chain(bound).collect();
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": uid, "gid": gid },
            "args": command,
            "env": image.words("Env"),
            "cwd": image.config["config"]["WorkingDir"],
            "noNewPrivileges": true,
            "capabilities": { "bounding": none, "effective": none, "permitted": none, "inheritable": none, "ambient": none },
        },
        "root": { "path": image.root.as_ref(), "readonly": true },
        "hostname": "container",
        "mounts": mounts,
        "linux": { "namespaces": namespaces, "sysctl": sysctl, "readonlyPaths": ["/proc/sys"] },
    })
}
