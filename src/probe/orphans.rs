//! Orphans: as PID 1 of a container, whatever process loses its parent becomes our child, and
//! stays a zombie until it is waited for.
//!
//! The children that somebody here waits for are left alone, or how they ended would be lost.
//! All of this happens on the one thread of `join`: between the start of a child and its note
//! in the family nothing else runs.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::lock::Lock;
use crate::processes;

/// How long a zombie is left to whoever may wait for it: the runtime waits for children that
/// were dropped.
const GRACE: Duration = Duration::from_millis(200);
/// How often is looked although no child is said to have ended.
const LOOK: Duration = Duration::from_secs(60);

/// The children that somebody here waits for. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Family(Arc<Lock<HashSet<u32>>>);

/// A child in the family, for as long as this is kept.
#[derive(Debug)]
pub struct Kin {
    id: u32,
    /// Where it is noted.
    family: Family,
}

impl Family {
    /// Notes a child that was just started.
    pub fn note(&self, child: &Child) -> Kin {
        let id = child.id().unwrap_or_default();
        self.lock().insert(id);
        Kin { id, family: self.clone() }
    }

    /// Waits for orphans as they end, where they become ours: as PID 1.
    pub async fn reap_others(&self) -> Infallible {
        if std::process::id() != 1 {
            return std::future::pending().await;
        }
        let mut ends = match signal(SignalKind::child()) {
            Ok(ends) => ends,
            Err(error) => {
                tracing::warn!("cannot reap orphans, they stay zombies: {error}");
                return std::future::pending().await;
            }
        };
        let mut seen = HashSet::new();
        loop {
            seen = self.reap(&seen);
            if seen.is_empty() {
                let _ = timeout(LOOK, ends.recv()).await;
            }
            sleep(GRACE).await;
        }
    }

    /// Waits for zombies that were seen before. Gives those that are seen now.
    fn reap(&self, seen: &HashSet<u32>) -> HashSet<u32> {
        let zombies = processes::all().into_iter().filter(|it| it.is_zombie && it.parent == 1);
        let zombies: HashSet<_> = zombies.map(|it| it.id).collect();
        let orphans: HashSet<_> = zombies.difference(&self.lock()).copied().collect();
        for id in orphans.intersection(seen) {
            let Some(pid) = Pid::from_raw(id.cast_signed()) else { continue };
            // Somebody may have waited for it just now.
            let ended = waitpid(Some(pid), WaitOptions::NOHANG);
            tracing::debug!("orphan {id} was waited for: {ended:?}");
        }
        orphans.difference(seen).copied().collect()
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.0.lock()
    }
}

impl Drop for Kin {
    fn drop(&mut self) {
        self.family.lock().remove(&self.id);
    }
}
