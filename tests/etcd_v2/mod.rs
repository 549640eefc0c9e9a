//! etcd's v2 keys API against `srvd serve` and real etcd: what old clients are answered, and what
//! the registry and DNS see of it.

/// Whom it lets in, and how much it takes.
mod access;
/// What it costs the server and the registry.
mod bounds;
/// Requests by chance to both.
mod chance;
/// Programs of that time, as they are.
mod clients;
/// What happens to keys, seen from v3 and from DNS.
mod keys;
/// The same requests to etcd's own v2 API.
mod oracle;
/// Long polls.
mod waits;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::support::etcd::{Etcd, etcdctl};
use crate::support::srvd::{Srvd, plain};
use crate::support::{PATIENCE, dig, eventually};

/// A server, and where it answers.
struct Server {
    process: Srvd,
    dns: SocketAddr,
    /// etcd's v2 API.
    at: SocketAddr,
    /// Its registry.
    registry: String,
}

/// What a request was answered.
#[derive(Debug, Clone)]
struct Reply {
    status: u16,
    /// The headers, their names in lower case.
    headers: Vec<(String, String)>,
    text: String,
}

/// A request that is not answered yet.
struct Pending(TcpStream);

impl Server {
    /// `srvd serve` of a registry, once it has listed it.
    fn start(etcd: &Etcd, more: &[&str]) -> Self {
        let url = etcd.url();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--registry", &url];
        let own = ["--hold-collapse", "0s", "--etcd-v2", "127.0.0.1:0"];
        let own = if more.contains(&"--etcd-v2") { &own[..2] } else { &own };
        Self::run(&url, &[&arguments[..], own, more].concat())
    }

    /// Starts the binary.
    fn run(registry: &str, arguments: &[&str]) -> Self {
        let process = Srvd::spawn(&mut plain(arguments));
        let dns = process.answers_at();
        let line = process.prints("answering etcd's v2 API on ").1;
        let at: SocketAddr =
            line.strip_prefix("answering etcd's v2 API on ").unwrap().parse().unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], at.port()));
        let server = Self { process, dns, at, registry: registry.to_owned() };
        assert!(eventually(|| dig(server.dns, "SOA services.internal").contains("NOERROR")));
        server
    }

    /// A request with parameters in a form, where it may have one.
    fn ask(&self, method: &str, path: &str, form: &str) -> Reply {
        ask(self.at, method, path, form, "")
    }

    /// GET of a key.
    fn get(&self, key: &str) -> Reply {
        self.ask("GET", key, "")
    }

    /// PUT of a key.
    fn put(&self, key: &str, form: &str) -> Reply {
        self.ask("PUT", key, form)
    }

    /// DELETE of a key.
    fn delete(&self, key: &str) -> Reply {
        self.ask("DELETE", key, "")
    }

    /// A request that waits.
    fn wait(&self, key: &str) -> Pending {
        send(self.at, "GET", key, "", "")
    }

    /// Runs `etcdctl` against the registry.
    fn etcdctl(&self, arguments: &[&str]) -> String {
        let output = etcdctl(&self.registry, arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a question is answered, in short.
    fn dig(&self, question: &str) -> Vec<String> {
        dig(self.dns, &format!("+short {question}")).lines().map(str::to_owned).collect()
    }
}

impl Reply {
    /// The body, as JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }

    /// A header.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| &**value)
    }

    /// The index of the registry.
    fn index(&self) -> u64 {
        self.header("x-etcd-index").unwrap().parse().unwrap()
    }

    /// The index of the node's last change.
    fn modified(&self) -> u64 {
        self.json()["node"]["modifiedIndex"].as_u64().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// The status, and the number of the fault.
    fn fault(&self) -> (u16, u64) {
        (self.status, self.json()["errorCode"].as_u64().unwrap_or_default())
    }
}

impl Pending {
    /// The reply, once it has ended.
    fn reply(mut self) -> Reply {
        let mut octets = Vec::new();
        self.0.read_to_end(&mut octets).unwrap();
        read(&String::from_utf8(octets).unwrap())
    }

    /// Whether nothing more than the head has come within a moment.
    fn is_quiet(&mut self) -> bool {
        std::thread::sleep(Duration::from_millis(300));
        let mut octets = vec![0; 4096];
        self.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let read = self.0.peek(&mut octets).unwrap_or_default();
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        octets[..read].ends_with(b"\r\n\r\n")
    }
}

/// A request, to its end. Parameters go in a form where the method may have one.
fn ask(at: SocketAddr, method: &str, path: &str, form: &str, fields: &str) -> Reply {
    send(at, method, path, form, fields).reply()
}

/// Sends a request about a key, or about something else below `/v2`.
fn send(at: SocketAddr, method: &str, path: &str, form: &str, fields: &str) -> Pending {
    let path = if path.starts_with("/v2") { path.to_owned() } else { format!("/v2/keys{path}") };
    send_to(at, method, &path, form, fields)
}

/// Sends a request, as HTTP/1.0 so that a body ends with its connection.
fn send_to(at: SocketAddr, method: &str, path: &str, form: &str, fields: &str) -> Pending {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let kind = match form {
        "" => String::new(),
        form => format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        ),
    };
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {at}\r\n{kind}{fields}\r\n{form}");
    stream.write_all(head.as_bytes()).unwrap();
    Pending(stream)
}

/// Reads a reply.
fn read(text: &str) -> Reply {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let field = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_lowercase(), value.trim().to_owned())
    };
    Reply { status, headers: lines.map(field).collect(), text: body.to_owned() }
}
