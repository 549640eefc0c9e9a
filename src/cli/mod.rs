//! The command line as it was typed. `config` says what it means.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these are help texts, in which brackets mean what may be left out"
)]

mod join;

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::options::{Common, ServeArgs};
use crate::remote::ServerUrl;

pub use self::join::{JoinArgs, LeaveArgs};

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

/// Options of the commands that show what is registered: whom they ask, for what.
#[derive(Debug, Clone, Default, Args)]
pub struct AskArgs {
    /// Ask this running server, by its HTTP API, and not etcd [default: etcd]
    ///
    /// Nothing of etcd is needed then. Of https://, the certificate must be of an authority of the
    /// system, or of --ca.
    #[arg(long, env = "SRVD_SERVER", value_name = "SERVER_URL")]
    pub server: Option<ServerUrl>,
    /// Show this zone alone [default: all of them]
    #[arg(long, env = "SRVD_ZONE", value_name = "ZONE")]
    pub zone: Option<String>,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The service [default: all of them]
    pub name: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub ask: AskArgs,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_OUTPUT", value_name = "FORMAT")]
    pub output: Option<Output>,
}

/// Options of `lookup`.
#[derive(Debug, Args)]
pub struct LookupArgs {
    /// The service
    pub name: String,
    /// Whom to ask.
    #[command(flatten)]
    pub ask: AskArgs,
    /// Form of the output [default: table on a terminal, else json]
    #[arg(long, env = "SRVD_LOOKUP_OUTPUT", value_name = "FORMAT")]
    pub output: Option<LookupOutput>,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The service [default: all of them]
    pub name: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub ask: AskArgs,
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
    /// Ask this running server, by its HTTP API, and not etcd [default: etcd]
    #[arg(long, env = "SRVD_SERVER", value_name = "SERVER_URL")]
    pub server: Option<ServerUrl>,
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
