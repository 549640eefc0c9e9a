//! Services, instances and standing, page by page.

use std::collections::BTreeSet;

use serde_json::{Value, json as object};

use super::{json, ready, serve};
use crate::serve::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::{eventually, free_addr};

/// The names of the services of a page.
fn names(page: &Value) -> Vec<&str> {
    page["services"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn services_are_listed_searched_and_paged() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    for n in 0..25 {
        writer.put_all(&instances(&format!("svc-{n:02}"), 1 + n % 3));
    }
    writer.put("/services/Web_App/1", "10.0.0.1:80");
    writer.put("/services/_backends/b", r#"{"resource":"Backend","app":"svc-02"}"#);
    writer.put("/services/_frontends/svc-00", r#"{"resource":"Frontend","backend":"b"}"#);
    let (_serving, at) = ready(&etcd.url(), &[]);
    let (code, all) = json(at, "/v1/services");
    assert_eq!(code, 200);
    assert_eq!(names(&all).len(), 27);
    assert!(names(&all).is_sorted() && all.get("next").is_none(), "{all}");
    assert!(all["zones"][0]["revision"].as_i64().unwrap() > 25, "{all}");
    let entry = |name: &str| {
        let all = all["services"].as_array().unwrap();
        all.iter().find(|it| it["name"] == name).unwrap().clone()
    };
    let plain = object!({ "zone": "services.internal", "name": "svc-01", "instances": 2 });
    assert_eq!(entry("svc-01"), plain);
    assert_eq!(entry("web-app")["instances"], 1);
    assert_eq!(
        (&entry("b")["instances"], &entry("b")["alias"]["app"]),
        (&object!(3), &object!("svc-02"))
    );
    assert_eq!(entry("svc-00")["alias"]["backend"], "b");
    assert_eq!(entry("svc-00")["instances"], 3, "a frontend hides the service of its name");

    let (mut seen, mut path) = (Vec::new(), "/v1/services?limit=10&q=SVC".to_owned());
    let mut pages = 0;
    loop {
        let (_, page) = json(at, &path);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        pages += 1;
        let Some(next) = page.get("next") else { break };
        path = format!("/v1/services?limit=10&q=SVC&after={}", next.as_str().unwrap());
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((pages, seen.len(), distinct.len()), (3, 25, 25));
    assert_eq!(names(&json(at, "/v1/services?q=app").1), ["web-app"]);
    assert_eq!(names(&json(at, "/v1/services?q=none-such").1), [""; 0]);
}

#[test]
fn instances_are_shown_with_what_their_name_stands_for() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 25));
    writer.put("/services/_backends/b", r#"{"resource":"Backend","app":"web"}"#);
    writer.put("/services/_frontends/f", r#"{"resource":"Frontend","backend":"b"}"#);
    writer.put("/services/_frontends/lost", r#"{"resource":"Frontend"}"#);
    let (_serving, at) = ready(&etcd.url(), &[]);
    let (_, shown) = json(at, "/v1/services/WEB");
    assert_eq!(
        (&shown["name"], &shown["total"], &shown["aliases"]),
        (&object!("web"), &object!(25), &object!([]))
    );
    let (mut keys, mut path) = (Vec::new(), "/v1/services/f?limit=10".to_owned());
    loop {
        let (_, page) = json(at, &path);
        let resources = [0, 1].map(|at| page["aliases"][at]["resource"].clone());
        assert_eq!(resources, ["Frontend", "Backend"]);
        assert_eq!(page["total"], 25);
        let all = page["instances"].as_array().unwrap();
        keys.extend(all.iter().map(|it| it["key"].as_str().unwrap().to_owned()));
        let Some(next) = page.get("next") else { break };
        path = format!("/v1/services/f?limit=10&after={}", next.as_str().unwrap());
    }
    assert!(keys.is_sorted() && keys.len() == 25, "{keys:?}");
    let (code, lost) = json(at, "/v1/services/lost");
    assert_eq!(
        (code, &lost["total"], lost["aliases"].as_array().unwrap().len()),
        (200, &object!(0), 1)
    );
    let (code, refusal) = json(at, "/v1/services/wbe");
    assert_eq!((code, &refusal["code"]), (404, &object!("NOT_FOUND")));
    assert!(refusal["message"].as_str().unwrap().contains("there is `web`"), "{refusal}");
}

/// One page each, over two zones, of ids whose order in DNS is not that of their keys; the last of
/// a page is gone before the next is asked for.
#[test]
fn pages_of_instances_go_on_behind_one_that_is_gone() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let writer = Writer::new(&etcd.url());
    let ids = ["b", "B", "a.b", "a-b", "A_b", "10", "9", &"x".repeat(80)];
    for prefix in ["services", "others"] {
        ids.iter().for_each(|id| writer.put(format!("/{prefix}/web/{id}"), "10.0.0.1:80"));
    }
    let file = directory.path().join("srvd.toml");
    let zones = "[[zone]]\nname = \"services.internal\"\n\
                 [[zone]]\nname = \"others.internal\"\nprefix = \"/others\"\n";
    std::fs::write(&file, format!("hold-collapse = \"0s\"\n{zones}")).unwrap();
    let (_serving, at) = ready(&etcd.url(), &["--config", file.to_str().unwrap()]);
    let count = || json(at, "/v1/services/web").1["total"].clone();
    let (mut keys, mut path) = (Vec::new(), "/v1/services/web?limit=1".to_owned());
    loop {
        let (_, page) = json(at, &path);
        let key = page["instances"][0]["key"].as_str().unwrap().to_owned();
        assert!(etcd.etcdctl(&["del", &key]).status.success());
        keys.push(key);
        let Some(next) = page.get("next") else { break };
        assert!(eventually(|| count() == 2 * ids.len() - keys.len()), "{keys:?}");
        path = format!("/v1/services/web?limit=1&after={}", next.as_str().unwrap());
    }
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), distinct.len()), (2 * ids.len(), 2 * ids.len()), "{keys:?}");
    assert!(keys[..ids.len()].iter().all(|key| key.starts_with("/services/")), "{keys:?}");
}

