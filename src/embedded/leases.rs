//! The leases: who lives until when, and which keys die with whom.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::keys::{Key, KeyChange};
use super::limits::{MAX_TTL_SECS, MIN_TTL_SECS};
use super::refusal::RequestRefusal;

/// One lease.
pub(super) struct Lease {
    /// How long it lives from its grant or its last keepalive, in seconds.
    pub(super) ttl: i64,
    /// When it runs out.
    deadline: Instant,
    /// The keys that are deleted with it.
    pub(super) keys: BTreeSet<Key>,
}

impl Lease {
    /// The whole seconds that are left at `now`.
    pub(super) fn remaining(&self, now: Instant) -> i64 {
        let left = self.deadline.saturating_duration_since(now).as_secs();
        i64::try_from(left).unwrap_or(i64::MAX)
    }
}

/// All leases, also in the order in which they run out.
#[derive(Default)]
pub(super) struct Leases {
    /// The leases by id.
    by_id: HashMap<i64, Lease>,
    /// Every lease's deadline and id: the first runs out first.
    deadlines: BTreeSet<(Instant, i64)>,
}

impl Leases {
    /// The number of leases.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Tells whether a lease of this id lives.
    pub(super) fn contains(&self, id: i64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The lease of this id.
    pub(super) fn get(&self, id: i64) -> Option<&Lease> {
        self.by_id.get(&id)
    }

    /// The ids of all leases, the one that runs out first in front.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.deadlines.iter().map(|(_, id)| *id)
    }

    /// Grants a lease of `ttl` seconds and returns its id and the seconds it really has.
    /// The id zero asks for a fresh one.
    pub(super) fn grant(
        &mut self,
        id: i64,
        ttl: i64,
        now: Instant,
    ) -> Result<(i64, i64), RequestRefusal> {
        if ttl > MAX_TTL_SECS {
            return Err(RequestRefusal::TtlTooLarge);
        }
        let id = if id == 0 { self.fresh_id() } else { id };
        if self.contains(id) {
            return Err(RequestRefusal::LeaseExists);
        }
        let ttl = ttl.max(MIN_TTL_SECS);
        let deadline = deadline(now, ttl);
        self.deadlines.insert((deadline, id));
        self.by_id.insert(id, Lease { ttl, deadline, keys: BTreeSet::new() });
        Ok((id, ttl))
    }

    /// Starts a lease's life again, and returns its seconds; `None` if it is gone.
    pub(super) fn keep_alive(&mut self, id: i64, now: Instant) -> Option<i64> {
        let lease = self.by_id.get_mut(&id)?;
        self.deadlines.remove(&(lease.deadline, id));
        lease.deadline = deadline(now, lease.ttl);
        self.deadlines.insert((lease.deadline, id));
        Some(lease.ttl)
    }

    /// Removes a lease; its keys are for the caller to delete.
    pub(super) fn remove(&mut self, id: i64) -> Option<Lease> {
        let lease = self.by_id.remove(&id)?;
        self.deadlines.remove(&(lease.deadline, id));
        Some(lease)
    }

    /// When the next lease runs out, and which.
    pub(super) fn next_deadline(&self) -> Option<(Instant, i64)> {
        self.deadlines.first().copied()
    }

    /// Moves a key from the lease it had to the one it has now.
    pub(super) fn follow(&mut self, event: &KeyChange) {
        let before = event.previous.as_ref().map_or(0, |previous| previous.lease);
        let after = event.entry.lease;
        if before == after {
            return;
        }
        if let Some(lease) = self.by_id.get_mut(&before) {
            lease.keys.remove(event.entry.key.as_slice());
        }
        if let Some(lease) = self.by_id.get_mut(&after) {
            lease.keys.insert(Key::from(event.entry.key.as_slice()));
        }
    }

    /// A random positive id that is not taken.
    fn fresh_id(&self) -> i64 {
        loop {
            let id = fastrand::i64(1..=i64::MAX);
            if !self.contains(id) {
                return id;
            }
        }
    }
}

/// The end of a life of `ttl` seconds; so far away that it never comes where the clock
/// cannot tell it.
fn deadline(now: Instant, ttl: i64) -> Instant {
    /// Thirty years.
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    let ttl = Duration::from_secs(ttl.unsigned_abs());
    now.checked_add(ttl).unwrap_or_else(|| now + FAR)
}
