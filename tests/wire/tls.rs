//! Connections under TLS: what is shown, who is turned away, and who is answered whatever others do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use srvd::wire::{HandshakeOutcome, Policy, TcpLimits, TlsCounts};

use super::messages::{A, Query, SRV};
use super::{Server, example};
use crate::support::certificates::Authority;
use crate::support::eventually;
use crate::support::tls::{TlsClient, certified, framed, read_reply};

/// A server of the example, whose certificate an authority has signed.
struct Scene {
    server: Server,
    authority: Authority,
}

impl Scene {
    /// Starts it with limits.
    fn start(tcp: TcpLimits) -> Self {
        let authority = Authority::new("one");
        let policy =
            Policy { certificate: Some(certified(&authority.server())), tcp, ..Policy::default() };
        Self { server: Server::start_encrypted(&example(), Arc::new(policy)), authority }
    }

    /// Where IPv4 is answered under TLS.
    fn at(&self) -> SocketAddr {
        self.server.tls[0]
    }

    /// A client that trusts the authority.
    fn client(&self) -> TlsClient {
        TlsClient::new(&self.authority, Some("dot"))
    }

    /// Whether a client is answered on a new connection.
    fn answers(&self, client: &TlsClient) -> bool {
        client.ask(self.at(), &query(7)).is_ok_and(|reply| reply[..4] == [0, 7, 0x84, 0])
    }

    /// What is counted of TLS.
    fn counts(&self) -> TlsCounts {
        self.server.counters.total().tls
    }

    /// Waits until so many handshakes had an outcome.
    fn counts_of(&self, outcome: HandshakeOutcome, wanted: u64) -> bool {
        eventually(|| self.counts().handshakes[outcome as usize] == wanted)
    }
}

