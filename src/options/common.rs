//! Options that every command takes.

use std::path::PathBuf;

use super::declare::options;
use crate::telemetry::LogFormat;

options! {
    /// Options that every command takes.
    #[command(next_help_heading = "Common options")]
    pub struct Common, CommonKeys in common {
        /// Where etcd is [default: http://127.0.0.1:2379]
        ///
        /// http[s]://HOST[:PORT][,HOST[:PORT]...][/NAMESPACE], and behind it, where wanted,
        /// ?prefix=PATH&timeout=DURATION&refresh=DURATION: /services, 3s, and 60s (of the member list)
        /// unless given. etcd+srv://DOMAIN in the place of http://HOST finds the members by DNS.
        #[arg(long, global = true, env = "SRVD_REGISTRY", value_name = "URL")]
        registry: String => Reloaded;
        /// CA certificates (PEM) for etcd [default: the system's]
        #[arg(long, global = true, env = "SRVD_CA", value_name = "FILE")]
        ca: PathBuf => Followed;
        /// Client certificate (PEM) for etcd
        #[arg(long, global = true, env = "SRVD_CERT", value_name = "FILE")]
        cert: PathBuf => Followed;
        /// Key of the client certificate (PEM)
        #[arg(long, global = true, env = "SRVD_KEY", value_name = "FILE")]
        key: PathBuf => Followed;
        /// User of etcd; needs --password-file
        #[arg(long, global = true, env = "SRVD_USER", value_name = "NAME")]
        user: String => Restart;
        /// File whose first line is the user's password
        #[arg(long, global = true, env = "SRVD_PASSWORD_FILE", value_name = "FILE")]
        password_file: PathBuf => Followed;
        /// Form of log lines, on standard error [default: text]
        #[arg(long, global = true, env = "SRVD_LOG_FORMAT", value_name = "FORMAT")]
        log_format: LogFormat => Restart;
    }
    typed {
        /// Configuration file (TOML)
        #[arg(long, global = true, env = "SRVD_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>;
        /// More verbose logging (-vv for debug)
        #[arg(short, long, global = true, env = "SRVD_VERBOSE", action = clap::ArgAction::Count)]
        verbose: u8;
    }
}
