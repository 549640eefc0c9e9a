//! Following the changes.

use etcd_client::{
    Client, DeleteOptions, Event, EventType, PutOptions, Txn, TxnOp, WatchFilterType, WatchOptions,
    WatchResponse, WatchStream,
};

use crate::support::registry::Registry;
use crate::support::soon;

on_both! {
    a_watch_tells_what_happens_after_it,
    a_watch_of_the_past_tells_it_in_order,
    a_watch_may_begin_in_the_future,
    a_prefix_is_told_its_own_keys_only,
    one_revision_is_one_message,
    events_carry_what_was_before,
    events_of_an_unwanted_kind_are_left_out,
    two_watches_share_a_stream,
    many_watches_share_a_stream_each_from_its_own_past,
    ids_may_be_chosen_but_not_twice,
    an_empty_range_is_refused,
    a_cancelled_watch_is_silent_and_the_stream_goes_on,
    a_watch_of_the_compacted_past_is_cancelled,
    a_compacted_watch_leaves_the_others_of_its_stream_alone,
    a_running_watch_survives_a_compaction,
    a_large_revision_is_fragmented_on_request,
}

/// The next message of a stream.
pub(super) async fn next(stream: &mut WatchStream) -> WatchResponse {
    soon(stream.message()).await.unwrap().expect("the stream ended")
}

/// The events of a stream until there are `count` of them.
pub(super) async fn events(stream: &mut WatchStream, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend_from_slice(next(stream).await.events());
    }
    assert_eq!(events.len(), count);
    events
}

/// A watch that has been created.
pub(super) async fn watch(client: &mut Client, key: &str, options: WatchOptions) -> WatchStream {
    let mut stream = client.watch(key, Some(options)).await.unwrap();
    assert!(next(&mut stream).await.created());
    stream
}

/// An event as `+key@revision`, or `-key@revision` for a deletion.
fn told(event: &Event) -> String {
    let kv = event.kv().unwrap();
    let sign = if event.event_type() == EventType::Put { '+' } else { '-' };
    format!("{sign}{}@{}", kv.key_str().unwrap(), kv.mod_revision())
}

/// All events as [`told`] writes them.
pub(super) fn all_told(events: &[Event]) -> Vec<String> {
    events.iter().map(told).collect()
}

