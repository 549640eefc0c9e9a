//! The options of what replies carry beside answers.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// Options of `serve` and `dev` about what clients are told beside answers.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Answering")]
pub struct AnsweringArgs {
    /// File of secrets that cookies are made with, a line of 32 hex digits each: the first
    /// makes them, all are accepted; shared by replicas [default: no cookies]
    #[arg(long, env = "SRVD_COOKIE_SECRET_FILE", value_name = "FILE")]
    pub cookie_secret_file: Option<PathBuf>,
    /// Most octets of a reply over UDP, to clients that take as much: 512 to 4096 [default:
    /// 1232, which no network cuts into fragments]
    #[arg(long, env = "SRVD_UDP_SIZE", value_name = "OCTETS")]
    pub udp_size: Option<u32>,
    /// Whether replies over UDP to clients without a valid cookie have at most three times
    /// the octets of the query [default: false]
    #[arg(long, env = "SRVD_STRICT_AMPLIFICATION", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub strict_amplification: Option<bool>,
    /// Name of this server, told to clients that ask for it by NSID [default: not told]
    #[arg(long, env = "SRVD_NSID", value_name = "TEXT")]
    pub nsid: Option<String>,
    /// Whether `id.server`, `version.server` and their BIND names are answered in the class
    /// CHAOS [default: false]
    #[arg(long, env = "SRVD_CHAOS", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub chaos: Option<bool>,
    /// Where others reach this server, as told with the name server `ns.dns.ZONE` that is made
    /// up where no file names one; may be repeated, or a list with commas [default: the
    /// addresses of `listen`, this machine's for a wildcard]
    #[arg(long, env = "SRVD_NS_ADDRESS", value_name = "ADDRESS", value_delimiter = ',')]
    pub ns_address: Vec<IpAddr>,
    /// One of so many queries is logged, drawn by chance; 1 logs all, 0 none [default: 0]
    #[arg(long, env = "SRVD_QUERY_LOG", value_name = "N")]
    pub query_log: Option<u32>,
}