/// A query with an id.
fn query(id: u16) -> Vec<u8> {
    [&id.to_be_bytes()[..], &Query::new("web.services.internal", A).bytes()[2..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7858_s3_3_pipelined_queries_are_all_answered_in_their_order() {
    let scene = Scene::start(TcpLimits::default());
    let srv = Query::new("_web._tcp", SRV).bytes();
    let of = |id: u16| [&id.to_be_bytes()[..], &srv[2..]].concat();
    for at in &scene.server.tls {
        let mut stream = scene.client().connect(*at).unwrap();
        let all: Vec<u8> = (0..500).flat_map(|id| framed(&of(id))).collect();
        stream.write_all(&all).unwrap();
        for id in 0..500u16 {
            let reply = read_reply(&mut stream).unwrap();
            assert_eq!((&reply[..2], reply[7]), (&id.to_be_bytes()[..], 3));
        }
    }
    assert!(eventually(|| scene.counts().open == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_one_octet_are_read_and_an_end_without_a_word_is_no_loss() {
    let scene = Scene::start(TcpLimits::default());
    let mut stream = scene.client().connect(scene.at()).unwrap();
    for octet in framed(&query(3)) {
        stream.write_all(&[octet]).unwrap();
        stream.flush().unwrap();
    }
    assert_eq!(read_reply(&mut stream).unwrap()[..2], [0, 3]);
    // The client writes no more, and does not say so by TLS.
    stream.write_all(&framed(&query(4))).unwrap();
    stream.flush().unwrap();
    stream.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_reply(&mut stream).unwrap()[..2], [0, 4]);
    // The server says that it ends, as it must: nobody has cut anything off.
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_no_tls_or_another_protocol_or_trusts_others_is_counted() {
    let scene = Scene::start(TcpLimits::default());
    let mut plain = TcpStream::connect(scene.at()).unwrap();
    plain.write_all(&framed(&query(1))).unwrap();
    assert!(read_reply(&mut plain).is_err());
    assert!(scene.counts_of(HandshakeOutcome::Failed, 1));
    let web = TlsClient::new(&scene.authority, Some("h2"));
    assert!(web.connect(scene.at()).is_err());
    assert!(scene.counts_of(HandshakeOutcome::Failed, 2));
    let stranger = TlsClient::new(&Authority::new("other"), Some("dot"));
    assert!(stranger.connect(scene.at()).is_err());
    assert!(scene.counts_of(HandshakeOutcome::Failed, 3));
    // RFC 7858 knows clients that say nothing of what they speak.
    assert!(scene.answers(&TlsClient::new(&scene.authority, None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_is_known_by_its_ticket() {
    let scene = Scene::start(TcpLimits::default());
    let client = scene.client();
    assert!(scene.answers(&client) && scene.counts_of(HandshakeOutcome::Full, 1));
    assert!(scene.answers(&client) && scene.counts_of(HandshakeOutcome::Resumed, 1));
    assert!(scene.answers(&scene.client()) && scene.counts_of(HandshakeOutcome::Full, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_go_no_further_keep_nobody_out() {
    let limits = TcpLimits { connections: 60, per_client: 40, ..TcpLimits::default() };
    let scene = Scene::start(limits);
    let mut held = scene.client().connect(scene.at()).unwrap();
    // A client has done its part of the handshake before the server has: a reply says that both have.
    held.write_all(&framed(&query(8))).unwrap();
    assert_eq!(read_reply(&mut held).unwrap()[..2], [0, 8]);
    // The length of a first record, which never comes; or nothing.
    let half = |at: usize| {
        let mut stream = TcpStream::connect(scene.at()).unwrap();
        stream.write_all(&[0x16, 3, 1, 1, 0, 1][..at % 7]).unwrap();
        stream
    };
    let mut waiting: Vec<_> = (0..300).map(half).collect();
    assert!(scene.answers(&scene.client()));
    // Who was there before is there still.
    held.write_all(&framed(&query(9))).unwrap();
    assert_eq!(read_reply(&mut held).unwrap()[..2], [0, 9]);
    // Half of a client's connections at most were in the middle of it.
    assert!(eventually(|| scene.counts().handshakes[HandshakeOutcome::Closed as usize] >= 280));
    assert_eq!(waiting[0].read(&mut [0]).unwrap_or_default(), 0);
    drop((waiting, held));
    assert!(eventually(|| scene.server.counters.total().tcp.open == 0));
    let counts = scene.counts();
    assert_eq!((counts.handshakes.iter().sum::<u64>(), counts.open), (302, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_nobody_takes_are_held_to_the_same_memory() {
    let scene = Scene::start(TcpLimits::default());
    let mut greedy = scene.client().connect(scene.at()).unwrap();
    let query = framed(&Query::new("_web._tcp", SRV).bytes());
    let many: Vec<u8> = query.iter().copied().cycle().take(query.len() * 500).collect();
    greedy.sock.set_write_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    // Until neither side takes any more.
    while greedy.write_all(&many).is_ok() {}
    let held = scene.server.counters.total().tcp.octets;
    assert!(held < 512 * 1024, "{held}");
    assert!(scene.answers(&scene.client()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_under_load_without_a_failed_query() {
    let scene = Scene::start(TcpLimits::default());
    let (ends, asked, at) = (AtomicBool::new(false), AtomicUsize::new(0), scene.at());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let client = scene.client();
                while !ends.load(Ordering::Relaxed) {
                    let mut stream = client.connect(at).unwrap();
                    for id in 0..20 {
                        stream.write_all(&framed(&query(id))).unwrap();
                        assert_eq!(read_reply(&mut stream).unwrap()[..2], id.to_be_bytes());
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let more = |by: usize| {
            let wanted = asked.load(Ordering::Relaxed) + by;
            assert!(eventually(|| asked.load(Ordering::Relaxed) >= wanted));
        };
        for _ in 0..5 {
            more(100);
            let certificate = Some(certified(&scene.authority.server()));
            let policy = Policy::clone(&scene.server.policies.load());
            scene.server.policies.replace(Policy { certificate, ..policy });
        }
        more(100);
        ends.store(true, Ordering::Relaxed);
    });
    let [.., failed, late, closed] = scene.counts().handshakes;
    assert_eq!((failed, late, closed), (0, 0, 0));
    // What is shown to new clients is the newest.
    let other = Authority::new("two");
    let policy = Policy::clone(&scene.server.policies.load());
    let certificate = Some(certified(&other.server()));
    scene.server.policies.replace(Policy { certificate, ..policy });
    assert!(scene.answers(&TlsClient::new(&other, Some("dot"))));
    assert!(!scene.answers(&TlsClient::new(&scene.authority, Some("dot"))));
}
