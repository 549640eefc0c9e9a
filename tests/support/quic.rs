//! A client of DNS over QUIC.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, TransportConfig};
use srvd::wire::DoqCode;

use super::certificates::Authority;
use super::tls::{TlsClient, framed};

/// A client that trusts one authority.
#[derive(Clone)]
pub(crate) struct QuicClient(ClientConfig);

impl QuicClient {
    /// One that wants to speak a protocol.
    pub(crate) fn new(authority: &Authority, protocol: &str) -> Self {
        let config = TlsClient::new(authority, Some(protocol)).config();
        Self(ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap())))
    }

    /// The same where something else holds for its connections.
    pub(crate) fn with(mut self, transport: TransportConfig) -> Self {
        self.0.transport_config(Arc::new(transport));
        self
    }

    /// Connects from a port of its own.
    pub(crate) async fn connect(&self, at: SocketAddr) -> Result<Connection, ConnectionError> {
        let own = match at {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let endpoint = Endpoint::client((own, 0).into()).unwrap();
        endpoint.connect_with(self.0.clone(), at, &at.ip().to_string()).unwrap().await
    }

    /// Asks once, on a connection of its own, wherever this is called.
    pub(crate) fn ask(&self, at: SocketAddr, message: &[u8]) -> Result<Vec<u8>, DoqCode> {
        let asked = async {
            let connection = self.connect(at).await.expect("a handshake");
            let reply = ask(&connection, message).await;
            let reply =
                reply.map_err(|()| code_of(&connection.close_reason().expect("a reason")).unwrap());
            connection.close(0u32.into(), b"");
            // What is said last is sent by another task of this thread.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            reply
        };
        let run = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().build().unwrap().block_on(asked)
        };
        std::thread::scope(|scope| scope.spawn(run).join().unwrap())
    }
}

/// Asks on a connection; nothing where there is no whole reply.
pub(crate) async fn ask(connection: &Connection, message: &[u8]) -> Result<Vec<u8>, ()> {
    ask_octets(connection, &framed(message)).await
}

/// The same with what goes over the stream.
pub(crate) async fn ask_octets(connection: &Connection, octets: &[u8]) -> Result<Vec<u8>, ()> {
    let (mut send, mut from) = connection.open_bi().await.map_err(drop)?;
    send.write_all(octets).await.map_err(drop)?;
    send.finish().map_err(drop)?;
    let reply = from.read_to_end(usize::from(u16::MAX) + 2).await.map_err(drop)?;
    let (length, message) = reply.split_first_chunk().ok_or(())?;
    assert_eq!(usize::from(u16::from_be_bytes(*length)), message.len());
    Ok(message.to_vec())
}

/// The code that the server ended a connection with, if it did.
pub(crate) fn code_of(fault: &ConnectionError) -> Option<DoqCode> {
    let ConnectionError::ApplicationClosed(close) = fault else { return None };
    let number = u64::from(close.error_code);
    DoqCode::ALL.into_iter().find(|code| u64::from(code.number()) == number)
}
