//! Access and limits: who may ask, how much, and as whom the server runs.

use std::time::Duration;

use super::declare::options;
use crate::names::{Network, Span};
use crate::wire::RATE_MAX;

/// Of limited replies one of at most so many is slipped: a client behind a forged address
/// would have to ask more often than any does.
const SLIP_MAX: u32 = 10;
/// TCP connections that may be allowed: what one process has descriptors and memory for.
const CONNECTIONS_MAX: usize = 10_000;
/// The shortest time that connections may be told to be quiet: some, or clients that ask twice
/// need two (RFC 7766 section 6.2.3).
const IDLE_MIN: Span = Span(Duration::from_millis(100));
/// The longest: not so long that they pile up.
const IDLE_MAX: Span = Span(Duration::from_secs(3600));

options! {
    /// Options of `serve` and `dev` that keep the server from harm, and others from the server.
    #[command(next_help_heading = "Limits")]
    pub struct LimitArgs, LimitKeys in limits {
        /// Networks that are answered [default: everybody]
        ///
        /// Others are REFUSED. May be repeated, or a list with commas.
        #[arg(long, env = "SRVD_ALLOW_QUERY", value_name = "NETWORK", value_delimiter = ',')]
        allow_query: Vec<Network> => Reloaded;
        /// Networks that names are forwarded for [default: private ones]
        ///
        /// The default is loopback, RFC 1918, 100.64.0.0/10, fc00::/7 and fe80::/10. May be repeated,
        /// or a list with commas.
        #[arg(long, env = "SRVD_ALLOW_RECURSION", value_name = "NETWORK", value_delimiter = ',')]
        allow_recursion: Vec<Network> => Reloaded;
        /// Networks of proxies, which send PROXY v2 headers [default: none]
        ///
        /// Whoever is in one must begin with a header, over UDP, TCP, TLS and HTTPS, and is believed
        /// who its client is. A header of anybody else is never believed. May be repeated, or a list
        /// with commas.
        #[arg(long, env = "SRVD_PROXY_PROTOCOL", value_name = "NETWORK", value_delimiter = ',')]
        proxy_protocol: Vec<Network> => Reloaded;
        /// UDP responses per second per client network; 0 is no limit [default: 0]
        ///
        /// Counted by kind: answers, names that do not exist by zone, errors. TCP and clients with a
        /// valid cookie are never limited.
        #[arg(long, env = "SRVD_RATE_LIMIT", value_name = "N")]
        rate_limit: u32 => Reloaded in 0..=RATE_MAX, "0 is no limit";
        /// Truncate every Nth limited reply, drop the others [default: 2]
        ///
        /// A truncated reply (TC) lets a real client come back over TCP. 0 drops all.
        #[arg(long, env = "SRVD_RATE_LIMIT_SLIP", value_name = "N")]
        rate_limit_slip: u32 => Reloaded in 0..=SLIP_MAX, "0 drops all, 1 none";
        /// Prefix length of an IPv4 client network [default: 24]
        #[arg(long, env = "SRVD_RATE_LIMIT_IPV4_PREFIX", value_name = "BITS")]
        rate_limit_ipv4_prefix: u8 => Reloaded in 1..=32, "an IPv4 address has 32 bits";
        /// Prefix length of an IPv6 client network [default: 56]
        #[arg(long, env = "SRVD_RATE_LIMIT_IPV6_PREFIX", value_name = "BITS")]
        rate_limit_ipv6_prefix: u8 => Reloaded in 1..=128, "an IPv6 address has 128 bits";
        /// Networks that are never limited [default: none]
        ///
        /// May be repeated, or a list with commas.
        #[arg(long, env = "SRVD_RATE_LIMIT_EXEMPT", value_name = "NETWORK", value_delimiter = ',')]
        rate_limit_exempt: Vec<Network> => Reloaded;
        /// Open TCP connections [default: 900]
        ///
        /// Beyond it, the client that has the most loses the quietest.
        #[arg(long, env = "SRVD_TCP_CONNECTIONS", value_name = "N")]
        tcp_connections: usize => Reloaded in 1..=CONNECTIONS_MAX, "each needs a file descriptor";
        /// Open TCP connections of one client [default: 450]
        ///
        /// A client is an IPv4 address or an IPv6 /64.
        #[arg(long, env = "SRVD_TCP_CONNECTIONS_PER_CLIENT", value_name = "N")]
        tcp_connections_per_client: usize => Reloaded;
        /// Idle timeout of a TCP connection [default: 10s]
        #[arg(long, env = "SRVD_TCP_IDLE", value_name = "DURATION")]
        tcp_idle: Span => Reloaded in IDLE_MIN..=IDLE_MAX, "leave it out for 10s";
        /// User[:group] to run as after binding; needs root
        #[arg(long, env = "SRVD_RUN_AS", value_name = "USER")]
        run_as: String => Restart;
    }
}
