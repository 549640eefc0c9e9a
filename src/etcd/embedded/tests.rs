//! The store by itself, with small limits and an artificial clock.
#![allow(clippy::unwrap_used, reason = "a test says what it needs by failing there")]

use std::time::Duration;

use etcd_client::proto::{
    PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp,
};
use tokio::time::Instant;

use super::limits::Limits;
use super::range::{self, Budget};
use super::refusal::Refusal;
use super::store::Store;

/// A put of a key with a value of some length.
fn put(key: &str, length: usize) -> PbPutRequest {
    PbPutRequest { key: key.into(), value: vec![b'v'; length], ..Default::default() }
}

/// A put with a lease.
fn put_leased(key: &str, lease: i64) -> PbPutRequest {
    PbPutRequest { lease, ..put(key, 1) }
}

/// The keys of a store, in their order.
fn keys(store: &Store) -> Vec<String> {
    let all = PbRangeRequest { key: vec![0], range_end: vec![0], ..Default::default() };
    let generation = store.at(0).unwrap();
    let found = range::answer(&generation.keys, &all, &mut Budget::new(usize::MAX)).unwrap();
    found.kvs.into_iter().map(|kv| String::from_utf8(kv.key).unwrap()).collect()
}

#[test]
fn keys_are_counted() {
    let mut store = Store::new(Limits { keys: 2, ..Limits::default() });
    store.put(&put("a", 1)).unwrap();
    store.put(&put("b", 1)).unwrap();
    assert_eq!(store.put(&put("c", 1)), Err(Refusal::TooManyKeys(2)));
    store.put(&put("b", 2)).unwrap();
    store.delete(&PbDeleteRequest { key: b"a".to_vec(), ..Default::default() }).unwrap();
    store.put(&put("c", 1)).unwrap();
    assert_eq!(keys(&store), ["b", "c"]);
}

#[test]
fn stored_bytes_are_counted_and_a_full_store_can_be_emptied() {
    let mut store = Store::new(Limits { stored_bytes: 100, ..Limits::default() });
    store.put(&put("a", 60)).unwrap();
    assert_eq!(store.put(&put("b", 60)), Err(Refusal::StoreFull(100)));
    assert_eq!((store.revision(), store.bytes()), (2, 61));
    store.put(&put("a", 30)).unwrap();
    store.put(&put("b", 60)).unwrap();
    assert_eq!(store.bytes(), 92);
    let all = PbDeleteRequest { key: vec![0], range_end: vec![0], ..Default::default() };
    assert_eq!(store.delete(&all).map(|deleted| deleted.deleted), Ok(2));
    assert_eq!(store.bytes(), 0);
}

#[test]
fn a_transaction_cannot_multiply_an_answer() {
    let mut store = Store::new(Limits { answer_bytes: 1_000, ..Limits::default() });
    store.put(&put("a", 99)).unwrap();
    let get = PbRangeRequest { key: b"a".to_vec(), ..Default::default() };
    let op = PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestRange(get)) };
    let txn = |n| PbTxnRequest { success: vec![op.clone(); n], ..Default::default() };
    assert!(store.txn(&txn(10)).is_ok());
    assert_eq!(store.txn(&txn(11)).err(), Some(Refusal::AnswerTooLarge(1_000)));
}

#[test]
fn nested_transactions_are_counted_together() {
    let get = PbRangeRequest { key: b"a".to_vec(), ..Default::default() };
    let get = PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestRange(get)) };
    let inner = PbTxnRequest { success: vec![get; 60], ..Default::default() };
    let inner = PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestTxn(inner)) };
    let outer = |n| PbTxnRequest { success: vec![inner.clone(); n], ..Default::default() };
    let mut store = Store::new(Limits::default());
    assert!(store.txn(&outer(16)).is_ok());
    assert_eq!(store.txn(&outer(17)).err(), Some(Refusal::TooManyOps));
}

#[test]
fn leases_are_counted() {
    let mut store = Store::new(Limits { leases: 1, ..Limits::default() });
    let now = Instant::now();
    assert_eq!(store.grant(7, 10, now), Ok((7, 10)));
    assert_eq!(store.grant(8, 10, now), Err(Refusal::TooManyLeases(1)));
    store.revoke(7).unwrap();
    assert_eq!(store.grant(8, 10, now), Ok((8, 10)));
}

#[test]
fn leases_run_out_in_order_and_each_in_its_revision() {
    let mut store = Store::new(Limits::default());
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    for (id, ttl) in [(1, 10), (2, 5), (3, 20), (4, 5)] {
        store.grant(id, ttl, start).unwrap();
        store.put(&put_leased(&format!("k{id}"), id)).unwrap();
    }
    assert_eq!(store.next_deadline(), Some(after(5)));
    assert_eq!(store.keep_alive(4, after(4)), Some(5));
    store.expire(after(8), 100);
    assert_eq!((keys(&store), store.revision()), (vec!["k1".into(), "k3".into(), "k4".into()], 6));
    store.expire(after(30), 2);
    assert_eq!((keys(&store), store.revision()), (vec!["k3".to_owned()], 8));
    store.expire(after(30), 100);
    assert_eq!((store.revision(), store.next_deadline()), (9, None));
    assert_eq!(store.keep_alive(3, after(30)), None);
}

#[test]
fn the_history_is_bounded_in_revisions_and_in_bytes() {
    let mut store = Store::new(Limits { history_revisions: 10, ..Limits::default() });
    (0..100).for_each(|_| drop(store.put(&put("a", 1)).unwrap()));
    assert_eq!(store.history().compacted(), 92);
    assert_eq!(store.at(91).err(), Some(Refusal::Compacted));
    assert!(store.at(92).is_ok() && store.history().since(92, 1).is_some());
    let mut store = Store::new(Limits { history_bytes: 100_000, ..Limits::default() });
    (0..100).for_each(|_| drop(store.put(&put("a", 10_000)).unwrap()));
    assert!((94..101).contains(&store.history().compacted()));
}
