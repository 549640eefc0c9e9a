//! One key made what it should be: renewed where it is, else put.

use std::time::Duration;

use tokio::time::Instant;

use super::figures::Lost;
use super::ledger::{LedgerEntry, LedgerSlot};
use super::{AttemptFault, Shared};
use crate::etcd::{Claim, Error, Expect, LeasedKey as Found, Sighting};
use crate::join::registration::{PATIENCE_PER_TTL, WRITE_PATIENCE_MIN};
use crate::registry::document::BenderRegistration;

/// Reads and writes of one key before it is said that others change it all the time. Two
/// servers that register the same at once are done after two.
pub(super) const TRIES: usize = 4;

/// One request to register.
pub(super) struct Renewal<'r> {
    /// Where.
    shared: &'r Shared,
    key: &'r str,
    /// What is registered.
    wanted: &'r BenderRegistration,
    /// The document.
    value: String,
}

/// The state of a registration that is remembered.
enum RenewalState {
    /// It stands, and was renewed.
    OwnLease,
    /// The key was put again.
    Touched,
    /// It is gone.
    Lost(Lost),
}

impl<'r> Renewal<'r> {
    /// Registers this at a key.
    pub(super) fn new(shared: &'r Shared, key: &'r str, wanted: &'r BenderRegistration) -> Self {
        Self { shared, key, wanted, value: wanted.to_line() }
    }

    /// Renews what stands there, or puts it. Gives the revision at which it was put.
    pub(super) async fn run(self) -> Result<i64, AttemptFault> {
        let arrived = Instant::now();
        let slot = self.shared.ledger.slot(self.key).ok_or(AttemptFault::Full)?;
        let _turn = slot.turn().await;
        let held = slot.held().filter(|held| *held.value == *self.value);
        let revision = match held {
            // It was renewed while this request waited.
            Some(held) if held.begun >= arrived => held.revision,
            held => self.renew(&slot, held).await?,
        };
        self.shared.figures.renewals.add(1);
        Ok(revision)
    }

    /// Renews, and remembers it.
    async fn renew(
        &self,
        slot: &LedgerSlot,
        held: Option<LedgerEntry>,
    ) -> Result<i64, AttemptFault> {
        let begun = Instant::now();
        let mut spare = None;
        if let Some(held) = held {
            match self.verify(&held).await? {
                RenewalState::OwnLease => {
                    let revision = held.revision;
                    slot.keep(Some(LedgerEntry { begun, ..held }));
                    return Ok(revision);
                }
                // The lease lives, whatever became of the key.
                RenewalState::Touched => spare = Some(held.lease),
                RenewalState::Lost(what) => {
                    tracing::debug!(key = self.key, "registered again: {what:?} is gone");
                    self.shared.figures.lost(what);
                    spare = Some(held.lease).filter(|_| what == Lost::Key);
                }
            }
            slot.keep(None);
        }
        let (lease, revision) = self.settle(spare).await?;
        let value = self.value.as_str().into();
        slot.keep(Some(LedgerEntry { value, lease, revision, begun }));
        Ok(revision)
    }

    /// Renews the lease and looks at the key, at once.
    async fn verify(&self, held: &LedgerEntry) -> Result<RenewalState, Error> {
        let (upkeep, patience) = (&self.shared.upkeep, self.patience());
        let (renewed, seen) = tokio::join!(
            upkeep.renew(held.lease, patience),
            upkeep.look(self.key, held.revision, patience),
        );
        match renewed {
            Err(Error::LeaseGone) => return Ok(RenewalState::Lost(Lost::Lease)),
            other => other?,
        }
        Ok(match seen? {
            Sighting::Untouched => RenewalState::OwnLease,
            Sighting::Gone => RenewalState::Lost(Lost::Key),
            Sighting::Put(_) => RenewalState::Touched,
        })
    }

