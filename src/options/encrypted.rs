//! Options of encrypted DNS, as they are typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::declare::options;
use super::socket_address;

/// The port of DNS over TLS and QUIC (RFC 7858 section 3.1, RFC 9250 section 4.1.1), shown to whoever leaves one out.
pub(super) const TLS_PORT: u16 = 853;
/// That of HTTPS.
const HTTPS_PORT: u16 = 443;

options! {
    /// Options of `serve` and `dev` about encrypted DNS.
    #[command(next_help_heading = "Encrypted DNS")]
    pub struct EncryptedArgs, EncryptedKeys in encrypted {
        /// Addresses of DNS over TLS; needs --tls-cert and --tls-key [default: none]
        ///
        /// Port 853 is the usual one. May be repeated, or a list with commas.
        #[arg(long, env = "SRVD_LISTEN_TLS", value_name = "ADDRESS", value_delimiter = ',', value_parser = tls_address)]
        listen_tls: Vec<SocketAddr> => Restart;
        /// Addresses of DNS over HTTPS; needs --tls-cert and --tls-key [default: none]
        ///
        /// HTTP/2 and HTTP/1.1, path /dns-query; port 443 is the usual one. May be repeated, or a list
        /// with commas.
        #[arg(long, env = "SRVD_LISTEN_HTTPS", value_name = "ADDRESS", value_delimiter = ',', value_parser = https_address)]
        listen_https: Vec<SocketAddr> => Restart;
        /// Addresses of DNS over QUIC; needs --tls-cert and --tls-key [default: none]
        ///
        /// UDP; port 853 is the usual one. May be repeated, or a list with commas.
        #[arg(long, env = "SRVD_LISTEN_QUIC", value_name = "ADDRESS", value_delimiter = ',', value_parser = tls_address)]
        listen_quic: Vec<SocketAddr> => Restart;
        /// Certificate chain (PEM) of encrypted DNS; needs --tls-key [default: none]
        #[arg(long, env = "SRVD_TLS_CERT", value_name = "FILE")]
        tls_cert: PathBuf => Reloaded;
        /// Key of that certificate (PEM)
        #[arg(long, env = "SRVD_TLS_KEY", value_name = "FILE")]
        tls_key: PathBuf => Reloaded;
    }
}

/// Reads an address with its port.
fn tls_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| socket_address::fault(text, TLS_PORT))
}

/// Reads an address with its port.
fn https_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| socket_address::fault(text, HTTPS_PORT))
}
