//! Leases of nodes: what is left of them, and which of them a node is put under.
//!
//! A TTL is a lease for one key. The lease of a node that is written again with the TTL it had is
//! renewed and kept, so that who registers every few seconds makes one lease, not thousands; any
//! other TTL needs another lease, since etcd's have the TTL that they were granted with. A lease
//! that nothing hangs on any more is revoked if it was granted here; others end by themselves.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::etcd::{Error, Remaining, SharedClient};
use crate::lock::Lock;

/// Leases that are asked after at once for one reply: other calls must find a place beside.
const ASKED_AT_ONCE: usize = 16;
/// How long what is left of a lease is remembered for those who read: of many that list the same
/// nodes, one asks.
const REMEMBERED_FOR: Duration = Duration::from_secs(1);
/// Leases that are remembered: those of a listing, and some.
const REMEMBERED_MAX: usize = 16_384;

/// Leases that are remembered as granted here, some 16 octets each; who grants more leaves the
/// oldest to end by themselves.
const GRANTED_MAX: usize = 65_536;

/// The life of a lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Life {
    /// Seconds it was granted for.
    pub(super) granted: u64,
    /// Seconds that are left, rounded up as etcd v2 does.
    pub(super) left: u64,
}

/// The lives of some leases.
pub(super) type Lives = HashMap<i64, Life>;

/// The lease that a node is to hang on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The lease; 0 for none.
    pub(super) id: i64,
    /// Its life, where the node has an end of its own.
    pub(super) life: Option<Life>,
    /// Whether it was granted for this.
    pub(super) is_new: bool,
}

/// The leases of a registry. Clones share what they remember.
#[derive(Clone)]
pub(super) struct Leases {
    /// The registry.
    upkeep: SharedClient,
    /// What was left of leases a moment ago.
    remembered: Arc<Lock<HashMap<i64, (Instant, Life)>>>,
    /// Those that were granted here.
    granted: Arc<Lock<Granted>>,
}

/// The leases that this server granted, as far as it remembers: no other is its to revoke.
#[derive(Debug, Default)]
struct Granted {
    /// The leases.
    ids: HashSet<i64>,
    /// The same, the oldest first; some may be revoked.
    order: VecDeque<i64>,
}

impl Granted {
    /// Notes a lease, and forgets the oldest.
    fn add(&mut self, id: i64) {
        self.ids.insert(id);
        self.order.push_back(id);
        while self.order.len() > GRANTED_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.ids.remove(&oldest);
        }
    }
}

impl Life {
    /// A life that begins.
    pub(super) const fn new(seconds: u64) -> Self {
        Self { granted: seconds, left: seconds }
    }

    /// What etcd says is left; it rounds down.
    fn of(remaining: &Remaining) -> Self {
        let granted = remaining.granted.as_secs();
        Self { granted, left: remaining.left.as_secs().saturating_add(1).min(granted) }
    }
}

impl Leases {
    /// The leases of a registry.
    pub(super) fn new(upkeep: SharedClient) -> Self {
        Self { upkeep, remembered: Arc::default(), granted: Arc::default() }
    }

