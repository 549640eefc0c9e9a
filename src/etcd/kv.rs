//! Keys: claims that respect owners, removal.

use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, KeyValue, PutOptions, Txn, TxnOp, TxnOpResponse, TxnResponse,
};

use super::permission::Need;
use super::{Error, Etcd};

/// A value at a key, under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedKey {
    /// The value.
    pub value: Vec<u8>,
    /// The lease it hangs on; 0 for none.
    pub lease: i64,
    /// The revision of its last change.
    pub revision: i64,
}

/// The state of the key that a claim expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// What was put at this revision, untouched.
    Unchanged(i64),
    /// Whatever it is.
    Anything,
}

/// The outcome of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The key is ours since this revision.
    Won(i64),
    /// Something else stands there; nothing if it went away meanwhile.
    Lost(Option<LeasedKey>),
}

impl Etcd {
    /// What stands at a key, read linearizably.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn get(&self, key: &str, patience: Duration) -> Result<Option<LeasedKey>, Error> {
        let get = |mut client: Client| async move { client.get(key, None).await };
        let read = self.call(patience, get).await;
        let mut response =
            read.map_err(|error| self.explain_key(error, Need::Read, key.as_bytes()))?;
        Ok(response.take_kvs().into_iter().next().map(LeasedKey::from))
    }

    /// Puts a value under a lease, or under none if that is 0, if the key holds what is
    /// expected, in one transaction.
    /// An attempt whose answer was lost shows as [`Claim::Lost`] to our own lease.
    ///
    /// # Errors
    /// [`Error::LeaseGone`]: the lease ended meanwhile; else no endpoint answered, or the
    /// registry refused.
    pub async fn claim(
        &self,
        key: &str,
        value: &str,
        lease: i64,
        expect: Expect,
        patience: Duration,
    ) -> Result<Claim, Error> {
        let put = TxnOp::put(key, value, Some(PutOptions::new().with_lease(lease)));
        let txn = Txn::new().when(condition(key, expect)).and_then([put]);
        let txn = txn.or_else([TxnOp::get(key, None)]);
        let run = |mut client: Client| {
            let txn = txn.clone();
            async move { client.txn(txn).await }
        };
        let claimed = self.call(patience, run).await;
        let response =
            claimed.map_err(|error| self.explain_key(error, Need::Write, key.as_bytes()))?;
        if response.succeeded() {
            return Ok(Claim::Won(revision_of(&response)));
        }
        Ok(Claim::Lost(response.op_responses().into_iter().find_map(first_pair)))
    }

    /// Deletes a key if it is what it was at a revision. Gives the revision at which it did.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn delete_if(&self, key: &[u8], revision: i64) -> Result<Option<i64>, Error> {
        let unchanged = Compare::mod_revision(key, CompareOp::Equal, revision);
        let txn = Txn::new().when([unchanged]).and_then([TxnOp::delete(key, None)]);
        let run = |mut client: Client| {
            let txn = txn.clone();
            async move { client.txn(txn).await }
        };
        let deleted = self.call(self.timeout(), run).await;
        let response = deleted.map_err(|error| self.explain_key(error, Need::Write, key))?;
        Ok(response.succeeded().then(|| revision_of(&response)))
    }
}

/// The comparison that an expectation stands for.
fn condition(key: &str, expect: Expect) -> Vec<Compare> {
    match expect {
        Expect::Absent => vec![Compare::create_revision(key, CompareOp::Equal, 0)],
        Expect::Unchanged(revision) => vec![Compare::mod_revision(key, CompareOp::Equal, revision)],
        Expect::Anything => Vec::new(),
    }
}

/// The revision that a transaction made, or found.
fn revision_of(response: &TxnResponse) -> i64 {
    response.header().map_or(0, etcd_client::ResponseHeader::revision)
}

/// The pair that a read inside a transaction found.
fn first_pair(response: TxnOpResponse) -> Option<LeasedKey> {
    match response {
        TxnOpResponse::Get(mut get) => get.take_kvs().into_iter().next().map(LeasedKey::from),
        _ => None,
    }
}

impl From<KeyValue> for LeasedKey {
    fn from(pair: KeyValue) -> Self {
        let (lease, revision) = (pair.lease(), pair.mod_revision());
        Self { value: pair.into_key_value().1, lease, revision }
    }
}
