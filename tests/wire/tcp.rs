//! Connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::messages::{A, Query, SRV};
use super::{Server, example};
use crate::fixture::{Fixture, settings};

/// A query with an id, framed.
fn framed(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut query = Query::new(name, kind);
    query.header[..2].copy_from_slice(&id.to_be_bytes());
    let octets = query.bytes();
    [&(octets.len() as u16).to_be_bytes()[..], &octets].concat()
}

/// One framed reply.
async fn reply(stream: &mut TcpStream) -> std::io::Result<Message> {
    let length = stream.read_u16().await?;
    let mut octets = vec![0; usize::from(length)];
    stream.read_exact(&mut octets).await?;
    Ok(Message::from_vec(&octets).unwrap())
}

/// Whether a server answers on a new connection.
pub(super) async fn answers(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&framed(7, "web.services.internal", A)).await.unwrap();
    matches!(reply(&mut stream).await, Ok(message) if message.metadata.id == 7)
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_s6_2_1_1_pipelined_queries_are_all_answered() {
    let server = Server::start(&example());
    for address in [server.v4, server.v6] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let all: Vec<u8> =
            (0..500).flat_map(|id| framed(id, "_web._tcp.services.internal", SRV)).collect();
        let (mut reader, mut writer) = stream.split();
        let send = async { writer.write_all(&all).await.unwrap() };
        let receive = async {
            for id in 0..500 {
                let length = reader.read_u16().await.unwrap();
                let mut octets = vec![0; usize::from(length)];
                reader.read_exact(&mut octets).await.unwrap();
                let message = Message::from_vec(&octets).unwrap();
                assert_eq!((message.metadata.id, message.answers.len()), (id, 3));
            }
        };
        tokio::join!(send, receive);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_s8_a_message_may_come_octet_by_octet() {
    let server = Server::start(&example());
    let mut stream = TcpStream::connect(server.v4).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for octet in framed(3, "web.services.internal", A) {
        stream.write_all(&[octet]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(reply(&mut stream).await.unwrap().metadata.id, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_sent_message_is_not_waited_for_and_an_idle_client_is_for_longer() {
    let server = Server::start(&example());
    let mut half = TcpStream::connect(server.v4).await.unwrap();
    let mut idle = TcpStream::connect(server.v4).await.unwrap();
    let message = framed(1, "web.services.internal", A);
    half.write_all(&message[..message.len() - 1]).await.unwrap();
    let start = Instant::now();
    assert!(reply(&mut half).await.is_err());
    let waited = start.elapsed();
    assert!((4..7).contains(&waited.as_secs()), "{waited:?}");
    // The idle one is still welcome.
    idle.write_all(&message).await.unwrap();
    assert_eq!(reply(&mut idle).await.unwrap().metadata.id, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9210_s4_4_idle_clients_do_not_keep_others_out() {
    let server = Server::start(&example());
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(server.v4).await.unwrap());
    }
    assert!(answers(server.v4).await);
    // Nor do more than one client is allowed: its quietest connections go.
    for _ in 0..200 {
        idle.push(TcpStream::connect(server.v4).await.unwrap());
    }
    assert!(answers(server.v4).await);
    let mut octet = [0];
    let end = tokio::time::timeout(Duration::from_secs(2), idle[0].read(&mut octet)).await;
    assert_eq!(end.unwrap().unwrap_or(0), 0, "the first is closed");
    let last = idle.last_mut().unwrap();
    last.write_all(&framed(9, "web.services.internal", A)).await.unwrap();
    assert_eq!(reply(last).await.unwrap().metadata.id, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_is_answered_before_the_end() {
    let server = Server::start(&example());
    let mut stream = TcpStream::connect(server.v4).await.unwrap();
    assert!(answers(server.v4).await);
    stream.write_all(&framed(1, "web.services.internal", A)).await.unwrap();
    assert_eq!(reply(&mut stream).await.unwrap().metadata.id, 1);
    stream.write_all(&framed(2, "web.services.internal", A)).await.unwrap();
    server.shutdown.cancel();
    assert_eq!(reply(&mut stream).await.unwrap().metadata.id, 2);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    let ended = tokio::time::timeout(Duration::from_secs(2), server.task).await;
    ended.expect("it ends at once").unwrap().unwrap();
    assert!(TcpStream::connect(server.v4).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_at_the_end_is_left_unsaid() {
    let server = Server::start(&Fixture::unlisted(vec![settings("services.internal.")]));
    let mut stream = TcpStream::connect(server.v4).await.unwrap();
    stream.write_all(&framed(1, "web.services.internal", A)).await.unwrap();
    assert_eq!(reply(&mut stream).await.unwrap().metadata.response_code, ResponseCode::ServFail);
    server.shutdown.cancel();
    // It is read, or comes too late; neither way a client hears of a failure.
    let _ = stream.write_all(&framed(2, "web.services.internal", A)).await;
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    server.task.await.unwrap().unwrap();
    assert_eq!(server.counters.total().tcp.answered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_replies_are_bounded_and_who_holds_them_is_closed() {
    let mut fixture = example();
    fixture.put_all((0..4_000).map(|number| {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
        (format!("big/{number}"), format!("http://{address}:8080"))
    }));
    let server = Server::start(&fixture);
    let mut unread = Vec::new();
    for host in 1..=4 {
        for _ in 0..100 {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
            // Little is held at this end.
            socket.set_recv_buffer_size(4096).unwrap();
            let mut stream = socket.connect(server.v4).await.unwrap();
            let queries = framed(1, "big.services.internal", A).repeat(3);
            stream.write_all(&queries).await.unwrap();
            unread.push(stream);
        }
        assert!(answers(server.v4).await, "{host}");
    }
    let start = Instant::now();
    let counts = || server.counters.total().tcp;
    while counts().closed_for_octets == 0 && start.elapsed() < Duration::from_secs(4) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = counts();
    assert!(counts.closed_for_octets > 0 && counts.octets <= 32 << 20, "{counts:?}");
    assert!(answers(server.v4).await);
    // What was taken or is gone is held no more.
    drop(unread);
    while server.counters.total().tcp.octets > 0 && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.counters.total().tcp.octets, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_replies_is_let_go() {
    let server = Server::start(&example());
    let mut stream = TcpStream::connect(server.v4).await.unwrap();
    let all: Vec<u8> =
        (0..1000).flat_map(|id| framed(id, "_web._tcp.services.internal", SRV)).collect();
    let start = Instant::now();
    // Nothing is read: the server's replies fill the buffers of both ends, and it stops.
    while start.elapsed() < Duration::from_secs(20) {
        if stream.write_all(&all).await.is_err() {
            break;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(15));
    assert!(answers(server.v4).await);
}

/// The end is bounded: a client that takes its replies slowly, but does take them, must not
/// keep a restart waiting for all it has asked for.
#[tokio::test]
async fn a_slow_reader_does_not_hold_up_the_end() {
    let mut fixture = Fixture::new("services.internal.");
    let instance =
        |at: usize| (format!("big/{at}"), format!("10.0.{}.{}:80", at / 250, at % 250 + 1));
    fixture.put_all((0..2_000).map(instance));
    let server = Server::start(&fixture);
    let (mut reader, mut writer) = TcpStream::connect(server.v4).await.unwrap().into_split();
    let queries: Vec<u8> =
        (0..1_000).flat_map(|id| framed(id, "big.services.internal", SRV)).collect();
    let asking = tokio::spawn(async move { writer.write_all(&queries).await.map(|()| writer) });
    let mut some = vec![0; 64 * 1024];
    reader.read_exact(&mut some).await.unwrap();
    let begun = Instant::now();
    server.shutdown.cancel();
    let taking = tokio::spawn(async move {
        while matches!(reader.read(&mut some).await, Ok(1..)) {
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
    });
    tokio::time::timeout(Duration::from_secs(10), server.task).await.unwrap().unwrap().unwrap();
    println!("ended after {} ms", begun.elapsed().as_millis());
    asking.abort();
    taking.abort();
}
