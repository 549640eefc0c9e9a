//! Transactions over several keys: conditions, and what is read or written if they hold.

use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, DeleteOptions, GetOptions, GetResponse, KeyValue, PutOptions,
    ResponseHeader, Txn, TxnOp, TxnOpResponse, TxnResponse,
};

use super::permission::Need;
use super::{Error, Etcd};

/// The most octets of an answer that are taken: as of a page of a list.
const ANSWER_OCTETS: usize = 64 << 20;

/// A range of keys: the first, and the key after the last.
pub type Range = (Vec<u8>, Vec<u8>);

/// A key with its value and its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
    /// The lease it hangs on; 0 for none.
    pub lease: i64,
    /// The revision at which the key was made.
    pub created: i64,
    /// The revision of its last change.
    pub modified: i64,
}

/// A condition of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxnCondition {
    /// Nothing stands at the key.
    Absent(Vec<u8>),
    /// The key was last put at this revision.
    Unchanged(Vec<u8>, i64),
    /// No key of the range was made after this revision; after 0: there is none.
    NoneSince(Range, i64),
}

/// A step of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Reads a key.
    Get(Vec<u8>),
    /// Reads the first keys of a range, so many of them.
    First(Range, i64),
    /// Reads the first key of a range, without its value.
    FirstKey(Range),
    /// Puts a value under a lease; 0 for none.
    Put(Vec<u8>, Vec<u8>, i64),
    /// Deletes a key.
    Delete(Vec<u8>),
    /// Deletes the keys of a range.
    DeleteAll(Range),
}

/// The state of the cluster when it answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The revision of the registry.
    pub revision: i64,
    /// The raft term.
    pub term: u64,
    /// The cluster.
    pub cluster: u64,
}

/// The outcome of a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transacted {
    /// Whether the conditions held, and the operations were done.
    pub is_done: bool,
    /// The state of the cluster after it.
    pub stamp: Stamp,
    /// What each operation read, in their order; nothing for those that write.
    pub found: Vec<Vec<Pair>>,
}

impl Etcd {
    /// Does the operations at once if all conditions hold.
    ///
    /// # Errors
    /// [`Error::LeaseGone`]: a lease ended meanwhile; else no endpoint answered, or the
    /// registry refused.
    pub async fn transact(
        &self,
        conditions: &[TxnCondition],
        operations: &[Operation],
        patience: Duration,
    ) -> Result<Transacted, Error> {
        let txn = Txn::new().when(conditions.iter().map(Compare::from).collect::<Vec<_>>());
        let txn = txn.and_then(operations.iter().map(TxnOp::from).collect::<Vec<_>>());
        let run = |client: Client| {
            let txn = txn.clone();
            let mut kv = client.kv_client().max_decoding_message_size(ANSWER_OCTETS);
            async move { kv.txn(txn).await }
        };
        let need = if operations.iter().any(Operation::writes) { Need::Write } else { Need::Read };
        let end = self.call(patience, run).await;
        let key = operations.first().map(Operation::key).unwrap_or_default();
        end.map(Transacted::from).map_err(|error| self.explain_key(error, need, key))
    }
}

impl Etcd {
    /// The first key of each of some ranges, without its value, all of one moment.
    ///
    /// # Errors
    /// As [`Self::transact`].
    pub async fn first_keys(&self, ranges: &[Range]) -> Result<(Stamp, Vec<Option<Pair>>), Error> {
        let firsts: Vec<_> = ranges.iter().cloned().map(Operation::FirstKey).collect();
        let Transacted { stamp, found, .. } = self.transact(&[], &firsts, self.timeout()).await?;
        Ok((stamp, found.into_iter().map(|pairs| pairs.into_iter().next()).collect()))
    }

