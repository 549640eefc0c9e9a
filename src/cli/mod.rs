//! The command line as it was typed. `config` says what it means.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these are help texts, in which brackets mean what may be left out"
)]

mod answering;
mod http;
mod http_address;
mod join;
mod limits;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::remote::ServerUrl;
use crate::telemetry::LogFormat;

pub use self::answering::AnsweringArgs;
pub use self::http::HttpArgs;
pub use self::http_address::HttpAddress;
pub use self::join::{JoinArgs, LeaveArgs};
pub use self::limits::LimitArgs;

/// A DNS-SRV discovery server: services register in etcd, DNS clients find them.
#[derive(Debug, Parser)]
#[command(name = "srvd", version, max_term_width = 80)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Where etcd is [default: http://127.0.0.1:2379]
    ///
    /// http[s]://HOST[:PORT][,HOST[:PORT]...][/NAMESPACE], and behind it, where wanted,
    /// ?prefix=PATH&timeout=DURATION&refresh=DURATION: /services, 3s, and 60s (of the member list)
    /// unless given. etcd+srv://DOMAIN in the place of http://HOST finds the members by DNS.
    #[arg(long, global = true, env = "SRVD_REGISTRY", value_name = "URL")]
    pub registry: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "SRVD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// CA certificates (PEM) for etcd [default: the system's]
    #[arg(long, global = true, env = "SRVD_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Client certificate (PEM) for etcd
    #[arg(long, global = true, env = "SRVD_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, global = true, env = "SRVD_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// User of etcd; needs --password-file
    #[arg(long, global = true, env = "SRVD_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// File whose first line is the user's password
    #[arg(long, global = true, env = "SRVD_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Form of log lines, on standard error [default: text]
    #[arg(long, global = true, env = "SRVD_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// More verbose logging (-vv for debug)
    #[arg(short, long, global = true, env = "SRVD_VERBOSE", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Mirror the registry and answer DNS
    Serve(ServeArgs),
    /// Serve with an embedded registry, in memory
    ///
    /// Nothing else needs to run, and nothing is kept: it is for development and tests.
    Dev(ServeArgs),
    /// Register an instance for as long as this runs
    ///
    /// Renews its lease until told to stop, then deregisters it. What is lost meanwhile (the lease,
    /// the key, etcd for a while) is registered again. With COMMAND, the port is registered once
    /// COMMAND listens on it.
    Join(Box<JoinArgs>),
    /// Deregister one instance, or all of this host's
    Leave(LeaveArgs),
    /// List all services, or the instances of one
    List(ListArgs),
    /// Print one instance, picked as by DNS
    ///
    /// Of the lowest priority, drawn by weight.
    Lookup(LookupArgs),
    /// Say how a running server and its zones stand
    ///
    /// Asks its HTTP API. Exits with 0 when it is ready, with 1 when it is not.
    Status(StatusArgs),
    /// Print online, offline and changed events as they happen
    Watch(WatchArgs),
    /// Check the configuration, zone files and documents in etcd
    ///
    /// Prints one line per problem, with what to do about it. Changes nothing.
    Check(CheckArgs),
    /// Say why a name is answered as it is
    ///
    /// The zone, the rule, the keys, the answer; and why there is none. Exits with 3 when the name
    /// does not exist.
    Explain(ExplainArgs),
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write man pages
    Man {
        /// Where to
        directory: PathBuf,
    },
}

