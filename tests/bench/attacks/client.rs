//! A well-behaved client: so many queries a second, and how long each took.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use crate::calls::{arrival, sleep_precisely};
use socket2::{Domain, Protocol, Socket, Type};

use crate::stage::client;

/// Queries a second.
pub(crate) const RATE: u32 = 1_000;
/// The time between two of them.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / RATE as u64);
/// Its address: another network than the flood's.
const OWN: &str = "127.0.1.1";
/// How long a client over TCP waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the last replies may take.
const LAST: Duration = Duration::from_millis(200);

/// What it saw.
pub(crate) struct Seen {
    /// Microseconds that replies took, sorted.
    pub(crate) took: Vec<f64>,
    /// Queries that it sent.
    pub(crate) sent: usize,
}

/// Asks over UDP for so long. The times are the kernel's, so that it does not matter that the
/// flood has its core.
pub(crate) fn ask_steadily(server: SocketAddr, time: Duration, query: &[u8]) -> Seen {
    sleep_precisely();
    let socket = client(OWN, server);
    socket.set_nonblocking(true).unwrap();
    // Nothing has come yet; this turns the kernel's times on.
    let _ = arrival(&socket);
    let (mut asked, mut seen) = (Vec::new(), Seen { took: Vec::new(), sent: 0 });
    let mut query = query.to_vec();
    let begun = now();
    let mut due = begun;
    while now() - begun < time {
        std::thread::sleep(due.saturating_sub(now()));
        query[..2].copy_from_slice(&(asked.len() as u16).to_be_bytes());
        asked.push(Some(now()));
        socket.send(&query).unwrap();
        drain(&socket, &mut asked, &mut seen);
        due = (due + INTERVAL).max(now() - INTERVAL);
    }
    std::thread::sleep(LAST);
    drain(&socket, &mut asked, &mut seen);
    seen.took.sort_by(f64::total_cmp);
    Seen { sent: asked.len(), ..seen }
}

/// Asks over TCP, each query with a connection of its own, for so long.
pub(crate) fn connect_steadily(server: SocketAddr, time: Duration, query: &[u8]) -> Seen {
    let begun = Instant::now();
    let mut seen = Seen { took: Vec::new(), sent: 0 };
    while begun.elapsed() < time {
        let start = Instant::now();
        seen.sent += 1;
        if ask_once(server, query).is_ok() {
            seen.took.push(start.elapsed().as_nanos() as f64 / 1_000.0);
        }
        std::thread::sleep(INTERVAL.saturating_sub(start.elapsed()));
    }
    seen.took.sort_by(f64::total_cmp);
    seen
}

/// One reply over a connection of its own.
fn ask_once(server: SocketAddr, query: &[u8]) -> std::io::Result<()> {
    let mut stream = connect(OWN, server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))])
}

/// A connection from an address.
pub(crate) fn connect(own: &str, server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::new(own.parse::<IpAddr>().unwrap(), 0).into())?;
    socket.connect_timeout(&server.into(), PATIENCE)?;
    // A reset leaves nothing that lingers.
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket.into())
}

/// Takes the replies that are there. A test lasts so short that no id comes twice.
fn drain(socket: &UdpSocket, asked: &mut [Option<Duration>], seen: &mut Seen) {
    let mut header = [0; 12];
    while socket.recv(&mut header).is_ok() {
        let id = usize::from(u16::from_be_bytes([header[0], header[1]]));
        if let Some(begun) = asked.get_mut(id).and_then(Option::take) {
            let took = arrival(socket).unwrap().saturating_sub(begun);
            seen.took.push(took.as_nanos() as f64 / 1_000.0);
        }
    }
}

/// The clock that the kernel's times are of.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}
