//! Few descriptors, and a client that opens more connections than there are.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::support::srvd::{BINARY, Srvd};

/// Descriptors of the server.
const DESCRIPTORS: usize = 60;
/// Connections that say nothing.
const HOARDED: usize = 400;
/// How long one that asks may take. One after the other, twenty a second, all those before it
/// would take twenty seconds.
const BOUND: Duration = Duration::from_secs(5);

/// A server that has few descriptors. Its registry is away: it answers that it is not ready.
fn serve() -> (Srvd, SocketAddr) {
    let script = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    let arguments = ["serve", "--registry", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let mut command = Command::new("sh");
    command.args(["-c", &script, BINARY]).args(arguments).args(["--workers", "1"]);
    let process = Srvd::spawn(command.env("SRVD_HTTP", "127.0.0.1:0"));
    let at = process.answers_at();
    (process, at)
}

/// A connection from an address.
fn connect(from: Ipv4Addr, server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    socket.bind(&SocketAddr::new(IpAddr::V4(from), 0).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.into()
}

/// Asks for the root over a connection of its own, and says how long the reply took.
fn ask(server: SocketAddr) -> Duration {
    let begun = Instant::now();
    let mut stream = connect(Ipv4Addr::new(127, 0, 1, 1), server);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let query = [0, 17, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
    stream.write_all(&query).unwrap();
    let mut reply = [0; 14];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[2..4], query[2..4]);
    begun.elapsed()
}

#[test]
fn hoarders_of_descriptors_do_not_keep_others_waiting() {
    let (_process, at) = serve();
    let mut hoarded = Vec::new();
    for _ in 0..5 {
        hoarded.extend((0..HOARDED / 5).map(|_| connect(Ipv4Addr::new(127, 0, 0, 9), at)));
        let took = ask(at);
        assert!(took < BOUND, "{took:?}");
    }
}
