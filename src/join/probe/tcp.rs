//! Whether a port accepts connections.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use tokio::net::TcpStream;

use crate::join::options::Place;

/// Whether the instance's port accepts connections at its host, or at loopback: a server
/// behind a translated address, or a firewall, may be reached only there.
///
/// # Errors
/// Why not, in words: what its host said.
pub(super) async fn check(place: &Place) -> Result<(), String> {
    let Err(reason) = connect(&place.hostname, place.port).await else { return Ok(()) };
    for loopback in [Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()] {
        if connect(&loopback, place.port).await.is_ok() {
            return Ok(());
        }
    }
    Err(format!("{}: {reason}", place.location))
}

/// Connects once. A port that nobody listens at can be given to our own end, which then
/// speaks to itself; that does not count.
pub(in crate::join) async fn connect(host: &str, port: NonZeroU16) -> io::Result<()> {
    let stream = TcpStream::connect((host, port.get())).await?;
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}
