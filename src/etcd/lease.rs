//! Leases: granted, kept, asked after, revoked.

use std::time::Duration;

use etcd_client::{Client, LeaseTimeToLiveOptions};

use super::permission::Need;
use super::{Error, Etcd};

/// A lease of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Its id.
    pub id: i64,
    /// What the server made of the TTL that was asked for: it has a floor of its own.
    pub ttl: Duration,
}

/// The rest of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// Until it ends, unless it is renewed. etcd gives whole seconds, rounded down.
    pub left: Duration,
    /// What it was granted for.
    pub granted: Duration,
    /// The keys that end with it.
    pub keys: Vec<Vec<u8>>,
    /// The raft term in which this was said: with each election another begins.
    pub term: u64,
}

impl Etcd {
    /// Grants a lease.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn grant(&self, ttl: Duration, patience: Duration) -> Result<Lease, Error> {
        let seconds = i64::try_from(ttl.as_secs().max(1)).unwrap_or(i64::MAX);
        let grant = |mut client: Client| async move { client.lease_grant(seconds, None).await };
        let response = self.call(patience, grant).await?;
        Ok(Lease { id: response.id(), ttl: seconds_of(response.ttl()) })
    }

    /// Renews a lease.
    ///
    /// # Errors
    /// [`Error::LeaseGone`] when it ended; else no endpoint answered, or the registry refused.
    pub async fn keep_alive(&self, lease: i64, patience: Duration) -> Result<(), Error> {
        let keep =
            |mut client: Client| async move { client.lease_keep_alive(lease).await.map(drop) };
        let renewed = self.call(patience, keep).await;
        renewed.map_err(|error| self.explain_prefix(error, Need::Write))
    }

    /// Ends a lease, and with it its keys. One that is gone already is no error.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn revoke(&self, lease: i64, patience: Duration) -> Result<(), Error> {
        let revoke = |mut client: Client| async move { client.lease_revoke(lease).await.map(drop) };
        match self.call(patience, revoke).await {
            Err(Error::LeaseGone) => Ok(()),
            other => other.map_err(|error| self.explain_prefix(error, Need::Write)),
        }
    }

    /// The first key below the prefix of the connection string, whether anything is there.
    pub(super) fn first_key(&self) -> String {
        let (first, _) = self.shared.url.layout().range();
        // Without a prefix it would be empty, which etcd does not take.
        if first.is_empty() { "/".to_owned() } else { String::from_utf8_lossy(&first).into_owned() }
    }

    /// What is left of a lease; nothing when it ended.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn remaining(
        &self,
        lease: i64,
        patience: Duration,
    ) -> Result<Option<Remaining>, Error> {
        let ask = |mut client: Client| async move {
            client.lease_time_to_live(lease, Some(LeaseTimeToLiveOptions::new().with_keys())).await
        };
        let response = match self.call(patience, ask).await {
            Err(Error::LeaseGone) => return Ok(None),
            other => other.map_err(|error| self.explain_prefix(error, Need::Read))?,
        };
        // In its last second a lease has 0 left; one that is gone has -1.
        Ok((response.ttl() >= 0).then(|| Remaining {
            left: seconds_of(response.ttl()),
            granted: seconds_of(response.granted_ttl()),
            keys: response.keys().to_vec(),
            term: response.header().map_or(0, |header| header.raft_term()),
        }))
    }
}

impl Etcd {
    /// What is left of a lease, and what it was granted for; nothing when it ended. Who may not
    /// read its keys may ask this.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn left_of(&self, lease: i64) -> Result<Option<(Duration, Duration)>, Error> {
        let ask = |mut client: Client| async move { client.lease_time_to_live(lease, None).await };
        match self.call(self.timeout(), ask).await {
            Err(Error::LeaseGone) => Ok(None),
            Err(error) => Err(error),
            Ok(told) if told.ttl() < 0 => Ok(None),
            Ok(told) => Ok(Some((seconds_of(told.ttl()), seconds_of(told.granted_ttl())))),
        }
    }
}

/// A number of seconds as etcd gives it.
fn seconds_of(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}
