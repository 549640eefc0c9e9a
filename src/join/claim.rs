//! Getting the key, from nobody or from somebody who is not there any more.

use std::time::Duration;

use tokio::time::Instant;

use super::contest::{Contest, LeaseObservation};
use super::event::{Event, Fault};
use super::registration::{OwnLease, Tenure};
use crate::etcd::{Claim, Error, Expect, Lease, LeasedKey};

/// Claims that follow each other at once: a key may go away, or change, between two looks. One
/// that does so again and again is waited for.
const CLAIMS_AT_ONCE: u32 = 3;

impl<E: FnMut(Event)> Tenure<E> {
    /// Claims the key until it is ours. Gives the lease, and the revision of the key.
    pub(super) async fn claim(&mut self) -> Result<(Lease, i64), Fault> {
        // Force is for the start only: two that always forced would fight for ever.
        let is_forced = self.what.terms.by_force && !self.is_registered;
        let mut expect = if is_forced { Expect::Anything } else { Expect::Absent };
        let mut lost = 0_u32;
        loop {
            expect = match self.attempt(expect).await {
                Ok((lease, Claim::Won(revision))) => return Ok((lease, revision)),
                Ok((lease, Claim::Lost(Some(held)))) if self.is_ours(lease, &held) => {
                    return Ok((lease, held.revision));
                }
                Ok((_, Claim::Lost(None))) => Expect::Absent,
                Ok((lease, Claim::Lost(Some(held)))) => self.contend(lease, &held).await?,
                Err(error) => {
                    self.endure(error).await?;
                    continue;
                }
            };
            lost = lost.saturating_add(1);
            if lost > CLAIMS_AT_ONCE {
                let wait = self.backoff.wait();
                self.pause(wait).await;
            }
        }
    }

    /// Claims the key once, with a lease that has a heartbeat's time left.
    async fn attempt(&mut self, expect: Expect) -> Result<(Lease, Claim), Error> {
        let upkeep = self.what.upkeep.clone();
        let _turn = upkeep.turn().await;
        let begun = Instant::now();
        let lease = self.live_lease().await?;
        let (key, value) = (&self.what.key, &self.what.value);
        let claim = upkeep.claim(key, value, lease.id, expect, self.write_patience());
        let claim = claim.await;
        if matches!(claim, Err(Error::LeaseGone)) {
            self.lease = None;
        }
        let claim = claim?;
        self.tell_if_slow(lease, begun.elapsed());
        Ok((lease, claim))
    }

    /// Says once, at the first registration, that what it took is more than a heartbeat is
    /// given.
    fn tell_if_slow(&mut self, lease: Lease, took: Duration) {
        let patience = self.patience(lease.ttl);
        if took > patience && !self.is_registered {
            self.tell(Event::Slow { took, patience });
        }
    }

    /// Our lease: the one we have, renewed if it is old, else a new one.
    async fn live_lease(&mut self) -> Result<Lease, Error> {
        if let Some(OwnLease { lease, renewed }) = self.lease
            && (renewed.elapsed() < self.what.terms.heartbeat / 2 || self.renew(lease).await?)
        {
            return Ok(lease);
        }
        let renewed = Instant::now();
        let lease = self.what.upkeep.grant(self.what.terms.ttl, self.write_patience()).await?;
        self.lease = Some(OwnLease { lease, renewed });
        Ok(lease)
    }

    /// Whether a key that a claim did not get is ours all the same: the answer to an
    /// earlier try was lost, not the try.
    fn is_ours(&self, lease: Lease, held: &LeasedKey) -> bool {
        held.lease == lease.id && held.value == self.what.value.as_bytes()
    }

    /// The key holds something else. Gives what to expect there when it may be taken.
    async fn contend(&mut self, lease: Lease, held: &LeasedKey) -> Result<Expect, Fault> {
        if held.lease == lease.id {
            return Ok(Expect::Unchanged(held.revision));
        }
        if held.lease != 0 {
            return self.outwait(held).await;
        }
        if self.is_registered {
            return Ok(Expect::Unchanged(held.revision));
        }
        Err(Fault::Unleased { key: self.what.key.clone() })
    }

    /// Watches the lease of another owner until the key is free. Fails if that owner lives
    /// and we were never registered; else stands aside.
    async fn outwait(&mut self, held: &LeasedKey) -> Result<Expect, Fault> {
        let mut contest = Contest::new(self.what.key.clone());
        let counted = self.what.upkeep.contest();
        let mut is_aside = false;
        if !self.is_registered {
            self.tell(Event::Contested(held.lease));
        }
        loop {
            match self.look(&mut contest, held.lease).await {
                Ok(LeaseObservation::Free) => return Ok(Expect::Unchanged(held.revision)),
                Ok(LeaseObservation::OwnLease) if !self.is_registered => {
                    return Err(Fault::Owned { key: self.what.key.clone(), lease: held.lease });
                }
                Ok(LeaseObservation::OwnLease) if !is_aside => {
                    is_aside = true;
                    self.tell(Event::Aside(held.lease));
                }
                Ok(_) => self.pause(contest.pause(counted.all(), Instant::now())).await,
                Err(error) => self.endure(error).await?,
            }
        }
    }

    /// Looks at the other lease once.
    async fn look(&self, contest: &mut Contest, lease: i64) -> Result<LeaseObservation, Error> {
        let asked = Instant::now();
        let remaining = self.what.upkeep.remaining(lease, self.write_patience()).await?;
        Ok(contest.judge(asked, Instant::now(), remaining.as_ref()))
    }
}
