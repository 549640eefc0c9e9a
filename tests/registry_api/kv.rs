//! Keys, ranges, deletions.

use etcd_client::{Client, DeleteOptions, GetOptions, KeyValue, PutOptions, SortOrder, SortTarget};
use tonic::Code;

use super::{keys, refusal};
use crate::support::registry::Registry;

on_both! {
    a_fresh_registry_is_empty_at_revision_one,
    a_put_counts_revisions_and_versions,
    a_put_returns_what_was_there,
    a_put_may_keep_the_value_or_the_lease,
    a_put_must_not_keep_what_it_sends_or_what_is_not_there,
    a_range_is_one_key_an_interval_a_prefix_or_all,
    a_limit_leaves_more_and_counts_all,
    keys_only_and_count_only,
    a_range_is_sorted_by_any_target,
    a_range_is_filtered_by_revisions,
    a_deletion_counts_and_forgets_the_version,
    a_deletion_of_nothing_is_no_revision,
    requests_without_a_key_are_refused,
    bytes_of_any_kind_are_keys_and_values,
}

/// Puts every pair, in this order.
async fn fill(client: &mut Client, pairs: &[(&str, &str)]) {
    for (key, value) in pairs {
        client.put(*key, *value, None).await.unwrap();
    }
}

/// The numbers of an entry: created, modified, version.
fn numbers(kv: &KeyValue) -> (i64, i64, i64) {
    (kv.create_revision(), kv.mod_revision(), kv.version())
}

async fn a_fresh_registry_is_empty_at_revision_one(registry: &Registry) {
    let mut client = registry.client().await;
    let all = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!((all.count(), all.kvs().len(), all.more()), (0, 0, false));
    let header = all.header().unwrap();
    assert_eq!(header.revision(), 1);
    assert!(header.cluster_id() != 0 && header.member_id() != 0 && header.raft_term() > 0);
}

async fn a_put_counts_revisions_and_versions(registry: &Registry) {
    let mut client = registry.client().await;
    let put = client.put("a", "1", None).await.unwrap();
    assert_eq!(put.header().unwrap().revision(), 2);
    fill(&mut client, &[("b", "1"), ("a", "2")]).await;
    let a = client.get("a", None).await.unwrap();
    assert_eq!(a.header().unwrap().revision(), 4);
    assert_eq!(numbers(&a.kvs()[0]), (2, 4, 2));
    assert_eq!((a.kvs()[0].value_str().unwrap(), a.kvs()[0].lease()), ("2", 0));
}

async fn a_put_returns_what_was_there(registry: &Registry) {
    let mut client = registry.client().await;
    let options = || Some(PutOptions::new().with_prev_key());
    let first = client.put("a", "1", options()).await.unwrap();
    assert!(first.prev_key().is_none());
    let second = client.put("a", "2", options()).await.unwrap();
    let previous = second.prev_key().unwrap();
    assert_eq!((previous.value_str().unwrap(), numbers(previous)), ("1", (2, 2, 1)));
}

async fn a_put_may_keep_the_value_or_the_lease(registry: &Registry) {
    let mut client = registry.client().await;
    let lease = client.lease_grant(60, None).await.unwrap().id();
    client.put("a", "1", Some(PutOptions::new().with_lease(lease))).await.unwrap();
    client.put("a", "2", Some(PutOptions::new().with_ignore_lease())).await.unwrap();
    let a = client.get("a", None).await.unwrap();
    assert_eq!((a.kvs()[0].value_str().unwrap(), a.kvs()[0].lease()), ("2", lease));

    client.put("a", "", Some(PutOptions::new().with_ignore_value())).await.unwrap();
    let a = client.get("a", None).await.unwrap();
    assert_eq!((a.kvs()[0].value_str().unwrap(), a.kvs()[0].lease()), ("2", 0));
}

