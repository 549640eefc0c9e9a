//! The threads that answer datagrams: bursts, what is counted, the end.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use srvd::wire::{Code, Totals};

use super::messages::{A, Query};
use super::{Server, example};
use crate::support::PATIENCE;

/// How long something may take on a busy machine.
const WAIT: Duration = Duration::from_secs(5);
/// Octets of a buffer that has room for a burst of a thousand.
const BUFFER: usize = 1024 * 1024;

/// A client whose buffer has room for a burst, if the system allows it.
fn client(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::new(server.ip(), 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER).unwrap();
    socket
}

/// Whether the system gives sockets the buffers they ask for.
fn has_buffers() -> bool {
    let most = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
    most.trim().parse().is_ok_and(|most: usize| most >= BUFFER)
}

/// Sends queries with the ids from 0 on.
fn ask(client: &UdpSocket, queries: u16) {
    let mut query = Query::new("web.services.internal", A);
    for id in 0..queries {
        query.header[..2].copy_from_slice(&id.to_be_bytes());
        client.send(&query.bytes()).unwrap();
    }
}

/// How many of so many queries have a reply, each one at most.
fn replies(client: &UdpSocket, queries: u16, wait: Duration) -> usize {
    let (mut seen, mut reply) = (vec![false; queries.into()], [0; 1500]);
    client.set_read_timeout(Some(wait)).unwrap();
    let is_done = |seen: &[bool]| seen.iter().all(|seen| *seen);
    while !is_done(&seen) {
        let Ok(octets) = client.recv(&mut reply) else { break };
        let id = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
        assert!(octets > 12 && !seen[id], "{id} has two replies");
        seen[id] = true;
    }
    seen.into_iter().filter(|seen| *seen).count()
}

/// Waits until what was received is dealt with: so many datagrams, or all there are.
async fn settle(server: &Server, datagrams: u64) -> Totals {
    let start = Instant::now();
    loop {
        let totals = server.counters.total();
        let (fast, full) = (totals.fast, totals.full);
        let is_done = fast.received == fast.answered + fast.handed + fast.dropped + fast.silent
            && full.received + fast.evicted == fast.handed
            && full.received == full.answered + full.silent;
        if is_done && fast.received >= datagrams {
            return totals;
        }
        assert!(start.elapsed() < WAIT, "{totals:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bursts_of_several_clients_are_answered_or_counted() {
    let server = Server::start(&example());
    if !has_buffers() {
        return eprintln!("this system has no buffers for bursts");
    }
    let (mut sent, mut replied) = (0, 0);
    for address in [server.v4, server.v6, server.v4, server.v6] {
        let client = client(address);
        ask(&client, 1000);
        sent += 1000;
        let totals = settle(&server, sent).await;
        assert_eq!(totals.fast.received, sent);
        let lost =
            totals.fast.dropped + totals.fast.evicted + totals.fast.unsent + totals.full.unsent;
        replied += replies(&client, 1000, Duration::from_millis(200)) as u64;
        assert_eq!(replied + lost, sent, "{totals}");
    }
    println!("{replied} of {sent} were answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_add_up() {
    let server = Server::start(&example());
    let client = client(server.v4);
    // Two answers, a response, a scrap, nothing, and a name that is not there.
    ask(&client, 2);
    let query = Query::new("web.services.internal", A);
    client.send(&query.clone().flags(0x80, 0).bytes()).unwrap();
    client.send(&query.bytes()[..11]).unwrap();
    client.send(&[]).unwrap();
    client.send(&Query::new("nothing.services.internal", A).bytes()).unwrap();
    let totals = settle(&server, 6).await;
    let both = totals.fast + totals.full;
    assert_eq!((totals.fast.received, both.answered, both.silent), (6, 3, 3));
    let answered = server.counters.answered();
    let of = |code| {
        let replies = answered.iter().flat_map(|it| &it.replies);
        let of_code = replies.filter(|((_, it), _)| *it == Code::of(code));
        of_code.map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!((of(0), of(3)), (2, 1));
    assert!(answered.iter().all(|it| it.truncated == [0, 0]));
    assert_eq!((totals.fast.dropped, both.unsent), (0, 0));
    let mut stream = tokio::net::TcpStream::connect(server.v4).await.unwrap();
    let framed = [&(query.bytes().len() as u16).to_be_bytes()[..], &query.bytes()].concat();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &framed.repeat(3)).await.unwrap();
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut [0; 120]).await.unwrap();
    let tcp = server.counters.total().tcp;
    assert_eq!((tcp.accepted, tcp.answered, tcp.closed_for_room), (1, 3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_octets_of_every_length_harm_nobody() {
    let server = Server::start(&example());
    let client = client(server.v4);
    let mut sent = 0;
    for length in 0..600 {
        for _ in 0..100 {
            let mut octets = vec![0; length];
            fastrand::fill(&mut octets);
            client.send(&octets).unwrap();
        }
        sent += 100;
        let totals = settle(&server, sent).await;
        assert_eq!((totals.fast.received, totals.fast.dropped), (sent, 0), "{length} {totals}");
    }
    let last = self::client(server.v4);
    ask(&last, 1);
    assert_eq!(replies(&last, 1, WAIT), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_ends_at_once() {
    let server = Server::start_on(&example(), ["0.0.0.0:0", "[::]:0"]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    server.shutdown.cancel();
    server.task.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn datagrams_that_have_come_are_answered_before_the_end() {
    let server = Server::start(&example());
    let clients = [client(server.v4), client(server.v6)];
    clients.iter().for_each(|client| ask(client, 250));
    server.shutdown.cancel();
    let start = Instant::now();
    server.task.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    for client in &clients {
        assert_eq!(replies(client, 250, Duration::from_millis(200)), 250);
    }
    let Totals { fast, full, .. } = server.counters.total();
    assert_eq!((fast.received, fast.answered + full.answered), (500, 500));
}

/// However many go on asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_under_load_is_bounded_too() {
    let server = Server::start(&example());
    let asking: Vec<_> = [server.v4, server.v6, server.v4, server.v6].map(client).into();
    let asking: Vec<_> = asking
        .into_iter()
        .map(|client| {
            tokio::task::spawn_blocking(move || {
                let query = Query::new("web.services.internal", A).bytes();
                // Once the sockets are gone, the kernel says so.
                while client.send(&query).is_ok() {}
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    server.shutdown.cancel();
    server.task.await.unwrap().unwrap();
    println!("ended after {:?}: {}", start.elapsed(), server.counters.total());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for client in asking {
        tokio::time::timeout(WAIT, client).await.unwrap().unwrap();
    }
}

/// A server that is dropped has no thread left behind: its addresses are free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_server_leaves_nothing_behind() {
    let server = Server::start_on(&example(), ["127.0.0.81:0", "[::1]:0"]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.task.abort();
    assert!(server.task.await.unwrap_err().is_cancelled());
    let start = Instant::now();
    let any = SocketAddr::new(IpAddr::from([127, 0, 0, 81]), server.v4.port());
    while UdpSocket::bind(any).is_err() {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
