//! A restart on sockets that somebody else keeps: systemd, or here a shell that hands them over
//! as systemd does. What comes meanwhile waits in them.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use tempfile::TempDir;

use super::writer::Writer;
use crate::support::etcd::{Etcd, page};
use crate::support::srvd::{BINARY, plain};
use crate::support::{PATIENCE, eventually, free_addr, signal};
use crate::wire::messages::{A, Query};

/// Hands its standard streams over as the sockets 3, 4 and 5, and becomes the server.
const LAUNCHER: &str = "exec 3<&0 4<&1 5<&2 0</dev/null >\"$OUT\" 2>\"$LOG\"\n\
                        export LISTEN_PID=$$\nexec \"$0\" \"$@\"";
/// Octets of the socket for datagrams, as in deploy/srvd.socket; Linux doubles them.
const BUFFER: usize = 32 << 20;
/// Queries that are sent, and how many a second.
const QUERIES: usize = 20_000;
const RATE: usize = 5_000;
/// After how many of them the server is restarted.
const RESTARTS: [usize; 2] = [5_000, 12_000];
/// Sockets that they are sent from: replies to all that waited come at once, and a socket of the
/// usual size has room for some hundred.
const CLIENTS: usize = 64;

/// Sockets that outlive servers.
struct Kept {
    at: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
    http: TcpListener,
    /// Whether the system gave the socket its size.
    has_buffer: bool,
    directory: TempDir,
}

/// A server on them. Killed when dropped.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Kept {
    /// Binds them.
    fn new() -> Self {
        let at = free_addr();
        let udp = UdpSocket::bind(at).unwrap();
        let has_buffer = set_socket_recv_buffer_size_force(&udp, BUFFER).is_ok();
        let tcp = TcpListener::bind(at).unwrap();
        let http = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { at, udp, tcp, http, has_buffer, directory: tempfile::tempdir().unwrap() }
    }

    /// Starts a server of a registry on them.
    fn start(&self, registry: &str) -> Running {
        let state = self.directory.path().join("state");
        let log = self.directory.path().join("log");
        let args = ["serve", "--registry", registry, "--state", state.to_str().unwrap()];
        let mut command = Command::new("sh");
        command.args(["-c", LAUNCHER, BINARY]).args(args);
        for (name, value) in plain(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let descriptor = |socket: OwnedFd| Stdio::from(socket);
        command
            .env("LISTEN_FDS", "3")
            .env("LISTEN_FDNAMES", "srvd.socket:srvd.socket:http")
            .env("OUT", "/dev/null")
            .env("LOG", &log)
            .stdin(descriptor(self.udp.try_clone().unwrap().into()))
            .stdout(descriptor(self.tcp.try_clone().unwrap().into()))
            .stderr(descriptor(self.http.try_clone().unwrap().into()));
        Running { child: command.spawn().unwrap(), log }
    }

    /// A page of the server: it waits for one.
    fn page(&self, path: &str) -> String {
        page(self.http.local_addr().unwrap(), path).unwrap_or_default()
    }

    /// Datagrams that the socket had no room for.
    fn dropped(&self) -> usize {
        let table = std::fs::read_to_string("/proc/net/udp").unwrap();
        let port = format!(":{:04X}", self.at.port());
        let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let own = fields.filter(|it| it.get(1).is_some_and(|local| local.ends_with(&port)));
        own.filter_map(|it| it.last()?.parse::<usize>().ok()).sum()
    }
}

impl Running {
    /// Tells it to end, and waits for that.
    fn ends(mut self) {
        signal(self.child.id(), "TERM");
        let ended = eventually(|| self.child.try_wait().unwrap().is_some());
        assert!(ended, "it does not end: {}", self.log());
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }

