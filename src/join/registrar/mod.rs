//! Registering for clients that renew by asking again: bender's interface.
//!
//! # Who holds
//! A client POSTs its registration every few seconds, to any of several servers. Each of
//! them may be the first that hears of it, or has just been started. So the truth stands in
//! etcd alone: a key, and the lease on it. Whichever server is asked renews that lease,
//! whoever granted it. What one remembers ([`Ledger`]) only spares it a look: the lease, and
//! the revision at which the key was put.
//!
//! # Renew
//! A renewal that is remembered asks two things at once: the lease is renewed over the
//! streams that all registrations share, and the key is looked at together with others. Both
//! must be as they were left. Else the key is read, and it is made what it should be: the
//! lease on it goes on if it lives, and a new document is put over the old one, so that no
//! step leaves a gap. Two servers that do this at once meet in a transaction; who loses it
//! finds the other's lease, and renews that.
//!
//! # Whose key
//! The key is made of app, host and port, and whoever POSTs these is that instance. Anything
//! else that stands there belongs to somebody else (`srvd join`, another host with the same
//! label form) and is left alone.
//!
//! # Forget
//! There is no task for a registration and none that waits for its end: one that is not
//! renewed ends with its lease, in etcd, and is forgotten here some time later.
//!
//! # Wait
//! A POST is answered within the registry's timeout, whatever etcd does. Requests about one
//! key take turns; those that waited meanwhile share one renewal.
//!
//! | file | holds |
//! | --- | --- |
//! | `ledger` | what is remembered of each key |
//! | `renewal` | one key made what it should be |
//! | `aliases` | backends and frontends, which have no lease |
//! | `fault` | why something was not done |
//! | `figures` | what is counted |

mod aliases;
mod fault;
mod figures;
mod ledger;
mod removal;
mod renewal;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::etcd::{Etcd, SharedClient};
use crate::names::default_id;
use crate::registry::document::BenderRegistration;
use crate::registry::{Layout, Resource};

use self::figures::Figures;
use self::ledger::Ledger;
use self::renewal::Renewal;

pub use self::fault::AttemptFault;
pub use self::figures::RegistrarCounts;

/// Registers in one part of one registry. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Registrar(Arc<Shared>);

/// The state that clones share.
#[derive(Debug)]
struct Shared {
    /// The registry, and what registrations share there.
    upkeep: SharedClient,
    /// The part of it that is written.
    layout: Layout,
    /// How long a registration outlives its last renewal, in whole seconds.
    ttl: Duration,
    /// What is remembered of each key.
    ledger: Ledger,
    /// What is counted.
    figures: Figures,
}

impl Registrar {
    /// Registers in a part of a registry. Nothing is connected until it is used, which must
    /// be inside a tokio runtime.
    #[must_use]
    pub fn new(etcd: Etcd, layout: Layout, ttl: Duration) -> Self {
        let (upkeep, ledger) = (SharedClient::in_haste(etcd), Ledger::new(ttl));
        let figures = Figures::default();
        Self(Arc::new(Shared { upkeep, layout, ttl, ledger, figures }))
    }

    /// Registers an instance until it is not renewed for the TTL, or renews it. Gives the
    /// revision at which it was put.
    ///
    /// # Errors
    /// [`AttemptFault`]: it was not done, and why.
    pub async fn register(&self, wanted: &BenderRegistration) -> Result<i64, AttemptFault> {
        let key = self.key(wanted);
        self.in_time(Renewal::new(&self.0, &key, wanted).run()).await
    }

    /// The key of an instance.
    #[must_use]
    pub fn key(&self, instance: &BenderRegistration) -> String {
        let id = default_id(&instance.host, Some(instance.port.get()));
        self.0.layout.key(&instance.app, &id)
    }

    /// The key of an alias of a kind, told as [`Self::remove`] is.
    #[must_use]
    pub fn key_of_alias(&self, resource: Resource, name: &str, is_rooted: bool) -> String {
        self.0.layout.key_of_alias_named(resource, name, is_rooted)
    }

    /// What was counted, and how many registrations are held.
    #[must_use]
    pub fn counts(&self) -> RegistrarCounts {
        self.0.figures.counts(self.0.ledger.held())
    }

    /// How long a registration outlives its last renewal.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.0.ttl
    }

    /// Does something within the registry's timeout, or not at all.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, AttemptFault>>,
    ) -> Result<T, AttemptFault> {
        let limit = self.0.upkeep.etcd().timeout();
        let end = timeout(limit, work).await.unwrap_or(Err(AttemptFault::Slow(limit)));
        if end.is_err() {
            self.0.figures.refusals.add(1);
        }
        end
    }
}
