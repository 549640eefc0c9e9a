//! Access and limits: who may ask, how much, and as whom the server runs.

use std::time::Duration;

use clap::Args;

use crate::names::Network;

/// Options of `serve` and `dev` that keep the server from harm, and others from the server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Networks that are answered, as 10.0.0.0/8; others are refused [default: everybody]
    #[arg(long, env = "SRVD_ALLOW_QUERY", value_name = "NETWORK", value_delimiter = ',')]
    pub allow_query: Vec<Network>,
    /// Networks that names outside the zones are looked up for
    /// [default: loopback, RFC 1918, 100.64.0.0/10, fc00::/7, fe80::/10]
    #[arg(long, env = "SRVD_ALLOW_RECURSION", value_name = "NETWORK", value_delimiter = ',')]
    pub allow_recursion: Vec<Network>,
    /// Replies of one kind that a network is sent a second over UDP; 0 is no limit
    /// [default: 0]
    #[arg(long, env = "SRVD_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<u32>,
    /// One of so many replies over the rate is sent, empty, with TC; 0 is none [default: 2]
    #[arg(long, env = "SRVD_RATE_LIMIT_SLIP", value_name = "N")]
    pub rate_limit_slip: Option<u32>,
    /// Bits that the addresses of a limited IPv4 network share [default: 24]
    #[arg(long, env = "SRVD_RATE_LIMIT_IPV4_PREFIX", value_name = "BITS")]
    pub rate_limit_ipv4_prefix: Option<u8>,
    /// Bits that the addresses of a limited IPv6 network share [default: 56]
    #[arg(long, env = "SRVD_RATE_LIMIT_IPV6_PREFIX", value_name = "BITS")]
    pub rate_limit_ipv6_prefix: Option<u8>,
    /// Networks that are never limited
    #[arg(long, env = "SRVD_RATE_LIMIT_EXEMPT", value_name = "NETWORK", value_delimiter = ',')]
    pub rate_limit_exempt: Vec<Network>,
    /// TCP connections at once; over it the quietest is closed [default: 900]
    #[arg(long, env = "SRVD_TCP_CONNECTIONS", value_name = "N")]
    pub tcp_connections: Option<usize>,
    /// TCP connections of one client, an IPv4 address or an IPv6 /64, at once [default: 450]
    #[arg(long, env = "SRVD_TCP_CONNECTIONS_PER_CLIENT", value_name = "N")]
    pub tcp_connections_per_client: Option<usize>,
    /// How long a TCP connection may be quiet [default: 10s]
    #[arg(long, env = "SRVD_TCP_IDLE", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub tcp_idle: Option<Duration>,
    /// Whom to become once everything is bound, USER or USER:GROUP; needs root
    #[arg(long, env = "SRVD_RUN_AS", value_name = "USER")]
    pub run_as: Option<String>,
}
