//! HTTPS: statuses, ages, bounds, and who is answered whatever others do.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hyper::StatusCode;
use srvd::wire::{Policy, TcpLimits};

use super::messages::{A, Query, SRV};
use super::{Server, example};
use crate::support::certificates::Authority;
use crate::support::eventually;
use crate::support::https::{Http2, request};
use crate::support::tls::{TlsClient, TlsConnection, certified};

/// What a client of HTTP/2 begins with, and settings that change nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A server of the example, whose certificate an authority has signed.
struct Scene {
    server: Server,
    authority: Authority,
}

impl Scene {
    /// Starts it.
    fn start() -> Self {
        Self::of(TcpLimits::default(), false)
    }

    /// Starts it with limits, its data old or not.
    fn of(tcp: TcpLimits, is_stale: bool) -> Self {
        let authority = Authority::new("one");
        let certificate = Some(certified(&authority.server()));
        let policy = Policy { certificate, tcp, ..Policy::default() };
        let mut fixture = example();
        fixture.set_stale(is_stale);
        Self { server: Server::start_encrypted(&fixture, Arc::new(policy)), authority }
    }

    /// Where IPv4 is answered.
    fn at(&self) -> SocketAddr {
        self.server.https[0]
    }

    /// A client that speaks a protocol.
    fn client(&self, protocol: &str) -> TlsClient {
        TlsClient::new(&self.authority, Some(protocol))
    }

    /// A connection of HTTP/2.
    async fn http2(&self) -> Http2 {
        Http2::connect(&self.client("h2"), self.at()).await
    }

    /// Whether a client is answered on a new connection.
    async fn answers(&self) -> bool {
        let reply = self.http2().await.post(&query()).await;
        reply.is_ok_and(|reply| reply[..4] == [0x12, 0x34, 0x84, 0])
    }

    /// How many requests had a status.
    fn count_of(&self, status: &str) -> u64 {
        let counts = self.server.counters.total().https;
        counts.by_status().into_iter().find(|it| it.0 == status).unwrap().1
    }

    /// Waits until nothing is open, or held.
    fn is_left_alone(&self) -> bool {
        let counts = || self.server.counters.total().tcp;
        eventually(|| (counts().open, counts().octets) == (0, 0))
    }
}

/// The query of one name.
fn query() -> Vec<u8> {
    Query::new("web.services.internal", A).bytes()
}

