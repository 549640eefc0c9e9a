//! What the process says of itself: logs, on standard error.

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The libraries below log by the query and by the connection at these levels.
const QUIET: &str = "hickory_server=warn,hickory_net=warn,hickory_proto=warn,h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,etcd_client=warn";

/// Starts logging. `RUST_LOG`, if set, decides instead of the number of `-v`.
pub fn start(format: LogFormat, verbosity: u8) {
    let level = ["info", "debug", "trace"][usize::from(verbosity.min(2))];
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},{QUIET}")));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as in tests that run several parts in one process, changes nothing.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
