//! The options of `join` and `leave`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these are help texts, in which brackets mean what may be left out"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::registry::Proto;

/// What is said of one instance, and so cannot stand beside a file of many.
const OF_ONE: [&str; 16] = [
    "name", "port", "host", "id", "proto", "protocol", "priority", "weight", "version", "tag",
    "meta", "text", "dns_ttl", "wait", "slack", "command",
];

/// Options of `join`.
#[derive(Debug, Clone, Args)]
pub struct JoinArgs {
    /// The service's name; characters outside A-Z, a-z, 0-9 and `-` become `-`
    #[arg(required_unless_present = "from")]
    pub name: Option<String>,
    /// Register every document of this file, a JSON array of objects like those in the
    /// registry, each perhaps with an `id`; `-` is standard input
    #[arg(long, env = "SRVD_JOIN_FROM", value_name = "FILE", conflicts_with_all = OF_ONE)]
    pub from: Option<PathBuf>,
    /// The port; needed unless COMMAND is given, which then gets a free one as PORT
    #[arg(long, env = "SRVD_JOIN_PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Address or host name [default: this machine's first non-loopback address]
    #[arg(long, env = "SRVD_JOIN_HOST")]
    pub host: Option<String>,
    /// The instance's id [default: made from host and port, 10-1-2-3-8080]
    #[arg(long, env = "SRVD_JOIN_ID")]
    pub id: Option<String>,
    /// Transport: tcp or udp [default: tcp]
    #[arg(long, env = "SRVD_JOIN_PROTO")]
    pub proto: Option<Proto>,
    /// The port's name, and the url's scheme [default: none, http in the url]
    #[arg(long, env = "SRVD_JOIN_PROTOCOL")]
    pub protocol: Option<String>,
    /// SRV priority, the lowest is used first [default: 0]
    #[arg(long, env = "SRVD_JOIN_PRIORITY")]
    pub priority: Option<u16>,
    /// SRV weight within a priority [default: 1]
    #[arg(long, env = "SRVD_JOIN_WEIGHT")]
    pub weight: Option<u16>,
    /// The version that runs there
    #[arg(long, env = "SRVD_JOIN_VERSION")]
    pub version: Option<String>,
    /// A tag; may be repeated, or a list with commas
    #[arg(long, env = "SRVD_JOIN_TAG", value_name = "TAG", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// A pair of metadata; may be repeated (in the variable: one a line)
    #[arg(long, env = "SRVD_JOIN_META", value_name = "K=V", value_parser = pair, value_delimiter = '\n')]
    pub meta: Vec<(String, String)>,
    /// Free text, for TXT
    #[arg(long, env = "SRVD_JOIN_TEXT")]
    pub text: Option<String>,
    /// TTL of the DNS records, 0s to 86400s [default: the zone's]
    #[arg(long, env = "SRVD_JOIN_DNS_TTL", value_parser = humantime::parse_duration)]
    pub dns_ttl: Option<Duration>,
    /// How long the registration outlives its last heartbeat, 1s to 24h
    #[arg(long, env = "SRVD_JOIN_TTL", default_value = "10s", value_parser = humantime::parse_duration)]
    pub ttl: Duration,
    /// How often it is renewed; at most half of --ttl [default: a third of --ttl]
    #[arg(long, env = "SRVD_JOIN_HEARTBEAT", value_parser = humantime::parse_duration)]
    pub heartbeat: Option<Duration>,
    /// What must pass for it to be registered: tcp (its port accepts connections),
    /// http://HOST:PORT/PATH (2xx or 3xx; $HOST and $PORT are the instance's), or
    /// exec:COMMAND (run by sh, exits with 0; gets PORT, HOST, SRVD_NAME and SRVD_ID)
    #[arg(long, env = "SRVD_JOIN_CHECK", value_name = "CHECK")]
    pub check: Option<String>,
    /// How often it is checked [default: 5s]
    #[arg(long, env = "SRVD_JOIN_CHECK_INTERVAL", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub check_interval: Option<Duration>,
    /// How long a check may take [default: 2s]
    #[arg(long, env = "SRVD_JOIN_CHECK_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub check_timeout: Option<Duration>,
    /// Failures in a row that take it out of the registry; one success brings it back
    /// [default: 3]
    #[arg(long, env = "SRVD_JOIN_CHECK_FAILURES", value_name = "N")]
    pub check_failures: Option<u32>,
    /// With COMMAND: how long to wait after a signal before leaving; a second one ends it now
    #[arg(long, env = "SRVD_JOIN_WAIT", default_value = "0s", value_parser = humantime::parse_duration)]
    pub wait: Duration,
    /// With COMMAND: how long it runs on after leaving, before it gets the signal; a second
    /// one ends it now
    #[arg(long, env = "SRVD_JOIN_SLACK", default_value = "0s", value_parser = humantime::parse_duration)]
    pub slack: Duration,
    /// Take the key over at the start if it belongs to somebody else
    #[arg(long, env = "SRVD_JOIN_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    /// A program to run and register; it gets PORT, HOST, SRVD_NAME and SRVD_ID
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Options of `leave`.
#[derive(Debug, Clone, Args)]
pub struct LeaveArgs {
    /// The service's name
    pub name: String,
    /// The instance's id; without it all of this host's registrations are removed
    #[arg(long, env = "SRVD_LEAVE_ID")]
    pub id: Option<String>,
    /// The host whose registrations are removed [default: this machine's names and addresses]
    #[arg(long, env = "SRVD_LEAVE_HOST", conflicts_with = "id")]
    pub host: Option<String>,
}

impl JoinArgs {
    /// The metadata; of a name given twice the last counts.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        self.meta.iter().cloned().collect()
    }
}

/// Reads `K=V`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}
