//! Progress: being told how far a watch has come when nothing happens.

use etcd_client::WatchOptions;

use super::watch::{all_told, events, next, watch};
use crate::support::registry::Registry;

on_both! {
    progress_on_request_does_not_overtake_events,
    a_quiet_watch_is_told_the_revision,
}

async fn progress_on_request_does_not_overtake_events(registry: &Registry) {
    let mut client = registry.client().await;
    let mut stream = watch(&mut client, "a", WatchOptions::new()).await;
    client.put("b", "", None).await.unwrap();
    client.put("a", "", None).await.unwrap();
    assert_eq!(all_told(&events(&mut stream, 1).await), ["+a@3"]);
    stream.request_progress().await.unwrap();
    let progress = next(&mut stream).await;
    assert_eq!((progress.watch_id(), progress.events().len()), (-1, 0));
    assert_eq!(progress.header().unwrap().revision(), 3);
}

async fn a_quiet_watch_is_told_the_revision(registry: &Registry) {
    let mut client = registry.client().await;
    let mut stream =
        client.watch("a", Some(WatchOptions::new().with_progress_notify())).await.unwrap();
    let id = next(&mut stream).await.watch_id();
    client.put("b", "", None).await.unwrap();
    let mut progress = next(&mut stream).await;
    while progress.header().unwrap().revision() < 2 {
        progress = next(&mut stream).await;
    }
    assert_eq!((progress.watch_id(), progress.events().len()), (id, 0));
    assert!(!progress.created() && !progress.canceled());
}

#[tokio::test]
async fn progress_is_behind_all_events_of_a_long_history() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    for _ in 0..3_000 {
        client.put("a", "", None).await.unwrap();
    }
    let options = WatchOptions::new().with_start_revision(2);
    let mut stream = watch(&mut client, "a", options).await;
    stream.request_progress().await.unwrap();
    let mut seen = 0;
    let progress = loop {
        let message = next(&mut stream).await;
        if message.events().is_empty() {
            break message;
        }
        seen += message.events().len();
        assert_eq!(message.header().unwrap().revision(), i64::try_from(seen).unwrap() + 1);
    };
    assert_eq!((seen, progress.header().unwrap().revision()), (3_000, 3_001));
}
