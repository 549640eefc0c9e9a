//! Compares, branches, and what a transaction must not contain.

use etcd_client::{
    Client, Compare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn, TxnOp, TxnOpResponse,
};
use tonic::Code;

use super::{keys, refusal};
use crate::support::registry::Registry;

on_both! {
    create_if_absent_happens_once,
    every_target_compares_with_every_result,
    a_missing_key_has_zeros_and_no_value,
    a_compare_over_a_range_holds_for_all_of_it,
    a_lease_is_compared,
    all_writes_are_one_revision,
    a_transaction_reads_its_own_writes_and_the_past,
    nested_transactions_take_their_branches_by_what_was_there,
    a_refused_transaction_does_nothing,
    a_key_is_written_once,
    branches_that_exclude_each_other_may_write_the_same_key,
    many_reads_are_of_one_moment,
    too_many_operations_are_refused,
}

/// Tells whether `compares` hold now.
async fn holds(client: &mut Client, compares: impl Into<Vec<Compare>>) -> bool {
    client.txn(Txn::new().when(compares)).await.unwrap().succeeded()
}

async fn create_if_absent_happens_once(registry: &Registry) {
    let mut client = registry.client().await;
    let create = |value: &str| {
        Txn::new()
            .when([Compare::create_revision("a", CompareOp::Equal, 0)])
            .and_then([TxnOp::put("a", value, None)])
            .or_else([TxnOp::get("a", None)])
    };
    let first = client.txn(create("1")).await.unwrap();
    assert!(first.succeeded());
    assert_eq!(first.header().unwrap().revision(), 2);
    let second = client.txn(create("2")).await.unwrap();
    assert!(!second.succeeded());
    assert_eq!(second.header().unwrap().revision(), 2);
    let responses = second.op_responses();
    let [TxnOpResponse::Get(found)] = &responses[..] else { panic!("{responses:?}") };
    assert_eq!((found.kvs()[0].value(), found.count()), (&b"1"[..], 1));
}

async fn every_target_compares_with_every_result(registry: &Registry) {
    let mut client = registry.client().await;
    for value in ["k", "l", "m"] {
        client.put("a", value, None).await.unwrap();
    }
    // Created at 2, modified at 4, version 3: one below, the same, one above.
    let makers: [&dyn Fn(CompareOp, i64) -> Compare; 4] = [
        &|op, d| Compare::create_revision("a", op, 2 + d),
        &|op, d| Compare::mod_revision("a", op, 4 + d),
        &|op, d| Compare::version("a", op, 3 + d),
        &|op, d| Compare::value("a", op, ["l", "m", "n"][usize::try_from(d + 1).unwrap()]),
    ];
    let expected = [
        (CompareOp::Equal, [false, true, false]),
        (CompareOp::NotEqual, [true, false, true]),
        (CompareOp::Greater, [true, false, false]),
        (CompareOp::Less, [false, false, true]),
    ];
    for (i, make) in makers.iter().enumerate() {
        for (op, results) in expected {
            for (distance, result) in (-1..).zip(results) {
                let held = holds(&mut client, [make(op, distance)]).await;
                assert_eq!(held, result, "target {i}, {op:?}, distance {distance}");
            }
        }
    }
}

async fn a_missing_key_has_zeros_and_no_value(registry: &Registry) {
    let mut client = registry.client().await;
    assert!(holds(&mut client, [Compare::version("x", CompareOp::Equal, 0)]).await);
    assert!(holds(&mut client, [Compare::mod_revision("x", CompareOp::Less, 1)]).await);
    assert!(holds(&mut client, [Compare::lease("x", CompareOp::Equal, 0)]).await);
    for op in [CompareOp::Equal, CompareOp::NotEqual, CompareOp::Greater, CompareOp::Less] {
        assert!(!holds(&mut client, [Compare::value("x", op, "")]).await, "{op:?}");
    }
    assert!(holds(&mut client, []).await);
}

