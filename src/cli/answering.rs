//! The options of what replies carry beside answers.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// Options of `serve` and `dev` about what clients are told beside answers.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Answering")]
pub struct AnsweringArgs {
    /// Secrets of DNS cookies [default: no cookies]
    ///
    /// A line of 32 hex digits each: the first makes cookies, all are accepted. Replicas
    /// share the file.
    #[arg(long, env = "SRVD_COOKIE_SECRET_FILE", value_name = "FILE")]
    pub cookie_secret_file: Option<PathBuf>,
    /// Largest UDP reply, 512 to 4096 [default: 1232]
    ///
    /// Sent to clients that announce as much; without EDNS it is 512. No network cuts 1232
    /// octets into fragments.
    #[arg(long, env = "SRVD_UDP_SIZE", value_name = "OCTETS")]
    pub udp_size: Option<u32>,
    /// Limit UDP replies to three times the query [default: false]
    ///
    /// For clients without a valid cookie. A reply that is larger is truncated (TC).
    #[arg(long, env = "SRVD_STRICT_AMPLIFICATION", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub strict_amplification: Option<bool>,
    /// Name of this server, for clients that ask (NSID) [default: none]
    #[arg(long, env = "SRVD_NSID", value_name = "TEXT")]
    pub nsid: Option<String>,
    /// Answer id.server and version.server in the class CHAOS [default: false]
    ///
    /// With their BIND names, hostname.bind and version.bind.
    #[arg(long, env = "SRVD_CHAOS", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub chaos: Option<bool>,
    /// Addresses of this server in NS answers [default: those of --listen]
    ///
    /// They are the addresses of the name server ns.dns.ZONE, which is synthesized where no zone
    /// file names one; for a wildcard address they are this machine's. May be repeated, or a list
    /// with commas.
    #[arg(long, env = "SRVD_NS_ADDRESS", value_name = "IP", value_delimiter = ',')]
    pub ns_address: Vec<IpAddr>,
    /// Log one query in N, sampled; 0 disables [default: 0]
    #[arg(long, env = "SRVD_QUERY_LOG", value_name = "N")]
    pub query_log: Option<u32>,
}
