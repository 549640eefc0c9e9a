//! The store by itself, with small limits and an artificial clock.
#![allow(clippy::unwrap_used, reason = "a test says what it needs by failing there")]

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_client::proto::{
    PbCompare, PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTxnOpRequest, PbTxnRequest,
    PbTxnRequestOp,
};
use proptest::prelude::*;
use tokio::time::Instant;

use super::interval::Interval;
use super::limits::Limits;
use super::range::{self, Budget};
use super::refusal::RequestRefusal;
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
    assert_eq!(store.put(&put("c", 1)), Err(RequestRefusal::TooManyKeys(2)));
    store.put(&put("b", 2)).unwrap();
    store.delete(&PbDeleteRequest { key: b"a".to_vec(), ..Default::default() }).unwrap();
    store.put(&put("c", 1)).unwrap();
    assert_eq!(keys(&store), ["b", "c"]);
}

#[test]
fn stored_bytes_are_counted_and_a_full_store_can_be_emptied() {
    let mut store = Store::new(Limits { stored_bytes: 100, ..Limits::default() });
    store.put(&put("a", 60)).unwrap();
    assert_eq!(store.put(&put("b", 60)), Err(RequestRefusal::StoreFull(100)));
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
    assert_eq!(store.txn(&txn(11)).err(), Some(RequestRefusal::AnswerTooLarge(1_000)));
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
    assert_eq!(store.txn(&outer(17)).err(), Some(RequestRefusal::TooManyOps));
}

#[test]
fn leases_are_counted() {
    let mut store = Store::new(Limits { leases: 1, ..Limits::default() });
    let now = Instant::now();
    assert_eq!(store.grant(7, 10, now), Ok((7, 10)));
    assert_eq!(store.grant(8, 10, now), Err(RequestRefusal::TooManyLeases(1)));
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
    assert_eq!(store.at(91).err(), Some(RequestRefusal::Compacted));
    assert!(store.at(92).is_ok() && store.history().since(92, 1).is_some());
    let mut store = Store::new(Limits { history_bytes: 100_000, ..Limits::default() });
    (0..100).for_each(|_| drop(store.put(&put("a", 10_000)).unwrap()));
    assert!((94..101).contains(&store.history().compacted()));
}

/// The keys and values, as simply as they can be kept.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// The keys and values of a store at a revision.
fn list(store: &Store, revision: i64) -> Model {
    let all = PbRangeRequest { key: vec![0], range_end: vec![0], ..Default::default() };
    let generation = store.at(revision).unwrap();
    let found = range::answer(&generation.keys, &all, &mut Budget::new(usize::MAX)).unwrap();
    found.kvs.into_iter().map(|kv| (kv.key, kv.value)).collect()
}

/// A put or a deletion among few keys, so that they meet.
fn any_op() -> impl Strategy<Value = PbTxnOpRequest> {
    let key = || proptest::collection::vec(0..3_u8, 1..3);
    let put = (key(), any::<u8>()).prop_map(|(key, value)| {
        PbTxnOpRequest::RequestPut(PbPutRequest { key, value: vec![value], ..Default::default() })
    });
    let range = (key(), proptest::collection::vec(0..3_u8, 0..3));
    let delete = range.prop_map(|(key, range_end)| {
        PbTxnOpRequest::RequestDeleteRange(PbDeleteRequest { key, range_end, prev_kv: true })
    });
    prop_oneof![put, delete]
}

/// Does to the model what `op` does to a store.
fn model_op(model: &mut Model, op: &PbTxnOpRequest) {
    match op {
        PbTxnOpRequest::RequestPut(put) => drop(model.insert(put.key.clone(), put.value.clone())),
        PbTxnOpRequest::RequestDeleteRange(delete) => {
            let doomed = Interval::new(&delete.key, &delete.range_end);
            model.retain(|key, _| !doomed.contains(key));
        }
        _ => {}
    }
}

proptest! {
    /// Transactions do what they would do to a simple map, a refused one nothing; and
    /// whoever applies the events of a revision after those before has its list.
    #[test]
    fn events_add_up_to_the_list(
        txns in proptest::collection::vec(proptest::collection::vec(any_op(), 0..4), 0..30)
    ) {
        let (mut store, mut model) = (Store::new(Limits::default()), Model::new());
        for ops in txns {
            let op = |op: &PbTxnOpRequest| PbTxnRequestOp { request: Some(op.clone()) };
            let success = ops.iter().map(op).collect();
            if store.txn(&PbTxnRequest { success, ..Default::default() }).is_ok() {
                ops.iter().for_each(|op| model_op(&mut model, op));
            }
            prop_assert_eq!(&list(&store, 0), &model);
        }
        let mut applied = Model::new();
        for generation in store.history().since(1, usize::MAX).unwrap() {
            for event in &generation.events {
                prop_assert_eq!(event.entry.mod_revision, generation.revision);
                match event.is_delete() {
                    true => applied.remove(&event.entry.key),
                    false => applied.insert(event.entry.key.clone(), event.entry.value.clone()),
                };
            }
            prop_assert_eq!(&applied, &list(&store, generation.revision));
        }
    }

    /// No numbers and no bytes of a request make the store panic.
    #[test]
    fn any_request_is_answered_or_refused(
        numbers in any::<[i64; 6]>(),
        kinds in any::<[i32; 2]>(),
        key in any::<Vec<u8>>(),
        range_end in any::<Vec<u8>>(),
        lease in any::<(i64, i64)>(),
    ) {
        let mut store = Store::new(Limits::default());
        store.put(&put("a", 1)).unwrap();
        let [limit, revision, min_mod_revision, max_mod_revision, min, max] = numbers;
        let range = PbRangeRequest {
            key: key.clone(), range_end: range_end.clone(), limit, revision,
            sort_order: kinds[0], sort_target: kinds[1], min_mod_revision, max_mod_revision,
            min_create_revision: min, max_create_revision: max, ..Default::default()
        };
        let range = PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestRange(range)) };
        let compare =
            PbCompare { result: kinds[0], target: kinds[1], key, range_end, target_union: None };
        let empty = PbTxnRequestOp { request: None };
        let _ = store.txn(&PbTxnRequest { success: vec![range], ..Default::default() });
        let _ = store.txn(&PbTxnRequest { compare: vec![compare], ..Default::default() });
        let _ = store.txn(&PbTxnRequest { failure: vec![empty], ..Default::default() });
        let _ = store.compact(revision);
        let _ = store.grant(lease.0, lease.1, Instant::now());
        let _ = store.keep_alive(lease.0, Instant::now());
        let _ = store.history().since(revision, 10);
    }
}