async fn a_compare_over_a_range_holds_for_all_of_it(registry: &Registry) {
    let mut client = registry.client().await;
    for key in ["a/1", "a/2", "b"] {
        client.put(key, "v", None).await.unwrap();
    }
    client.put("a/2", "w", None).await.unwrap();
    let version = |op, n| [Compare::version("a/", op, n).with_prefix()];
    assert!(holds(&mut client, version(CompareOp::Greater, 0)).await);
    assert!(!holds(&mut client, version(CompareOp::Equal, 1)).await);
    let one = Compare::value("a/", CompareOp::Equal, "v").with_range("a/2");
    assert!(holds(&mut client, [one]).await);
    let none = Compare::create_revision("c/", CompareOp::Equal, 0).with_prefix();
    assert!(holds(&mut client, [none]).await);
}

async fn a_lease_is_compared(registry: &Registry) {
    let mut client = registry.client().await;
    let lease = client.lease_grant(60, None).await.unwrap().id();
    client.put("a", "1", Some(PutOptions::new().with_lease(lease))).await.unwrap();
    let refresh = |id| {
        Txn::new()
            .when([Compare::lease("a", CompareOp::Equal, id)])
            .and_then([TxnOp::delete("a", None)])
    };
    assert!(!client.txn(refresh(lease + 1)).await.unwrap().succeeded());
    assert!(client.txn(refresh(lease)).await.unwrap().succeeded());
    assert_eq!(client.get("a", None).await.unwrap().count(), 0);
}

async fn all_writes_are_one_revision(registry: &Registry) {
    let mut client = registry.client().await;
    client.put("old", "", None).await.unwrap();
    let ops = [TxnOp::put("a", "", None), TxnOp::delete("old", None), TxnOp::put("b", "", None)];
    let done = client.txn(Txn::new().and_then(ops)).await.unwrap();
    assert_eq!(done.header().unwrap().revision(), 3);
    let all = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!(keys(&all), ["a", "b"]);
    assert!(all.kvs().iter().all(|kv| kv.mod_revision() == 3));
}

async fn a_transaction_reads_its_own_writes_and_the_past(registry: &Registry) {
    let mut client = registry.client().await;
    client.put("a", "old", None).await.unwrap();
    let ops = [
        TxnOp::put("a", "new", None),
        TxnOp::get("a", None),
        TxnOp::get("a", Some(GetOptions::new().with_revision(2))),
    ];
    let done = client.txn(Txn::new().and_then(ops)).await.unwrap();
    let responses = done.op_responses();
    let [TxnOpResponse::Put(put), TxnOpResponse::Get(now), TxnOpResponse::Get(then)] =
        &responses[..]
    else {
        panic!("{responses:?}")
    };
    assert_eq!(put.header().unwrap().revision(), 3);
    assert_eq!((now.kvs()[0].value(), now.header().unwrap().revision()), (&b"new"[..], 3));
    assert_eq!(then.kvs()[0].value(), b"old");
}

async fn nested_transactions_take_their_branches_by_what_was_there(registry: &Registry) {
    let mut client = registry.client().await;
    let inner = Txn::new()
        .when([Compare::value("a", CompareOp::Equal, "1")])
        .and_then([TxnOp::put("saw", "the outer write", None)])
        .or_else([TxnOp::put("saw", "what was there", None)]);
    let outer = Txn::new().and_then([TxnOp::put("a", "1", None), TxnOp::txn(inner)]);
    for (succeeded, expected) in [(false, "what was there"), (true, "the outer write")] {
        let done = client.txn(outer.clone()).await.unwrap();
        let responses = done.op_responses();
        let [_, TxnOpResponse::Txn(inner)] = &responses[..] else { panic!("{responses:?}") };
        assert_eq!(inner.succeeded(), succeeded);
        let saw = client.get("saw", None).await.unwrap();
        let revision = done.header().unwrap().revision();
        assert_eq!(saw.kvs()[0].value_str().unwrap(), expected);
        assert_eq!(saw.kvs()[0].mod_revision(), revision);
    }
}

