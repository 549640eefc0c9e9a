//! The operator's window, as it is typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::http_address::HttpAddress;

/// Options of `serve` and `dev` about HTTP.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// Where to answer HTTP (health, metrics, API, a page for people), or `off`
    /// [default: 127.0.0.1:5380]
    #[arg(long = "http", env = "SRVD_HTTP", value_name = "ADDRESS")]
    pub at: Option<HttpAddress>,
    /// File of tokens, one a line: whoever writes over HTTP must show one
    /// (`Authorization: Bearer TOKEN`). Needed for writes where HTTP is not on loopback
    /// [default: none]
    #[arg(long, env = "SRVD_HTTP_TOKEN_FILE", value_name = "FILE")]
    pub http_token_file: Option<PathBuf>,
    /// Certificate chain (PEM) that HTTP is served with, over TLS; needs --http-key
    /// [default: no TLS]
    #[arg(long, env = "SRVD_HTTP_CERT", value_name = "FILE")]
    pub http_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, env = "SRVD_HTTP_KEY", value_name = "FILE")]
    pub http_key: Option<PathBuf>,
    /// Names that HTTP may be asked by, beside addresses, localhost and this machine's name;
    /// may be repeated, or a list with commas [default: on loopback no others, elsewhere any]
    #[arg(long, env = "SRVD_HTTP_HOSTS", value_name = "NAME", value_delimiter = ',')]
    pub http_hosts: Vec<String>,
    /// How long a registration made over HTTP (POST /registrations) outlives its last
    /// renewal, in whole seconds [default: 10s]
    #[arg(long, env = "SRVD_REGISTRATION_TTL", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub registration_ttl: Option<Duration>,
}
