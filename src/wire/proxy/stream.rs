//! A header before what a connection begins with: it is read whole, and not an octet more, since
//! what follows may be TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::header::{FIXED, HeaderFault, ProxyHeader, length};
use crate::names::Span;
use crate::wire::ProxyOutcome;

/// How long a header may take. A proxy sends it with the connection, in one piece.
const WAIT: Duration = Duration::from_secs(5);

/// Receives the header of a connection. Gives the client that it names, if it does.
///
/// # Errors
/// How it is counted, and why there is none, in an operator's words.
pub(in crate::wire) async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, (ProxyOutcome, String)> {
    match timeout(WAIT, read(stream)).await {
        Ok(Ok(header)) => Ok(header.client),
        Ok(Err(fault)) => Err((ProxyOutcome::of(fault), fault.to_string())),
        Err(_) => Err((ProxyOutcome::TimedOut, format!("no PROXY header came in {}", Span(WAIT)))),
    }
}

/// Reads the octets that every header has, and as many more as these say.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<ProxyHeader, HeaderFault> {
    let mut fixed = [0; FIXED];
    let mut come = 0;
    while come < FIXED {
        match stream.read(&mut fixed[come..]).await {
            Ok(octets @ 1..) => come += octets,
            Ok(0) | Err(_) => break,
        }
        // Who says something else is not waited for.
        if ProxyHeader::read(&fixed[..come]) == Err(HeaderFault::Missing) {
            break;
        }
    }
    if come < FIXED {
        return ProxyHeader::read(&fixed[..come]);
    }
    let mut header = fixed.to_vec();
    header.resize(FIXED + length(&fixed)?, 0);
    let rest: io::Result<_> = stream.read_exact(&mut header[FIXED..]).await;
    rest.map_err(|_| HeaderFault::Cut)?;
    ProxyHeader::read(&header)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// A header that names a client of IPv4.
    const HEADER: &[u8] =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x0f\xa0\0\x35";

    /// What is received where such pieces come, one after another, and the end.
    async fn received(pieces: &[&[u8]]) -> Result<Option<SocketAddr>, ProxyOutcome> {
        let (mut near, mut far) = tokio::io::duplex(64);
        let send = async {
            for piece in pieces {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        let (received, ()) = tokio::join!(receive(&mut near), send);
        received.map_err(|(outcome, _)| outcome)
    }

    #[tokio::test]
    async fn a_header_may_come_octet_by_octet_and_nothing_more_is_read() {
        let client = "192.0.2.7:4000".parse().ok();
        assert_eq!(received(&[HEADER]).await, Ok(client));
        let pieces: Vec<_> = HEADER.chunks(1).collect();
        assert_eq!(received(&pieces).await, Ok(client));
        let octets = [HEADER, b"rest"].concat();
        let mut stream = &octets[..];
        assert_eq!(receive(&mut stream).await, Ok(client));
        assert_eq!(stream, b"rest");
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_is_not_waited_for_long() {
        for (pieces, outcome) in [
            (&[][..], ProxyOutcome::Missing),
            (&[&b"GET / HTTP/1.1\r\n\r\n"[..]], ProxyOutcome::Missing),
            (&[&HEADER[..7]][..], ProxyOutcome::Malformed),
            (&[&HEADER[..20]], ProxyOutcome::Malformed),
        ] {
            assert_eq!(received(pieces).await, Err(outcome));
        }
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(&HEADER[..20]).await.unwrap();
        let late = receive(&mut near).await.unwrap_err();
        assert_eq!(late, (ProxyOutcome::TimedOut, "no PROXY header came in 5s".to_owned()));
        // Who speaks another protocol is told so before the time is over.
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(b"\0\x11").await.unwrap();
        assert_eq!(receive(&mut near).await.unwrap_err().0, ProxyOutcome::Missing);
    }
}