/// A frame of HTTP/2: type, flags, stream, payload (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = &(payload.len() as u32).to_be_bytes()[1..];
    [length, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Sends octets, as far as they are taken.
fn send(stream: &mut TlsConnection, octets: &[u8]) {
    let _ = stream.write_all(octets).and_then(|()| stream.flush());
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8484_s5_1_replies_say_how_long_they_may_be_kept() {
    for (is_stale, ages) in
        [(false, ["max-age=5", "max-age=5", "no-store"]), (true, ["no-store"; 3])]
    {
        let scene = Scene::of(TcpLimits::default(), is_stale);
        let names = ["web.services.internal", "none.services.internal", "example.com"];
        let mut second = scene.http2().await;
        for (name, age) in names.into_iter().zip(ages) {
            let message = Query::new(name, A).bytes();
            let (head, body) = scene.client("http/1.1").post(scene.at(), &message).unwrap();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            assert!(head.contains(&format!("cache-control: {age}")), "{name}: {head}");
            assert!(head.contains("content-type: application/dns-message"), "{head}");
            assert_eq!(body[..2], [0x12, 0x34]);
            let response = second.send(request("POST", "/dns-query", &message)).await.unwrap();
            assert_eq!(response.headers()["cache-control"], age, "{name}");
        }
        assert_eq!(scene.count_of("200"), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9110_s15_every_fault_has_its_status() {
    let scene = Scene::start();
    let mut reply = query();
    reply[2] |= 0x80;
    let large = vec![0; 70_000];
    let mut client = scene.http2().await;
    for (method, path, message, status) in [
        ("POST", "/dns-query", &query()[..], StatusCode::OK),
        ("POST", "/dns-query", &[], StatusCode::BAD_REQUEST),
        ("POST", "/dns-query", &[0; 11], StatusCode::BAD_REQUEST),
        ("POST", "/dns-query", &reply, StatusCode::BAD_REQUEST),
        ("POST", "/dns-query", &large, StatusCode::PAYLOAD_TOO_LARGE),
        ("GET", "/dns-query?dns=AAE", &[], StatusCode::BAD_REQUEST),
        ("GET", "/dns-query", &[], StatusCode::BAD_REQUEST),
        ("POST", "/", &[], StatusCode::NOT_FOUND),
        ("GET", "/metrics", &[], StatusCode::NOT_FOUND),
        ("DELETE", "/dns-query", &[], StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let response = client.send(request(method, path, message)).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {}", message.len());
        let allow = response.headers().get("allow");
        assert_eq!(allow.is_some(), status == StatusCode::METHOD_NOT_ALLOWED);
    }
    // HEAD says what GET would, and no more; a body may come in pieces.
    let first = scene.client("http/1.1");
    let get = "/dns-query?dns=AAABAAABAAAAAAAAA3dlYghzZXJ2aWNlcwhpbnRlcm5hbAAAAQAB";
    for (method, octets) in [("GET", 71), ("HEAD", 0)] {
        let ask = format!("{method} {get} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let (head, body) = first.request(scene.at(), ask.as_bytes()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-length: 71"), "{head}");
        assert_eq!(body.len(), octets);
        let response = client.send(request(method, get, &[])).await.unwrap();
        assert_eq!(response.headers()["content-length"], "71");
    }
    let head = "POST /dns-query HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: ";
    let chunked = format!("{head}application/dns-message\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunks = [&b"3\r\n"[..], &query()[..3], b"\r\n24\r\n", &query()[3..], b"\r\n0\r\n\r\n"];
    let whole = [chunked.as_bytes(), &chunks.concat()].concat();
    assert!(first.request(scene.at(), &whole).unwrap().0.starts_with("HTTP/1.1 200 "));
    // What is said to be too large is not waited for.
    let large = format!("{head}application/dns-message\r\ncontent-length: 65536\r\n\r\n");
    for (octets, status) in [(large, 413), (format!("{head}text/plain\r\n\r\n"), 415)] {
        let (head, body) = first.request(scene.at(), octets.as_bytes()).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && body.is_empty(), "{head}");
    }
    // Who says nothing of the protocol speaks HTTP/1.1; who wants another is not served.
    let silent = TlsClient::new(&scene.authority, None);
    assert!(silent.post(scene.server.https[1], &query()).unwrap().0.starts_with("HTTP/1.1 200 "));
    assert!(scene.client("dot").connect(scene.at()).is_err());
    assert_eq!(scene.count_of("413"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_of_a_connection_are_all_answered() {
    let scene = Scene::start();
    let (client, message) = (scene.http2().await, Query::new("_web._tcp", SRV).bytes());
    let ask = |at: u16| {
        let message = [&at.to_be_bytes()[..], &message[2..]].concat();
        let mut client = client.clone();
        async move { assert_eq!(client.post(&message).await.unwrap()[..2], at.to_be_bytes()) }
    };
    let all: Vec<_> = (0..10_000).map(|at| tokio::spawn(ask(at))).collect();
    assert!(scene.answers().await);
    for it in all {
        it.await.unwrap();
    }
    assert_eq!(scene.count_of("200"), 10_001);
    drop(client);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_never_end_keep_nobody_out_and_large_ones_have_an_end() {
    let limits = TcpLimits { connections: 60, per_client: 40, ..TcpLimits::default() };
    let scene = Scene::of(limits, false);
    let [first, second] = ["http/1.1", "h2"].map(|protocol| scene.client(protocol));
    let mut open = Vec::new();
    for at in 0..100 {
        // In HTTP/2 a head whose end does not come (no END_HEADERS), or a body without one octet.
        let (client, octets) = match at % 4 {
            0 => (&first, b"GET /dns-query?dns=".to_vec()),
            1 => (&first, b"POST /dns-query HTTP/1.1\r\ncontent-length: 30\r\n".to_vec()),
            2 => (&second, [PREFACE, &frame(1, 0, 1, &[0x82])].concat()),
            _ => (&second, [PREFACE, &frame(1, 4, 1, &[0x83, 0x87, 0x84])].concat()),
        };
        // The quietest make room, who has not shaken hands first.
        if let Ok(mut stream) = client.connect(scene.at()) {
            send(&mut stream, &octets);
            open.push(stream);
        }
        // Half a handshake.
        let mut half = TcpStream::connect(scene.at()).unwrap();
        half.write_all(&[0x16, 3, 1, 1, 0, 1][..at % 7]).unwrap();
    }
    assert!(scene.answers().await);
    let mut large = first.connect(scene.at()).unwrap();
    send(&mut large, &[b"GET /dns-query?dns=".as_slice(), &[b'A'; 20_000]].concat());
    let mut told = Vec::new();
    let _ = large.read_to_end(&mut told);
    assert!(told.starts_with(b"HTTP/1.1 4") || told.is_empty(), "{told:?}");
    // CONTINUATION without end (CVE-2024-27316).
    let mut large = second.connect(scene.at()).unwrap();
    send(&mut large, &[PREFACE, &frame(1, 0, 1, &[0x82])].concat());
    let more = frame(9, 0, 1, &[[0x40, 1, b'a', 1, b'b'].as_slice(); 3000].concat());
    for _ in 0..100 {
        send(&mut large, &more);
    }
    let _ = large.read_to_end(&mut Vec::new());
    assert!(scene.answers().await);
    drop((open, large));
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_taken_back_end_their_connection() {
    let scene = Scene::start();
    let mut resets = scene.client("h2").connect(scene.at()).unwrap();
    // `:method: GET`, `:scheme: https`, `:path: /`, of the static table (RFC 7541).
    let taken_back = |stream: u32| {
        [frame(1, 5, stream, &[0x82, 0x87, 0x84]), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let many: Vec<u8> = (0..200).flat_map(|at| taken_back(2 * at + 1)).collect();
    send(&mut resets, &[PREFACE, &many].concat());
    let mut told = Vec::new();
    let _ = resets.read_to_end(&mut told);
    // GOAWAY, ENHANCE_YOUR_CALM (11).
    assert!(told.windows(4).any(|it| it == [0, 0, 0, 11]), "{told:?}");
    assert!(scene.answers().await);
    drop(resets);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_nobody_takes_are_held_to_the_same_memory() {
    let scene = Scene::start();
    let mut greedy = scene.client("h2").connect(scene.at()).unwrap();
    // No octet of a reply is taken: SETTINGS_INITIAL_WINDOW_SIZE 0.
    let none = [frame(4, 0, 0, &[0, 4, 0, 0, 0, 0])].concat();
    send(&mut greedy, &[&PREFACE[..24], &none].concat());
    // `:method: POST`, `:scheme: https`, `:path` and `content-type` as they are.
    let kind = [&[0x0f, 0x10, 23][..], b"application/dns-message"].concat();
    let head = [&[0x83, 0x87, 0x04, 10][..], b"/dns-query", &kind].concat();
    let message = Query::new("_web._tcp", SRV).bytes();
    for at in 0..100 {
        let ask = [frame(1, 4, 2 * at + 1, &head), frame(0, 1, 2 * at + 1, &message)].concat();
        send(&mut greedy, &ask);
    }
    assert!(eventually(|| scene.count_of("200") == 100), "{}", scene.count_of("200"));
    let held = scene.server.counters.total().tcp.octets;
    assert!((100 * 100..512 * 1024).contains(&held), "{held}");
    assert!(scene.answers().await);
    drop(greedy);
    assert!(scene.is_left_alone());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_under_load_without_a_failed_query() {
    let scene = Scene::start();
    let (ends, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = async {
        while !ends.load(Ordering::Relaxed) {
            let mut client = scene.http2().await;
            for _ in 0..20 {
                assert_eq!(client.post(&query()).await.unwrap()[..2], [0x12, 0x34]);
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