/// Options of `serve` and `dev`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Addresses of DNS, UDP and TCP [default: 127.0.0.1:5300, [::1]:5300]
    ///
    /// May be repeated, or a list with commas.
    #[arg(long, env = "SRVD_LISTEN", value_name = "ADDRESS", value_delimiter = ',', value_parser = socket_address)]
    pub listen: Vec<SocketAddr>,
    /// UDP workers per address; 0 is one per core [default: 0]
    #[arg(long, env = "SRVD_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
    /// Directory of zone files, APEX.zone [default: none]
    ///
    /// A file named like a registry zone adds records to it; any other file is a zone of its own.
    #[arg(long, env = "SRVD_ZONES", value_name = "DIRECTORY")]
    pub zones: Option<PathBuf>,
    /// Answer names without a zone, _web._tcp. [default: true]
    #[arg(long, env = "SRVD_BARE_NAMES", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub bare_names: Option<bool>,
    /// Reload when files change, not on SIGHUP alone [default: true]
    ///
    /// Files are the configuration, zone files, certificates, tokens and secrets.
    #[arg(long, env = "SRVD_WATCH_FILES", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub watch_files: Option<bool>,
    /// Reverse zones, made from all registrations [default: none]
    ///
    /// As 10.in-addr.arpa. May be repeated, or a list with commas.
    #[arg(long, env = "SRVD_REVERSE", value_name = "ZONE", value_delimiter = ',')]
    pub reverse: Vec<String>,
    /// Upstream servers for names outside the zones [default: none]
    ///
    /// Addresses of servers, or resolv.conf files. Without any, such names are REFUSED. May be
    /// repeated, or a list with commas.
    #[arg(long, env = "SRVD_FORWARD", value_name = "SERVER|FILE", value_delimiter = ',')]
    pub forward: Vec<String>,
    /// Pass on private addresses in upstream replies [default: true]
    ///
    /// With false, names of strangers cannot lead browsers into this network (DNS rebinding).
    #[arg(long, env = "SRVD_FORWARD_PRIVATE", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub forward_private: Option<bool>,
    /// Query upstream servers in mixed case [default: false]
    ///
    /// Forged replies would have to guess it.
    #[arg(long = "forward-0x20", env = "SRVD_FORWARD_0X20", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub forward_0x20: Option<bool>,
    /// Directory of snapshots [default: none]
    ///
    /// A restart answers from them while etcd is away. The directory is created if it does not
    /// exist.
    #[arg(long, env = "SRVD_STATE", value_name = "DIRECTORY")]
    pub state: Option<PathBuf>,
    /// How long to keep answering without contact to etcd [default: for ever]
    ///
    /// SERVFAIL from then on.
    #[arg(long, env = "SRVD_MAX_STALE", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub max_stale: Option<Duration>,
    /// How long to delay mass removals, 0s to 1h [default: 30s]
    ///
    /// A mass removal is most of a zone within 10 s. 0s turns the delay off.
    #[arg(long, env = "SRVD_HOLD_COLLAPSE", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub hold_collapse: Option<Duration>,
    /// How long to go on answering after SIGTERM, 0s to 5m [default: 0s]
    ///
    /// /readyz is 503 from the signal on, so that whoever sends queries here has time to notice.
    #[arg(long, env = "SRVD_SHUTDOWN_DELAY", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub shutdown_delay: Option<Duration>,
    /// The operator's window.
    #[command(flatten)]
    pub http: HttpArgs,
    /// Who may ask, how much, and as whom the server runs.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// What clients are told beside answers.
    #[command(flatten)]
    pub answering: AnsweringArgs,
}

/// Reads an address with its port.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let fault = |_| match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => format!("it has no port; write {address}:53"),
        Ok(IpAddr::V6(address)) => format!("it has no port; write [{address}]:53"),
        Err(_) => "it is no IP address with a port; write 127.0.0.1:53 or [::1]:53".to_owned(),
    };
    text.parse().map_err(fault)
}

/// The output format of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns, for people
    Table,
    /// JSON, one value a line in `watch`
    Json,
}

/// The output format of `lookup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LookupOutput {
    /// Columns, for people
    Table,
    /// JSON
    Json,
    /// HOST:PORT only
    Address,
}

impl From<Output> for LookupOutput {
    fn from(output: Output) -> Self {
        match output {
            Output::Table => Self::Table,
            Output::Json => Self::Json,
        }
    }
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The service [default: all of them]
    pub name: Option<String>,
    /// Ask this running server, by its HTTP API, and not etcd [default: etcd]
    #[arg(long, env = "SRVD_SERVER", value_name = "SERVER_URL")]
    pub server: Option<ServerUrl>,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `lookup`.
#[derive(Debug, Args)]
pub struct LookupArgs {
    /// The service
    pub name: String,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_LOOKUP_OUTPUT", value_name = "FORMAT")]
    pub output: Option<LookupOutput>,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The service [default: all of them]
    pub name: Option<String>,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Server to ask, by its HTTP API [default: http://127.0.0.1:5380]
    ///
    /// Where a configuration file is named, the default is its `http` address.
    #[arg(long, env = "SRVD_SERVER", value_name = "SERVER_URL")]
    pub server: Option<ServerUrl>,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `check`: those of `serve`, whose configuration it is.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What `serve` would be given.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Check the configuration and its files alone, not what is in etcd
    #[arg(long, env = "SRVD_OFFLINE", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub offline: bool,
    /// Form of the output [default: table]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `explain`, and those of `serve`, whose answer it is.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The name, as `dig` takes it
    ///
    /// It is absolute: _my-service._tcp, web.services.internal.
    pub name: String,
    /// The type [default: SRV for names that begin with _, else A]
    #[arg(value_name = "TYPE")]
    pub kind: Option<String>,
    /// What `serve` would be given.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable() {
        let mut commands = vec![Cli::command()];
        commands.extend(Cli::command().get_subcommands().cloned());
        for argument in commands.iter().flat_map(clap::Command::get_arguments) {
            let is_flag =
                argument.get_long().is_some_and(|long| !["help", "version"].contains(&long));
            let variable = argument.get_env().and_then(|it| it.to_str());
            assert!(!is_flag || variable.is_some_and(|it| it.starts_with("SRVD_")), "{argument:?}");
        }
    }
}
