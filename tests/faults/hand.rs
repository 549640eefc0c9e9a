//! A hand in etcd that works as long as one member does: it writes, lists, and reads the
//! history. It never goes through a proxy.

use std::time::{Duration, Instant};

use etcd_client::{
    Client, Error, EventType, GetOptions, KeyValue, PutOptions, Txn, TxnOp, WatchOptions,
};
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::model::PREFIX;
use crate::support::{PATIENCE, runtime};

/// How long one try to write may take. What is sent while a leader is elected is lost, and
/// tried again; to put the same twice harms nobody.
const WRITE_TRY: Duration = Duration::from_secs(1);
/// How long one try to read may take: lists and histories are long.
const READ_TRY: Duration = Duration::from_secs(10);
/// Operations in one transaction: below etcd's limit of 128.
const TXN_OPS: usize = 100;
/// Requests under way at once, where there are many.
const AT_ONCE: usize = 64;
/// Octets of one message that are taken; histories are long.
const MESSAGE_OCTETS: usize = 256 << 20;

/// Keys and values.
pub(super) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// One change of one key: its revision, the key, the new value unless it was deleted.
pub(super) type Event = (i64, Vec<u8>, Option<Vec<u8>>);

/// A hand in etcd.
pub(super) struct Hand {
    /// Where its connections live.
    runtime: Runtime,
    /// A connection to each member.
    clients: Vec<Client>,
    /// The members that are away: killed, frozen.
    away: Vec<usize>,
}

impl Hand {
    /// A hand in the members at these urls.
    pub(super) fn new(urls: &[String]) -> Self {
        let runtime = runtime();
        let connect = |url: &String| runtime.block_on(Client::connect([url], None)).unwrap();
        let clients = urls.iter().map(connect).collect();
        Self { runtime, clients, away: Vec::new() }
    }

    /// Goes around these members from now on.
    pub(super) fn avoid(&mut self, members: &[usize]) {
        self.away = members.to_vec();
    }

    /// Does something at one member after the other, until one of them does it.
    fn at_any<T, F>(&self, patience: Duration, what: impl Fn(Client) -> F) -> T
    where
        F: Future<Output = Result<T, Error>>,
    {
        let begun = Instant::now();
        let present = (0..self.clients.len()).filter(|at| !self.away.contains(at));
        for member in present.collect::<Vec<_>>().into_iter().cycle() {
            let client = self.clients[member].clone();
            let tried = self.runtime.block_on(async { timeout(patience, what(client)).await });
            match tried {
                Ok(Ok(done)) => return done,
                fault => {
                    let fault = fault.map(|it| it.err());
                    assert!(begun.elapsed() < PATIENCE, "etcd does not do it: {fault:?}");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        unreachable!("a member is always present")
    }

    /// Puts a key.
    pub(super) fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        let value = value.into();
        self.at_any(WRITE_TRY, |mut client| {
            let value = value.clone();
            async move { client.put(key, value, None).await.map(drop) }
        });
    }

    /// Deletes a key.
    pub(super) fn delete(&self, key: &str) {
        self.at_any(
            WRITE_TRY,
            |mut client| async move { client.delete(key, None).await.map(drop) },
        );
    }

    /// Puts keys, many in one revision.
    pub(super) fn put_all(&self, pairs: &[(String, String)]) {
        for chunk in pairs.chunks(TXN_OPS) {
            let put =
                |(key, value): &(String, String)| TxnOp::put(key.as_str(), value.as_str(), None);
            let txn = Txn::new().and_then(chunk.iter().map(put).collect::<Vec<_>>());
            self.at_any(WRITE_TRY, |mut client| {
                let txn = txn.clone();
                async move { client.txn(txn).await.map(drop) }
            });
        }
    }

    /// Puts each key under a lease of its own, of so many seconds. Gives the leases.
    pub(super) fn put_leased(&self, pairs: &[(String, String)], ttl: i64) -> Vec<i64> {
        let put = |pair: &(String, String)| {
            let (mut client, (key, value)) = (self.present(), pair.clone());
            async move {
                let lease = client.lease_grant(ttl, None).await.unwrap().id();
                let options = PutOptions::new().with_lease(lease);
                client.put(key, value, Some(options)).await.unwrap();
                lease
            }
        };
        let mut leases = Vec::new();
        for chunk in pairs.chunks(AT_ONCE) {
            leases.extend(self.runtime.block_on(join_all(chunk.iter().map(put))));
        }
        leases
    }

    /// Revokes leases, many at once.
    pub(super) fn revoke(&self, leases: &[i64]) {
        let revoke = |lease: &i64| {
            let (mut client, lease) = (self.present(), *lease);
            async move { client.lease_revoke(lease).await.unwrap() }
        };
        for chunk in leases.chunks(AT_ONCE) {
            self.runtime.block_on(join_all(chunk.iter().map(revoke)));
        }
    }

    /// A connection to a member that is there.
    fn present(&self) -> Client {
        let first = (0..self.clients.len()).find(|at| !self.away.contains(at));
        self.clients[first.unwrap()].clone()
    }

    /// Throws away the history before the newest revision.
    pub(super) fn compact(&self) {
        let (revision, _) = self.list();
        self.at_any(WRITE_TRY, |mut client| async move {
            client.compact(revision, None).await.map(drop)
        });
    }

    /// Every key of the registry and the revision at which that is true, read linearizably.
    pub(super) fn list(&self) -> (i64, Pairs) {
        let mut found = self.at_any(READ_TRY, |client| async move {
            let mut kv = client.kv_client().max_decoding_message_size(MESSAGE_OCTETS);
            kv.get(PREFIX, Some(GetOptions::new().with_prefix())).await
        });
        let pairs = found.take_kvs().into_iter().map(KeyValue::into_key_value).collect();
        (found.header().unwrap().revision(), pairs)
    }

    /// What happened to keys of the registry after a revision, up to now.
    pub(super) fn history(&self, after: i64) -> Vec<Event> {
        let (now, _) = self.list();
        if now <= after {
            return Vec::new();
        }
        self.at_any(READ_TRY, |client| read_history(client, after, now))
    }
}

/// Reads what happened between two revisions. Every key is watched, since each revision
/// then has an event, and the last one shows that all have come.
async fn read_history(client: Client, after: i64, to: i64) -> Result<Vec<Event>, Error> {
    let options = WatchOptions::new().with_all_keys().with_start_revision(after + 1);
    let mut watches = client.watch_client().max_decoding_message_size(MESSAGE_OCTETS);
    let mut stream = watches.watch("", Some(options)).await?;
    let (mut events, mut reached) = (Vec::new(), after);
    while reached < to {
        let message = stream.message().await?.ok_or(Error::WatchError("it ended".into()))?;
        assert!(!message.canceled(), "the history was compacted before it was read");
        for event in message.events() {
            let pair = event.kv().unwrap();
            reached = pair.mod_revision();
            let is_put = event.event_type() == EventType::Put;
            let value = is_put.then(|| pair.value().to_vec());
            events.push((reached, pair.key().to_vec(), value));
        }
    }
    Ok(events)
}
