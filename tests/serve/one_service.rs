//! Commands about one service read its keys, and no others.

use std::sync::Arc;

use serde_json::Value;
use srvd::etcd::{Access, Etcd as Registry};
use srvd::index::{Index, Publisher, Service};
use srvd::metrics::Told;
use srvd::mirror::list;
use srvd::names::folded;
use srvd::registry::{Layout, RegistryUrl};

use super::process::run;
use super::writer::Writer;
use crate::fixture::settings;
use crate::support::etcd::Etcd;
use crate::support::runtime;

/// Keys of other services.
const OTHERS: usize = 50_000;

/// How many keys are read for a name, and the keys of its instances.
fn read(url: &str, layout: &Layout, name: &str) -> (usize, Vec<String>) {
    let index = Arc::new(Index::new(vec![Arc::new(settings("services.internal."))], true));
    let (url, mut publisher) =
        (url.parse::<RegistryUrl>().unwrap(), Publisher::new(Arc::clone(&index), 0));
    let (etcd, progress) = (Registry::new(&url, &Access::default()), Told::default());
    let reading = list(&etcd, (layout.clone(), Some(name)), &mut publisher, &progress);
    let keys = runtime().block_on(reading).unwrap();
    let label: Vec<u8> = folded(name).collect();
    let generation = index.load();
    let found = generation.zones()[0].named(&label).into_iter().flat_map(Service::instances);
    (keys, found.map(|it| layout.key_of(it)).collect())
}

#[test]
fn of_many_keys_those_of_one_service_are_read() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    let key = |n: usize| format!("/services/svc-{:05}/{}", n / 5, n % 5);
    let pairs: Vec<_> = (0..OTHERS).map(|n| (key(n), format!("10.0.0.1:{}", n % 9 + 1))).collect();
    writer.put_all(&pairs);
    writer.put("/services/SVC_00007/x", "10.0.0.9:80");
    writer.put("/services/a/1", r#"{"host":"10.0.0.8:80","version":"v1"}"#);
    writer.put("/services/_backends/b_1", r#"{"resource":"Backend","app":"a","version":"v1"}"#);
    writer.put("/services/_frontends/F", r#"{"resource":"Frontend","backend":"b-1"}"#);
    writer.put("/services/gf/1", "10.0.0.7:80");
    writer.put("/services/default/default/gf/v1/10.0.0.6:80", "{}");
    let (url, layout) = (etcd.url(), Layout::default());
    let few = |name: &str, count: usize, instances: &[&str]| {
        let (keys, found) = read(&url, &layout, name);
        assert_eq!((keys, found.iter().map(String::as_str).collect()), (count, instances.to_vec()));
    };
    let of_svc = |n: usize| (0..5).map(move |it| format!("/services/svc-{n:05}/{it}"));
    let (keys, found) = read(&url, &layout, "svc-09999");
    assert_eq!((keys, found), (5, of_svc(9_999).collect()));
    let (keys, mut found) = read(&url, &layout, "SVC.00007");
    found.sort_unstable();
    let all: Vec<_> = ["/services/SVC_00007/x".to_owned()].into_iter().chain(of_svc(7)).collect();
    assert_eq!((keys, found), (6, all));
    few("b-1", 2, &["/services/a/1"]);
    few("f", 3, &["/services/a/1"]);
    few("gf", 2, &["/services/gf/1", "/services/default/default/gf/v1/10.0.0.6:80"]);
    // Whatever is not where names are may be anywhere.
    assert_eq!(read(&url, &layout, "nobody").0, OTHERS + 6);
    let output = run(&["lookup", "svc-0999", "--registry", &url]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && said.contains("there is `svc-0"), "{said}");
    let output = run(&["leave", "svc-00001", "--id", "3", "--registry", &url]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&["list", "svc-00001", "--registry", &url]);
    let left: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(left.len(), 4);
}
