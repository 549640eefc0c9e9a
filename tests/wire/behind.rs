//! Clients behind proxies: headers made by hand, over each transport, of whom they are believed, and
//! what comes without them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::num::NonZeroU32;
use std::sync::Arc;

use srvd::names::Networks;
use srvd::wire::{Family, Limiter, Policy, ProxyOutcome, RateLimit, TcpLimits, Transport};

use super::messages::{A, Query, SRV};
use super::{Server, example};
use crate::support::certificates::Authority;
use crate::support::tls::{TlsClient, certified, framed, read_reply};
use crate::support::{PATIENCE, eventually};

/// The proxies, which may not ask for themselves.
const PROXIES: [&str; 2] = ["127.0.0.9", "::1"];
/// Who may ask: clients behind them, and one that asks without them.
const CLIENTS: [&str; 3] = ["192.0.2.0/24", "2001:db8::/32", "127.0.0.1"];
/// What every header begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// A header without a client.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
/// The type SOA, which the full path answers.
const SOA: u16 = 6;
/// The code of an answer.
const NOERROR: u8 = 0;
/// The code of who may not ask.
const REFUSED: u8 = 5;

/// A header that names a client, with some octets behind the addresses.
fn header(client: &str, behind: &[u8]) -> Vec<u8> {
    let client: SocketAddr = client.parse().unwrap();
    let (family, ip) = match client.ip() {
        std::net::IpAddr::V4(ip) => (0x12, ip.octets().to_vec()),
        std::net::IpAddr::V6(ip) => (0x22, ip.octets().to_vec()),
    };
    let ports = [client.port().to_be_bytes(), [0, 53]].concat();
    let length = (2 * ip.len() + 4 + behind.len()) as u16;
    let head = [SIGNATURE, &[0x21, family], &length.to_be_bytes()].concat();
    [&head[..], &ip, &ip, &ports, behind].concat()
}

/// A query that the fast path answers.
fn query() -> Vec<u8> {
    Query::new("web.services.internal", A).bytes()
}

/// A server that believes the proxies.
struct Scene {
    server: Server,
    authority: Authority,
}

impl Scene {
    /// Starts it with more rules.
    fn start(more: Policy) -> Self {
        let authority = Authority::new("one");
        let networks = |texts: &[&str]| {
            Networks::new(&texts.iter().map(|it| it.parse().unwrap()).collect::<Vec<_>>())
        };
        let policy = Policy {
            certificate: Some(certified(&authority.server())),
            proxies: Some(networks(&PROXIES)),
            allow_query: Some(networks(&CLIENTS)),
            ..more
        };
        Self { server: Server::start_encrypted(&example(), Arc::new(policy)), authority }
    }

    /// How many headers over a transport had an outcome.
    fn count(&self, transport: Transport, outcome: ProxyOutcome) -> u64 {
        let counts = self.server.counters.proxied();
        counts.iter().find(|it| it.0 == transport).unwrap().1[outcome as usize]
    }

    /// Waits until so many headers had an outcome.
    fn counts(&self, transport: Transport, outcome: ProxyOutcome, wanted: u64) -> bool {
        eventually(|| self.count(transport, outcome) == wanted)
    }

    /// Sends a datagram from an address.
    fn send(&self, from: &str, octets: &[&[u8]]) -> UdpSocket {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let at = if from.contains(':') { self.server.v6 } else { self.server.v4 };
        socket.send_to(&octets.concat(), at).unwrap();
        socket
    }

    /// The id and code of the reply to a datagram.
    fn asks(&self, from: &str, octets: &[&[u8]]) -> ([u8; 2], u8) {
        let mut reply = [0; 1232];
        self.send(from, octets).recv(&mut reply).unwrap();
        ([reply[0], reply[1]], reply[3] & 0xf)
    }

