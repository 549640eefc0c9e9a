//! Fates of leases: what a change's lease has left, asked for once for all who wait for the
//! change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore};

use super::lives::{Leases, Life};
use crate::etcd::Error;
use crate::lock::Lock;

/// Leases that are asked after at once for all waits: writes and reads need the registry, too.
const ASKED_AT_ONCE: usize = 4;
/// How long an answer is kept: all who wait for a change see it within that.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// Answers that are kept, some 100 octets each.
const FATES_MAX: usize = 4_096;

/// The answer about a lease once there is one: that it has ended, or what is left.
type Fate = Arc<OnceCell<Option<Life>>>;

/// The fates, by lease and by the revision of the change that is told.
pub(super) struct Fates {
    /// The leases.
    leases: Leases,
    /// What is known.
    known: Lock<HashMap<(i64, i64), (Instant, Fate)>>,
    /// Given to each question.
    asking: Semaphore,
}

impl Fates {
    /// Nothing is known.
    pub(super) fn new(leases: Leases) -> Self {
        Self { leases, known: Lock::default(), asking: Semaphore::new(ASKED_AT_ONCE) }
    }

    /// The life of a lease since a change at a revision; none when it ended, when nobody says,
    /// or where there is no lease.
    pub(super) async fn of(&self, lease: i64, revision: i64) -> Option<Life> {
        if lease == 0 {
            return None;
        }
        let fate = self.known(lease, revision);
        let asked = fate.get_or_try_init(|| self.ask(lease)).await;
        asked.ok().copied().flatten()
    }

    /// The answer that all share who wait for a change; one of its own where too many are kept.
    fn known(&self, lease: i64, revision: i64) -> Fate {
        let (now, mut known) = (Instant::now(), self.known.lock());
        let is_kept = |at: &Instant| now.duration_since(*at) < KEPT_FOR;
        if let Some((_, fate)) = known.get(&(lease, revision)).filter(|(at, _)| is_kept(at)) {
            return Arc::clone(fate);
        }
        if known.len() >= FATES_MAX {
            known.retain(|_, (at, _)| is_kept(at));
        }
        let fate = Fate::default();
        if known.len() < FATES_MAX {
            known.insert((lease, revision), (now, Arc::clone(&fate)));
        }
        fate
    }

    /// Asks the registry.
    async fn ask(&self, lease: i64) -> Result<Option<Life>, Error> {
        let _turn = self.asking.acquire().await.expect("turns are never closed");
        self.leases.life(lease).await
    }
}
