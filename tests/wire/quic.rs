//! QUIC: what a stream must be, the codes of what it must not be, bounds, and who is answered whatever
//! others do.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use quinn::{Connection, TransportConfig, VarInt};
use srvd::wire::{DoqCode, HandshakeOutcome, Policy, TcpLimits};

use super::messages::{A, Query, SRV};
use super::{Server, example};
use crate::support::certificates::Authority;
use crate::support::eventually;
use crate::support::quic::{QuicClient, ask, ask_octets, code_of};
use crate::support::tls::{certified, framed};

/// A server of the example, whose certificate an authority has signed.
struct Scene {
    server: Server,
    authority: Authority,
}

impl Scene {
    /// Starts it.
    fn start() -> Self {
        Self::of(TcpLimits::default())
    }

    /// Starts it with limits.
    fn of(tcp: TcpLimits) -> Self {
        Self::by(Policy { tcp, ..Policy::default() })
    }

    /// Starts it by a policy.
    fn by(policy: Policy) -> Self {
        let authority = Authority::new("one");
        let certificate = Some(certified(&authority.server()));
        let policy = Arc::new(Policy { certificate, ..policy });
        Self { server: Server::start_encrypted(&example(), policy), authority }
    }

    /// Where IPv4 is answered.
    fn at(&self) -> SocketAddr {
        self.server.quic[0]
    }

    /// A client of DNS over QUIC.
    fn client(&self) -> QuicClient {
        QuicClient::new(&self.authority, "doq")
    }

    /// A connection of one.
    async fn connect(&self) -> Connection {
        self.client().connect(self.at()).await.unwrap()
    }

    /// Whether a client is answered on a new connection.
    async fn answers(&self) -> bool {
        let Ok(connection) = self.client().connect(self.at()).await else { return false };
        ask(&connection, &query()).await.is_ok_and(|reply| reply[..4] == [0, 0, 0x84, 0])
    }

    /// How many connections the server has ended with a code.
    fn closed(&self, code: DoqCode) -> u64 {
        self.server.counters.total().quic.closed[code as usize]
    }

    /// Waits until nothing is open, or held.
    fn is_left_alone(&self) -> bool {
        let counts = || self.server.counters.total();
        eventually(|| (counts().tcp.open, counts().tcp.octets, counts().tls.open) == (0, 0, 0))
    }
}

/// A query as it goes over QUIC.
fn with_id_0(query: &Query) -> Vec<u8> {
    [&[0, 0], &query.bytes()[2..]].concat()
}

/// The query of one name.
fn query() -> Vec<u8> {
    with_id_0(&Query::new("web.services.internal", A))
}

/// A query with an option.
fn with_option(code: u8, data: &[u8]) -> Vec<u8> {
    let octets = data.len() as u8;
    let opt = [&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, octets + 4, 0, code, 0, octets], data].concat();
    let mut message = [query(), opt].concat();
    message[11] = 1;
    message
}

