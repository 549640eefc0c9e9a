//! Probes: one look at an instance; and the processes about it.
//!
//! | file | looks, or holds |
//! | --- | --- |
//! | `tcp` | whether the port accepts connections |
//! | `http` | whether a GET is answered with 2xx or 3xx |
//! | `exec` | whether a command of the shell exits with 0 |
//! | `environment` | the variables by which processes know the instance |
//! | `orphans` | as PID 1, the ends of others |

mod environment;
mod exec;
mod http;
mod orphans;
mod tcp;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::join::{Check, Registrant};

pub use self::environment::prepare;
pub use self::http::CheckUrl;
pub use self::orphans::{Family, Kin};
pub use self::tcp::connect;

/// A check of one instance.
#[derive(Debug)]
pub struct Probe {
    /// The subject of a probe.
    pub look: ProbeSubject,
    /// The instance.
    pub registrant: Arc<Registrant>,
    /// How long it may take.
    pub timeout: Duration,
    /// A permit for each probe that is under way.
    pub permits: Arc<Semaphore>,
    /// The children that somebody waits for.
    pub family: Family,
}

/// The subject of a probe.
#[derive(Debug)]
pub enum ProbeSubject {
    /// The instance's own port.
    Tcp {
        /// Whether it is certain to run on this machine.
        is_here: bool,
    },
    /// A page.
    Http(CheckUrl),
    /// What a command of the shell says.
    Exec(Arc<str>),
}

impl Check for Probe {
    /// Looks once, when there is a permit.
    async fn check(&self) -> Result<(), String> {
        let _permit = self.permits.acquire().await.expect("permits are never closed");
        let silent = || format!("no answer within {}", humantime::format_duration(self.timeout));
        timeout(self.timeout, self.look()).await.unwrap_or_else(|_| Err(silent()))
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl Probe {
    /// Looks once, for as long as it takes.
    async fn look(&self) -> Result<(), String> {
        match &self.look {
            ProbeSubject::Tcp { is_here } => {
                tcp::check(&self.registrant, *is_here, self.timeout).await
            }
            ProbeSubject::Http(url) => url.get().await,
            ProbeSubject::Exec(command) => {
                exec::check(command, &self.registrant, &self.family).await
            }
        }
    }
}
