//! Looking: the instances of a name, once and as they change.

use std::sync::Arc;

use srvd::client::{Proto, ServiceInstance, ServiceWatch};

use super::{KEY, connect, registered};
use crate::support::etcd::Etcd;
use crate::support::registry::Administered;
use crate::support::{eventually, soon};

/// Takes sets until one has these locations.
async fn until(watch: &mut ServiceWatch, wanted: &[&str]) -> Arc<[ServiceInstance]> {
    let taken = async {
        loop {
            let set = watch.next().await.unwrap();
            if set.iter().map(ServiceInstance::location).eq(wanted.iter().copied()) {
                return set;
            }
        }
    };
    soon(taken).await
}

/// Puts a document.
fn put(etcd: &Etcd, key: &str, value: &str) {
    let done = etcd.ctl(&["put", key, value]);
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_found_whoever_wrote_them() {
    let etcd = Etcd::start();
    let client = connect(&etcd).await;
    assert_eq!(soon(client.lookup("web")).await.unwrap(), []);
    let held = registered(&client).await;
    put(&etcd, "/services/WEB/other", r#"{"host":"[2001:db8::1]:81","priority":3,"version":"1"}"#);
    put(&etcd, "/services/web/plain", "10.0.0.9:80");
    put(&etcd, "/services/web/broken", "{");
    let found = soon(client.lookup("Web")).await.unwrap();
    let locations: Vec<_> = found.iter().map(ServiceInstance::location).collect();
    assert_eq!(locations, ["10.1.2.3:8080", "10.0.0.9:80", "[2001:db8::1]:81"]);
    let (first, last) = (&found[0], &found[2]);
    assert_eq!((first.name.as_str(), first.id.as_str()), ("web", "10-1-2-3-8080"));
    assert_eq!((first.key.as_str(), first.weight, first.proto), (KEY, 10, Proto::Tcp));
    assert!(first.is_tagged("v2") && !first.is_tagged("v1") && last.is_tagged("1"));
    assert_eq!(last.socket_addr(), Some("[2001:db8::1]:81".parse().unwrap()));
    put(
        &etcd,
        "/services/_backends/shop",
        r#"{"resource":"Backend","name":"shop","app":"web","version":"1"}"#,
    );
    let found = soon(client.lookup("shop")).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    soon(held.leave()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_tells_each_set_and_outlives_outages() {
    let mut etcd = Etcd::start();
    let client = connect(&etcd).await;
    let mut watch = client.watch("web");
    until(&mut watch, &[]).await;
    let held = registered(&client).await;
    until(&mut watch, &["10.1.2.3:8080"]).await;
    put(&etcd, "/services/other/a", "10.0.0.8:80");
    put(&etcd, "/services/web/plain", "10.0.0.9:80");
    until(&mut watch, &["10.1.2.3:8080", "10.0.0.9:80"]).await;
    etcd.kill9();
    assert!(eventually(|| watch.trouble().is_some()));
    let kept = watch.current().unwrap();
    assert_eq!(kept.len(), 2, "nothing is taken away because etcd is");
    assert!(watch.age().is_some());
    etcd.restart();
    drop(held);
    until(&mut watch, &["10.0.0.9:80"]).await;
    assert!(eventually(|| watch.trouble().is_none()));
    etcd.wipe_and_restart();
    until(&mut watch, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_follows_a_frontend_to_another_service() {
    let etcd = Etcd::start();
    let frontend =
        |to: &str| format!(r#"{{"resource":"Frontend","name":"shop","backend":"{to}"}}"#);
    for app in ["old", "new"] {
        let value = format!(r#"{{"resource":"Backend","name":"{app}-shop","app":"{app}"}}"#);
        put(&etcd, &format!("/services/_backends/{app}-shop"), &value);
    }
    put(&etcd, "/services/old/a", "10.0.0.1:80");
    put(&etcd, "/services/new/a", "10.0.0.2:80");
    put(&etcd, "/services/_frontends/shop", &frontend("old-shop"));
    let mut watch = connect(&etcd).await.watch("shop");
    until(&mut watch, &["10.0.0.1:80"]).await;
    put(&etcd, "/services/_frontends/shop", &frontend("new-shop"));
    until(&mut watch, &["10.0.0.2:80"]).await;
}

/// Many changes at once are work that other runtimes do beside: this one has no other thread.
#[test]
fn a_runtime_of_one_thread_is_enough() {
    let etcd = Etcd::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for id in 0..3 {
        put(&etcd, &format!("/services/web/{id}"), "10.0.0.1:80");
    }
    runtime.block_on(async {
        let client = connect(&etcd).await;
        assert_eq!(soon(client.lookup("web")).await.unwrap().len(), 3);
        let mut watch = client.watch("web");
        assert_eq!(soon(watch.next()).await.unwrap().len(), 3);
    });
}
