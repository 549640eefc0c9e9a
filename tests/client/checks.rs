//! The health closure: it says when the registration stands.

use srvd::client::RegistrationState;

use super::{Health, connect, dig_prints, is_there, reaches, serve};
use crate::support::etcd::Etcd;
use crate::support::soon;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_takes_it_out_and_brings_it_back() {
    let etcd = Etcd::start();
    let (_server, at) = serve(&etcd);
    let (client, health) = (connect(&etcd).await, Health::default());
    health.set(Some("starting"));
    let registering = tokio::spawn({
        let service = health.checks();
        async move { client.register(service).await }
    });
    health.set(None);
    let mut held = soon(registering).await.unwrap().unwrap();
    dig_prints(at, "0 10 8080 10-1-2-3.web.services.internal.");
    for _ in 0..2 {
        health.set(Some("no disk"));
        reaches(&mut held, |it| *it == RegistrationState::Unhealthy("no disk".to_owned())).await;
        dig_prints(at, "");
        health.set(None);
        reaches(&mut held, |it| *it == RegistrationState::Registered).await;
        dig_prints(at, "0 10 8080 10-1-2-3.web.services.internal.");
    }
    health.set(Some("no disk"));
    reaches(&mut held, |it| matches!(it, RegistrationState::Unhealthy(_))).await;
    soon(held.leave()).await.unwrap();
    assert!(!is_there(&etcd));
}