async fn a_put_must_not_keep_what_it_sends_or_what_is_not_there(registry: &Registry) {
    let mut client = registry.client().await;
    client.put("a", "1", None).await.unwrap();
    let missing = client.put("b", "1", Some(PutOptions::new().with_ignore_lease())).await;
    assert_eq!(refusal(missing), (Code::InvalidArgument, "etcdserver: key not found".into()));
    let both = client.put("a", "1", Some(PutOptions::new().with_ignore_value())).await;
    assert_eq!(refusal(both), (Code::InvalidArgument, "etcdserver: value is provided".into()));
    let options = PutOptions::new().with_ignore_lease().with_lease(77);
    let both = client.put("a", "1", Some(options)).await;
    assert_eq!(refusal(both), (Code::InvalidArgument, "etcdserver: lease is provided".into()));
}

async fn a_range_is_one_key_an_interval_a_prefix_or_all(registry: &Registry) {
    let mut client = registry.client().await;
    fill(&mut client, &[("b", ""), ("a/2", ""), ("a", ""), ("a/1", ""), ("c", "")]).await;
    let cases = [
        ("a", GetOptions::new(), vec!["a"]),
        ("x", GetOptions::new(), vec![]),
        ("a", GetOptions::new().with_range("b"), vec!["a", "a/1", "a/2"]),
        ("b", GetOptions::new().with_range("a"), vec![]),
        ("a", GetOptions::new().with_range("a"), vec![]),
        ("a/", GetOptions::new().with_prefix(), vec!["a/1", "a/2"]),
        ("a/2", GetOptions::new().with_from_key(), vec!["a/2", "b", "c"]),
        ("", GetOptions::new().with_all_keys(), vec!["a", "a/1", "a/2", "b", "c"]),
    ];
    for (key, options, expected) in cases {
        let found = client.get(key, Some(options.clone())).await.unwrap();
        assert_eq!(keys(&found), expected, "{key} {options:?}");
        assert_eq!(usize::try_from(found.count()).unwrap(), expected.len());
    }
}

async fn a_limit_leaves_more_and_counts_all(registry: &Registry) {
    let mut client = registry.client().await;
    fill(&mut client, &[("a", ""), ("b", ""), ("c", "")]).await;
    for (limit, expected, more) in [(2, 2, true), (3, 3, false), (4, 3, false), (0, 3, false)] {
        let options = GetOptions::new().with_all_keys().with_limit(limit);
        let page = client.get("", Some(options)).await.unwrap();
        assert_eq!((page.kvs().len(), page.more(), page.count()), (expected, more, 3), "{limit}");
    }
    let options = GetOptions::new().with_all_keys().with_limit(2);
    let sorted = options.with_sort(SortTarget::Key, SortOrder::Descend);
    let page = client.get("", Some(sorted)).await.unwrap();
    assert_eq!((keys(&page), page.more(), page.count()), (vec!["c", "b"], true, 3));
}

async fn keys_only_and_count_only(registry: &Registry) {
    let mut client = registry.client().await;
    fill(&mut client, &[("a", "long"), ("b", "long")]).await;
    let options = GetOptions::new().with_all_keys().with_keys_only();
    let bare = client.get("", Some(options)).await.unwrap();
    assert!(bare.kvs().iter().all(|kv| kv.value().is_empty()));
    assert_eq!((keys(&bare), numbers(&bare.kvs()[1])), (vec!["a", "b"], (3, 3, 1)));
    let options = GetOptions::new().with_all_keys().with_count_only().with_limit(1);
    let count = client.get("", Some(options)).await.unwrap();
    assert_eq!((count.count(), count.kvs().len(), count.more()), (2, 0, false));
}

