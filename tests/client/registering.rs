//! Registering: found by others, lost and regained, left, dropped.

use std::time::Duration;

use srvd::client::{Client, Error, RegistrationState, Service};

use super::{Health, KEY, connect, dig_prints, is_there, reaches, registered, serve, web};
use crate::support::etcd::Etcd;
use crate::support::registry::Administered;
use crate::support::srvd::run;
use crate::support::{eventually, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_found_by_dig_and_by_list_until_it_leaves() {
    let etcd = Etcd::start();
    let (_server, at) = serve(&etcd);
    let held = registered(&connect(&etcd).await).await;
    assert_eq!((held.key(), held.id(), held.location()), (KEY, "10-1-2-3-8080", "10.1.2.3:8080"));
    dig_prints(at, "0 10 8080 10-1-2-3.web.services.internal.");
    let listed = run(&etcd.url(), &["list", "web"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(r#""tags":["v2"]"#), "{listed}");
    soon(held.leave()).await.unwrap();
    assert!(!is_there(&etcd));
    dig_prints(at, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_it_leaves_in_the_background() {
    let etcd = Etcd::start();
    let client = connect(&etcd).await;
    // A lease that outlives the test: only by leaving the key goes.
    let service = web().ttl(Duration::from_secs(300));
    let held = soon(client.register(service)).await.unwrap();
    drop(held);
    assert!(eventually(|| !is_there(&etcd)));
}

#[test]
fn it_may_be_dropped_outside_of_a_runtime_and_after_it() {
    let etcd = Etcd::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let long = |id: &str| web().id(id).ttl(Duration::from_secs(300));
    let client = runtime.block_on(connect(&etcd));
    let register = |service: Service| runtime.block_on(client.register(service)).unwrap();
    let (first, second) = (register(long("first")), register(web().ttl(Duration::from_secs(5))));
    drop(first);
    let is_gone = || {
        // The runtime has no thread of its own: it goes on while it is polled.
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
        !String::from_utf8(etcd.ctl(&["get", "/services/web/first"]).stdout).unwrap().contains("fi")
    };
    assert!(eventually(is_gone));
    drop(runtime);
    assert_ne!(second.state(), RegistrationState::Left);
    drop(second);
    assert!(eventually(|| !is_there(&etcd)), "the key ends with its lease");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_comes_back() {
    let mut etcd = Etcd::start();
    let mut held = registered(&connect(&etcd).await).await;
    etcd.ctl(&["del", KEY]);
    reaches(&mut held, |it| matches!(it, RegistrationState::Lost(_))).await;
    reaches(&mut held, |it| *it == RegistrationState::Registered).await;
    assert!(is_there(&etcd));
    etcd.restart();
    assert!(eventually(|| is_there(&etcd)));
    etcd.wipe_and_restart();
    assert!(eventually(|| is_there(&etcd)));
    soon(held.leave()).await.unwrap();
    assert!(!is_there(&etcd));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_registration_of_the_same_instance_is_refused() {
    let etcd = Etcd::start();
    let client = connect(&etcd).await;
    let held = registered(&client).await;
    for other in [client.clone(), connect(&etcd).await] {
        let fault = soon(other.register(web())).await.unwrap_err();
        assert!(matches!(&fault, Error::Owned { key, .. } if key == KEY), "{fault}");
        assert!(fault.to_string().contains("give another id"), "{fault}");
    }
    assert!(is_there(&etcd));
    soon(held.leave()).await.unwrap();
    assert!(!is_there(&etcd), "the refused ones hold nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_that_is_not_there_yet_is_waited_for() {
    let mut etcd = Etcd::start();
    etcd.kill9();
    let client = Client::connect(format!("{}?timeout=1s", etcd.url())).await.unwrap();
    let fault = soon(client.lookup("web")).await.unwrap_err();
    assert!(matches!(&fault, Error::Unreachable(_)), "{fault}");
    let registering = tokio::spawn({
        let client = client.clone();
        async move { client.register(web()).await }
    });
    // What cannot be registered does not wait for it.
    let fault = soon(client.register(Service::new("web", 0).host("10.1.2.3"))).await.unwrap_err();
    assert!(matches!(&fault, Error::Service(text) if text.starts_with("port 0")), "{fault}");
    assert!(!registering.is_finished());
    etcd.restart();
    let held = soon(registering).await.unwrap().unwrap();
    assert!(is_there(&etcd));
    soon(held.leave()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_an_etcd_that_is_away_is_bounded_and_told() {
    let mut etcd = Etcd::start();
    let client = Client::connect(format!("{}?timeout=1s", etcd.url())).await.unwrap();
    let held = registered(&client).await;
    etcd.kill9();
    let fault = soon(held.leave()).await.unwrap_err();
    assert!(matches!(&fault, Error::NotLeft { key, .. } if key == KEY), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_heal_is_no_reason_to_wait() {
    let etcd = Etcd::start();
    for arguments in [
        &["user", "add", "root:root"][..],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ] {
        let done = etcd.ctl(arguments);
        assert!(done.status.success(), "{done:?}");
    }
    let client = connect(&etcd).await;
    let faults = [
        soon(client.register(web())).await.map(drop).unwrap_err(),
        soon(client.lookup("web")).await.map(drop).unwrap_err(),
    ];
    for fault in faults {
        assert!(matches!(&fault, Error::Refused(_)), "{fault}");
        assert!(fault.to_string().contains("--user"), "{fault}");
    }
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "root\n").unwrap();
    let builder = Client::builder(etcd.url()).user("root").password_file(password);
    let client = builder.connect().await.unwrap();
    let held = registered(&client).await;
    assert_eq!(soon(client.lookup("web")).await.unwrap().len(), 1);
    soon(held.leave()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_waiting_is_not_registered_later() {
    let etcd = Etcd::start();
    let client = connect(&etcd).await;
    let health = Health::default();
    health.set(Some("not yet"));
    let registering = client.register(health.checks());
    assert!(tokio::time::timeout(Duration::from_millis(500), registering).await.is_err());
    health.set(None);
    // Whoever registers the same now is alone.
    let held = registered(&client).await;
    assert!(is_there(&etcd));
    soon(held.leave()).await.unwrap();
    assert!(!is_there(&etcd));
}
