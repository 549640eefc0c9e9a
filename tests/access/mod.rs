//! Being let into etcd, against real etcd processes.
//!
//! | file | proves |
//! | --- | --- |
//! | `messages` | each way of not being let in is one clear line with a remedy |

mod messages;

use tempfile::TempDir;

use crate::support::certificates::{Authority, Pair};
use crate::support::etcd::Etcd;

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

    /// Writes a file. Gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
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
fn enable_auth(etcd: &Etcd) {
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
