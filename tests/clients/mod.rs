//! Programs that people ask DNS with, as they are: each against `srvd serve` and real etcd.
//!
//! What reads `/etc/resolv.conf` has one of its own, in a network and a mount namespace in
//! which the server has port 53 ([`namespace`]). A client that is not installed is left out,
//! with one sentence; `tests/run.sh` installs all of them where there is apt.

mod behind;
mod dns_sd;
mod encrypted;
mod haproxy;
mod kerberos;
mod libraries;
mod mongodb;
mod namespace;
mod prometheus;
mod resolved;
mod resolvers;
mod tools;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig, eventually};

/// A server of two zones, of which the second has no registrations.
struct Scene {
    etcd: Etcd,
    srvd: Srvd,
    /// Where it answers.
    at: SocketAddr,
    /// For what clients want to read and write.
    directory: TempDir,
    /// Files that the server reads.
    files: Option<TempDir>,
}

/// Two zones of one registry; tests remove on purpose.
const ZONES: &str = "hold-collapse = \"0s\"
[[zone]]
name = \"services.internal\"
[[zone]]
name = \"empty.internal\"
prefix = \"/empty\"
";

impl Scene {
    /// Serves on a free port.
    fn start() -> Self {
        Self::listening("127.0.0.1:0")
    }

    /// Serves on an address.
    fn listening(address: &str) -> Self {
        Self::configured(address, "", "")
    }

    /// The same with more lines in the configuration: before the zones, and in the first.
    fn configured(address: &str, before: &str, first: &str) -> Self {
        let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
        let config = directory.path().join("srvd.toml");
        let name = "name = \"services.internal\"\n";
        let zones = ZONES.replace(name, &format!("{name}{first}"));
        std::fs::write(&config, format!("registry = {:?}\n{before}{zones}", etcd.url())).unwrap();
        let config = config.to_str().unwrap();
        let srvd = Srvd::spawn(&mut plain(&["serve", "--config", config, "--listen", address]));
        let at = srvd.answers_at();
        let scene = Self { etcd, srvd, at, directory, files: None };
        assert!(eventually(|| !scene.short("SOA empty.internal").is_empty()));
        scene
    }

    /// Registers one instance, `NAME/ID`.
    fn put(&self, key: &str, value: &str) {
        self.etcdctl(&["put", &format!("/services/{key}"), value]);
    }

    /// Removes one instance.
    fn delete(&self, key: &str) {
        self.etcdctl(&["del", &format!("/services/{key}")]);
    }

    /// Registers instances, and waits until a question has so many answers.
    fn put_all(&self, entries: &[(&str, &str)], question: &str, answers: usize) {
        entries.iter().for_each(|(key, value)| self.put(key, value));
        assert!(eventually(|| self.short(question).len() == answers), "{question}");
    }

    /// What a question is answered.
    fn short(&self, question: &str) -> Vec<String> {
        let text = dig(self.at, &format!("+short {question}"));
        text.lines().map(str::to_owned).collect()
    }

    /// Runs `etcdctl`.
    fn etcdctl(&self, arguments: &[&str]) {
        let output = self.etcd.etcdctl(arguments);
        assert!(output.status.success(), "{output:?}");
    }

    /// Writes a file. Gives its path.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Whether a client is there; says so if not.
fn is_there(client: &str, package: &str) -> bool {
    let is_there = if client.contains('/') {
        Path::new(client).exists()
    } else {
        let found = Command::new("sh").args(["-c", &format!("command -v {client}")]).output();
        found.is_ok_and(|output| output.status.success())
    };
    if !is_there {
        println!("client {client}: left out, it is not installed ({package})");
    }
    is_there
}

/// Runs a client to its end.
fn run(command: &str, arguments: &[&str]) -> Output {
    Command::new(command).args(arguments).output().unwrap()
}

/// What a client prints.
fn printed(command: &str, arguments: &[&str]) -> String {
    String::from_utf8(run(command, arguments).stdout).unwrap()
}
