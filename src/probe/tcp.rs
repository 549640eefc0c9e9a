//! The TCP probe: a port accepts connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::join::Registrant;

/// Whether the instance's port accepts connections at its host. What is certain to run on
/// this machine may also be reached at loopback only, behind a translated address or a
/// firewall, which gets the second half of the time; of other machines that says nothing.
///
/// # Errors
/// Why not, in words: what its host said.
pub(super) async fn check(
    registrant: &Registrant,
    is_here: bool,
    limit: Duration,
) -> Result<(), String> {
    let limit = if is_here { limit / 2 } else { limit };
    let silent = || io::Error::from(io::ErrorKind::TimedOut);
    let connected = timeout(limit, connect(&registrant.hostname, registrant.port)).await;
    let Err(reason) = connected.unwrap_or_else(|_| Err(silent())) else { return Ok(()) };
    let loopback = [Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()];
    for host in loopback.iter().filter(|_| is_here) {
        if connect(host, registrant.port).await.is_ok() {
            return Ok(());
        }
    }
    Err(format!("{}: {reason}", registrant.location))
}

/// Connects once. Gives the address that accepted. A port that nobody listens at can be given
/// to our own end, which then speaks to itself; that does not count.
///
/// # Errors
/// The system's: nobody accepted.
pub async fn connect(host: &str, port: NonZeroU16) -> io::Result<IpAddr> {
    let stream = TcpStream::connect((host, port.get())).await?;
    let peer = stream.peer_addr()?;
    if stream.local_addr()? == peer {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(peer.ip())
}
