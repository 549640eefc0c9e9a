//! Reading the past, until it is compacted.

use etcd_client::GetOptions;
use tonic::Code;

use super::{keys, refusal};
use crate::support::registry::Registry;

on_both! {
    an_earlier_revision_reads_as_it_was,
    pages_at_a_revision_are_one_picture,
    a_future_revision_is_refused,
    a_compacted_revision_is_refused,
}

/// What etcd says of the compacted past.
fn compacted() -> (Code, String) {
    (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted".into())
}

/// What etcd says of the future.
fn future() -> (Code, String) {
    (Code::OutOfRange, "etcdserver: mvcc: required revision is a future revision".into())
}

async fn an_earlier_revision_reads_as_it_was(registry: &Registry) {
    let mut client = registry.client().await;
    client.put("a", "1", None).await.unwrap();
    client.put("a", "2", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    client.put("a", "3", None).await.unwrap();
    let expected = [(1, None), (2, Some("1")), (3, Some("2")), (4, None), (5, Some("3"))];
    for (revision, value) in expected {
        let options = GetOptions::new().with_revision(revision);
        let found = client.get("a", Some(options)).await.unwrap();
        let values = found.kvs().first().map(|kv| kv.value_str().unwrap());
        assert_eq!(values, value, "at revision {revision}");
        assert_eq!(found.header().unwrap().revision(), 5);
    }
}

async fn pages_at_a_revision_are_one_picture(registry: &Registry) {
    let mut client = registry.client().await;
    for i in 0..10 {
        client.put(format!("k/{i}"), "old", None).await.unwrap();
    }
    let revision = 11;
    let (mut next, mut seen) = (b"k/".to_vec(), Vec::new());
    loop {
        let options = GetOptions::new().with_range("k0").with_limit(3).with_revision(revision);
        let page = client.get(next, Some(options)).await.unwrap();
        assert!(page.kvs().iter().all(|kv| kv.value() == b"old"));
        seen.extend(keys(&page).into_iter().map(str::to_owned));
        // Changes in between must not be seen.
        client.put(format!("k/{}", seen.len()), "new", None).await.unwrap();
        client.put(format!("k/{}x", seen.len()), "new", None).await.unwrap();
        if !page.more() {
            break;
        }
        next = [page.kvs().last().unwrap().key(), b"\0"].concat();
    }
    assert_eq!(seen, (0..10).map(|i| format!("k/{i}")).collect::<Vec<_>>());
}

async fn a_future_revision_is_refused(registry: &Registry) {
    let mut client = registry.client().await;
    let found = client.get("a", Some(GetOptions::new().with_revision(2))).await;
    assert_eq!(refusal(found), future());
    assert_eq!(refusal(client.compact(2, None).await), future());
}

async fn a_compacted_revision_is_refused(registry: &Registry) {
    let mut client = registry.client().await;
    for value in ["1", "2", "3"] {
        client.put("a", value, None).await.unwrap();
    }
    client.compact(3, None).await.unwrap();
    let at = |revision| Some(GetOptions::new().with_revision(revision));
    assert_eq!(refusal(client.get("a", at(2)).await), compacted());
    assert_eq!(client.get("a", at(3)).await.unwrap().kvs()[0].value(), b"2");
    assert_eq!(client.get("a", None).await.unwrap().kvs()[0].value(), b"3");
    assert_eq!(refusal(client.compact(3, None).await), compacted());
    assert_eq!(refusal(client.compact(2, None).await), compacted());
}
