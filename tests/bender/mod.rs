//! bender's interface against `srvd serve` and real etcd: what clients do who renew by
//! POST, and what they and the registry see of it.

mod clients;
mod entities;
mod refusals;
mod registering;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::support::etcd::{Etcd, etcdctl};
use crate::support::srvd::{Srvd, plain};
use crate::support::{PATIENCE, dig, eventually, free_addr};

/// A server, and where it answers.
struct Server {
    process: Srvd,
    dns: SocketAddr,
    http: SocketAddr,
    /// Its registry.
    registry: String,
}

/// What stands at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    value: String,
    lease: u64,
    created: u64,
    modified: u64,
}

/// What a request was answered.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Value,
}

impl Server {
    /// `srvd serve` of a registry, once it has listed it.
    fn start(etcd: &Etcd, more: &[&str]) -> Self {
        Self::of(&etcd.url(), more)
    }

    /// The same of a registry at a url.
    fn of(url: &str, more: &[&str]) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--registry", url];
        let server = Self::run(url, &[&arguments[..], &["--hold-collapse", "0s"], more].concat());
        assert!(eventually(|| server.get("/backends").status == 200));
        server
    }

    /// `srvd dev`, with a registry in itself.
    fn dev() -> Self {
        let arguments = ["dev", "--listen", "127.0.0.1:0", "--registration-ttl", "2s"];
        let url = format!("http://{}", free_addr());
        let server = Self::run(&url, &[&arguments[..], &["--registry", &url]].concat());
        assert!(eventually(|| server.get("/backends").status == 200));
        server
    }

    /// Starts the binary.
    fn run(registry: &str, arguments: &[&str]) -> Self {
        let process = Srvd::spawn(&mut plain(arguments));
        let dns = process.answers_at();
        let line = process.prints("answering HTTP on ").1;
        let http = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
        Self { process, dns, http, registry: registry.to_owned() }
    }

    /// A request without a body.
    fn ask(&self, method: &str, path: &str) -> Reply {
        ask(self.http, method, path, "", "")
    }

    /// A request with a body of JSON.
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        ask(self.http, method, path, "Content-Type: application/json\r\n", body)
    }

    /// GET.
    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path)
    }

    /// POST of a registration by its path.
    fn renew(&self, place: &str) -> Reply {
        self.ask("POST", &format!("/registrations/{place}"))
    }

    /// How many registrations a path lists.
    fn count(&self, path: &str) -> usize {
        self.get(path).body.as_array().unwrap().len()
    }

    /// What stands at a key of the registry.
    fn key(&self, key: &str) -> Option<Stored> {
        stored(&self.registry, key)
    }

    /// Runs `etcdctl` against the registry.
    fn etcdctl(&self, arguments: &[&str]) {
        let output = etcdctl(&self.registry, arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Ends a lease.
    fn revoke(&self, lease: u64) {
        self.etcdctl(&["lease", "revoke", &format!("{lease:x}")]);
    }

    /// What a question is answered, in short.
    fn dig(&self, question: &str) -> Vec<String> {
        dig(self.dns, &format!("+short {question}")).lines().map(str::to_owned).collect()
    }
}

impl Reply {
    /// Asserts the status, and gives the body.
    fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Asserts a refusal, and gives its message.
    fn refuses(self, status: u16, code: &str) -> String {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        self.body["message"].as_str().unwrap().to_owned()
    }

    /// A field of the head.
    fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let is_meant = |(field, _): &(&str, &str)| field.eq_ignore_ascii_case(name);
        lines.into_iter().find(is_meant).map(|(_, value)| value)
    }
}

/// Sends a request on a connection of its own, and reads the reply.
fn ask(at: SocketAddr, method: &str, path: &str, fields: &str, body: &str) -> Reply {
    let length = match (method, body) {
        ("GET" | "POST" | "DELETE", "") => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n{fields}{length}\r\n{body}"
    );
    exchange(at, text.as_bytes())
}

/// Sends octets, and reads the reply.
fn exchange(at: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
    Reply { status, head: head.to_owned(), body }
}

/// What stands at a key of a registry, seen by `etcdctl`.
fn stored(registry: &str, key: &str) -> Option<Stored> {
    let output = etcdctl(registry, &["get", key, "-w", "json"]).output().unwrap();
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pair = page["kvs"].get(0)?;
    let value = etcdctl(registry, &["get", key, "--print-value-only"]).output().unwrap();
    Some(Stored {
        value: String::from_utf8(value.stdout).unwrap().trim().to_owned(),
        lease: pair["lease"].as_u64().unwrap_or_default(),
        created: pair["create_revision"].as_u64().unwrap(),
        modified: pair["mod_revision"].as_u64().unwrap(),
    })
}

/// How many leases there are in a registry.
fn leases(etcd: &Etcd) -> usize {
    let listed = String::from_utf8(etcd.etcdctl(&["lease", "list"]).stdout).unwrap();
    listed.lines().filter(|line| !line.starts_with("found")).count()
}
