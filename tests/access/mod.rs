//! Being let into etcd, against real etcd processes.
//!
//! | file | proves |
//! | --- | --- |
//! | `messages` | each way of not being let in is one clear line with a remedy |
//! | `rotation` | certificates and passwords that change are taken without a restart |
//! | `roles` | a read-only role is enough for `serve`, a write role for `join` |
//! | `logins` | tokens that expire, authentication turned on and off, roles taken away |
//! | `members` | members that join later are used, those that leave are dropped |
//! | `domain` | members that DNS names are found, and found again |
//! | `secrets` | nothing shows a password, a token or what cookies are made with |
//! | `reach` | endpoints that do not answer, and no storm of connections |

mod domain;
mod logins;
mod members;
mod messages;
mod reach;
mod roles;
mod rotation;
mod secrets;

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::support::certificates::{Authority, Pair};
use crate::support::etcd::Etcd;
use crate::support::srvd::Srvd;
use crate::support::{dig, eventually};

/// The files that a client is given.
struct Desk {
    /// Where they are; removed at the end.
    directory: TempDir,
}

impl Desk {
    /// No files yet.
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    /// The path of a file.
    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file that nobody else may read. Gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// `--ca` with an authority's certificate.
    fn ca(&self, authority: &Authority) -> Vec<String> {
        vec!["--ca".to_owned(), self.file("ca.pem", &authority.pem)]
    }

    /// `--cert` and `--key` with a pair.
    fn identity(&self, pair: &Pair) -> Vec<String> {
        let [cert, key] = [("cert.pem", &pair.certificate), ("key.pem", &pair.key)]
            .map(|(name, text)| self.file(name, text));
        ["--cert", &cert, "--key", &key].map(str::to_owned).to_vec()
    }

    /// `--user` and `--password-file`.
    fn user(&self, name: &str, password: &str) -> Vec<String> {
        let file = self.file(&format!("{name}.password"), &format!("{password}\n"));
        ["--user", name, "--password-file", &file].map(str::to_owned).to_vec()
    }
}

/// Runs `etcdctl`, which must succeed.
fn ctl(etcd: &Etcd, arguments: &[&str]) {
    let output = etcd.etcdctl(arguments);
    assert!(output.status.success(), "etcdctl {arguments:?}: {output:?}");
}

/// The same as root, when authentication is on.
fn root(etcd: &Etcd, arguments: &[&str]) {
    ctl(etcd, &[&["--user", "root:root"], arguments].concat());
}

/// Turns authentication on, with a user `reader` that may read `/services/`, a user
/// `writer` that may write there too, and `root`; each user's password is its name.
pub(crate) fn enable_auth(etcd: &Etcd) {
    for (user, permission) in [("reader", "read"), ("writer", "readwrite")] {
        ctl(etcd, &["user", "add", &format!("{user}:{user}")]);
        ctl(etcd, &["role", "add", user]);
        let grant = ["role", "grant-permission", user, permission, "--prefix=true", "/services/"];
        ctl(etcd, &grant);
        ctl(etcd, &["user", "grant-role", user, user]);
    }
    ctl(etcd, &["user", "add", "root:root"]);
    ctl(etcd, &["user", "grant-role", "root", "root"]);
    ctl(etcd, &["auth", "enable"]);
}

/// Puts an instance of `web` at this address, as root.
fn put(etcd: &Etcd, id: &str, place: &str) {
    root(etcd, &["put", &format!("/services/web/{id}"), place]);
}

/// `srvd serve` as a process, and where it answers.
struct Served {
    /// The process.
    process: Srvd,
    /// Where it answers.
    at: SocketAddr,
}

impl Served {
    /// Serves a registry with further arguments.
    fn start(registry: &str, arguments: &[String]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(arguments.iter().map(String::as_str));
        let process = Srvd::start(registry, &all);
        let at = process.answers_at();
        Self { process, at }
    }

    /// What `dig` prints of a question.
    fn dig(&self, question: &[&str]) -> String {
        dig(self.at, &question.join(" "))
    }

    /// Waits until `web` has exactly these addresses.
    fn shows(&self, addresses: &[&str]) {
        let mut last = Vec::new();
        let shown = eventually(|| {
            let text = self.dig(&["+short", "A", "web.services.internal"]);
            last = text.lines().map(str::to_owned).collect();
            last.sort_unstable();
            last == addresses
        });
        assert!(shown, "not {addresses:?} but {last:?}: {:#?}", self.process.log().all());
    }
}

/// `srvd join web` as a process, registered.
fn joined(registry: &str, arguments: &[String]) -> Srvd {
    let join = join(registry, arguments);
    join.prints("registered web at");
    join
}

/// The same, without waiting.
fn join(registry: &str, arguments: &[String]) -> Srvd {
    let mut all = vec!["join", "web", "--host", "10.1.2.3", "--port", "8080"];
    all.extend(arguments.iter().map(String::as_str));
    Srvd::start(registry, &all)
}

/// Arguments as a process takes them.
fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}

/// The local ends of this process's connections to an address. (etcd has one to itself.)
fn connections_to(at: SocketAddr) -> Vec<String> {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    let links: Vec<_> =
        links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok()).collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let wanted = format!(":{:04X}", at.port());
    let is_ours =
        |inode: &str| links.iter().any(|link| link.ends_with(format!("socket:[{inode}]")));
    let open = fields.filter(|it| it[3] == "01" && it[2].ends_with(&wanted) && is_ours(it[9]));
    open.map(|it| it[1].to_owned()).collect()
}
