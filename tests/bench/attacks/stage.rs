//! Registrations, servers, and what these count.

use std::io::{Read, Result, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use etcd_client::{Client, Txn, TxnOp};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::kinds::{ENTRIES, SKYDNS};
use crate::process::{GENERATOR, Process, SERVER, directory, pin};
use crate::query::{A, query};
use crate::support::etcd::Etcd;
use crate::support::free_addr;

/// Services by how many instances they have: `s1`, `s3` and so on.
pub(crate) const SIZES: [usize; 4] = [1, 3, 10, 100];
/// A text of as many octets as a string can have, at the service `text`.
const TEXT: usize = 255;
/// The variable that names another build of srvd, to be attacked instead of this one.
const BEFORE: &str = "BENCH_BEFORE";
/// How long a server may take to start.
const STARTING: Duration = Duration::from_secs(20);
/// How long a reply is waited for.
const REPLY: Duration = Duration::from_millis(200);

/// What is registered.
pub(crate) struct Registered {
    /// Where.
    etcd: Etcd,
    /// A name server that says nothing.
    silent: UdpSocket,
}

/// A server that runs.
pub(crate) struct Server {
    /// Where it answers.
    pub(crate) at: SocketAddr,
    /// Its process.
    pub(crate) process: Process,
    /// Where it says what it counted.
    http: SocketAddr,
    /// Its log; removed at the end.
    _dir: TempDir,
}

impl Registered {
    /// Registers services of some sizes.
    pub(crate) fn new() -> Self {
        let etcd = Etcd::start();
        pin(etcd.pid(), GENERATOR);
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let mut client = Client::connect([etcd.url()], None).await.unwrap();
            for (number, size) in SIZES.into_iter().enumerate() {
                for at in 0..size {
                    let key = format!("/services/s{size}/{at}");
                    let value = format!("http://10.{number}.0.{at}:8080");
                    client.put(key, value, None).await.unwrap();
                }
            }
            let text = "x".repeat(TEXT);
            let value = format!(r#"{{"host":"10.9.9.9:80","text":"{text}"}}"#);
            client.put("/services/text/1", value, None).await.unwrap();
        });
        Self { etcd, silent: UdpSocket::bind("127.0.0.1:0").unwrap() }
    }

    /// Registers what the SkyDNS zone has, once.
    fn fill_skydns(&self) {
        const TOGETHER: usize = 128;
        Runtime::new().unwrap().block_on(async {
            let mut client = Client::connect([self.etcd.url()], None).await.unwrap();
            if client.get(entry(0), None).await.unwrap().count() > 0 {
                return;
            }
            for first in (0..ENTRIES).step_by(TOGETHER) {
                let put = |at: usize| {
                    let value = format!(r#"{{"host":"10.1.{}.{}"}}"#, at >> 8, at & 255);
                    TxnOp::put(entry(at), value, None)
                };
                let puts: Vec<_> = (first..ENTRIES.min(first + TOGETHER)).map(put).collect();
                client.txn(Txn::new().and_then(puts)).await.unwrap();
            }
        });
    }

    /// Starts a server of all kinds of zones that asks others.
    pub(crate) fn serve_all(&self) -> Server {
        self.fill_skydns();
        let dir = directory();
        let path = dir.path().join("srvd.toml");
        let text = format!(
            "forward = [\"{}\"]\n[[zone]]\nname = \"services.internal\"\n[[zone]]\nname = \
             \"{SKYDNS}\"\nschema = \"skydns\"\n",
            self.silent.local_addr().unwrap()
        );
        std::fs::write(&path, text).unwrap();
        self.serve(&["--config", path.to_str().unwrap()])
    }

    /// Starts a server with arguments, and waits for its first answer.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let (at, http, dir) = (free_addr(), free_addr(), directory());
        let other = std::env::var(BEFORE).ok();
        let program = other.as_deref().unwrap_or(env!("CARGO_BIN_EXE_srvd"));
        let registry = self.etcd.url();
        let (listen, window) = (at.to_string(), http.to_string());
        let own = [program, "serve", "--registry", &registry, "--listen", &listen];
        let more = ["--http", &window, "--workers", "1"];
        let command = [&own[..], &more, arguments].concat();
        let process = Process::start(SERVER, &command, dir.path());
        let mut server = Server { at, process, http, _dir: dir };
        let (socket, begun) = (client("127.0.2.1", at), Instant::now());
        while ask(&socket, &query("s1", A, None)).is_none_or(|reply| reply[7] == 0) {
            let has_ended = server.process.has_ended() || begun.elapsed() > STARTING;
            assert!(!has_ended, "srvd does not start:\n{}", server.process.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

/// The key of an entry of the SkyDNS zone.
fn entry(at: usize) -> String {
    let labels: Vec<_> = SKYDNS.split('.').rev().collect();
    format!("/skydns/{}/h/{}/{}/{at}", labels.join("/"), at % 16, at % 128)
}

impl Server {
    /// A figure that it counts.
    pub(crate) fn counted(&self, name: &str) -> f64 {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not among {text}")).trim().parse().unwrap()
    }
}

/// A socket at an address that asks a server.
pub(crate) fn client(own: &str, server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((own, 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(REPLY)).unwrap();
    socket
}

/// One reply, if it comes soon.
pub(crate) fn ask(socket: &UdpSocket, query: &[u8]) -> Option<Vec<u8>> {
    socket.send(query).unwrap();
    let mut reply = vec![0; 1 << 16];
    let octets = socket.recv(&mut reply).ok()?;
    reply.truncate(octets);
    Some(reply)
}

/// One reply over TCP.
pub(crate) fn ask_over_tcp(server: SocketAddr, query: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, STARTING)?;
    stream.set_read_timeout(Some(STARTING))?;
    stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}
