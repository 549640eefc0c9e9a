//! The streams, requests and knowledge that registrations of one process share.
//!
//! A registration renews its lease, looks at its key and watches it. Ten thousand of them
//! in one process share the streams and the requests for that, and what any of them learns
//! of an outage. A single one goes the same way.
//!
//! Calls of one registration alone are boxed: they are large and rare, keeping is neither,
//! and a task should take the memory of the latter.

mod keeper;
mod outage;
mod verify;
mod watches;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use self::keeper::LeaseRenewer;
use self::outage::Outage;
use self::verify::Verifier;
use self::watches::Watches;
use super::{
    Claim, Error, Etcd, Expect, Lease, LeasedKey, Operation, Remaining, Transacted, TxnCondition,
};

pub use self::verify::Sighting;
pub use self::watches::KeyWatch;

/// Registrations that are put, or taken away, at once. etcd writes what it gets together
/// to its disk together; beyond this many each only waits longer, and renewals with them.
const TURNS: usize = 64;
/// How long the first look at a key of a batch waits for others. Whatever happened to the
/// key happened without us, so that a moment more does not matter.
const GATHER: Duration = Duration::from_millis(50);
/// The same where somebody waits for the answer, on one of few connections: at 2,000 looks a
/// second, 20 still share a request.
const GATHER_IN_HASTE: Duration = Duration::from_millis(10);

/// A client that many registrations share. Clones share everything.
#[derive(Clone)]
pub struct SharedClient(Arc<Shared>);

/// The state that the clones share.
struct Shared {
    /// Where the registry is.
    etcd: Etcd,
    /// What is known of an outage.
    outage: Arc<Outage>,
    /// Renews leases.
    keeper: LeaseRenewer,
    /// Looks at keys.
    verifier: Verifier,
    /// Watches keys.
    watches: Watches,
    /// Given to each registration that is being put or taken away.
    turns: Semaphore,
    /// Registrations that wait for what becomes of another owner's lease.
    contests: Arc<AtomicUsize>,
}

/// One that waits for what becomes of another owner's lease, counted while this is kept.
#[derive(Debug)]
pub struct Counted(Arc<AtomicUsize>);

impl SharedClient {
    /// For the registrations in one registry. Nothing is connected until it is used, which
    /// must be inside a tokio runtime.
    #[must_use]
    pub fn new(etcd: Etcd) -> Self {
        Self::gathering(etcd, GATHER)
    }

    /// The same where somebody waits for each look at a key.
    #[must_use]
    pub fn in_haste(etcd: Etcd) -> Self {
        Self::gathering(etcd, GATHER_IN_HASTE)
    }

    /// The same where a look at a key waits so long for others.
    fn gathering(etcd: Etcd, gather: Duration) -> Self {
        let outage = Arc::new(Outage::default());
        Self(Arc::new(Shared {
            keeper: LeaseRenewer::new(etcd.clone(), Arc::clone(&outage)),
            verifier: Verifier::new(etcd.clone(), Arc::clone(&outage), gather),
            watches: Watches::new(etcd.clone(), Arc::clone(&outage)),
            turns: Semaphore::new(TURNS),
            contests: Arc::default(),
            etcd,
            outage,
        }))
    }

    /// The registry.
    #[must_use]
    pub fn etcd(&self) -> &Etcd {
        &self.0.etcd
    }

    /// Waits for a turn to put a registration or to take one away. Whoever has it should
    /// finish: a lease that is granted long before its key is put has little left.
    pub async fn turn(&self) -> SemaphorePermit<'_> {
        self.0.turns.acquire().await.expect("turns are never closed")
    }

    /// Counts one that waits for what becomes of another owner's lease.
    #[must_use]
    pub fn contest(&self) -> Counted {
        self.0.contests.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.0.contests))
    }

    /// Grants a lease.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub async fn grant(&self, ttl: Duration, patience: Duration) -> Result<Lease, Error> {
        self.0.outage.guard(Box::pin(self.0.etcd.grant(ttl, patience))).await
    }

    /// Renews a lease; each member may take `patience`.
    ///
    /// # Errors
    /// [`Error::LeaseGone`] when it ended; else no member answered, or the registry refused.
    pub async fn renew(&self, lease: i64, patience: Duration) -> Result<(), Error> {
        self.0.keeper.renew(lease, patience).await
    }

    /// Ends a lease, and with it its keys. One that is gone already is no error.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub async fn revoke(&self, lease: i64, patience: Duration) -> Result<(), Error> {
        self.0.outage.guard(Box::pin(self.0.etcd.revoke(lease, patience))).await
    }

    /// What is left of a lease; nothing when it ended.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub async fn remaining(
        &self,
        lease: i64,
        patience: Duration,
    ) -> Result<Option<Remaining>, Error> {
        self.0.outage.guard(Box::pin(self.0.etcd.remaining(lease, patience))).await
    }

    /// Puts a value under a lease, or under none if that is 0, if the key holds what is
    /// expected.
    ///
    /// # Errors
    /// [`Error::LeaseGone`]: the lease ended meanwhile; else no member answered, or the
    /// registry refused.
    pub async fn claim(
        &self,
        key: &str,
        value: &str,
        lease: i64,
        expect: Expect,
        patience: Duration,
    ) -> Result<Claim, Error> {
        self.0.outage.guard(Box::pin(self.0.etcd.claim(key, value, lease, expect, patience))).await
    }

    /// Does the operations at once if all conditions hold.
    ///
    /// # Errors
    /// [`Error::LeaseGone`]: a lease ended meanwhile; else no member answered, or the registry
    /// refused.
    pub async fn transact(
        &self,
        conditions: &[TxnCondition],
        operations: &[Operation],
        patience: Duration,
    ) -> Result<Transacted, Error> {
        let transaction = self.0.etcd.transact(conditions, operations, patience);
        self.0.outage.guard(Box::pin(transaction)).await
    }

    /// What became of a key since it was put at `revision`.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub async fn look(
        &self,
        key: &str,
        revision: i64,
        patience: Duration,
    ) -> Result<Sighting, Error> {
        self.0.verifier.look(key, revision, patience).await
    }

    /// What stands at a key, with its value.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub async fn read(&self, key: &str, patience: Duration) -> Result<Option<LeasedKey>, Error> {
        self.0.outage.guard(Box::pin(self.0.etcd.get(key, patience))).await
    }

    /// Deletes a key if it is what it was at a revision. Gives the revision at which it did.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub async fn delete_if(&self, key: &str, revision: i64) -> Result<Option<i64>, Error> {
        self.0.outage.guard(Box::pin(self.0.etcd.delete_if(key.as_bytes(), revision))).await
    }

    /// Waits until the registry answers again; not at all while it is not known to be away.
    /// However many wait, one looks for all.
    pub async fn returned(&self) {
        self.0.outage.is_over(|| look(&self.0.etcd)).await;
    }

    /// Watches a key for as long as what is returned is kept.
    #[must_use]
    pub fn watch(&self, key: &str) -> KeyWatch {
        self.0.watches.watch(key)
    }
}

impl Counted {
    /// How many there are.
    #[must_use]
    pub fn all(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the registry does what is asked of it: a linearizable read of one key, which a
/// member without a leader does not answer.
async fn look(etcd: &Etcd) -> Result<(), Error> {
    etcd.get(&etcd.first_key(), etcd.timeout()).await.map(drop)
}

impl std::fmt::Debug for SharedClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Upkeep").field(&self.0.etcd).finish()
    }
}