    /// The lives of some leases as of now or a moment ago; one that is gone has nothing left.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub(super) async fn lives(&self, ids: HashSet<i64>) -> Result<Lives, Error> {
        let ids = ids.into_iter().filter(|id| *id != 0);
        let ask = |id| async move { Ok((id, self.recent_life(id).await?)) };
        stream::iter(ids).map(ask).buffer_unordered(ASKED_AT_ONCE).try_collect().await
    }

    /// The life of a lease as of now or a moment ago.
    async fn recent_life(&self, id: i64) -> Result<Life, Error> {
        let now = Instant::now();
        let remembered = self.remembered.lock().get(&id).copied();
        if let Some((_, life)) = remembered.filter(|(at, _)| now - *at < REMEMBERED_FOR) {
            return Ok(life);
        }
        let life = self.life(id).await?.unwrap_or_default();
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, (at, _)| now - *at < REMEMBERED_FOR);
        }
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(id, (now, life));
        }
        Ok(life)
    }

    /// The life of a lease; none when it ended.
    ///
    /// # Errors
    /// As [`Self::lives`].
    pub(super) async fn life(&self, id: i64) -> Result<Option<Life>, Error> {
        let remaining = self.upkeep.remaining(id, self.patience()).await?;
        Ok(remaining.as_ref().map(Life::of))
    }

    /// The lease for a node: without a TTL that of the directory it is in, which it ends with;
    /// else the one on the node if it was granted for as long; else a new one.
    ///
    /// # Errors
    /// As [`Self::lives`].
    pub(super) async fn choose(
        &self,
        ttl: Option<u64>,
        own: (i64, Option<Life>),
        of_directory: i64,
    ) -> Result<Chosen, Error> {
        let Some(ttl) = ttl else { return Ok(Chosen { id: of_directory, ..Chosen::default() }) };
        if of_directory != 0 && self.life(of_directory).await?.is_some_and(|it| it.left <= ttl) {
            return Ok(Chosen { id: of_directory, ..Chosen::default() });
        }
        let (own, life) = own;
        let is_kept = own != of_directory;
        let granted = life.map(|life| life.granted).filter(|_| is_kept);
        if granted == Some(ttl) && self.renew(own).await? {
            return Ok(Chosen { id: own, life: Some(Life::new(ttl)), is_new: false });
        }
        let lease = self.upkeep.grant(Duration::from_secs(ttl), self.patience()).await?;
        self.granted.lock().add(lease.id);
        // Where the registry has a floor for TTLs, the lease on the node may be as good.
        if granted == Some(lease.ttl.as_secs()) && self.renew(own).await? {
            self.revoke(lease.id).await;
            return Ok(Chosen { id: own, life: Some(Life::new(ttl)), is_new: false });
        }
        Ok(Chosen { id: lease.id, life: Some(Life::new(ttl)), is_new: true })
    }

    /// Revokes a lease that was granted here and that no key hangs on. Any other is somebody's
    /// who may still renew it and put more on it.
    pub(super) async fn retire(&self, id: i64) {
        if !self.granted.lock().ids.contains(&id) {
            return;
        }
        if let Ok(Some(remaining)) = self.upkeep.remaining(id, self.patience()).await
            && remaining.keys.is_empty()
        {
            self.revoke(id).await;
        }
    }

    /// Revokes a lease; else it ends by itself.
    async fn revoke(&self, id: i64) {
        self.granted.lock().ids.remove(&id);
        if let Err(error) = self.upkeep.revoke(id, self.patience()).await {
            tracing::debug!("could not revoke a lease, it will expire: {error}");
        }
    }

    /// Renews a lease. Says whether it was still there.
    async fn renew(&self, id: i64) -> Result<bool, Error> {
        match self.upkeep.renew(id, self.patience()).await {
            Ok(()) => Ok(true),
            Err(Error::LeaseGone) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How long a member may take.
    fn patience(&self) -> Duration {
        self.upkeep.etcd().timeout()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lease_is_forgotten() {
        let mut granted = Granted::default();
        (0..=GRANTED_MAX as i64).for_each(|id| granted.add(id));
        assert!(!granted.ids.contains(&0) && granted.ids.contains(&1));
        assert_eq!((granted.ids.len(), granted.order.len()), (GRANTED_MAX, GRANTED_MAX));
    }

    #[test]
    fn what_is_left_is_rounded_up_and_never_more_than_was_granted() {
        let life = |left, granted| {
            let [left, granted] = [left, granted].map(Duration::from_secs);
            Life::of(&Remaining { left, granted, keys: Vec::new(), term: 1 }).left
        };
        assert_eq!((life(59, 60), life(60, 60), life(0, 60)), (60, 60, 1));
    }
}
