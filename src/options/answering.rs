//! The options of what replies carry beside answers.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;

use super::declare::options;
use crate::names::Span;
use crate::wire::UdpSize;

/// Octets of the largest UDP reply. Numbers of any size are read, to be told these.
const UDP_SIZE: RangeInclusive<u32> = *UdpSize::RANGE.start() as u32..=*UdpSize::RANGE.end() as u32;

/// The longest `serial-interval`: who follows the serial is no later than that.
const SERIAL_MAX: Span = Span(Duration::from_secs(3600));

options! {
    /// Options of `serve` and `dev` about what clients are told beside answers.
    #[command(next_help_heading = "Answering")]
    pub struct AnsweringArgs, AnsweringKeys in answering {
        /// Secrets of DNS cookies [default: no cookies]
        ///
        /// A line of 32 hex digits each: the first makes cookies, all are accepted. Replicas
        /// share the file.
        #[arg(long, env = "SRVD_COOKIE_SECRET_FILE", value_name = "FILE")]
        cookie_secret_file: PathBuf => Reloaded;
        /// Largest UDP reply, 512 to 4096 [default: 1232]
        ///
        /// Sent to clients that announce as much; without EDNS it is 512. No network cuts 1232
        /// octets into fragments.
        #[arg(long, env = "SRVD_UDP_SIZE", value_name = "OCTETS")]
        udp_size: u32 => Reloaded in UDP_SIZE, "leave it out for 1232";
        /// Limit UDP replies to three times the query [default: false]
        ///
        /// For clients without a valid cookie. A reply that is larger is truncated (TC).
        #[arg(long, env = "SRVD_STRICT_AMPLIFICATION", value_name = "BOOL", value_parser = BoolishValueParser::new())]
        strict_amplification: bool => Reloaded;
        /// Name of this server, for clients that ask (NSID) [default: none]
        #[arg(long, env = "SRVD_NSID", value_name = "TEXT")]
        nsid: String => Reloaded;
        /// Answer id.server and version.server in the class CHAOS [default: false]
        ///
        /// With their BIND names, hostname.bind and version.bind.
        #[arg(long, env = "SRVD_CHAOS", value_name = "BOOL", value_parser = BoolishValueParser::new())]
        chaos: bool => Reloaded;
        /// Addresses of this server in NS answers [default: those of --listen]
        ///
        /// They are the addresses of the name server ns.dns.ZONE, which is synthesized where no zone
        /// file names one; for a wildcard address they are this machine's. May be repeated, or a list
        /// with commas.
        #[arg(long, env = "SRVD_NS_ADDRESS", value_name = "IP", value_delimiter = ',')]
        ns_address: Vec<IpAddr> => Reloaded;
        /// How often the SOA serial of a zone moves at most, 0s to 1h [default: 1s]
        ///
        /// It moves when the zone changed: at once if none did for so long, else when that is over.
        /// With 0s it follows each change.
        #[arg(long, env = "SRVD_SERIAL_INTERVAL", value_name = "DURATION")]
        serial_interval: Span => Reloaded in Span(Duration::ZERO)..=SERIAL_MAX, "0s follows each change";
        /// Log one query in N, sampled; 0 disables [default: 0]
        #[arg(long, env = "SRVD_QUERY_LOG", value_name = "N")]
        query_log: u32 => Reloaded;
    }
}