async fn a_range_is_sorted_by_any_target(registry: &Registry) {
    let mut client = registry.client().await;
    fill(&mut client, &[("b", "2"), ("a", "3"), ("c", "1"), ("b", "2"), ("b", "2"), ("c", "1")])
        .await;
    let cases = [
        (SortTarget::Key, SortOrder::Descend, ["c", "b", "a"]),
        (SortTarget::Version, SortOrder::Ascend, ["a", "c", "b"]),
        (SortTarget::Create, SortOrder::Descend, ["c", "a", "b"]),
        (SortTarget::Mod, SortOrder::Ascend, ["a", "b", "c"]),
        (SortTarget::Value, SortOrder::Descend, ["a", "b", "c"]),
        (SortTarget::Value, SortOrder::None, ["c", "b", "a"]),
    ];
    for (target, order, expected) in cases {
        let options = GetOptions::new().with_all_keys().with_sort(target, order);
        let found = client.get("", Some(options)).await.unwrap();
        assert_eq!(keys(&found), expected, "{target:?} {order:?}");
    }
}

async fn a_range_is_filtered_by_revisions(registry: &Registry) {
    let mut client = registry.client().await;
    // a is created at 2 and modified at 5, b at 3, c at 4.
    fill(&mut client, &[("a", ""), ("b", ""), ("c", ""), ("a", "")]).await;
    let all = || GetOptions::new().with_all_keys();
    let cases = [
        (all().with_min_mod_revision(4), vec!["a", "c"]),
        (all().with_max_mod_revision(4), vec!["b", "c"]),
        (all().with_min_create_revision(3), vec!["b", "c"]),
        (all().with_max_create_revision(3), vec!["a", "b"]),
        (all().with_min_mod_revision(4).with_max_create_revision(3), vec!["a"]),
        (all().with_min_mod_revision(4).with_limit(1), vec!["a"]),
    ];
    for (options, expected) in cases {
        let found = client.get("", Some(options.clone())).await.unwrap();
        assert_eq!((keys(&found), found.count()), (expected, 3), "{options:?}");
    }
}

async fn a_deletion_counts_and_forgets_the_version(registry: &Registry) {
    let mut client = registry.client().await;
    fill(&mut client, &[("a/1", "x"), ("a/2", "y"), ("b", ""), ("a/2", "z")]).await;
    let options = DeleteOptions::new().with_prefix().with_prev_key();
    let deleted = client.delete("a/", Some(options)).await.unwrap();
    let values: Vec<_> = deleted.prev_kvs().iter().map(|kv| kv.value_str().unwrap()).collect();
    assert_eq!((deleted.deleted(), values), (2, vec!["x", "z"]));
    assert_eq!(deleted.header().unwrap().revision(), 6);
    client.put("a/2", "new", None).await.unwrap();
    let found = client.get("a/2", None).await.unwrap();
    assert_eq!(numbers(&found.kvs()[0]), (7, 7, 1));
}

async fn a_deletion_of_nothing_is_no_revision(registry: &Registry) {
    let mut client = registry.client().await;
    fill(&mut client, &[("a", "")]).await;
    let deleted = client.delete("x", None).await.unwrap();
    assert_eq!((deleted.deleted(), deleted.header().unwrap().revision()), (0, 2));
}

async fn requests_without_a_key_are_refused(registry: &Registry) {
    let mut client = registry.client().await;
    let expected = (Code::InvalidArgument, "etcdserver: key is not provided".to_owned());
    assert_eq!(refusal(client.put("", "1", None).await), expected);
    assert_eq!(refusal(client.get("", None).await), expected);
    assert_eq!(refusal(client.delete("", None).await), expected);
}

async fn bytes_of_any_kind_are_keys_and_values(registry: &Registry) {
    let mut client = registry.client().await;
    let bytes: Vec<u8> = (0..=255).collect();
    for key in [vec![0], vec![0, 0], vec![255], bytes.clone()] {
        client.put(key.clone(), bytes.clone(), None).await.unwrap();
        let found = client.get(key.clone(), None).await.unwrap();
        assert_eq!((found.kvs()[0].key(), found.kvs()[0].value()), (&key[..], &bytes[..]));
    }
    let all = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!(all.count(), 4);
}
