//! The same registration without a process of its own, many in one.

use srvd::etcd::{Access, Etcd as Client, SharedClient};
use srvd::join::{Event, Loss, Registration, Terms};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ctl;
use crate::support::etcd::Etcd;
use crate::support::soon;

/// How many are held at once.
const MANY: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_in_one_process_come_back_together() {
    let etcd = Etcd::start();
    let client = Client::new(&etcd.url().parse().unwrap(), &Access::default());
    let upkeep = SharedClient::new(client);
    let (sender, mut events) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let tasks: Vec<_> = (0..MANY)
        .map(|id| {
            let (ttl, heartbeat) = (Duration::from_secs(10), Duration::from_secs(5));
            let terms = Terms { ttl, heartbeat, by_force: false };
            let key = format!("/services/many/{id}");
            let one = Registration::new(upkeep.clone(), key, "10.0.0.1:1".into(), terms);
            let sender = sender.clone();
            tokio::spawn(one.hold(move |event| sender.send(event).unwrap(), stop.clone()))
        })
        .collect();
    drop(sender);
    for _ in 0..MANY {
        let event = soon(events.recv()).await.unwrap();
        assert!(matches!(event, Event::Registered(_)), "{event:?}");
    }
    ctl(&etcd, &["del", "--prefix", "/services"]);
    let (mut lost, mut regained) = (0, 0);
    while regained < MANY {
        match soon(events.recv()).await.unwrap() {
            Event::Lost(Loss::Deleted) => lost += 1,
            Event::Regained(_) => regained += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lost, MANY);
    stop.cancel();
    for task in tasks {
        soon(task).await.unwrap().unwrap();
    }
    assert_eq!(ctl(&etcd, &["get", "--prefix", "/services"]), "");
}
