//! Packets, and connections, as fast as they go.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::{Domain, Protocol, Socket, Type};

use crate::calls::Batch;
use crate::query::{A, SRV, query};
use crate::stage::client;

/// Packets of one system call.
const BATCH: usize = 64;
/// The least octets of a packet's place.
const PACKET: usize = 128;
/// Where the flood comes from: another network than the well-behaved client.
const OWN: &str = "127.0.0.1";
/// Connections that are held open at once: more than the server allows.
const HELD: usize = 1_200;
/// Connections of one address: more than it is allowed.
const OF_ONE: u32 = 500;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Nothing.
    Quiet,
    /// Queries that have answers.
    Hits,
    /// Names that do not exist, none twice.
    Invented,
    /// What is no message.
    Malformed,
    /// Connections that ask nothing.
    Connections,
}

impl Flood {
    /// What it is called in tables.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Hits => "hits: SRV of 10, EDNS",
            Self::Invented => "NXDOMAIN, random names",
            Self::Malformed => "malformed",
            Self::Connections => "idle TCP connections",
        }
    }

    /// Sends until told to stop.
    pub(crate) fn run(self, server: SocketAddr, stop: &AtomicBool) {
        match self {
            Self::Quiet => {}
            Self::Connections => connect(server, stop),
            _ => send(server, &self.packet(), self == Self::Invented, stop),
        }
    }

    /// The packet.
    fn packet(self) -> Vec<u8> {
        let mut packet = match self {
            Self::Hits => query("_s10._tcp", SRV, Some(1232)),
            _ => query("aaaaaaaaaaaaaaaa", A, None),
        };
        if self == Self::Malformed {
            // The first label is longer than the message.
            packet[12] = 63;
        }
        packet
    }
}

/// Sends a packet, with a random label or as it is, and reads no replies: nobody does whose
/// address is forged.
pub(crate) fn send(server: SocketAddr, packet: &[u8], is_random: bool, stop: &AtomicBool) {
    let socket = client(OWN, server);
    let mut batch = Batch::new(BATCH, packet.len().max(PACKET), false);
    let mut random = fastrand::Rng::with_seed(1);
    for at in 0..BATCH {
        batch.write(at, packet);
    }
    while !stop.load(Ordering::Relaxed) {
        if is_random {
            for at in 0..BATCH {
                invent(batch.write(at, packet), &mut random);
            }
        }
        // A buffer that is full is one that the kernel empties by itself.
        let _ = batch.send(&socket, BATCH);
    }
}

/// Puts a random label of 16 letters into a query.
fn invent(packet: &mut [u8], random: &mut fastrand::Rng) {
    let mut drawn = random.u64(..);
    for octet in &mut packet[13..13 + 16] {
        *octet = b'a' + (drawn & 15) as u8;
        drawn >>= 4;
    }
}

/// Opens connections one after the other, and closes the oldest only when it has very many.
fn connect(server: SocketAddr, stop: &AtomicBool) {
    let mut held = std::collections::VecDeque::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let own = Ipv4Addr::from_bits(u32::from(Ipv4Addr::LOCALHOST) + number / OF_ONE % 8);
        number += 1;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        let own = SocketAddr::new(IpAddr::V4(own), 0);
        // The system may be out of ports for a moment: closed ones linger.
        if socket.bind(&own.into()).and_then(|()| socket.connect(&server.into())).is_ok() {
            // A reset leaves nothing that lingers.
            let _ = socket.set_linger(Some(std::time::Duration::ZERO));
            held.push_back(socket);
        }
        if held.len() > HELD {
            held.pop_front();
        }
    }
}
