//! Tests that both implementations pass.

use std::io::ErrorKind;
use std::net::UdpSocket as Client;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// A client that does not wait for ever.
fn client(address: &str) -> Client {
    let client = Client::bind((address, 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    client.set_broadcast(true).unwrap();
    client
}

/// The next reply a client gets, and from which address.
fn reply(client: &Client) -> (Vec<u8>, String) {
    let mut octets = vec![0; 2000];
    let (length, from) = client.recv_from(&mut octets).unwrap();
    octets.truncate(length);
    (octets, from.ip().to_string())
}

/// A datagram from port 0, if the test may make one.
fn from_port_zero(port: u16) -> bool {
    let raw = match Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)) {
        Err(fault) if fault.kind() == ErrorKind::PermissionDenied => return false,
        raw => raw.unwrap(),
    };
    let [high, low] = port.to_be_bytes();
    let to: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
    // From port, to port, length, no checksum, content.
    let sent = raw.send_to(&[0, 0, high, low, 0, 9, 0, 0, b'x'], &SockAddr::from(to));
    sent.unwrap() == 9
}

/// The tests of one implementation.
macro_rules! suite {
    ($implementation:ident) => {
        mod $implementation {
            use std::sync::Arc;
            use std::thread::{sleep, spawn};
            use std::time::{Duration, Instant};

            use super::super::$implementation::{Batch, UdpSocket};
            use super::{client, from_port_zero, reply};

            /// A batch on a free port, and the port.
            fn bind(address: &str) -> (Batch, u16) {
                let socket = std::net::UdpSocket::bind((address, 0)).unwrap();
                let port = socket.local_addr().unwrap().port();
                (Batch::new(Arc::new(UdpSocket::new(socket.into(), false).unwrap())), port)
            }

            /// Reads so many datagrams, and replies what each says, or not if it says `-`.
            fn echo(batch: &mut Batch, mut datagrams: usize) -> usize {
                let mut unsent = 0;
                while datagrams > 0 {
                    let count = batch.receive().unwrap();
                    datagrams -= count;
                    for at in 0..count {
                        assert_eq!(batch.client(at), batch.route(at).map(|route| route.client));
                        let (request, reply) = batch.exchange(at).unwrap();
                        let length = request.len();
                        reply[..length].copy_from_slice(request);
                        if request != b"-" {
                            batch.reply(at, length);
                        }
                    }
                    unsent += batch.send().err().map_or(0, |unsent| unsent.count);
                }
                unsent
            }

            /// Reads until a datagram has come.
            fn receive(batch: &mut Batch) {
                while batch.receive().unwrap() == 0 {}
            }

            #[test]
            fn a_socket_that_is_kept_goes_on_without_us() {
                let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
                let (to, kept) = (socket.local_addr().unwrap(), socket.try_clone().unwrap());
                let ours = UdpSocket::new(socket.into(), true).unwrap();
                assert!(ours.is_kept());
                ours.end();
                drop(ours);
                kept.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", to).unwrap();
                assert_eq!(kept.recv(&mut [0; 8]).unwrap(), 1);
            }

            #[test]
            fn replies_go_out_in_order_and_only_those_there_are() {
                for address in ["127.0.0.1", "::1"] {
                    let ((mut batch, port), client) = (bind(address), client(address));
                    for text in ["a", "-", "bb", "-", "-", "c"].iter().cycle().take(150) {
                        client.send_to(text.as_bytes(), (address, port)).unwrap();
                    }
                    assert_eq!(echo(&mut batch, 150), 0);
                    for text in ["a", "bb", "c"].iter().cycle().take(75) {
                        assert_eq!(reply(&client), (text.as_bytes().to_vec(), address.into()));
                    }
                }
            }

            #[test]
            fn replies_go_to_whom_they_belong() {
                let (mut batch, port) = bind("127.0.0.1");
                let clients = ["127.0.0.3", "127.0.0.4", "127.0.0.5"].map(client);
                for number in 100..160 {
                    clients[number % 3].send_to(&[number as u8], ("127.0.0.1", port)).unwrap();
                }
                echo(&mut batch, 60);
                for number in 100..160 {
                    assert_eq!(reply(&clients[number % 3]).0, [number as u8]);
                }
            }

            #[test]
            fn a_socket_on_every_address_replies_from_the_one_asked() {
                for (any, own, asked) in
                    [("0.0.0.0", "127.0.0.1", "127.0.0.2"), ("::", "::1", "::1")]
                {
                    let ((mut batch, port), client) = (bind(any), client(own));
                    for _ in 0..2 {
                        client.send_to(b"x", (asked, port)).unwrap();
                    }
                    echo(&mut batch, 2);
                    assert_eq!([reply(&client).1, reply(&client).1], [asked, asked]);
                    client.send_to(b"y", (asked, port)).unwrap();
                    receive(&mut batch);
                    let route = batch.route(0).unwrap();
                    assert_eq!(route.asked, Some(asked.parse().unwrap()));
                    assert_eq!(route.client, client.local_addr().unwrap());
                    batch.socket().send(b"z", &route).unwrap();
                    assert_eq!(reply(&client), (b"z".to_vec(), asked.to_owned()));
                }
            }

            #[test]
            fn a_socket_on_one_address_is_not_asked_which() {
                for address in ["127.0.0.2", "::1"] {
                    let ((mut batch, port), client) = (bind(address), client(address));
                    client.send_to(b"x", (address, port)).unwrap();
                    receive(&mut batch);
                    let route = batch.route(0).unwrap();
                    assert_eq!((route.asked, route.client), (None, client.local_addr().unwrap()));
                    batch.socket().send(b"z", &route).unwrap();
                    assert_eq!(reply(&client), (b"z".to_vec(), address.to_owned()));
                }
            }

            #[test]
            fn empty_and_overlong_datagrams() {
                let ((mut batch, port), client) = (bind("127.0.0.1"), client("127.0.0.1"));
                for (octets, shown) in [
                    (0, None),
                    (1, Some(1)),
                    (4096, Some(4096)),
                    (4097, Some(12)),
                    (60_000, Some(12)),
                ] {
                    client.send_to(&vec![7; octets], ("127.0.0.1", port)).unwrap();
                    receive(&mut batch);
                    assert_eq!(batch.exchange(0).map(|(request, _)| request.len()), shown);
                }
            }

            #[test]
            fn what_stands_before_a_message_is_taken_off() {
                let ((mut batch, port), client) = (bind("127.0.0.1"), client("127.0.0.1"));
                let long = [&b"head"[..], &[7; 5000]].concat();
                for (octets, before, shown) in [
                    (&b"headmessage"[..], 4, Some(&b"message"[..])),
                    (b"message", 0, Some(b"message")),
                    (b"head", 4, None),
                    (b"head", 9, None),
                    (&long, 4, Some(&[7; 12])),
                ] {
                    client.send_to(octets, ("127.0.0.1", port)).unwrap();
                    receive(&mut batch);
                    batch.strip(0, |seen| {
                        assert_eq!(seen, &octets[..octets.len().min(4096)]);
                        before
                    });
                    assert_eq!(batch.exchange(0).map(|(message, _)| &*message), shown);
                }
            }

            #[test]
            fn port_zero_is_not_answered() {
                let (mut batch, port) = bind("127.0.0.1");
                if !from_port_zero(port) {
                    return eprintln!("only root can send from port 0");
                }
                receive(&mut batch);
                assert!(batch.exchange(0).is_none());
            }

            /// No host can send from a broadcast address.
            #[test]
            fn a_reply_that_cannot_be_sent_harms_no_other() {
                let ((mut batch, port), client) = (bind("0.0.0.0"), client("127.0.0.1"));
                for address in ["127.255.255.255", "127.0.0.1", "127.255.255.255", "127.0.0.2"] {
                    client.send_to(b"x", (address, port)).unwrap();
                }
                assert_eq!(echo(&mut batch, 4), 2);
                assert_eq!([reply(&client).1, reply(&client).1], ["127.0.0.1", "127.0.0.2"]);
            }

            #[test]
            fn the_end_comes_after_what_has_come() {
                for address in ["127.0.0.1", "::1", "0.0.0.0", "::"] {
                    let (mut batch, port) = bind(address);
                    let own = if address.contains(':') { "::1" } else { "127.0.0.1" };
                    let (client, socket) = (client(own), Arc::clone(batch.socket()));
                    for _ in 0..100 {
                        client.send_to(b"x", (own, port)).unwrap();
                    }
                    socket.end();
                    echo(&mut batch, 100);
                    assert_eq!((batch.receive().unwrap(), batch.receive().unwrap()), (0, 0));
                }
            }

            #[test]
            fn the_end_wakes_who_waits() {
                for address in ["127.0.0.1", "::1"] {
                    let (mut batch, _) = bind(address);
                    let socket = Arc::clone(batch.socket());
                    let start = Instant::now();
                    let waiting = spawn(move || batch.receive().unwrap());
                    sleep(Duration::from_millis(50));
                    socket.end();
                    assert_eq!(waiting.join().unwrap(), 0);
                    assert!(start.elapsed() < Duration::from_secs(1));
                }
            }
        }
    };
}

#[cfg(target_os = "linux")]
suite!(linux);
suite!(portable);
