//! Sockets and what stands in their way. Tests that free a port and bind it again have a
//! loopback address of their own, where no other test could take it meanwhile.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use srvd::processes::sockets::Protocol;
use srvd::wire::{BindError, Listeners, Strictness};

use super::example;
use super::messages::{A, Query};

/// Binds addresses given as text.
fn bind(addresses: &[&str], strictness: Strictness) -> Result<Listeners, BindError> {
    let addresses: Vec<SocketAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    Listeners::bind(&addresses, strictness)
}

#[test]
fn a_second_server_is_told_that_the_address_is_in_use() {
    let first = bind(&["127.0.0.78:0"], Strictness::Explicit).unwrap();
    let address = first.addresses()[0];
    for strictness in [Strictness::Explicit, Strictness::Defaults] {
        let fault = Listeners::bind(&[address], strictness).unwrap_err();
        let text = fault.to_string();
        assert!(matches!(fault, BindError::InUse { .. }), "{text}");
        assert!(text.contains(&address.to_string()) && text.contains("in use"), "{text}");
    }
    drop(first);
    Listeners::bind(&[address], Strictness::Explicit).unwrap();
}

#[test]
fn either_transport_alone_is_enough_to_be_in_use() {
    let tcp = TcpListener::bind("127.0.0.79:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let fault = Listeners::bind(&[address], Strictness::Explicit).unwrap_err();
    assert!(matches!(fault, BindError::InUse { transport: Protocol::Tcp, .. }), "{fault}");
    let udp = UdpSocket::bind("127.0.0.79:0").unwrap();
    let address = udp.local_addr().unwrap();
    let fault = Listeners::bind(&[address], Strictness::Explicit).unwrap_err();
    assert!(matches!(fault, BindError::InUse { transport: Protocol::Udp, .. }), "{fault}");
    // The TCP socket of the failed attempt is gone.
    TcpListener::bind(address).unwrap();
}

#[test]
fn one_bad_address_leaves_nothing_bound() {
    let taken = TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind("127.0.0.77:0").unwrap();
    let busy = holder.local_addr().unwrap();
    assert!(Listeners::bind(&[taken, busy], Strictness::Explicit).is_err());
    TcpListener::bind(taken).unwrap();
}

#[test]
fn an_address_the_machine_lacks_is_an_error_unless_it_is_a_default() {
    let lacking = ["127.0.0.1:0", "198.51.100.7:0"];
    let fault = bind(&lacking, Strictness::Explicit).unwrap_err();
    assert!(fault.to_string().contains("198.51.100.7"), "{fault}");
    assert_eq!(bind(&lacking, Strictness::Defaults).unwrap().addresses().len(), 1);
    let fault = bind(&lacking[1..], Strictness::Defaults).unwrap_err();
    assert!(matches!(fault, BindError::None), "{fault}");
}

#[test]
fn any_address_of_both_families_can_share_a_port() {
    let both = || {
        let v4 = bind(&["0.0.0.0:0"], Strictness::Explicit).unwrap();
        bind(&[&format!("[::]:{}", v4.addresses()[0].port())], Strictness::Explicit)
    };
    // Another test may have that very port of `[::1]`; not again and again.
    assert!((0..5).any(|_| both().is_ok()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_free_again_at_once_with_connections_left_over() {
    let server = super::Server::start(&example());
    let mut stream = tokio::net::TcpStream::connect(server.v4).await.unwrap();
    server.shutdown.cancel();
    server.task.await.unwrap().unwrap();
    Listeners::bind(&[server.v4], Strictness::Explicit).unwrap();
    let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_worker_answers() {
    let server = super::Server::start(&example());
    for address in [server.v4, server.v6] {
        // The kernel chooses a socket by the client's port.
        for _ in 0..40 {
            let any = SocketAddr::new(address.ip(), 0);
            let client = tokio::net::UdpSocket::bind(any).await.unwrap();
            let query = Query::new("web.services.internal", A).bytes();
            client.send_to(&query, address).await.unwrap();
            let mut reply = [0; 512];
            let answered = client.recv_from(&mut reply);
            let wait = std::time::Duration::from_secs(2);
            let (octets, from) = tokio::time::timeout(wait, answered).await.unwrap().unwrap();
            assert_eq!((from, &reply[..2], octets > 12), (address, &query[..2], true));
        }
    }
}