    /// Reads the key and makes it what it should be, under a lease that lives: the one on
    /// it, else `spare`, else a new one. Gives the lease and the revision.
    async fn settle(&self, spare: Option<i64>) -> Result<(i64, i64), AttemptFault> {
        let mut granted = None;
        let end = self.claim(spare, &mut granted).await;
        let is_unused = match &end {
            Ok((lease, _)) => granted.is_some_and(|it| it != *lease),
            // Whether it was put is known only where the registry said no.
            Err(AttemptFault::Registry(error)) => error.is_refusal(),
            Err(_) => false,
        };
        if let Some(lease) = granted.filter(|_| is_unused) {
            // Else it ends by itself.
            let _ = self.shared.upkeep.revoke(lease, self.write_patience()).await;
        }
        end
    }

    /// The same; `granted` is the lease that was granted for it.
    async fn claim(
        &self,
        spare: Option<i64>,
        granted: &mut Option<i64>,
    ) -> Result<(i64, i64), AttemptFault> {
        for _ in 0..TRIES {
            let found = self.shared.upkeep.read(self.key, self.patience()).await?;
            let on_key = self.lease_of(found.as_ref()).await?;
            if let (Some(lease), Some(found)) = (on_key, &found)
                && found.value == self.value.as_bytes()
            {
                return Ok((lease, found.revision));
            }
            let lease = on_key.or(*granted).or(spare);
            let expect = found.map_or(Expect::Absent, |it| Expect::Unchanged(it.revision));
            if let Some(done) = self.put(lease, granted, expect).await? {
                return Ok(done);
            }
        }
        Err(AttemptFault::Restless { key: self.key.to_owned() })
    }

    /// The lease on what was found, renewed; none where it has none or that is gone. What
    /// was found must be this instance's.
    async fn lease_of(&self, found: Option<&Found>) -> Result<Option<i64>, AttemptFault> {
        let Some(found) = found else { return Ok(None) };
        if !self.wanted.is_of_same_instance(&found.value) {
            return Err(AttemptFault::Taken { key: self.key.to_owned(), lease: found.lease });
        }
        if found.lease == 0 {
            return Ok(None);
        }
        match self.shared.upkeep.renew(found.lease, self.patience()).await {
            Ok(()) => Ok(Some(found.lease)),
            Err(Error::LeaseGone) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the document under a lease, or under a new one. Gives lease and revision; none
    /// where the key is not as expected, or the lease is gone.
    async fn put(
        &self,
        lease: Option<i64>,
        granted: &mut Option<i64>,
        expect: Expect,
    ) -> Result<Option<(i64, i64)>, Error> {
        let (upkeep, patience) = (&self.shared.upkeep, self.write_patience());
        let _turn = upkeep.turn().await;
        let lease = match lease {
            Some(lease) => lease,
            None => *granted.insert(upkeep.grant(self.shared.ttl, patience).await?.id),
        };
        match upkeep.claim(self.key, &self.value, lease, expect, patience).await {
            Ok(Claim::Won(revision)) => Ok(Some((lease, revision))),
            // The answer to an earlier try was lost, not the try.
            Ok(Claim::Lost(Some(it))) if it.lease == lease && it.value == self.value.as_bytes() => {
                Ok(Some((lease, it.revision)))
            }
            Ok(Claim::Lost(_)) => Ok(None),
            Err(Error::LeaseGone) => {
                *granted = granted.filter(|it| *it != lease);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// How long one member may take to renew.
    fn patience(&self) -> Duration {
        (self.shared.ttl / PATIENCE_PER_TTL).min(self.shared.upkeep.etcd().timeout())
    }

    /// How long one member may take to write.
    fn write_patience(&self) -> Duration {
        self.shared.write_patience()
    }
}

impl Shared {
    /// How long one member may take to write.
    pub(super) fn write_patience(&self) -> Duration {
        (self.ttl / PATIENCE_PER_TTL).max(WRITE_PATIENCE_MIN).min(self.upkeep.etcd().timeout())
    }
}