#[test]
fn since_when_an_instance_is_there_is_known_or_bounded() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    let (_serving, at) = ready(&etcd.url(), &[]);
    writer.put("/services/web/2", "10.0.0.2:80");
    let all = || json(at, "/v1/services/web").1["instances"].clone();
    assert!(eventually(|| all().as_array().unwrap().len() == 2));
    let [old, new] = [0, 1].map(|n| all()[n].clone());
    let (before, since) = (old["since_before"].as_str().unwrap(), new["since"].as_str().unwrap());
    assert!(before < since, "{before} {since}");
    assert!(old.get("since").is_none() && new.get("since_before").is_none());
    writer.put("/services/web/2", "10.0.0.3:80");
    assert!(eventually(|| all()[1]["host"] == "10.0.0.3:80"));
    assert_eq!(all()[1]["since"], since, "a change is no coming");
}

#[test]
fn standing_is_shown_and_what_happened_lately() {
    let mut etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 7));
    writer.put("/services/web/bad", "nonsense");
    let (_serving, at) = ready(&etcd.url(), &[]);
    let status = || json(at, "/v1/status").1;
    let zone = status()["zones"][0].clone();
    for (member, value) in [
        ("zone", object!("services.internal")),
        ("schema", object!("services")),
        ("standing", object!("fresh")),
        ("services", object!(1)),
        ("instances", object!(7)),
        ("problems", object!(1)),
        ("held", object!(0)),
    ] {
        assert_eq!(zone[member], value, "{member}: {zone}");
    }
    assert_eq!(zone["revision"], zone["serial"]);
    assert_eq!((&status()["ready"], &status()["draining"]), (&object!(true), &object!(false)));
    assert_eq!(status()["version"], env!("CARGO_PKG_VERSION"));
    writer.put("/services/web/8", "10.0.0.8:80");
    let lately = |what: &str| {
        let all = status()["lately"][what].clone();
        all.as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).sum::<u64>()
    };
    assert!(eventually(|| lately("changes") >= 1), "{}", status());
    etcd.kill9();
    assert!(eventually(|| status()["zones"][0]["standing"] == "stale"));
    assert_eq!(status()["ready"], true);
}

#[test]
fn before_the_first_list_nobody_is_said_not_to_be_there() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    let (code, refusal) = json(at, "/v1/services/web");
    assert_eq!((code, &refusal["code"]), (503, &object!("UNAVAILABLE")), "{refusal}");
    let (code, all) = json(at, "/v1/services");
    assert_eq!((code, &all["zones"][0]["revision"]), (200, &Value::Null));
    assert!(eventually(|| json(at, "/v1/status").1["zones"][0]["standing"] == "not-ready"));
    let (_, explained) = json(at, "/v1/explain?name=web.services.internal");
    assert_eq!(
        (&explained["rcode"], &explained["extended_error"]),
        (&object!("SERVFAIL"), &object!(14))
    );
}

#[test]
fn problems_of_one_zone_or_some() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    (0..3).for_each(|n| writer.put(format!("/services/web/{n}"), "nonsense"));
    let (_serving, at) = ready(&etcd.url(), &[]);
    let count = |path: &str| json(at, path).1.as_array().unwrap().len();
    assert_eq!(count("/v1/problems"), 3);
    assert_eq!(count("/v1/problems?limit=2"), 2);
    assert_eq!(count("/v1/problems?zone=Services.Internal."), 3);
    assert_eq!(json(at, "/v1/problems?zone=other").0, 404);
}
