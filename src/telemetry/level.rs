//! The level of the log, which SIGUSR1 changes while a server runs.
//!
//! A signal needs no file that somebody may write, works where a reload would be refused, and is
//! gone with the process: nobody finds a server in a month that still logs everything.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::{EnvFilter, reload};

/// The libraries below log by the query and by the connection at these levels; hickory_net
/// warns of every forged reply to a question of ours.
const QUIET: &str = "hickory_server=warn,hickory_net=error,hickory_proto=warn,h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,etcd_client=warn";

/// The level that is switched to.
const VERBOSE: &str = "debug";

/// A switch of the log's level.
#[derive(Debug, Clone)]
pub(super) struct LevelSwitch {
    /// The level to begin with, or what `RUST_LOG` says, as it is told.
    level: Arc<str>,
    /// The filter of that, to the letter.
    written: Arc<str>,
    /// Whether the process lives long enough for a change.
    is_server: bool,
    /// Whether the log is verbose for a while.
    is_verbose: Arc<AtomicBool>,
    /// Where the filter is changed.
    filter: reload::Handle<EnvFilter, Registry>,
}

impl LevelSwitch {
    /// The filter of a level, or that of `RUST_LOG` where that is one, and what changes it.
    pub(super) fn new(level: &str, is_server: bool) -> (reload::Layer<EnvFilter, Registry>, Self) {
        Self::asked(std::env::var(EnvFilter::DEFAULT_ENV).ok(), level, is_server)
    }

    /// The same of what was asked for.
    fn asked(
        asked: Option<String>,
        level: &str,
        is_server: bool,
    ) -> (reload::Layer<EnvFilter, Registry>, Self) {
        let asked = asked.filter(|it| EnvFilter::try_new(it).is_ok());
        let level: Arc<str> = asked.as_deref().unwrap_or(level).into();
        let written: Arc<str> = asked.unwrap_or_else(|| of_level(&level)).into();
        let (layer, filter) = reload::Layer::new(EnvFilter::new(&*written));
        (layer, Self { level, written, is_server, is_verbose: Arc::default(), filter })
    }

    /// Changes the level at each SIGUSR1, for as long as it is polled.
    pub(super) async fn follow(self) -> Infallible {
        let signals = self.is_server.then(|| signal(SignalKind::user_defined1()));
        let mut signals = match signals.transpose() {
            Ok(Some(signals)) => signals,
            Ok(None) => return std::future::pending().await,
            Err(error) => {
                tracing::warn!("the log level cannot be changed by SIGUSR1: {error}");
                return std::future::pending().await;
            }
        };
        while signals.recv().await.is_some() {
            self.toggle();
        }
        std::future::pending().await
    }

    /// Says everything, or as much as before.
    fn toggle(&self) {
        let was_verbose = self.is_verbose.fetch_xor(true, Ordering::Relaxed);
        let level = &self.level;
        if was_verbose {
            // Said while it is still heard, whatever the level.
            tracing::info!("SIGUSR1: log level {level} again");
            self.replace(&self.written);
        } else {
            self.replace(&of_level(VERBOSE));
            tracing::info!("SIGUSR1: log level {VERBOSE} now; SIGUSR1 again for {level}");
        }
    }

    /// Another filter from now on.
    fn replace(&self, filter: &str) {
        // It fails only where the log never started.
        let _ = self.filter.reload(EnvFilter::new(filter));
    }
}

/// The filter of a level, as it is written.
fn of_level(level: &str) -> String {
    format!("{level},{QUIET}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_comes_back() {
        for asked in [None, Some("warn"), Some("debug"), Some("srvd::mirror=trace"), Some("a=b=c")]
        {
            let (_layer, switch) = LevelSwitch::asked(asked.map(str::to_owned), "info", true);
            let now = || switch.filter.with_current(ToString::to_string).unwrap();
            let before = now();
            switch.toggle();
            assert_ne!(now(), before, "{asked:?}");
            switch.toggle();
            assert_eq!(now(), before, "{asked:?}");
        }
        let (_layer, refused) = LevelSwitch::asked(Some("a=b=c".to_owned()), "info", true);
        assert_eq!(&*refused.level, "info", "it is no filter");
    }
}
