//! Datagrams over sockets.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::messages::{A, Query};
use super::{Server, example};

/// How long a reply may take on a busy machine.
const WAIT: Duration = Duration::from_secs(3);

/// A query with an id.
fn query(id: u16) -> Vec<u8> {
    let mut query = Query::new("web.services.internal", A);
    query.header[..2].copy_from_slice(&id.to_be_bytes());
    query.bytes()
}

/// A client on a free port.
async fn client(address: &str) -> UdpSocket {
    UdpSocket::bind((address.parse::<IpAddr>().unwrap(), 0)).await.unwrap()
}

/// What dig prints that asks an address over UDP.
async fn dig(address: &str, port: u16) -> String {
    let arguments = format!("@{address} -p {port} +notcp +tries=1 +timeout=3 +nocookie");
    let output = tokio::process::Command::new("dig")
        .args(arguments.split(' '))
        .args(["A", "web.services.internal"])
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_on_every_address_replies_from_the_one_asked() {
    let server = Server::start_on(&example(), ["0.0.0.0:0", "[::]:0"]);
    for (address, port) in [("127.0.0.1", server.v4), ("127.0.0.2", server.v4), ("::1", server.v6)]
        .map(|(address, bound)| (address, bound.port()))
    {
        let output = dig(address, port).await;
        assert!(output.contains("ANSWER: 2") && !output.contains("unexpected"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_one_client_is_answered_to_the_last() {
    let server = Server::start_on(&example(), ["0.0.0.0:0", "[::]:0"]);
    for (own, asked) in [("127.0.0.1", "127.0.0.2"), ("::1", "::1")] {
        let bound = if own == "::1" { server.v6 } else { server.v4 };
        let asked = SocketAddr::new(asked.parse().unwrap(), bound.port());
        let client = client(own).await;
        for id in 0..64 {
            client.send_to(&query(id), asked).await.unwrap();
        }
        let (mut seen, mut reply) = ([false; 64], [0; 512]);
        for _ in 0..64 {
            let (octets, from) =
                timeout(WAIT, client.recv_from(&mut reply)).await.unwrap().unwrap();
            assert!(from == asked && octets > 12 && reply[7] == 2);
            seen[usize::from(u16::from_be_bytes([reply[0], reply[1]]))] = true;
        }
        assert_eq!(seen, [true; 64]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_that_come_as_one_piece_are_answered_each() {
    let server = Server::start(&example());
    let client = client("127.0.0.1").await;
    let state = quinn_udp::UdpSocketState::new((&client).into()).unwrap();
    if state.max_gso_segments() < 8 {
        eprintln!("this kernel does not segment datagrams");
        return;
    }
    let all: Vec<u8> = (0..8).flat_map(query).collect();
    let transmit = quinn_udp::Transmit {
        destination: server.v4,
        ecn: None,
        contents: &all,
        segment_size: Some(query(0).len()),
        src_ip: None,
    };
    client.writable().await.unwrap();
    state.try_send((&client).into(), &transmit).unwrap();
    let (mut seen, mut reply) = ([false; 8], [0; 512]);
    for _ in 0..8 {
        timeout(WAIT, client.recv_from(&mut reply)).await.unwrap().unwrap();
        seen[usize::from(reply[1])] = true;
    }
    assert_eq!(seen, [true; 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_overlong_datagrams_harm_nobody() {
    let server = Server::start(&example());
    let client = client("127.0.0.1").await;
    let mut long = query(1);
    long.resize(65_000, 0);
    for datagram in [&[][..], &[0; 11], &long, &query(2)] {
        client.send_to(datagram, server.v4).await.unwrap();
    }
    let (mut reply, mut seen) = ([0; 512], Vec::new());
    for _ in 0..2 {
        timeout(WAIT, client.recv_from(&mut reply)).await.unwrap().unwrap();
        seen.push((reply[1], reply[3] & 0x0f));
    }
    // What takes the full path may come later than what was asked after it.
    seen.sort_unstable();
    assert_eq!(seen, [(1, 1), (2, 0)]);
}