    /// A connection from an address.
    fn connect(&self, from: &str, to: SocketAddr) -> TcpStream {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let from: SocketAddr = format!("{from}:0").parse().unwrap();
        socket.bind(&from.into()).unwrap();
        socket.connect(&to.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// The code of the next reply of a stream.
fn code(stream: &mut impl Read) -> u8 {
    read_reply(stream).unwrap()[3] & 0xf
}

/// Whether a stream has ended, or was reset.
fn is_closed(stream: &mut impl Read) -> bool {
    !matches!(stream.read(&mut [0]), Ok(1..))
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_are_answered_by_the_client_that_their_header_names() {
    let scene = Scene::start(Policy::default());
    let srv = Query::new("_web._tcp.services.internal", SRV).bytes();
    let soa = Query::new("services.internal", SOA).bytes();
    for (client, wanted) in [
        ("192.0.2.7:4000", NOERROR),
        ("[2001:db8::7]:4000", NOERROR),
        ("[::ffff:192.0.2.7]:0", NOERROR),
        ("198.51.100.7:4000", REFUSED),
        ("127.0.0.9:1", REFUSED),
    ] {
        for (from, behind) in [(PROXIES[0], &b""[..]), (PROXIES[1], &[4, 0, 2, 7, 7])] {
            for message in [&query(), &srv, &soa] {
                let (id, code) = scene.asks(from, &[&header(client, behind), message]);
                assert_eq!((id, code), ([0x12, 0x34], wanted), "{client} behind {from}");
            }
        }
    }
    assert!(scene.counts(Transport::Udp, ProxyOutcome::Client, 30));
    // Each counts for the family of its client.
    let of = |family: Family| {
        let answered = scene.server.counters.answered();
        let own = answered.iter().filter(|it| it.origin.family == family);
        own.map(|it| it.sizes.count()).sum::<u64>()
    };
    assert!(eventually(|| (of(Family::V4), of(Family::V6)) == (24, 6)));
    // Most of them from ready-made answers, as without a proxy.
    let fast = scene.server.counters.total().fast;
    assert!(fast.answered >= 18 && fast.unproxied == 0, "{fast:?}");
    // Who asks for itself is the proxy, which may not; who has no proxy is who it is.
    assert_eq!(scene.asks(PROXIES[0], &[LOCAL, &query()]).1, REFUSED);
    assert_eq!(scene.asks("127.0.0.1", &[&query()]).1, NOERROR);
    assert_eq!(scene.asks("127.0.0.8", &[&query()]).1, REFUSED);
    assert_eq!(scene.count(Transport::Udp, ProxyOutcome::Local), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_without_a_header_and_headers_of_strangers_are_dropped_and_counted() {
    let scene = Scene::start(Policy::default());
    let well = header("192.0.2.7:4000", b"");
    let long = header("192.0.2.7:4000", &[0; 2100]);
    let dropped = |from: &str, octets: &[&[u8]], outcome| {
        let before = scene.count(Transport::Udp, outcome);
        let socket = scene.send(from, octets);
        assert!(scene.counts(Transport::Udp, outcome, before + 1), "{outcome:?}");
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0]).is_err(), "it was answered");
    };
    dropped(PROXIES[0], &[&query()], ProxyOutcome::Missing);
    dropped(
        PROXIES[0],
        &[b"PROXY UDP4 192.0.2.7 127.0.0.1 1 53\r\n", &query()],
        ProxyOutcome::Missing,
    );
    dropped(PROXIES[0], &[&well[..20]], ProxyOutcome::Malformed);
    dropped(PROXIES[0], &[&long, &query()], ProxyOutcome::Malformed);
    dropped(
        PROXIES[0],
        &[SIGNATURE, &[0x11, 0x12, 0, 12], &well[16..], &query()],
        ProxyOutcome::Malformed,
    );
    dropped("127.0.0.1", &[&well, &query()], ProxyOutcome::Stranger);
    // One that a client sends through its proxy is a stranger's as well.
    dropped(PROXIES[0], &[&well, &well, &query()], ProxyOutcome::Stranger);
    let total = scene.server.counters.total();
    assert_eq!((total.fast.unproxied, total.fast.answered + total.full.answered), (7, 0));
    // A header and nothing behind it.
    scene.send(PROXIES[0], &[&well]);
    assert!(eventually(|| scene.server.counters.total().fast.silent == 1));
    let fast = scene.server.counters.total().fast;
    assert_eq!(fast.received, fast.silent + fast.unproxied);
    // What is too long for a query is so behind a header, too.
    let large = [&query()[..], &[0; 5000]].concat();
    assert_eq!(scene.asks(PROXIES[0], &[&well, &large]), ([0x12, 0x34], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_begin_with_the_header_in_whatever_pieces_it_comes() {
    let scene = Scene::start(Policy::default());
    let asks = |client: &str, pieces: usize| {
        let mut stream = scene.connect(PROXIES[0], scene.server.v4);
        let octets =
            [header(client, &[0xe0, 0, 1, 7]), framed(&query()), framed(&query())].concat();
        for piece in octets.chunks(octets.len().div_ceil(pieces)) {
            stream.write_all(piece).unwrap();
        }
        [code(&mut stream), code(&mut stream)]
    };
    for pieces in [1, 2, 5, 60] {
        assert_eq!(asks("192.0.2.7:4000", pieces), [NOERROR; 2]);
    }
    assert_eq!(asks("198.51.100.7:4000", 1), [REFUSED; 2]);
    assert_eq!(scene.count(Transport::Tcp, ProxyOutcome::Client), 5);
    let mut local = scene.connect(PROXIES[0], scene.server.v4);
    local.write_all(&[LOCAL, &framed(&query())].concat()).unwrap();
    assert_eq!(code(&mut local), REFUSED);
    assert_eq!(scene.count(Transport::Tcp, ProxyOutcome::Local), 1);
    // Without one: what asks at once, and what says nothing.
    let mut plain = scene.connect(PROXIES[0], scene.server.v4);
    plain.write_all(&framed(&query())).unwrap();
    assert!(is_closed(&mut plain) && scene.counts(Transport::Tcp, ProxyOutcome::Missing, 1));
    let mut silent = scene.connect(PROXIES[0], scene.server.v4);
    silent.write_all(&SIGNATURE[..5]).unwrap();
    assert!(is_closed(&mut silent) && scene.counts(Transport::Tcp, ProxyOutcome::TimedOut, 1));
    // Strangers, and a client that names another through its proxy.
    let well = header("192.0.2.7:4000", b"");
    for (number, (from, octets)) in
        [("127.0.0.1", well.clone()), (PROXIES[0], [&well[..], &well].concat())]
            .into_iter()
            .enumerate()
    {
        let mut stranger = scene.connect(from, scene.server.v4);
        stranger.write_all(&[octets, framed(&query())].concat()).unwrap();
        assert!(is_closed(&mut stranger));
        assert!(scene.counts(Transport::Tcp, ProxyOutcome::Stranger, number as u64 + 1));
    }
    drop((local, plain, silent));
    assert!(eventually(|| scene.server.counters.total().tcp.open == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_comes_before_the_handshake() {
    let scene = Scene::start(Policy::default());
    let client = TlsClient::new(&scene.authority, Some("dot"));
    let asks = |named: &[u8]| {
        let mut stream = scene.connect(PROXIES[0], scene.server.tls[0]);
        for octet in named {
            stream.write_all(&[*octet])?;
        }
        let mut stream = client.over(stream, scene.server.tls[0].ip())?;
        stream.write_all(&framed(&query()))?;
        read_reply(&mut stream).map(|reply| reply[3] & 0xf)
    };
    assert_eq!(asks(&header("192.0.2.7:4000", b"")).unwrap(), NOERROR);
    assert_eq!(asks(&header("198.51.100.7:4000", b"")).unwrap(), REFUSED);
    assert!(asks(b"").is_err());
    let counts = [ProxyOutcome::Client, ProxyOutcome::Missing];
    assert_eq!(counts.map(|it| scene.count(Transport::Tls, it)), [2, 1]);
    // A stranger's is no handshake.
    let mut stranger = scene.connect("127.0.0.1", scene.server.tls[0]);
    stranger.write_all(&header("192.0.2.7:4000", b"")).unwrap();
    while !is_closed(&mut stranger) {}
    assert!(client.ask(scene.server.tls[0], &query()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_those_of_the_networks_behind_a_proxy() {
    let rate = RateLimit { slip: 1, ..RateLimit::new(NonZeroU32::MIN) };
    let scene = Scene::start(Policy { rate_limit: Some(Limiter::new(rate)), ..Policy::default() });
    let is_slipped = |client: &str| {
        let socket = scene.send(PROXIES[0], &[&header(client, b""), &query()]);
        let mut reply = [0; 1232];
        socket.recv(&mut reply).unwrap();
        reply[2] & 2 != 0
    };
    assert!((0..100).any(|_| is_slipped("192.0.2.7:4000")));
    assert!(!is_slipped("[2001:db8::7]:4000"), "another network is not limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_count_as_those_of_the_clients_behind_a_proxy() {
    let tcp = TcpLimits { connections: 40, per_client: 3, ..TcpLimits::default() };
    let scene = Scene::start(Policy { tcp, ..Policy::default() });
    let begun = |client: &str| {
        let mut stream = scene.connect(PROXIES[0], scene.server.v4);
        stream.write_all(&[header(client, b""), framed(&query())].concat()).unwrap();
        assert_eq!(code(&mut stream), NOERROR);
        stream
    };
    // Each client has as many as one may; the proxy has as many as they have together.
    let mut open: Vec<_> = (0..12).map(|at| begun(&format!("192.0.2.{}:9", at / 3))).collect();
    for stream in &mut open {
        stream.write_all(&framed(&query())).unwrap();
        assert_eq!(code(stream), NOERROR);
    }
    assert_eq!(scene.server.counters.total().tcp.closed_for_client, 0);
    let _more = begun("192.0.2.0:9");
    assert!(is_closed(&mut open[0]), "the client's quietest");
    assert_eq!(scene.server.counters.total().tcp.closed_for_client, 1);
    // Before a header comes they are the proxy's: of these, too, the quietest goes.
    let mut waiting: Vec<_> = (0..4).map(|_| scene.connect(PROXIES[0], scene.server.v4)).collect();
    assert!(is_closed(&mut waiting[0]));
    assert_eq!(scene.server.counters.total().tcp.closed_for_client, 2);
}