/// Waits for the code that a connection is ended with.
async fn end_of(connection: &Connection) -> Option<DoqCode> {
    code_of(&connection.closed().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9250_s4_2_each_stream_has_one_query_and_one_reply() {
    let scene = Scene::start();
    for at in &scene.server.quic {
        let connection = scene.client().connect(*at).await.unwrap();
        let srv = with_id_0(&Query::new("_web._tcp", SRV));
        let all: Vec<_> = (0..300).map(|_| ask(&connection, &srv)).collect();
        for reply in futures_util::future::join_all(all).await {
            let reply = reply.unwrap();
            assert_eq!((&reply[..2], reply[7]), (&[0, 0][..], 3));
        }
    }
    // The stream in pieces, FIN alone at the end.
    let connection = scene.connect().await;
    let (mut send, mut from) = connection.open_bi().await.unwrap();
    for octet in framed(&query()) {
        send.write_all(&[octet]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let early = from.read_chunk(1, true);
    assert!(tokio::time::timeout(Duration::from_millis(50), early).await.is_err(), "before FIN");
    send.finish().unwrap();
    assert_eq!(from.read_to_end(1000).await.unwrap()[2..4], [0, 0]);
    connection.close(0u32.into(), b"");
    assert!(scene.is_left_alone());
    let answered = scene.server.counters.answered();
    let quic = answered.iter().filter(|it| it.origin.transport == srvd::wire::Transport::Quic);
    assert_eq!(quic.map(|it| it.sizes.count()).sum::<u64>(), 601);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9250_s4_3_3_protocol_errors_end_the_connection_with_their_code() {
    let scene = Scene::start();
    let (plain, one) = (framed(&query()), [framed(&query()), vec![0]].concat());
    let mut response = query();
    response[2] |= 0x80;
    for (what, octets) in [
        ("an id", framed(&Query::new("web.services.internal", A).bytes())),
        ("no octet", vec![]),
        ("half a length", vec![0]),
        ("half a message", plain[..plain.len() - 1].to_vec()),
        ("two messages", [plain.clone(), plain.clone()].concat()),
        ("one octet more", one),
        ("more than a message can be", vec![0xff; 70_000]),
        ("an empty message", framed(&[])),
        ("no header", framed(&[0; 11])),
        ("a response", framed(&response)),
        ("a keepalive", framed(&with_option(11, &[]))),
        ("a keepalive with a time", framed(&with_option(11, &[0, 9]))),
    ] {
        let connection = scene.connect().await;
        assert!(ask_octets(&connection, &octets).await.is_err(), "{what}");
        assert_eq!(end_of(&connection).await, Some(DoqCode::ProtocolError), "{what}");
    }
    let connection = scene.connect().await;
    let mut sent = connection.open_uni().await.unwrap();
    let _ = sent.write_all(b"a").await;
    assert_eq!(end_of(&connection).await, Some(DoqCode::ProtocolError));
    assert_eq!(scene.closed(DoqCode::ProtocolError), 13);
    // Other options are no error; a query that is none of DNS has its answer.
    let connection = scene.connect().await;
    assert!(ask(&connection, &with_option(12, &[0; 9])).await.unwrap().len() == 468);
    assert_eq!(ask(&connection, &[0; 12]).await.unwrap()[3] & 15, 1);
    assert!(scene.answers().await);
    drop((connection, sent));
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_another_protocol_or_trusts_others_is_counted() {
    let scene = Scene::start();
    let failed = || scene.server.counters.total().tls.handshakes[HandshakeOutcome::Failed as usize];
    for (at, client) in
        [QuicClient::new(&scene.authority, "h3"), QuicClient::new(&Authority::new("other"), "doq")]
            .iter()
            .enumerate()
    {
        assert!(client.connect(scene.at()).await.is_err());
        assert!(eventually(|| failed() == at as u64 + 1));
    }
    assert!(scene.answers().await);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_streams_of_a_connection_are_all_answered() {
    let scene = Scene::start();
    let (connection, srv) = (scene.connect().await, with_id_0(&Query::new("_web._tcp", SRV)));
    let ask_it = || {
        let (connection, srv) = (connection.clone(), srv.clone());
        async move { assert_eq!(ask(&connection, &srv).await.unwrap()[7], 3) }
    };
    let all: Vec<_> = (0..10_000).map(|_| tokio::spawn(ask_it())).collect();
    assert!(scene.answers().await);
    for it in all {
        it.await.unwrap();
    }
    assert_eq!(scene.server.counters.total().tcp.answered, 10_001);
    drop(connection);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_taken_back_end_their_connection() {
    let scene = Scene::start();
    let connection = scene.connect().await;
    let cancelled = VarInt::from(DoqCode::RequestCancelled);
    // Who takes back as much as is answered may go on.
    for _ in 0..150 {
        let (mut send, _from) = connection.open_bi().await.unwrap();
        let _ = send.write_all(&[0]).await;
        let _ = send.reset(cancelled);
        assert!(ask(&connection, &query()).await.is_ok());
    }
    let connection = scene.connect().await;
    while let Ok((mut send, mut from)) = connection.open_bi().await {
        let _ = send.write_all(&[0]).await;
        let _ = send.reset(cancelled);
        let _ = from.stop(cancelled);
    }
    assert_eq!(end_of(&connection).await, Some(DoqCode::ExcessiveLoad));
    assert!(scene.answers().await);
    assert_eq!(scene.closed(DoqCode::ExcessiveLoad), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_never_ends_and_a_client_that_asks_nothing_are_sent_away() {
    let idle = Duration::from_millis(300);
    let scene = Scene::of(TcpLimits { idle, ..TcpLimits::default() });
    let (whole, half) = (framed(&query()), framed(&query())[..9].to_vec());
    let waiting = [
        (vec![], DoqCode::NoError),
        (whole, DoqCode::ProtocolError),
        (half, DoqCode::UnspecifiedError),
    ]
    .map(|(octets, code)| {
        let client = scene.client();
        let at = scene.at();
        async move {
            let connection = client.connect(at).await.unwrap();
            let mut streams = None;
            if !octets.is_empty() {
                let (mut send, from) = connection.open_bi().await.unwrap();
                send.write_all(&octets).await.unwrap();
                streams = Some((send, from));
            }
            assert_eq!(end_of(&connection).await, Some(code));
            drop(streams);
        }
    });
    futures_util::future::join_all(waiting).await;
    assert_eq!(scene.server.counters.total().tcp.timed_out, 3);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_go_no_further_keep_nobody_out() {
    let limits = TcpLimits { connections: 60, per_client: 40, ..TcpLimits::default() };
    let scene = Scene::of(limits);
    let held = scene.connect().await;
    assert!(ask(&held, &query()).await.is_ok());
    // First datagrams of clients that then say no more.
    let mut sockets = Vec::new();
    for _ in 0..60 {
        let first = first_datagram(&scene).await;
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(&first, scene.at()).unwrap();
        sockets.push(socket);
    }
    // From half of a client's places on each must show first that it is where it says.
    let counts = || scene.server.counters.total();
    assert!(eventually(|| counts().quic.retries >= 40), "{:?}", counts());
    assert!(counts().tcp.open <= 21, "{:?}", counts().tcp);
    assert!(scene.answers().await);
    assert!(ask(&held, &query()).await.is_ok());
    drop((sockets, held));
    assert!(scene.is_left_alone());
    assert!(counts().tls.handshakes[HandshakeOutcome::TimedOut as usize] > 0);
}

/// The first datagram that a client sends.
async fn first_datagram(scene: &Scene) -> Vec<u8> {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (client, at) = (scene.client(), socket.local_addr().unwrap());
    let asking = tokio::spawn(async move { client.connect(at).await.is_ok() });
    let mut datagram = vec![0; 2000];
    let octets = socket.recv(&mut datagram).await.unwrap();
    datagram.truncate(octets);
    asking.abort();
    datagram
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_shared_with_other_connections_and_the_quietest_goes() {
    let limits = TcpLimits { connections: 8, per_client: 4, ..TcpLimits::default() };
    let scene = Scene::of(limits);
    let mut open = Vec::new();
    for _ in 0..4 {
        let connection = scene.connect().await;
        assert!(ask(&connection, &query()).await.is_ok());
        open.push(connection);
    }
    // A fifth, of TCP, has the place of the first.
    let _tcp = std::net::TcpStream::connect(scene.server.v4).unwrap();
    assert_eq!(end_of(&open[0]).await, Some(DoqCode::ExcessiveLoad));
    assert!(ask(&open[3], &query()).await.is_ok());
    assert!(scene.answers().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_nobody_takes_are_held_to_the_same_memory() {
    let scene = Scene::start();
    // No octet of a reply may be sent.
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(1u32.into());
    let greedy = scene.client().with(transport).connect(scene.at()).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..100 {
        let (mut send, from) = greedy.open_bi().await.unwrap();
        send.write_all(&framed(&with_id_0(&Query::new("_web._tcp", SRV)))).await.unwrap();
        send.finish().unwrap();
        streams.push((send, from));
    }
    let counts = || scene.server.counters.total().tcp;
    assert!(eventually(|| counts().answered == 100), "{}", counts().answered);
    assert!((100 * 100..512 * 1024).contains(&counts().octets), "{}", counts().octets);
    assert!(scene.answers().await);
    assert_eq!(end_of(&greedy).await, Some(DoqCode::UnspecifiedError));
    drop(streams);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_must_say_for_whom_it_asks_cannot_over_quic() {
    let proxies = Some(srvd::names::Networks::new(&["127.0.0.1".parse().unwrap()]));
    let scene = Scene::by(Policy { proxies, ..Policy::default() });
    assert!(!scene.answers().await);
    let other = scene.client().connect(scene.server.quic[1]).await.unwrap();
    assert!(ask(&other, &query()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_says_so() {
    let scene = Scene::start();
    let connection = scene.connect().await;
    assert!(ask(&connection, &query()).await.is_ok());
    scene.server.shutdown.cancel();
    assert_eq!(end_of(&connection).await, Some(DoqCode::NoError));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_under_load_without_a_failed_query() {
    let scene = Scene::start();
    let (ends, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = async {
        while !ends.load(Ordering::Relaxed) {
            let connection = scene.connect().await;
            for _ in 0..20 {
                assert_eq!(ask(&connection, &query()).await.unwrap()[..2], [0, 0]);
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let more = async |by: usize| {
        let wanted = asked.load(Ordering::Relaxed) + by;
        while asked.load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
    };
    let replace = async {
        for _ in 0..5 {
            more(100).await;
            let certificate = Some(certified(&scene.authority.server()));
            let policy = Policy::clone(&scene.server.policies.load());
            scene.server.policies.replace(Policy { certificate, ..policy });
        }
        more(100).await;
        ends.store(true, Ordering::Relaxed);
    };
    tokio::join!(load, replace);
    let [.., failed, late, closed] = scene.server.counters.total().tls.handshakes;
    assert_eq!((failed, late, closed), (0, 0, 0));
}
