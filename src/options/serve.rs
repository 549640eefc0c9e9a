//! Options of `serve` and `dev`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;

use super::declare::options;
use super::{AnsweringArgs, EncryptedArgs, ForwardEntry, HttpArgs, LimitArgs, socket_address};
use crate::names::Span;

/// The port that is shown to whoever leaves one out.
pub(super) const DNS_PORT: u16 = 53;
/// UDP workers that may be asked for: more than any machine has cores.
const WORKERS_MAX: usize = 1024;
/// The longest `hold-collapse`: removals are never held for ever.
const HOLD_MAX: Span = Span(Duration::from_secs(3600));
/// The longest that answers go on once the server is told to stop.
const DELAY_MAX: Span = Span(Duration::from_secs(300));

options! {
    /// Options of `serve` and `dev`.
    pub struct ServeArgs, ServeKeys in serve {
        /// Addresses of DNS, UDP and TCP [default: 127.0.0.1:5300, [::1]:5300]
        ///
        /// May be repeated, or a list with commas.
        #[arg(long, env = "SRVD_LISTEN", value_name = "ADDRESS", value_delimiter = ',', value_parser = listen_address)]
        listen: Vec<SocketAddr> => Restart;
        /// UDP workers per address; 0 is one per core [default: 0]
        #[arg(long, env = "SRVD_WORKERS", value_name = "N")]
        workers: usize => Restart in 0..=WORKERS_MAX, "0 is one per core";
        /// Directory of zone files, APEX.zone [default: none]
        ///
        /// A file named like a registry zone adds records to it; any other file is a zone of its own.
        #[arg(long, env = "SRVD_ZONES", value_name = "DIRECTORY")]
        zones: PathBuf => Reloaded;
        /// Answer names without a zone, _web._tcp. [default: true]
        #[arg(long, env = "SRVD_BARE_NAMES", value_name = "BOOL", value_parser = BoolishValueParser::new())]
        bare_names: bool => Reloaded;
        /// Reload when files change, not on SIGHUP alone [default: true]
        ///
        /// Files are the configuration, zone files, certificates, tokens and secrets.
        #[arg(long, env = "SRVD_WATCH_FILES", value_name = "BOOL", value_parser = BoolishValueParser::new())]
        watch_files: bool => Reloaded;
        /// Reverse zones, made from all registrations [default: none]
        ///
        /// As 10.in-addr.arpa. May be repeated, or a list with commas.
        #[arg(long, env = "SRVD_REVERSE", value_name = "ZONE", value_delimiter = ',')]
        reverse: Vec<String> => Reloaded;
        /// Upstream servers for names outside the zones [default: none]
        ///
        /// Addresses of servers (tls://ADDRESS#NAME for DNS over TLS, https://ADDRESS/PATH#NAME for
        /// DNS over HTTPS), or resolv.conf files. Without any, such names are REFUSED. May be
        /// repeated, or a list with commas. In the file also [[forward]] with zone and to: servers
        /// for the names of one zone; with fallthrough = true also for those that are in a zone of
        /// this server and do not exist.
        #[arg(long, env = "SRVD_FORWARD", value_name = "SERVER|FILE", value_delimiter = ',')]
        forward: Vec<ForwardEntry> => Reloaded;
        /// CAs of upstream servers' certificates, PEM [default: the system's]
        ///
        /// For servers that --forward names as tls://ADDRESS#NAME or https://ADDRESS/PATH#NAME.
        #[arg(long, env = "SRVD_FORWARD_CA", value_name = "FILE")]
        forward_ca: PathBuf => Reloaded;
        /// Pass on private addresses in upstream replies [default: true]
        ///
        /// With false, names of strangers cannot lead browsers into this network (DNS rebinding).
        #[arg(long, env = "SRVD_FORWARD_PRIVATE", value_name = "BOOL", value_parser = BoolishValueParser::new())]
        forward_private: bool => Reloaded;
        /// Query upstream servers in mixed case [default: false]
        ///
        /// Forged replies would have to guess it.
        #[arg(long = "forward-0x20", env = "SRVD_FORWARD_0X20", value_name = "BOOL", value_parser = BoolishValueParser::new())]
        forward_0x20: bool => Reloaded;
        /// Directory of snapshots [default: none]
        ///
        /// A restart answers from them while etcd is away. The directory is created if it does not
        /// exist.
        #[arg(long, env = "SRVD_STATE", value_name = "DIRECTORY")]
        state: PathBuf => Restart;
        /// How long to keep answering without contact to etcd [default: for ever]
        ///
        /// SERVFAIL from then on.
        #[arg(long, env = "SRVD_MAX_STALE", value_name = "DURATION")]
        max_stale: Span => Reloaded;
        /// How long to delay mass removals, 0s to 1h [default: 30s]
        ///
        /// A mass removal is most of a zone within 10 s. 0s turns the delay off.
        #[arg(long, env = "SRVD_HOLD_COLLAPSE", value_name = "DURATION")]
        hold_collapse: Span => Reloaded in Span(Duration::ZERO)..=HOLD_MAX, "0s turns the guard off";
        /// How long to go on answering after SIGTERM, 0s to 5m [default: 0s]
        ///
        /// /readyz is 503 from the signal on, so that whoever sends queries here has time to notice.
        #[arg(long, env = "SRVD_SHUTDOWN_DELAY", value_name = "DURATION")]
        shutdown_delay: Span => Reloaded in Span(Duration::ZERO)..=DELAY_MAX, "a supervisor waits 90s or less";
    }
    typed {
        /// DNS under TLS.
        #[command(flatten)]
        encrypted: EncryptedArgs;
        /// The operator's window.
        #[command(flatten)]
        http: HttpArgs;
        /// Who may ask, how much, and as whom the server runs.
        #[command(flatten)]
        limits: LimitArgs;
        /// What clients are told beside answers.
        #[command(flatten)]
        answering: AnsweringArgs;
    }
}

/// Reads an address with its port.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| socket_address::fault(text, DNS_PORT))
}
