//! TLS of connections: the certificate is that of the moment, so that a new one is served
//! without a restart.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::access::Access;

/// What is spoken over TLS here (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// Begins TLS on connections.
#[derive(Clone)]
pub(super) struct Tls(TlsAcceptor);

/// The certificate of the moment.
#[derive(Debug)]
struct Newest(Arc<Access>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.rules().certificate.clone()
    }
}

impl Tls {
    /// TLS with the certificate that the rules have when a client comes.
    pub(super) fn new(access: Arc<Access>) -> Self {
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::new(Newest(access)));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Self(Arc::new(config).into())
    }

    /// Shakes hands.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}
