//! Registrations, put many at a time, and what they must lead to.

use std::collections::HashSet;
use std::sync::Arc;

use etcd_client::{Client, GetOptions, KeyValue, PutOptions, Txn, TxnOp};
use srvd::index::{Index, Publisher, Zone};
use srvd::registry::{Layout, Proto, Publish, Stored, Table, Update};
use tokio::runtime::Runtime;

use super::server::Server;
use crate::fixture::settings;
use crate::support::eventually;

/// Operations in one transaction: below etcd's limit of 128.
const TXN_OPS: usize = 100;
/// Keys asked for at once. The client takes 4 MiB, so large values want fewer.
const PAGE_KEYS: i64 = 2_000;

/// A client of etcd that blocks.
pub(crate) struct Writer {
    /// Where its connection lives.
    runtime: Runtime,
    /// The connection.
    client: Client,
}

impl Writer {
    /// A connection to an endpoint.
    pub(crate) fn new(url: &str) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(Client::connect([url], None)).unwrap();
        Self { runtime, client }
    }

    /// Puts one key.
    pub(crate) fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.runtime.block_on(self.client.kv_client().put(key, value, None)).unwrap();
    }

    /// Deletes one key.
    pub(crate) fn delete(&self, key: &str) {
        self.runtime.block_on(self.client.kv_client().delete(key, None)).unwrap();
    }

    /// Puts keys as one transaction: all of one revision.
    pub(super) fn put_at_once(&self, pairs: &[(String, String)]) {
        let ops: Vec<_> = pairs
            .iter()
            .map(|(key, value)| TxnOp::put(key.as_str(), value.as_str(), None))
            .collect();
        let mut kv = self.client.kv_client();
        let txn = kv.txn(Txn::new().and_then(ops));
        assert!(self.runtime.block_on(txn).unwrap().succeeded());
    }

    /// Puts keys in transactions as large as they may be.
    pub(crate) fn put_all(&self, pairs: &[(String, String)]) {
        pairs.chunks(TXN_OPS).for_each(|chunk| self.put_at_once(chunk));
    }

    /// Grants a lease and puts keys under it. Gives the lease.
    pub(super) fn put_leased(&self, pairs: &[(String, String)], ttl: i64) -> i64 {
        self.runtime.block_on(async {
            let lease = self.client.lease_client().grant(ttl, None).await.unwrap().id();
            for (key, value) in pairs {
                let options = Some(PutOptions::new().with_lease(lease));
                self.client.kv_client().put(key.as_str(), value.as_str(), options).await.unwrap();
            }
            lease
        })
    }

    /// Revokes a lease: all its keys go in one revision.
    pub(super) fn revoke(&self, lease: i64) {
        self.runtime.block_on(self.client.lease_client().revoke(lease)).unwrap();
    }

    /// Changes keys at random, many at once: puts, deletions, and values of no use.
    pub(crate) fn flood(&self, changes: usize) {
        /// Requests under way at once.
        const AT_ONCE: usize = 32;
        let one_after_the_other = |mut kv: etcd_client::KvClient| async move {
            for _ in 0..changes / AT_ONCE {
                let key = format!("/services/s{}/{}", fastrand::u8(..50), fastrand::u8(..40));
                match fastrand::u8(..10) {
                    0..2 => drop(kv.delete(key, None).await.unwrap()),
                    2 => drop(kv.put(key, "of no use", None).await.unwrap()),
                    _ => drop(kv.put(key, random_value(), None).await.unwrap()),
                }
            }
        };
        let floods = (0..AT_ONCE).map(|_| one_after_the_other(self.client.kv_client()));
        self.runtime.block_on(futures_util::future::join_all(floods));
    }

    /// The registry's revision, as serials have it.
    pub(super) fn revision(&self) -> u32 {
        let answer = self.runtime.block_on(self.client.kv_client().get("\0", None)).unwrap();
        answer.header().unwrap().revision() as u32
    }

    /// Throws away the history up to now.
    pub(super) fn compact(&self) {
        self.runtime.block_on(async {
            let mut kv = self.client.kv_client();
            let answer = kv.get("\0", None).await.unwrap();
            let revision = answer.header().unwrap().revision();
            kv.compact(revision, None).await.unwrap();
        });
    }

    /// Every key below `/services` with its value.
    pub(crate) fn list(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.pairs().into_iter().map(KeyValue::into_key_value).collect()
    }

    /// Every key below `/services` with all that etcd says of it, read page by page.
    fn pairs(&self) -> Vec<KeyValue> {
        self.runtime.block_on(async {
            let (mut from, mut all) = (b"/services/".to_vec(), Vec::new());
            loop {
                let options = GetOptions::new().with_range("/services0").with_limit(PAGE_KEYS);
                let mut kv = self.client.kv_client().max_decoding_message_size(1 << 30);
                let mut page = kv.get(from, Some(options)).await.unwrap();
                all.extend(page.take_kvs());
                if !page.more() {
                    return all;
                }
                from = [all.last().map_or(&[][..], KeyValue::key), b"\0"].concat();
            }
        })
    }

    /// The oracle: lists etcd, builds the index from nothing, and waits until the server
    /// holds and answers the same.
    pub(super) fn expect_shown_by(&self, server: &Server) {
        let pairs = self.pairs();
        let (expected, names) = index_of(&pairs);
        let expected = Arc::clone(&expected.load().zones()[0]);
        let differs = || first_difference(&expected, &server.zone(), &names);
        assert!(eventually(|| differs().is_none()), "{:?}", differs());
        for name in names.iter().take(200) {
            let question = format!("SRV _{name}._tcp.services.internal");
            let instances = expected.service(name.as_bytes()).into_iter();
            let instances = instances.flat_map(|service| service.on_transport(Proto::Tcp));
            // Equal records are one: two random locations may be the same.
            let wanted = instances.map(|it| it.location()).collect::<HashSet<_>>().len();
            let reply = server.ask(&question);
            let is_right = reply.truncated || reply.answers.len() == wanted;
            assert!(is_right, "{question}: {wanted} wanted, {reply:?}");
        }
    }
}

