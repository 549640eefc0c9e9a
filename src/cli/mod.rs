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

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::telemetry::LogFormat;

pub use self::answering::AnsweringArgs;
pub use self::http::HttpArgs;
pub use self::http_address::HttpAddress;
pub use self::join::{JoinArgs, LeaveArgs};
pub use self::limits::LimitArgs;

/// A DNS-SRV discovery server: services register in etcd, DNS clients find them.
#[derive(Debug, Parser)]
#[command(name = "srvd", version, max_term_width = 100)]
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
    /// Where the registry is: SCHEME://HOST[:PORT][,HOST[:PORT]…][/NAMESPACE][?prefix=…&timeout=…&refresh=…]
    /// [default: http://127.0.0.1:2379]
    #[arg(long, global = true, env = "SRVD_REGISTRY", value_name = "URL")]
    pub registry: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "SRVD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that sign etcd's [default: the system's]
    #[arg(long, global = true, env = "SRVD_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Client certificate (PEM), shown to etcd
    #[arg(long, global = true, env = "SRVD_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// The client certificate's key (PEM)
    #[arg(long, global = true, env = "SRVD_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// User in etcd; needs --password-file
    #[arg(long, global = true, env = "SRVD_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// File whose first line is the user's password
    #[arg(long, global = true, env = "SRVD_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// How log lines are written, on standard error [default: text]
    #[arg(long, global = true, env = "SRVD_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Log more; twice for everything
    #[arg(short, long, global = true, env = "SRVD_VERBOSE", action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Mirror the registry and answer DNS
    Serve(ServeArgs),
    /// Serve with an embedded registry, in memory: nothing else needs to run
    Dev(ServeArgs),
    /// Register an instance, heartbeat until told to stop, then leave
    Join(Box<JoinArgs>),
    /// Remove one registration, or all of this host's for a name
    Leave(LeaveArgs),
    /// List all services, or the instances of one
    List(ListArgs),
    /// Print one instance, picked as DNS would: lowest priority, by weight
    Lookup(LookupArgs),
    /// Print online, offline and changed events as they happen
    Watch(WatchArgs),
    /// Check the configuration, the zone files and every document in the registry: one line
    /// per problem
    Check(CheckArgs),
    /// Say why a name is answered as it is: the rule, the keys, the answer; exits with 3 when
    /// it does not exist
    Explain(ExplainArgs),
    /// Print shell completions
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Write man pages
    Man {
        /// Into which directory
        directory: PathBuf,
    },
}

/// Options of `serve` and `dev`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Where to answer, over UDP and TCP; may be repeated, or a list with commas; port 0
    /// takes a free one
    /// [default: 127.0.0.1:5300 and [::1]:5300]
    #[arg(long, env = "SRVD_LISTEN", value_name = "ADDRESS", value_delimiter = ',')]
    pub listen: Vec<SocketAddr>,
    /// UDP workers; 0 is one per core [default: 0]
    #[arg(long, env = "SRVD_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
    /// Directory of zone files, APEX.zone, beside a registry zone or alone
    #[arg(long, env = "SRVD_ZONES", value_name = "DIR")]
    pub zones: Option<PathBuf>,
    /// Whether names without a zone (`_my-service._tcp.`) are answered [default: true]
    #[arg(long, env = "SRVD_BARE_NAMES", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub bare_names: Option<bool>,
    /// Whether the configuration, zone files, certificates, tokens and secrets are read again
    /// when they change; SIGHUP has them read in any case [default: true]
    #[arg(long, env = "SRVD_WATCH_FILES", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub watch_files: Option<bool>,
    /// Reverse zones, where addresses that are registered have names (10.in-addr.arpa); may be
    /// repeated, or a list with commas
    #[arg(long, env = "SRVD_REVERSE", value_name = "ZONE", value_delimiter = ',')]
    pub reverse: Vec<String>,
    /// Who is asked for names outside our zones: addresses of servers, or resolv.conf files;
    /// may be repeated, or a list with commas [default: nobody, they are refused]
    #[arg(long, env = "SRVD_FORWARD", value_name = "ADDRESS|FILE", value_delimiter = ',')]
    pub forward: Vec<String>,
    /// Whether private addresses stay in what others say of their names; without them, names of
    /// strangers cannot lead browsers into this network (DNS rebinding) [default: true]
    #[arg(long, env = "SRVD_FORWARD_PRIVATE", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub forward_private: Option<bool>,
    /// Whether others are asked in mixed case, which forged replies would have to guess
    /// [default: false]
    #[arg(long = "forward-0x20", env = "SRVD_FORWARD_0X20", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub forward_0x20: Option<bool>,
    /// Directory of snapshots, from which a restart answers while the registry is away; it
    /// is made if it is not there
    #[arg(long, env = "SRVD_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// How long without word of the registry answers are given, then SERVFAIL [default: for
    /// ever]
    #[arg(long, env = "SRVD_MAX_STALE", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub max_stale: Option<Duration>,
    /// How long removals are held when most of a zone vanishes within 10 s; 0s turns that
    /// off [default: 30s]
    #[arg(long, env = "SRVD_HOLD_COLLAPSE", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub hold_collapse: Option<Duration>,
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
    /// The service; all of them when absent
    pub name: Option<String>,
    /// `table` or `json` [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `lookup`.
#[derive(Debug, Args)]
pub struct LookupArgs {
    /// The service
    pub name: String,
    /// `table`, `json` or `address` [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_LOOKUP_OUTPUT", value_name = "FORMAT")]
    pub output: Option<LookupOutput>,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The service; all of them when absent
    pub name: Option<String>,
    /// `table` or `json` [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `check`: those of `serve`, whose configuration it is.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What `serve` would be given.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// `table` (lines) or `json` [default: table]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `explain`, and those of `serve`, whose answer it is.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The name, absolute, as `dig` takes it: _my-service._tcp, web.services.internal
    pub name: String,
    /// The type, by name or number (TYPE65) [default: SRV for names that begin with `_`, else A]
    #[arg(value_name = "TYPE")]
    pub kind: Option<String>,
    /// What `serve` would be given.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// `table` (text) or `json` [default: table on a terminal, else json]
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
