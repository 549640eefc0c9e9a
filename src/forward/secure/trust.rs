//! The authorities whose word is taken for who a server is.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// What DNS over TLS is called in a handshake.
const DOT: &[u8] = b"dot";
/// The same of HTTP/2.
pub(super) const H2: &[u8] = b"h2";

/// Those who may sign certificates of servers.
#[derive(Debug, Clone)]
pub(in crate::forward) struct Trust {
    /// Those that the configuration names; the system's where there are none.
    named: Vec<CertificateDer<'static>>,
    /// How TLS is spoken, believing these.
    config: ClientConfig,
}

impl Trust {
    /// Some authorities; the system's, where there are none. It reads files then.
    pub(in crate::forward) fn new(named: &[CertificateDer<'static>]) -> Self {
        let mut roots = RootCertStore::empty();
        if named.is_empty() {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        } else {
            roots.add_parsable_certificates(named.iter().cloned());
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self { named: named.to_vec(), config }
    }

    /// Whether these are the ones that are named.
    pub(in crate::forward) fn is_of(&self, named: &[CertificateDer<'static>]) -> bool {
        self.named == named
    }

    /// How DNS over TLS is spoken.
    pub(super) fn tls(&self) -> Arc<ClientConfig> {
        self.speaking(DOT)
    }

    /// How DNS over HTTPS is spoken.
    pub(super) fn https(&self) -> Arc<ClientConfig> {
        self.speaking(H2)
    }

    /// TLS with a protocol in it.
    fn speaking(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}
