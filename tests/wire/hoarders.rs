//! Clients that open connections and ask nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use srvd::wire::{Policy, TcpLimits};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::tcp::answers;
use super::{Server, example};
use crate::support::eventually;

/// A server with few places for connections.
fn server(limits: TcpLimits) -> Server {
    let policy = Policy { tcp: limits, ..Policy::default() };
    Server::start_with(&example(), ["127.0.0.1:0", "[::1]:0"], policy.into())
}

/// Idle connections from an address.
async fn hoard(from: &str, server: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut idle = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        idle.push(socket.connect(server).await.unwrap());
    }
    idle
}

/// How many connections have been closed, once so many have, or after some seconds.
async fn closed(idle: &mut [TcpStream], wanted: usize) -> usize {
    let start = Instant::now();
    loop {
        let mut closed = 0;
        for stream in &mut *idle {
            let end = timeout(Duration::from_millis(1), stream.read(&mut [0])).await;
            closed += usize::from(end.is_ok());
        }
        if closed >= wanted || start.elapsed() > Duration::from_secs(5) {
            return closed;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hoarders_do_not_keep_a_client_out() {
    let server = Server::start(&example());
    // Of one address, and more than it may have; then of many, and more than all may have.
    let mut idle = hoard("127.0.0.9", server.v4, 600).await;
    assert!(answers(server.v4).await);
    assert_eq!(closed(&mut idle, 150).await, 150);
    for host in 10..20 {
        idle.extend(hoard(&format!("127.0.0.{host}"), server.v4, 60).await);
        assert!(answers(server.v4).await && answers(server.v6).await);
    }
    // One that is told to close takes a moment.
    let counts = || server.counters.total().tcp;
    assert!(eventually(|| counts().open < 950), "{:?}", counts());
    assert!(counts().closed_for_client == 150 && counts().closed_for_room >= 150, "{:?}", counts());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_are_as_many_as_configured() {
    let server = server(TcpLimits { connections: 12, per_client: 5, ..TcpLimits::default() });
    let mut one = hoard("127.0.0.2", server.v4, 8).await;
    let mut two = hoard("127.0.0.3", server.v4, 5).await;
    assert!(answers(server.v4).await);
    assert_eq!((closed(&mut one, 3).await, closed(&mut two, 0).await), (3, 0));
    // Those who hold the most make room for those who hold less.
    let mut three = hoard("127.0.0.4", server.v4, 4).await;
    assert!(answers(server.v4).await);
    assert_eq!(closed(&mut three, 0).await, 0);
    let counts = server.counters.total().tcp;
    assert_eq!(counts.closed_for_client, 3);
    assert!((2..=4).contains(&counts.closed_for_room), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_idle_are_closed_when_it_is_configured() {
    let idle = Duration::from_millis(300);
    let server = server(TcpLimits { idle, ..TcpLimits::default() });
    let start = Instant::now();
    let mut stream = TcpStream::connect(server.v4).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    assert!(start.elapsed() >= idle && start.elapsed() < Duration::from_secs(5));
    let counts = server.counters.total().tcp;
    assert_eq!((counts.timed_out, counts.accepted), (1, 1));
}
