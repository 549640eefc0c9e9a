//! Queries at random, and what became of them as clients see it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::server::Server;

/// What is asked for: name, type, the zone and the type as they are counted.
const KINDS: [(&str, u16, &str, &str); 9] = [
    ("web.services.internal", 1, "services.internal.", "A"),
    ("web.services.internal", 28, "services.internal.", "AAAA"),
    ("_web._tcp.services.internal", 33, "services.internal.", "SRV"),
    ("web.services.internal", 16, "services.internal.", "TXT"),
    ("gone.services.internal", 1, "services.internal.", "A"),
    ("_gone._tcp.services.internal", 33, "services.internal.", "SRV"),
    ("services.internal", 6, "services.internal.", "SOA"),
    ("web.services.internal", 65_000, "services.internal.", "other"),
    ("example.com", 1, "none", "A"),
];
/// Response codes by number.
const CODES: [&str; 6] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
/// Queries under way at once.
const WINDOW: usize = 32;
/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What clients saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Replies by what they are counted under.
    replies: BTreeMap<String, u64>,
    /// Octets of replies, by protocol.
    octets: BTreeMap<&'static str, u64>,
    /// Replies by protocol.
    count: BTreeMap<&'static str, u64>,
    /// Replies with TC.
    truncated: u64,
    /// Replies REFUSED.
    refused: u64,
}

/// What queries go over.
enum Line {
    /// Datagrams.
    Udp(UdpSocket),
    /// A connection.
    Tcp(TcpStream),
}

/// Asks over both protocols and families for so long, each by a client of its own.
pub(crate) fn ask(server: &Server, time: Duration) -> Seen {
    let mut all = Seen::default();
    std::thread::scope(|scope| {
        let clients =
            server.at.iter().flat_map(|at| [Line::udp(*at), Line::tcp(*at)].map(|it| (it, *at)));
        let clients: Vec<_> =
            clients.map(|(line, at)| scope.spawn(move || line.ask(at, time))).collect();
        clients.into_iter().for_each(|client| all.add(client.join().unwrap()));
    });
    all
}

/// Asks over UDP for one kind after the other, as fast as it is answered. Gives how many were.
pub(crate) fn saturate(at: SocketAddr, time: Duration) -> u64 {
    let (mut line, mut seen) = (Line::udp(at), Seen::default());
    let begun = Instant::now();
    while begun.elapsed() < time {
        line.exchange(at, &std::array::from_fn(|place| place % KINDS.len()), &mut seen);
    }
    seen.all()
}

impl Line {
    /// A socket.
    fn udp(at: SocketAddr) -> Self {
        let local = if at.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(local).unwrap();
        socket.connect(at).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::Udp(socket)
    }

    /// A connection.
    fn tcp(at: SocketAddr) -> Self {
        let stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Tcp(stream)
    }

    /// What it is called.
    const fn proto(&self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
        }
    }

    /// Asks at random for so long.
    fn ask(mut self, at: SocketAddr, time: Duration) -> Seen {
        let (begun, mut seen) = (Instant::now(), Seen::default());
        let mut random = fastrand::Rng::with_seed(at.port().into());
        while begun.elapsed() < time {
            let kinds = std::array::from_fn(|_| random.usize(..KINDS.len()));
            self.exchange(at, &kinds, &mut seen);
        }
        seen
    }

    /// Sends a window of queries, and takes all replies.
    fn exchange(&mut self, at: SocketAddr, kinds: &[usize; WINDOW], seen: &mut Seen) {
        let messages = kinds.iter().zip(0..).map(|(kind, id)| query(*kind, id));
        match self {
            Self::Udp(socket) => messages.for_each(|it| _ = socket.send(&it).unwrap()),
            Self::Tcp(stream) => {
                let frame = |it: Vec<u8>| [&(it.len() as u16).to_be_bytes()[..], &it].concat();
                stream.write_all(&messages.flat_map(frame).collect::<Vec<_>>()).unwrap();
            }
        }
        let mut buffer = [0; 4096];
        for _ in kinds {
            let reply = self.receive(&mut buffer);
            let id = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
            seen.take(self.proto(), at, kinds[id], reply);
        }
    }

    /// A reply.
    fn receive<'b>(&mut self, buffer: &'b mut [u8]) -> &'b [u8] {
        match self {
            Self::Udp(socket) => {
                let octets = socket.recv(buffer).expect("a query was lost");
                &buffer[..octets]
            }
            Self::Tcp(stream) => {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let reply = &mut buffer[..u16::from_be_bytes(length).into()];
                stream.read_exact(reply).unwrap();
                reply
            }
        }
    }
}

impl Seen {
    /// Counts a reply.
    fn take(&mut self, proto: &'static str, at: SocketAddr, kind: usize, reply: &[u8]) {
        let (_, _, zone, name) = KINDS[kind];
        let (code, family) =
            (CODES[usize::from(reply[3] & 0x0f)], if at.is_ipv4() { 4 } else { 6 });
        let labels = format!(
            r#"zone="{zone}",proto="{proto}",family="{family}",type="{name}",rcode="{code}""#
        );
        *self.replies.entry(labels).or_default() += 1;
        *self.octets.entry(proto).or_default() += reply.len() as u64;
        *self.count.entry(proto).or_default() += 1;
        self.truncated += u64::from(reply[2] & 2 != 0);
        self.refused += u64::from(reply[3] & 0x0f == 5);
    }

    /// Adds what another client saw.
    fn add(&mut self, other: Self) {
        other
            .replies
            .into_iter()
            .for_each(|(key, more)| *self.replies.entry(key).or_default() += more);
        other
            .octets
            .into_iter()
            .for_each(|(key, more)| *self.octets.entry(key).or_default() += more);
        other.count.into_iter().for_each(|(key, more)| *self.count.entry(key).or_default() += more);
        self.truncated += other.truncated;
        self.refused += other.refused;
    }

    /// How many replies there were.
    pub(crate) fn all(&self) -> u64 {
        self.count.values().sum()
    }

    /// Each figure as srvd calls it, and what clients make of it.
    pub(crate) fn rows(&self) -> Vec<(String, u64)> {
        let name = |labels: &String| format!("srvd_dns_queries_total{{{labels}}}");
        let mut rows: Vec<_> = self.replies.iter().map(|(it, count)| (name(it), *count)).collect();
        rows.push((r#"srvd_dns_truncated_total{cause="size"}"#.to_owned(), self.truncated));
        rows.push((r#"srvd_dns_refused_total{cause="foreign"}"#.to_owned(), self.refused));
        rows.push(("srvd_udp_received_total".to_owned(), self.count["udp"]));
        rows
    }

    /// Octets and replies by protocol.
    pub(crate) fn by_protocol(&self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        self.count.iter().map(|(proto, count)| (*proto, *count, self.octets[proto]))
    }
}

/// A query of a kind.
fn query(kind: usize, id: u16) -> Vec<u8> {
    let (name, kind, ..) = KINDS[kind];
    let mut query = [&id.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend(kind.to_be_bytes());
    query.extend([0, 1]);
    query
}