async fn a_refused_transaction_does_nothing(registry: &Registry) {
    let mut client = registry.client().await;
    let no_lease = PutOptions::new().with_lease(77);
    let cases = [
        (TxnOp::put("", "", None), Code::InvalidArgument),
        (TxnOp::put("b", "", Some(no_lease)), Code::NotFound),
        (TxnOp::put("b", "", Some(PutOptions::new().with_ignore_value())), Code::InvalidArgument),
        (TxnOp::get("b", Some(GetOptions::new().with_revision(99))), Code::OutOfRange),
    ];
    for (op, code) in cases {
        let txn = Txn::new().and_then([TxnOp::put("a", "", None), op.clone()]);
        assert_eq!(refusal(client.txn(txn).await).0, code, "{op:?}");
    }
    let all = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!((all.count(), all.header().unwrap().revision()), (0, 1));
}

async fn a_key_is_written_once(registry: &Registry) {
    let mut client = registry.client().await;
    let put = || TxnOp::put("a/1", "", None);
    let prefix = || TxnOp::delete("a/", Some(DeleteOptions::new().with_prefix()));
    let nested = || TxnOp::txn(Txn::new().or_else([put()]));
    let twice = [[put(), put()], [put(), prefix()], [prefix(), put()], [put(), nested()]];
    for ops in twice {
        let message = "etcdserver: duplicate key given in txn request".to_owned();
        let in_then = client.txn(Txn::new().and_then(ops.clone())).await;
        assert_eq!(refusal(in_then), (Code::InvalidArgument, message.clone()), "{ops:?}");
        let in_else = client.txn(Txn::new().or_else(ops.clone())).await;
        assert_eq!(refusal(in_else), (Code::InvalidArgument, message), "{ops:?}");
    }
    let other = TxnOp::put("b", "", None);
    client.txn(Txn::new().and_then([prefix(), prefix(), other])).await.unwrap();
}

async fn branches_that_exclude_each_other_may_write_the_same_key(registry: &Registry) {
    let mut client = registry.client().await;
    let put = |value| [TxnOp::put("a", value, None)];
    let either = Txn::new().and_then(put("then")).or_else(put("else"));
    client.txn(either.clone()).await.unwrap();
    client.txn(Txn::new().and_then([TxnOp::txn(either)])).await.unwrap();
    assert_eq!(client.get("a", None).await.unwrap().kvs()[0].version(), 2);
}

async fn many_reads_are_of_one_moment(registry: &Registry) {
    let mut client = registry.client().await;
    for n in 0..64 {
        client.put(format!("k/{n:02}"), format!("{n}"), None).await.unwrap();
    }
    let gets = (0..128).map(|n| TxnOp::get(format!("k/{n:02}"), None)).collect::<Vec<_>>();
    let done = client.txn(Txn::new().and_then(gets)).await.unwrap();
    assert_eq!(done.header().unwrap().revision(), 65);
    for (n, response) in done.op_responses().iter().enumerate() {
        let TxnOpResponse::Get(found) = response else { panic!("{response:?}") };
        let values: Vec<_> = found.kvs().iter().map(|kv| kv.value_str().unwrap()).collect();
        let expected: Vec<_> = (n < 64).then(|| n.to_string()).into_iter().collect();
        assert_eq!(
            (values, found.header().unwrap().revision()),
            (expected.iter().map(String::as_str).collect(), 65)
        );
    }
}

async fn too_many_operations_are_refused(registry: &Registry) {
    let mut client = registry.client().await;
    let gets = |n| vec![TxnOp::get("a", None); n];
    client.txn(Txn::new().and_then(gets(128)).or_else(gets(128))).await.unwrap();
    let expected =
        (Code::InvalidArgument, "etcdserver: too many operations in txn request".to_owned());
    assert_eq!(refusal(client.txn(Txn::new().and_then(gets(129))).await), expected);
    assert_eq!(refusal(client.txn(Txn::new().or_else(gets(129))).await), expected);
    let compares = vec![Compare::version("a", CompareOp::Equal, 0); 129];
    assert_eq!(refusal(client.txn(Txn::new().when(compares)).await), expected);
    let nested = TxnOp::txn(Txn::new().and_then(gets(128)));
    assert_eq!(refusal(client.txn(Txn::new().and_then([nested])).await), expected);
}
