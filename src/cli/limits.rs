//! Access and limits: who may ask, how much, and as whom the server runs.

use std::time::Duration;

use clap::Args;

use crate::names::Network;

/// Options of `serve` and `dev` that keep the server from harm, and others from the server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Networks that are answered [default: everybody]
    ///
    /// Others are REFUSED. May be repeated, or a list with commas.
    #[arg(long, env = "SRVD_ALLOW_QUERY", value_name = "NETWORK", value_delimiter = ',')]
    pub allow_query: Vec<Network>,
    /// Networks that names are forwarded for [default: private ones]
    ///
    /// The default is loopback, RFC 1918, 100.64.0.0/10, fc00::/7 and fe80::/10. May be repeated,
    /// or a list with commas.
    #[arg(long, env = "SRVD_ALLOW_RECURSION", value_name = "NETWORK", value_delimiter = ',')]
    pub allow_recursion: Vec<Network>,
    /// UDP responses per second per client network; 0 is no limit [default: 0]
    ///
    /// Counted by kind: answers, names that do not exist by zone, errors. TCP and clients with a
    /// valid cookie are never limited.
    #[arg(long, env = "SRVD_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<u32>,
    /// Truncate every Nth limited reply, drop the others [default: 2]
    ///
    /// A truncated reply (TC) lets a real client come back over TCP. 0 drops all.
    #[arg(long, env = "SRVD_RATE_LIMIT_SLIP", value_name = "N")]
    pub rate_limit_slip: Option<u32>,
    /// Prefix length of an IPv4 client network [default: 24]
    #[arg(long, env = "SRVD_RATE_LIMIT_IPV4_PREFIX", value_name = "BITS")]
    pub rate_limit_ipv4_prefix: Option<u8>,
    /// Prefix length of an IPv6 client network [default: 56]
    #[arg(long, env = "SRVD_RATE_LIMIT_IPV6_PREFIX", value_name = "BITS")]
    pub rate_limit_ipv6_prefix: Option<u8>,
    /// Networks that are never limited [default: none]
    ///
    /// May be repeated, or a list with commas.
    #[arg(long, env = "SRVD_RATE_LIMIT_EXEMPT", value_name = "NETWORK", value_delimiter = ',')]
    pub rate_limit_exempt: Vec<Network>,
    /// Open TCP connections [default: 900]
    ///
    /// Beyond it, the client that has the most loses the quietest.
    #[arg(long, env = "SRVD_TCP_CONNECTIONS", value_name = "N")]
    pub tcp_connections: Option<usize>,
    /// Open TCP connections of one client [default: 450]
    ///
    /// A client is an IPv4 address or an IPv6 /64.
    #[arg(long, env = "SRVD_TCP_CONNECTIONS_PER_CLIENT", value_name = "N")]
    pub tcp_connections_per_client: Option<usize>,
    /// Idle timeout of a TCP connection [default: 10s]
    #[arg(long, env = "SRVD_TCP_IDLE", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub tcp_idle: Option<Duration>,
    /// User[:group] to run as after binding; needs root
    #[arg(long, env = "SRVD_RUN_AS", value_name = "USER")]
    pub run_as: Option<String>,
}