async fn a_watch_tells_what_happens_after_it(registry: &Registry) {
    let mut client = registry.client().await;
    client.put("a", "1", None).await.unwrap();
    let mut stream = client.watch("a", None).await.unwrap();
    let created = next(&mut stream).await;
    assert!(created.created() && !created.canceled() && created.events().is_empty());
    assert_eq!(created.header().unwrap().revision(), 2);
    client.put("a", "2", None).await.unwrap();
    client.put("b", "", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    let events = events(&mut stream, 2).await;
    assert_eq!(all_told(&events), ["+a@3", "-a@5"]);
    let (put, delete) = (events[0].kv().unwrap(), events[1].kv().unwrap());
    assert_eq!((put.value(), put.create_revision(), put.version()), (&b"2"[..], 2, 2));
    assert_eq!((delete.value(), delete.create_revision(), delete.version()), (&b""[..], 0, 0));
}

async fn a_watch_of_the_past_tells_it_in_order(registry: &Registry) {
    let mut client = registry.client().await;
    for key in ["a", "b", "a", "c"] {
        client.put(key, "", None).await.unwrap();
    }
    client.delete("a", None).await.unwrap();
    let options = WatchOptions::new().with_all_keys().with_start_revision(3);
    let mut stream = watch(&mut client, "", options).await;
    assert_eq!(all_told(&events(&mut stream, 4).await), ["+b@3", "+a@4", "+c@5", "-a@6"]);
    client.put("d", "", None).await.unwrap();
    assert_eq!(all_told(&events(&mut stream, 1).await), ["+d@7"]);
}

async fn a_watch_may_begin_in_the_future(registry: &Registry) {
    let mut client = registry.client().await;
    let options = WatchOptions::new().with_start_revision(4);
    let mut stream = watch(&mut client, "a", options).await;
    for _ in 2..=5 {
        client.put("a", "", None).await.unwrap();
    }
    assert_eq!(all_told(&events(&mut stream, 2).await), ["+a@4", "+a@5"]);
}

async fn a_prefix_is_told_its_own_keys_only(registry: &Registry) {
    let mut client = registry.client().await;
    let mut prefix = watch(&mut client, "a/", WatchOptions::new().with_prefix()).await;
    let mut rest = watch(&mut client, "a/2", WatchOptions::new().with_from_key()).await;
    for key in ["a", "a/1", "a0", "a/2", "b"] {
        client.put(key, "", None).await.unwrap();
    }
    assert_eq!(all_told(&events(&mut prefix, 2).await), ["+a/1@3", "+a/2@5"]);
    assert_eq!(all_told(&events(&mut rest, 3).await), ["+a0@4", "+a/2@5", "+b@6"]);
}

async fn one_revision_is_one_message(registry: &Registry) {
    let mut client = registry.client().await;
    let options = WatchOptions::new().with_prefix();
    let live = watch(&mut client, "k/", options.clone()).await;
    let puts: Vec<_> = (0..100).map(|i| TxnOp::put(format!("k/{i:03}"), "", None)).collect();
    client.txn(Txn::new().and_then(puts)).await.unwrap();
    client.delete("k/", Some(DeleteOptions::new().with_prefix())).await.unwrap();
    let past = options.with_start_revision(2);
    for mut stream in [live, watch(&mut client, "k/", past).await] {
        let mut seen = Vec::new();
        while seen.len() < 200 {
            let message = next(&mut stream).await;
            let revisions: Vec<_> =
                message.events().iter().map(|event| event.kv().unwrap().mod_revision()).collect();
            let whole = |revision| revisions.iter().filter(|r| **r == revision).count() % 100 == 0;
            assert!(whole(2) && whole(3), "{revisions:?}");
            seen.extend(all_told(message.events()));
        }
        assert_eq!((seen[0].as_str(), seen[199].as_str()), ("+k/000@2", "-k/099@3"));
    }
}

async fn events_carry_what_was_before(registry: &Registry) {
    let mut client = registry.client().await;
    let mut stream = watch(&mut client, "a", WatchOptions::new().with_prev_key()).await;
    let mut plain = watch(&mut client, "a", WatchOptions::new()).await;
    client.put("a", "1", None).await.unwrap();
    client.put("a", "2", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    let previous = |event: &Event| event.prev_kv().map(|kv| kv.value_str().unwrap().to_owned());
    let before: Vec<_> = events(&mut stream, 3).await.iter().map(previous).collect();
    assert_eq!(before, [None, Some("1".into()), Some("2".into())]);
    assert!(events(&mut plain, 3).await.iter().all(|event| event.prev_kv().is_none()));
}

async fn events_of_an_unwanted_kind_are_left_out(registry: &Registry) {
    let mut client = registry.client().await;
    let without = |kind| WatchOptions::new().with_filters([kind]);
    let mut puts = watch(&mut client, "a", without(WatchFilterType::NoDelete)).await;
    let mut deletes = watch(&mut client, "a", without(WatchFilterType::NoPut)).await;
    client.put("a", "", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    client.put("a", "", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    assert_eq!(all_told(&events(&mut puts, 2).await), ["+a@2", "+a@4"]);
    assert_eq!(all_told(&events(&mut deletes, 2).await), ["-a@3", "-a@5"]);
}

async fn two_watches_share_a_stream(registry: &Registry) {
    let mut client = registry.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    let first = next(&mut stream).await.watch_id();
    stream.watch("b", None).await.unwrap();
    let second = next(&mut stream).await.watch_id();
    assert_ne!(first, second);
    for key in ["b", "a", "c"] {
        client.put(key, "", None).await.unwrap();
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let message = next(&mut stream).await;
        seen.extend(message.events().iter().map(|event| (message.watch_id(), told(event))));
    }
    seen.sort();
    assert_eq!(seen, [(first, "+a@3".to_owned()), (second, "+b@2".to_owned())]);
}

async fn many_watches_share_a_stream_each_from_its_own_past(registry: &Registry) {
    let mut client = registry.client().await;
    for n in 0..50 {
        client.put(format!("k/{n:02}"), "", None).await.unwrap();
    }
    let from = |n: i64| Some(WatchOptions::new().with_prefix().with_start_revision(n + 2));
    let mut stream = client.watch("k/", from(0)).await.unwrap();
    for n in 1..50 {
        stream.watch("k/", from(n)).await.unwrap();
    }
    let mut seen = std::collections::BTreeMap::<i64, Vec<String>>::new();
    while seen.len() < 50 || seen.values().map(Vec::len).sum::<usize>() < 50 * 51 / 2 {
        let message = next(&mut stream).await;
        assert!(!message.canceled(), "{message:?}");
        seen.entry(message.watch_id()).or_default().extend(all_told(message.events()));
    }
    let mut firsts: Vec<_> = seen.values().map(|told| (told[0].clone(), told.len())).collect();
    firsts.sort();
    let expected = |n: usize| (format!("+k/{n:02}@{}", n + 2), 50 - n);
    assert_eq!(firsts, (0..50).map(expected).collect::<Vec<_>>());
}

async fn ids_may_be_chosen_but_not_twice(registry: &Registry) {
    let mut client = registry.client().await;
    let chosen = || Some(WatchOptions::new().with_watch_id(7));
    let mut stream = client.watch("a", chosen()).await.unwrap();
    assert_eq!(next(&mut stream).await.watch_id(), 7);
    stream.watch("b", chosen()).await.unwrap();
    let refused = next(&mut stream).await;
    assert!(refused.created() && refused.canceled());
    assert_eq!(refused.cancel_reason(), "mvcc: duplicate watch ID provided on the WatchStream");
    client.put("a", "", None).await.unwrap();
    let message = next(&mut stream).await;
    assert_eq!((message.watch_id(), all_told(message.events())), (7, vec!["+a@2".into()]));
}

async fn an_empty_range_is_refused(registry: &Registry) {
    let mut client = registry.client().await;
    let options = WatchOptions::new().with_range("a");
    let mut stream = client.watch("b", Some(options)).await.unwrap();
    let refused = next(&mut stream).await;
    assert!(refused.created() && refused.canceled());
    assert_eq!((refused.watch_id(), refused.cancel_reason()), (-1, "mvcc: watcher range is empty"));
}

async fn a_cancelled_watch_is_silent_and_the_stream_goes_on(registry: &Registry) {
    let mut client = registry.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    let first = next(&mut stream).await.watch_id();
    stream.watch("b", None).await.unwrap();
    let second = next(&mut stream).await.watch_id();
    stream.cancel(first).await.unwrap();
    let cancelled = next(&mut stream).await;
    assert_eq!((cancelled.watch_id(), cancelled.canceled()), (first, true));
    assert_eq!(cancelled.compact_revision(), 0);
    client.put("a", "", None).await.unwrap();
    client.put("b", "", None).await.unwrap();
    let message = next(&mut stream).await;
    assert_eq!((message.watch_id(), all_told(message.events())), (second, vec!["+b@3".into()]));
}

async fn a_watch_of_the_compacted_past_is_cancelled(registry: &Registry) {
    let mut client = registry.client().await;
    for value in ["1", "2", "3"] {
        client.put("a", value, None).await.unwrap();
    }
    client.compact(3, None).await.unwrap();
    let options = |revision| WatchOptions::new().with_start_revision(revision);
    let mut stream = watch(&mut client, "a", options(2)).await;
    let cancelled = next(&mut stream).await;
    assert!(cancelled.canceled() && !cancelled.created());
    assert_eq!(cancelled.compact_revision(), 3);
    let mut stream = watch(&mut client, "a", options(3)).await;
    assert_eq!(all_told(&events(&mut stream, 2).await), ["+a@3", "+a@4"]);
}

async fn a_compacted_watch_leaves_the_others_of_its_stream_alone(registry: &Registry) {
    let mut client = registry.client().await;
    for value in ["1", "2", "3"] {
        client.put("a", value, None).await.unwrap();
    }
    client.compact(4, None).await.unwrap();
    let mut stream = watch(&mut client, "a", WatchOptions::new()).await;
    let past = WatchOptions::new().with_start_revision(2);
    stream.watch("a", Some(past)).await.unwrap();
    let (created, cancelled) = (next(&mut stream).await, next(&mut stream).await);
    assert!(created.created() && cancelled.canceled());
    assert_eq!((cancelled.watch_id(), cancelled.compact_revision()), (created.watch_id(), 4));
    client.put("a", "4", None).await.unwrap();
    assert_eq!(all_told(&events(&mut stream, 1).await), ["+a@5"]);
}

async fn a_running_watch_survives_a_compaction(registry: &Registry) {
    let mut client = registry.client().await;
    let mut stream = watch(&mut client, "a", WatchOptions::new()).await;
    for revision in 2..30 {
        client.put("a", "", None).await.unwrap();
        client.compact(revision, None).await.unwrap();
    }
    let seen = events(&mut stream, 28).await;
    assert_eq!((told(&seen[0]), told(&seen[27])), ("+a@2".into(), "+a@29".into()));
}

async fn a_large_revision_is_fragmented_on_request(registry: &Registry) {
    let mut client = registry.client().await;
    // Their deletion carries more bytes than fit in one request: six times 700 kB.
    for i in 0..6 {
        let value = vec![b'x'; 700_000];
        client.put(format!("k/{i}"), value, None::<PutOptions>).await.unwrap();
    }
    let options = WatchOptions::new().with_prefix().with_prev_key().with_fragment();
    let mut stream = watch(&mut client, "k/", options).await;
    client.delete("k/", Some(DeleteOptions::new().with_prefix())).await.unwrap();
    let (mut seen, mut parts) = (Vec::new(), Vec::new());
    while seen.len() < 6 {
        let message = next(&mut stream).await;
        parts.push(message.events().len());
        seen.extend(all_told(message.events()));
    }
    assert_eq!((seen[0].as_str(), seen[5].as_str()), ("-k/0@8", "-k/5@8"));
    assert_eq!(parts, [2, 2, 2]);
}