    /// The state of the registry, and whether what was so at a revision is not known any more;
    /// it may be one that is still to come. Reads whether there is a key, linearizably.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn revision(&self, key: &[u8], at: i64) -> Result<(Stamp, bool), Error> {
        let count = |revision| {
            let options = GetOptions::new().with_count_only().with_revision(revision);
            let get = move |mut client: Client| {
                let options = options.clone();
                async move { client.get(key, Some(options)).await }
            };
            self.call(self.timeout(), get)
        };
        let is_compacted = match count(at).await {
            Err(Error::Refused(reason)) if reason.contains("has been compacted") => true,
            Err(Error::Refused(reason)) if reason.contains("future revision") => false,
            other => return self.stamped(other, key).map(|stamp| (stamp, false)),
        };
        self.stamped(count(0).await, key).map(|stamp| (stamp, is_compacted))
    }

    /// The state of the registry that an answer came with.
    fn stamped(&self, end: Result<GetResponse, Error>, key: &[u8]) -> Result<Stamp, Error> {
        let answer = end.map_err(|error| self.explain_key(error, Need::Read, key))?;
        Ok(answer.header().map(Stamp::from).unwrap_or_default())
    }
}

impl Operation {
    /// Whether it changes anything.
    const fn writes(&self) -> bool {
        matches!(self, Self::Put(..) | Self::Delete(_) | Self::DeleteAll(_))
    }

    /// The key it is about, or the first of its range.
    fn key(&self) -> &[u8] {
        match self {
            Self::Get(key) | Self::Put(key, ..) | Self::Delete(key) => key,
            Self::First((from, _), _) | Self::FirstKey((from, _)) | Self::DeleteAll((from, _)) => {
                from
            }
        }
    }
}

impl From<&TxnCondition> for Compare {
    fn from(condition: &TxnCondition) -> Self {
        match condition {
            TxnCondition::Absent(key) => Self::create_revision(key.clone(), CompareOp::Equal, 0),
            TxnCondition::Unchanged(key, revision) => {
                Self::mod_revision(key.clone(), CompareOp::Equal, *revision)
            }
            TxnCondition::NoneSince((from, to), revision) => {
                let made = Self::create_revision(from.clone(), CompareOp::Less, revision + 1);
                made.with_range(to.clone())
            }
        }
    }
}

impl From<&Operation> for TxnOp {
    fn from(operation: &Operation) -> Self {
        match operation.clone() {
            Operation::Get(key) => Self::get(key, None),
            Operation::First((from, to), count) => {
                let options = GetOptions::new().with_range(to).with_limit(count);
                Self::get(from, Some(options))
            }
            Operation::FirstKey((from, to)) => {
                let options = GetOptions::new().with_range(to).with_limit(1).with_keys_only();
                Self::get(from, Some(options))
            }
            Operation::Put(key, value, lease) => {
                Self::put(key, value, Some(PutOptions::new().with_lease(lease)))
            }
            Operation::Delete(key) => Self::delete(key, None),
            Operation::DeleteAll((from, to)) => {
                Self::delete(from, Some(DeleteOptions::new().with_range(to)))
            }
        }
    }
}

impl From<TxnResponse> for Transacted {
    fn from(response: TxnResponse) -> Self {
        let pairs = |response: TxnOpResponse| match response {
            TxnOpResponse::Get(mut get) => get.take_kvs().into_iter().map(Pair::from).collect(),
            _ => Vec::new(),
        };
        Self {
            is_done: response.succeeded(),
            stamp: response.header().map(Stamp::from).unwrap_or_default(),
            found: response.op_responses().into_iter().map(pairs).collect(),
        }
    }
}

impl From<&ResponseHeader> for Stamp {
    fn from(header: &ResponseHeader) -> Self {
        Self { revision: header.revision(), term: header.raft_term(), cluster: header.cluster_id() }
    }
}

impl From<KeyValue> for Pair {
    fn from(pair: KeyValue) -> Self {
        let (lease, created, modified) =
            (pair.lease(), pair.create_revision(), pair.mod_revision());
        let (key, value) = pair.into_key_value();
        Self { key, value, lease, created, modified }
    }
}
