//! Taking a registration away: while its check fails, and at the end.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::event::Event;
use super::registration::{OwnLease, RETRY, Tenure};
use crate::backoff::Backoff;
use crate::etcd::{Error, Lease};

/// Endpoints that are tried to leave, within the registry's timeout.
const LEAVE_TRIES: u32 = 3;

impl<E: FnMut(Event)> Tenure<E> {
    /// Revokes the lease, and the key goes with it. It is tried until it is done: what is
    /// not healthy must not stand in the registry.
    pub(super) async fn withdraw(&mut self) -> Infallible {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        while let Some(OwnLease { lease, .. }) = self.lease {
            match self.revoke(lease, self.what.upkeep.etcd().timeout()).await {
                Ok(()) => {
                    self.lease = None;
                    self.recover();
                }
                Err(error) => {
                    let is_away = error.is_away();
                    self.complain(error);
                    self.pause_while(is_away, backoff.wait()).await;
                }
            }
        }
        self.what.pulse.rest();
        std::future::pending().await
    }

    /// Leaves. A registry that is away is tried for its timeout; where it answers, each of
    /// many gets that time when it is its turn.
    pub(super) async fn leave(&mut self) {
        let Some(OwnLease { lease, .. }) = self.lease.take() else { return };
        let limit = self.what.upkeep.etcd().timeout();
        let deadline = Instant::now() + limit;
        let reason = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.revoke(lease, if left.is_zero() { limit } else { left }).await {
                Ok(()) => return self.tell(Event::Left),
                Err(Error::Unreachable(_) | Error::Slow(_))
                    if Instant::now() + RETRY.0 < deadline =>
                {
                    sleep(RETRY.0).await;
                }
                Err(reason) => break reason,
            }
        };
        self.tell(Event::NotLeft(reason));
    }

    /// Revokes a lease when it is our turn, which may take so long.
    async fn revoke(&self, lease: Lease, limit: Duration) -> Result<(), Error> {
        let upkeep = &self.what.upkeep;
        let patience = upkeep.etcd().timeout() / LEAVE_TRIES;
        let _turn = upkeep.turn().await;
        let revoked = timeout(limit, upkeep.revoke(lease.id, patience)).await;
        revoked.unwrap_or(Err(Error::Silent(limit)))
    }
}
