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
    /// The service's name
    ///
    /// Characters outside A-Z, a-z, 0-9 and - become -.
    #[arg(required_unless_present = "from")]
    pub name: Option<String>,
    /// Register every document of a file, - is standard input
    ///
    /// A JSON array of documents as in etcd, each with an optional `id`.
    #[arg(long, env = "SRVD_JOIN_FROM", value_name = "FILE", conflicts_with_all = OF_ONE)]
    pub from: Option<PathBuf>,
    /// The port [default: with COMMAND a free one, in its variable PORT]
    #[arg(long, env = "SRVD_JOIN_PORT", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Address or host name [default: this machine's address]
    ///
    /// The default is the first address that is not loopback, and is followed when it changes.
    #[arg(long, env = "SRVD_JOIN_HOST", value_name = "HOST")]
    pub host: Option<String>,
    /// The instance's id [default: of host and port, 10-1-2-3-8080]
    #[arg(long, env = "SRVD_JOIN_ID", value_name = "ID")]
    pub id: Option<String>,
    /// Transport, tcp or udp [default: tcp]
    #[arg(long, env = "SRVD_JOIN_PROTO", value_name = "tcp|udp")]
    pub proto: Option<Proto>,
    /// The port's name, and the URL's scheme [default: none]
    #[arg(long, env = "SRVD_JOIN_PROTOCOL", value_name = "NAME")]
    pub protocol: Option<String>,
    /// SRV priority, the lowest is used first [default: 0]
    #[arg(long, env = "SRVD_JOIN_PRIORITY", value_name = "N")]
    pub priority: Option<u16>,
    /// SRV weight within a priority [default: 1]
    #[arg(long, env = "SRVD_JOIN_WEIGHT", value_name = "N")]
    pub weight: Option<u16>,
    /// The version that runs there
    #[arg(long, env = "SRVD_JOIN_VERSION", value_name = "TEXT")]
    pub version: Option<String>,
    /// A tag
    ///
    /// May be repeated, or a list with commas.
    #[arg(long, env = "SRVD_JOIN_TAG", value_name = "TEXT", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// A pair of metadata
    ///
    /// May be repeated; in the variable, one a line.
    #[arg(long, env = "SRVD_JOIN_META", value_name = "K=V", value_parser = pair, value_delimiter = '\n')]
    pub meta: Vec<(String, String)>,
    /// Free text, for TXT records
    #[arg(long, env = "SRVD_JOIN_TEXT", value_name = "TEXT")]
    pub text: Option<String>,
    /// TTL of the DNS records, 0s to 86400s [default: the zone's]
    #[arg(long, env = "SRVD_JOIN_DNS_TTL", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub dns_ttl: Option<Duration>,
    /// TTL of the lease, 1s to 24h
    ///
    /// How long the registration outlives its last renewal.
    #[arg(long, env = "SRVD_JOIN_TTL", value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub ttl: Duration,
    /// How often to renew it [default: a third of --ttl]
    ///
    /// At most half of --ttl.
    #[arg(long, env = "SRVD_JOIN_HEARTBEAT", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub heartbeat: Option<Duration>,
    /// Health check: it is registered while this passes [default: none]
    ///
    /// tcp: its port accepts connections. http://HOST:PORT/PATH: the reply is 2xx or 3xx; $HOST and
    /// $PORT are the instance's. exec:COMMAND: run by sh, exits with 0; it gets PORT, HOST,
    /// SRVD_NAME and SRVD_ID.
    #[arg(long, env = "SRVD_JOIN_CHECK", value_name = "CHECK")]
    pub check: Option<String>,
    /// How often to check it [default: 5s]
    #[arg(long, env = "SRVD_JOIN_CHECK_INTERVAL", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub check_interval: Option<Duration>,
    /// How long a check may take [default: 2s]
    #[arg(long, env = "SRVD_JOIN_CHECK_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub check_timeout: Option<Duration>,
    /// Failures in a row that deregister it [default: 3]
    ///
    /// One success registers it again.
    #[arg(long, env = "SRVD_JOIN_CHECK_FAILURES", value_name = "N")]
    pub check_failures: Option<u32>,
    /// With COMMAND: how long to wait after a signal before deregistering
    ///
    /// A second signal ends it now.
    #[arg(long, env = "SRVD_JOIN_WAIT", value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    pub wait: Duration,
    /// With COMMAND: how long to run it on after deregistering
    ///
    /// Then it gets the signal. A second signal ends it now.
    #[arg(long, env = "SRVD_JOIN_SLACK", value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    pub slack: Duration,
    /// Take the key over at the start from another owner
    #[arg(long, env = "SRVD_JOIN_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    /// A program to run and register
    ///
    /// It gets PORT, HOST, SRVD_NAME and SRVD_ID.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Options of `leave`.
#[derive(Debug, Clone, Args)]
pub struct LeaveArgs {
    /// The service's name
    pub name: String,
    /// The instance's id [default: all of the host's]
    #[arg(long, env = "SRVD_LEAVE_ID", value_name = "ID")]
    pub id: Option<String>,
    /// The host whose instances are deregistered [default: this machine]
    ///
    /// The default is all names and addresses of this machine.
    #[arg(long, env = "SRVD_LEAVE_HOST", value_name = "HOST", conflicts_with = "id")]
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
