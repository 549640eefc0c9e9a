//! A question on its way to a server and back: over UDP, sent again where it may have been
//! lost; over TCP where the reply was cut.
//!
//! Every question has a socket of its own, so that the system draws a port for it, and takes
//! in nothing from elsewhere (RFC 5452 section 9). A connection of its own, too: few replies
//! are cut, and one that is used again may be closed by the server just as it is written to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::DEADLINE;
use super::message::{Reply, Request};
use super::upstream::UpstreamFault;

/// How long a reply is waited for before the question is sent again, each time: the first
/// two are there for what is lost, the third asks without EDNS, before the next server is
/// asked as well.
pub(super) const WAITS: [Duration; SENDS] =
    [Duration::from_millis(330), Duration::from_millis(330), Duration::from_secs(1), DEADLINE];
/// How often a question is sent over UDP.
pub(super) const SENDS: usize = 4;
/// Octets of a datagram that are taken in: more than we let servers send, for those that do
/// not listen.
const DATAGRAM: usize = 4096;

/// Sends a question over UDP, in other words each time, until one of them is replied to.
pub(super) async fn over_udp(
    server: SocketAddr,
    requests: [&Request; SENDS],
) -> Result<Reply, UpstreamFault> {
    let socket = connect(server).await.map_err(|_| UpstreamFault::Silent)?;
    for (sent, wait) in WAITS.into_iter().enumerate() {
        let request = requests[sent].octets();
        socket.send(request).await.map_err(|_| UpstreamFault::Silent)?;
        if let Ok(reply) = timeout(wait, receive(&socket, &requests[..=sent])).await {
            return reply;
        }
    }
    Err(UpstreamFault::Silent)
}

/// Sends a question over TCP (RFC 7766), which nobody can answer in the server's place.
pub(super) async fn over_tcp(
    server: SocketAddr,
    request: &Request,
) -> Result<Reply, UpstreamFault> {
    let reply = async {
        let mut stream = TcpStream::connect(server).await?;
        let octets = request.octets();
        // A question is far shorter than its length can say.
        let framed = [&(octets.len() as u16).to_be_bytes()[..], octets].concat();
        stream.write_all(&framed).await?;
        let mut reply = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut reply).await.map(|_| reply)
    };
    let mut octets = reply.await.map_err(|_: io::Error| UpstreamFault::Broken)?;
    request.read(&mut octets).unwrap_or(Err(UpstreamFault::Broken))
}

/// A socket at a random port that hears of one server alone.
async fn connect(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await.map(|()| socket)
}

/// Waits for a reply to one of some requests, whatever else comes meanwhile.
async fn receive(socket: &UdpSocket, requests: &[&Request]) -> Result<Reply, UpstreamFault> {
    loop {
        socket.readable().await.map_err(|_| UpstreamFault::Silent)?;
        // Nothing is set aside for those that wait.
        let mut octets = vec![0; DATAGRAM];
        let length = match socket.try_recv(&mut octets) {
            Ok(length) => length,
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return Err(UpstreamFault::Silent),
        };
        let octets = &mut octets[..length];
        if let Some(reply) = requests.iter().find_map(|request| request.read(octets)) {
            return reply;
        }
    }
}