    /// What it logged.
    fn log(&self) -> String {
        let mut text = String::new();
        File::open(&self.log).and_then(|mut it| it.read_to_string(&mut text)).unwrap();
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends queries at a rate, each with a number of its own, and counts them.
fn send(clients: &[UdpSocket], sent: &AtomicUsize) {
    let (mut query, begun) = (Query::new("web.services.internal", A), Instant::now());
    for number in 0..QUERIES {
        let due = begun + Duration::from_secs(1) * number as u32 / RATE as u32;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        let id = (number / CLIENTS) as u16;
        query.header[..2].copy_from_slice(&id.to_be_bytes());
        clients[number % CLIENTS].send(&query.bytes()).unwrap();
        sent.store(number + 1, Ordering::Relaxed);
    }
}

/// Which queries were answered as they should be: none twice, and no other way.
fn receive(clients: &[UdpSocket], is_over: &AtomicBool) -> Vec<bool> {
    let mut answered = vec![false; QUERIES];
    let mut last = Instant::now();
    while answered.contains(&false)
        && !(is_over.load(Ordering::Relaxed) && last.elapsed() > PATIENCE)
    {
        let mut came = 0;
        for (at, client) in clients.iter().enumerate() {
            let mut reply = [0; 1500];
            while let Ok(octets) = client.recv(&mut reply) {
                let number = usize::from(u16::from_be_bytes([reply[0], reply[1]])) * CLIENTS + at;
                // NOERROR, and one answer.
                assert_eq!((reply[3] & 15, reply[7]), (0, 1), "{:?}", &reply[..octets]);
                assert!(!answered[number], "{number} is answered twice");
                answered[number] = true;
                came += 1;
            }
        }
        match came {
            0 => std::thread::sleep(Duration::from_millis(1)),
            _ => last = Instant::now(),
        }
    }
    answered
}

/// Sockets of clients, which do not wait.
fn clients(at: SocketAddr) -> Vec<UdpSocket> {
    let client = |_| {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(at).unwrap();
        // As far as it may be: less is enough where nothing is slow.
        let _ = set_socket_recv_buffer_size_force(&client, 1 << 20);
        client.set_nonblocking(true).unwrap();
        client
    };
    (0..CLIENTS).map(client).collect()
}

#[test]
fn a_restart_at_5000_queries_a_second_loses_none() {
    let (kept, mut etcd) = (Kept::new(), Etcd::start());
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let mut server = kept.start(&etcd.url());
    assert!(eventually(|| kept.page("/readyz").contains(" 200 ")), "{}", server.log());
    // From now on there is nothing but what is kept.
    server.ends();
    etcd.kill9();
    server = kept.start(&etcd.url());
    let clients = Arc::new(clients(kept.at));
    let (sent, is_over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let sending = {
        let (clients, sent) = (Arc::clone(&clients), Arc::clone(&sent));
        std::thread::spawn(move || send(&clients, &sent))
    };
    let receiving = {
        let (clients, is_over) = (Arc::clone(&clients), Arc::clone(&is_over));
        std::thread::spawn(move || receive(&clients, &is_over))
    };
    let (begun, mut gaps) = (Instant::now(), Vec::new());
    for count in RESTARTS {
        assert!(eventually(|| sent.load(Ordering::Relaxed) >= count));
        let told = Instant::now();
        server.ends();
        server = kept.start(&etcd.url());
        gaps.push(told.elapsed());
    }
    sending.join().unwrap();
    let took = begun.elapsed();
    is_over.store(true, Ordering::Relaxed);
    let answered = receiving.join().unwrap();
    let lost = answered.iter().filter(|it| !**it).count();
    println!("{QUERIES} queries in {took:?}, ended and started within {gaps:?}: {lost} lost");
    let dropped = kept.dropped();
    assert!(lost <= dropped, "{lost} lost, {dropped} of them for want of room: {}", server.log());
    assert!(lost == 0 || !kept.has_buffer, "{lost} of {QUERIES} lost: {}", server.log());
}

/// A connection that is made while no server is there waits for the next.
#[test]
fn connections_wait_for_the_next_server() {
    let (kept, etcd) = (Kept::new(), Etcd::start());
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let server = kept.start(&etcd.url());
    assert!(eventually(|| kept.page("/readyz").contains(" 200 ")), "{}", server.log());
    server.ends();
    let mut stream = TcpStream::connect(kept.at).unwrap();
    let query = Query::new("web.services.internal", A).bytes();
    stream.write_all(&[&(query.len() as u16).to_be_bytes()[..], &query].concat()).unwrap();
    let next = kept.start(&etcd.url());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reply = [0; 14];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[2..4], query[..2], "{}", next.log());
    assert!(kept.page("/readyz").contains(" 200 "), "{}", next.log());
}

#[test]
fn a_unit_that_lacks_one_of_both_sockets_is_told_which() {
    let kept = Kept::new();
    let mut command = Command::new("sh");
    let script = "exec 3<&0 0</dev/null\nexport LISTEN_PID=$$\nexec \"$0\" \"$@\"";
    command.args(["-c", script, BINARY, "serve", "--http", "off"]);
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "dns");
    let output = command.stdin(Stdio::from(OwnedFd::from(kept.udp))).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let remedy = format!("add ListenStream={} to its unit", kept.at);
    assert!(output.status.code() == Some(1) && told.contains(&remedy), "{output:?}");
}

/// systemd's own tool hands over a socket when somebody connects.
#[test]
fn systemd_hands_over_a_socket_for_http() {
    let at = free_addr();
    let (at_text, log) = (at.to_string(), tempfile::NamedTempFile::new().unwrap());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--registry", "http://127.0.0.1:1?timeout=1s"];
    let started = Command::new("systemd-socket-activate")
        .args(["--listen", &at_text, "--fdname=http", BINARY])
        .args(serve)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.reopen().unwrap())
        .spawn();
    let Ok(child) = started else {
        return println!("systemd-socket-activate is not installed: its check is left out");
    };
    let running = Running { child, log: log.path().to_owned() };
    let is_there = || page(at, "/healthz").is_ok_and(|it| it.contains(" 200 "));
    assert!(eventually(is_there), "{}", running.log());
}
