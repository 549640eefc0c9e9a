//! Keys: complete lists, claims that respect owners, removal.

use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, GetOptions, KeyValue, PutOptions, Txn, TxnOp, TxnOpResponse,
    TxnResponse,
};

use super::permission::Need;
use super::{Error, Etcd};

/// The most octets of one page that are taken: pages of real documents have some MiB.
const PAGE_OCTETS: usize = 64 << 20;
/// Keys asked for in a page, at first. 100,000 keys take 0.2 s in pages of this size.
const PAGE_KEYS: i64 = 5_000;
/// Pages that what is left of a list is asked for in, where it is long. For each page etcd
/// walks over all keys that are left, so that 1,000,000 keys take 20 s in pages of 5,000.
const PAGES: i64 = 16;
/// Octets of keys and values that a page is asked for, as far as the one before it tells.
const PAGE_AIM: usize = 8 << 20;
/// How much smaller a page is tried when one was too large.
const PAGE_SHRINK: i64 = 8;

/// A part of a list, all of it at one revision.
#[derive(Debug)]
pub struct Page {
    /// The revision at which the list is true.
    pub revision: i64,
    /// The cluster that answered.
    pub cluster: u64,
    /// Keys and values.
    pub pairs: Vec<KeyValue>,
    /// Where the next page begins, if there is one.
    pub next: Option<Vec<u8>>,
    /// Keys of the range that come after this page.
    left: i64,
}

/// How large the pages of a list are. It grows with what is left of the list, and shrinks
/// for good when a page was too much to ask.
#[derive(Debug, Clone, Copy)]
pub struct PageSize {
    /// Keys to ask for.
    keys: i64,
    /// Whether it may grow.
    may_grow: bool,
}

impl Default for PageSize {
    fn default() -> Self {
        Self { keys: PAGE_KEYS, may_grow: true }
    }
}

impl PageSize {
    /// Chooses the next size by what a page shows.
    fn learn(&mut self, page: &Page) {
        let octets = |pair: &KeyValue| pair.key().len() + pair.value().len();
        let each = page.pairs.iter().map(octets).sum::<usize>() / page.pairs.len().max(1);
        let most = (PAGE_AIM / each.max(1)) as i64;
        if self.may_grow {
            self.keys = (page.left / PAGES).min(most).max(PAGE_KEYS);
        }
    }

    /// Chooses a smaller size after a failure; false if that would not help.
    fn shrink(&mut self, fault: &Error) -> bool {
        let is_large = self.keys > PAGE_KEYS;
        let may_help = is_large || matches!(fault, Error::TooLarge(_)) && self.keys > 1;
        if may_help {
            self.keys = if is_large { PAGE_KEYS } else { (self.keys / PAGE_SHRINK).max(1) };
            self.may_grow = false;
        }
        may_help
    }
}

/// What stands at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The value.
    pub value: Vec<u8>,
    /// The lease it hangs on; 0 for none.
    pub lease: i64,
    /// The revision of its last change.
    pub revision: i64,
}

/// What a claim expects at the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// What was put at this revision, untouched.
    Unchanged(i64),
    /// Whatever it is.
    Anything,
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The key is ours since this revision.
    Won(i64),
    /// Something else stands there; nothing if it went away meanwhile.
    Lost(Option<Held>),
}

impl Etcd {
    /// One page of a linearizable list of a range. The first page says the revision; the
    /// others must ask for it, so that all are of one moment. Each attempt may take the
    /// registry's timeout; a page too large to take is asked for again in smaller ones, and
    /// so is a large one that fails.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn list_page(
        &self,
        range: &(Vec<u8>, Vec<u8>),
        revision: Option<i64>,
        size: &mut PageSize,
    ) -> Result<Page, Error> {
        loop {
            let keys = size.keys;
            let page =
                self.call(self.timeout(), |client| page(client, range, revision, keys)).await;
            match page {
                Err(fault) if size.shrink(&fault) => {}
                Err(fault) => return Err(self.explain(fault, Need::Read, range)),
                Ok(page) => {
                    size.learn(&page);
                    return Ok(page);
                }
            }
        }
    }

    /// What stands at a key, read linearizably.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn get(&self, key: &str, patience: Duration) -> Result<Option<Held>, Error> {
        let get = |mut client: Client| async move { client.get(key, None).await };
        let read = self.call(patience, get).await;
        let mut response =
            read.map_err(|error| self.explain_key(error, Need::Read, key.as_bytes()))?;
        Ok(response.take_kvs().into_iter().next().map(Held::from))
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

/// Asks for one page.
async fn page(
    client: Client,
    (from, to): &(Vec<u8>, Vec<u8>),
    revision: Option<i64>,
    keys: i64,
) -> Result<Page, etcd_client::Error> {
    let options = GetOptions::new().with_range(to.clone()).with_limit(keys);
    let options = options.with_revision(revision.unwrap_or_default());
    let mut kv = client.kv_client().max_decoding_message_size(PAGE_OCTETS);
    let mut response = kv.get(from.clone(), Some(options)).await?;
    let (now, cluster) = response.header().map_or((0, 0), |it| (it.revision(), it.cluster_id()));
    let pairs = response.take_kvs();
    let next = pairs.last().filter(|_| response.more()).map(|last| [last.key(), b"\0"].concat());
    let (revision, left) = (revision.unwrap_or(now), response.count() - pairs.len() as i64);
    Ok(Page { revision, cluster, pairs, next, left })
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
fn first_pair(response: TxnOpResponse) -> Option<Held> {
    match response {
        TxnOpResponse::Get(mut get) => get.take_kvs().into_iter().next().map(Held::from),
        _ => None,
    }
}

impl From<KeyValue> for Held {
    fn from(pair: KeyValue) -> Self {
        let (lease, revision) = (pair.lease(), pair.mod_revision());
        Self { value: pair.into_key_value().1, lease, revision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page after which so many keys are left.
    fn page(left: i64) -> Page {
        Page { revision: 1, cluster: 1, pairs: Vec::new(), next: None, left }
    }

    #[test]
    fn pages_of_a_long_list_are_large_until_one_fails() {
        let mut size = PageSize::default();
        size.learn(&page(10_000));
        assert_eq!(size.keys, PAGE_KEYS);
        size.learn(&page(1_000_000));
        assert_eq!(size.keys, 62_500);
        let slow = Error::Ended("too slow".to_owned());
        assert!(size.shrink(&slow), "a large page is tried smaller whatever went wrong");
        size.learn(&page(1_000_000));
        assert_eq!(size.keys, PAGE_KEYS, "and no other is tried");
        assert!(!size.shrink(&slow), "one of the usual size is not");
    }
}
