//! Clients of DNS over TLS, and what servers show them.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::PATIENCE;
use super::certificates::{Authority, Pair};

/// A client that trusts one authority, and resumes its sessions.
#[derive(Clone)]
pub(crate) struct TlsClient(Arc<ClientConfig>);

/// A connection of a client.
pub(crate) type TlsConnection = StreamOwned<ClientConnection, TcpStream>;

impl TlsClient {
    /// One that says what it wants to speak, if that is something.
    pub(crate) fn new(authority: &Authority, protocol: Option<&str>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
        let mut config =
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols =
            protocol.into_iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Self(Arc::new(config))
    }

    /// What it trusts and speaks.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }

    /// Connects, and shakes hands.
    pub(crate) fn connect(&self, at: SocketAddr) -> std::io::Result<TlsConnection> {
        let stream = TcpStream::connect(at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        self.over(stream, at.ip())
    }

    /// Shakes hands on a connection to an address.
    pub(crate) fn over(&self, mut stream: TcpStream, to: IpAddr) -> std::io::Result<TlsConnection> {
        let mut connection = ClientConnection::new(Arc::clone(&self.0), to.into()).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }

    /// Asks once, on a connection of its own.
    pub(crate) fn ask(&self, at: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = self.connect(at)?;
        stream.write_all(&framed(message))?;
        read_reply(&mut stream)
    }
}

impl TlsClient {
    /// Asks once by HTTP/1.1, by POST, on a connection of its own. Gives head and body.
    pub(crate) fn post(
        &self,
        at: SocketAddr,
        message: &[u8],
    ) -> std::io::Result<(String, Vec<u8>)> {
        let head = format!(
            "POST /dns-query HTTP/1.1\r\nhost: a\r\ncontent-type: application/dns-message\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            message.len()
        );
        self.request(at, &[head.as_bytes(), message].concat())
    }

    /// Sends octets, and reads to the end. Gives head and body.
    pub(crate) fn request(
        &self,
        at: SocketAddr,
        octets: &[u8],
    ) -> std::io::Result<(String, Vec<u8>)> {
        let mut stream = self.connect(at)?;
        stream.write_all(octets)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        let end = all.windows(4).position(|it| it == b"\r\n\r\n").expect("a head ends");
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        Ok((head, all.split_off(end + 4)))
    }
}

/// A certificate and its key, as a policy has them.
pub(crate) fn certified(pair: &Pair) -> Arc<CertifiedKey> {
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(CertifiedKey::from_der(chain, key, &provider).unwrap())
}

/// A message with its length before it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// The next reply of a stream.
pub(crate) fn read_reply(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}
