//! Options about HTTP, as they are typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::declare::options;
use super::http_address::HttpAddress;
use super::socket_address;
use crate::names::Span;

options! {
    /// Options of `serve` and `dev` about HTTP.
    #[command(next_help_heading = "HTTP")]
    pub struct HttpArgs, HttpKeys in http {
        /// Address of HTTP, or off [default: 127.0.0.1:5380]
        ///
        /// It serves health checks, metrics, an API, and a page for people.
        #[arg(long, env = "SRVD_HTTP", value_name = "ADDRESS|off")]
        http: HttpAddress => Restart;
        /// Address of etcd's v2 keys API, for old clients [default: none]
        ///
        /// It reads and writes the keys below the zones' prefixes; the other options of HTTP hold
        /// for it, too. `srvd dev` takes 127.0.0.1:4001 if that is free.
        #[arg(long, env = "SRVD_ETCD_V2", value_name = "ADDRESS", value_parser = old_address)]
        etcd_v2: SocketAddr => Restart;
        /// Bearer tokens required for writes, one per line [default: none]
        ///
        /// Needed for writes where HTTP is not on loopback (`Authorization: Bearer TOKEN`). A line
        /// is TOKEN, or NAME TOKEN; the log and events then show the name of who wrote.
        #[arg(long, env = "SRVD_HTTP_TOKEN_FILE", value_name = "FILE")]
        http_token_file: PathBuf => Reloaded;
        /// Certificate chain (PEM) of HTTPS; needs --http-key [default: no TLS]
        #[arg(long, env = "SRVD_HTTP_CERT", value_name = "FILE")]
        http_cert: PathBuf => Reloaded;
        /// Key of that certificate (PEM)
        #[arg(long, env = "SRVD_HTTP_KEY", value_name = "FILE")]
        http_key: PathBuf => Reloaded;
        /// Host names that HTTP accepts [default: on loopback none, elsewhere any]
        ///
        /// Beside addresses, localhost and this machine's name. May be repeated, or a list with
        /// commas.
        #[arg(long, env = "SRVD_HTTP_HOSTS", value_name = "NAME", value_delimiter = ',')]
        http_hosts: Vec<String> => Reloaded;
        /// Lifetime of a registration by POST without renewal [default: 10s]
        ///
        /// In whole seconds, 1s to 24h.
        #[arg(long, env = "SRVD_REGISTRATION_TTL", value_name = "DURATION")]
        registration_ttl: Span => Restart;
    }
}

/// The port that etcd's old clients ask.
pub(super) const ETCD_V2_PORT: u16 = 4001;

/// Reads an address with its port.
fn old_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| socket_address::fault(text, ETCD_V2_PORT))
}