/// A document or a plain location.
fn random_value() -> String {
    let (host, port) = (fastrand::u8(1..), fastrand::u16(1..));
    match fastrand::u8(..3) {
        0 => format!("10.0.0.{host}:{port}"),
        1 => format!("grpc://[2001:db8::{host}]:{port}"),
        _ => format!(r#"{{"hostname":"h{host}.example","port":{port},"proto":"udp"}}"#),
    }
}

/// An index built from nothing, and the labels of its services.
fn index_of(pairs: &[KeyValue]) -> (Arc<Index>, Vec<String>) {
    let zone = Arc::new(settings("services.internal."));
    let index = Arc::new(Index::new(vec![zone], true));
    let mut table = Table::new(Layout::new("/services", None).unwrap());
    let mut update = Update { revision: 1, ..Update::default() };
    for pair in pairs {
        let stored = Stored { value: pair.value(), is_leased: pair.lease() != 0 };
        table.put(pair.key(), stored, &mut update);
    }
    let mut names: Vec<_> = update
        .changes
        .iter()
        .filter_map(|change| Some(change.after.as_ref()?.name.to_ascii_lowercase()))
        .collect();
    names.sort_unstable();
    names.dedup();
    Publisher::new(Arc::clone(&index), 0).publish(update);
    (index, names)
}

/// The first service in which two zones differ.
fn first_difference(expected: &Zone, shown: &Zone, names: &[String]) -> Option<String> {
    if expected.len() != shown.len() {
        return Some(format!("{} services, not {}", shown.len(), expected.len()));
    }
    let held = |zone: &Zone, name: &str| {
        zone.service(name.as_bytes())
            .map(|service| service.instances().cloned().collect::<Vec<_>>())
    };
    let differs = |name: &&String| held(expected, name) != held(shown, name);
    names.iter().find(differs).map(|name| format!("service {name} differs"))
}

/// Registrations of one service: keys and plain locations, each with another address.
pub(crate) fn instances(name: &str, count: usize) -> Vec<(String, String)> {
    let pair = |n: usize| {
        let address = format!("10.{}.{}.{}", n >> 16, n >> 8 & 0xff, n & 0xff);
        (format!("/services/{name}/{n}"), format!("http://{address}:8080"))
    };
    (0..count).map(pair).collect()
}
