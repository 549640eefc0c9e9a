//! Zones and what is in them, what happened lately, services by tag, version, address and order:
//! what the page looks at.

use std::fmt::Write as _;

use serde_json::{Value, json as object};

use super::{json, ready};
use crate::serve::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::eventually;

/// The text members of a list's entries.
fn texts(page: &Value, list: &str, member: &str) -> Vec<String> {
    let all = page[list].as_array().unwrap_or_else(|| panic!("{page}"));
    all.iter().map(|it| it[member].as_str().unwrap_or_default().to_owned()).collect()
}

/// All pages of a list behind a path that has parameters.
fn pages(at: std::net::SocketAddr, path: &str) -> Vec<Value> {
    let (mut pages, mut next) = (Vec::new(), path.to_owned());
    loop {
        let (code, page) = json(at, &next);
        assert_eq!(code, 200, "{next}: {page}");
        let after = page["next"].as_str().map(|it| it.replace(' ', "%20"));
        pages.push(page);
        let Some(after) = after else { return pages };
        next = format!("{path}&after={after}");
    }
}

#[test]
fn services_are_found_by_what_their_instances_have() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    for (key, value) in [
        ("web/1", r#"{"host":"10.0.0.1:80","version":"1.4.2","tags":["Blue"]}"#),
        ("web/2", r#"{"host":"10.0.0.2:80","version":"1.5.0"}"#),
        ("mail/1", r#"{"host":"MX.example.com:25","version":"1.4.2","tags":["green"]}"#),
        ("six/1", r#"{"host":"[2001:db8::1]:80","tags":["1.4.2"]}"#),
        ("_backends/b", r#"{"resource":"Backend","app":"web","version":"1.5.0"}"#),
    ] {
        writer.put(format!("/services/{key}"), value);
    }
    let (_serving, at) = ready(&etcd.url(), &[]);
    for (search, names) in [
        ("tag=blue", &["web"][..]),
        ("tag=1.4.2", &["six"]),
        ("version=1.4.2", &["mail", "web"]),
        ("version=1.5.0", &["b", "web"]),
        ("version=1.5.0&q=e", &["web"]),
        ("version=1", &[]),
        ("address=10.0.0.2", &["b", "web"]),
        ("address=mx.example.com", &["mail"]),
        ("address=2001:db8:0:0::1", &["six"]),
        ("address=%5B2001:db8::1%5D", &["six"]),
        ("address=10.0.0.9", &[]),
    ] {
        let (_, page) = json(at, &format!("/v1/services?{search}"));
        assert_eq!(texts(&page, "services", "name"), names, "{search}: {page}");
        assert_eq!(page["total"], names.len(), "{search}");
    }
}

#[test]
fn services_are_sorted_and_every_order_has_pages() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    for n in 0..25 {
        writer.put_all(&instances(&format!("svc-{n:02}"), 1 + n % 5));
    }
    let (_serving, at) = ready(&etcd.url(), &[]);
    for name in ["svc-07", "svc-03", "later"] {
        writer.put(format!("/services/{name}/new"), "10.0.9.9:80");
        let path = format!("/v1/services?sort=newest&limit=1&q={name}");
        assert!(eventually(|| json(at, &path).1["services"][0]["newest"].is_string()));
    }
    for sort in ["name", "instances", "newest"] {
        let pages = pages(at, &format!("/v1/services?sort={sort}&limit=7"));
        let names: Vec<_> = pages.iter().flat_map(|it| texts(it, "services", "name")).collect();
        let mut distinct = names.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!((pages.len(), names.len(), distinct.len()), (4, 26, 26), "{sort}: {names:?}");
        let counts = pages.iter().flat_map(|it| it["services"].as_array().unwrap());
        let counts: Vec<_> = counts.map(|it| it["instances"].as_u64().unwrap()).collect();
        match sort {
            "instances" => assert!(counts.is_sorted_by(|one, next| one >= next), "{counts:?}"),
            "newest" => assert_eq!(names[..4], ["later", "svc-03", "svc-07", "svc-00"]),
            _ => assert!(names.is_sorted()),
        }
    }
}

#[test]
fn what_is_hidden_and_why_nobody_is_there_is_told() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let zone = "$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nns A 192.0.2.1\nfixed A 192.0.2.9\n";
    std::fs::write(directory.path().join("services.internal.zone"), zone).unwrap();
    let writer = Writer::new(&etcd.url());
    for (key, value) in [
        ("web/1", r#"{"host":"10.0.0.1:80","version":"1.4.2"}"#),
        ("api/1", "10.0.0.2:80"),
        ("fixed/1", "10.0.0.3:80"),
        ("_backends/api", r#"{"resource":"Backend","app":"web"}"#),
        ("_backends/old", r#"{"resource":"Backend","app":"web","version":"1.0"}"#),
        ("_backends/gone", r#"{"resource":"Backend","app":"wbe"}"#),
        ("_frontends/bare", r#"{"resource":"Frontend"}"#),
        ("_frontends/lost", r#"{"resource":"Frontend","backend":"odl"}"#),
        ("_frontends/far", r#"{"resource":"Frontend","backend":"old"}"#),
    ] {
        writer.put(format!("/services/{key}"), value);
    }
    let (_serving, at) = ready(&etcd.url(), &["--zones", directory.path().to_str().unwrap()]);
    let shown = |name: &str| json(at, &format!("/v1/services/{name}")).1;
    let old = "`web` has 1 registered, none of the version `1.0` (versions: 1.4.2)";
    for (name, why) in [
        ("bare", "it names no backend yet"),
        ("lost", "there is no backend `odl`; there is `old`"),
        ("old", old),
        ("far", old),
        ("gone", "no instance of `wbe` is registered; there is `web`"),
    ] {
        assert_eq!(shown(name)["nobody"], why, "{name}");
        let asked = json(at, &format!("/v1/explain?name={name}.services.internal")).1;
        assert!(asked["why"].as_str().unwrap().ends_with(why), "{asked}");
    }
    assert!(shown("web").get("nobody").is_none() && shown("web").get("hidden").is_none());
    assert_eq!(shown("api")["hidden"], object!({ "by": "Backend", "instances": 1 }));
    assert_eq!(shown("api")["instances"][0]["host"], "10.0.0.1:80");
    assert_eq!(shown("api?own=true")["instances"][0]["host"], "10.0.0.2:80");
    assert_eq!(shown("fixed")["hidden"], object!({ "by": "zone-file", "instances": 1 }));
    let all = json(at, "/v1/services").1;
    let hidden = all["services"].as_array().unwrap().iter().filter(|it| it.get("hidden").is_some());
    let hidden: Vec<_> = hidden.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(hidden, ["api", "fixed"]);
}

#[test]
fn a_lease_is_seen_to_be_there() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    let lease = String::from_utf8(etcd.etcdctl(&["lease", "grant", "600"]).stdout).unwrap();
    let lease = lease.split_whitespace().nth(1).unwrap().to_owned();
    etcd.etcdctl(&["put", "--lease", &lease, "/services/web/2", "10.0.0.2:80"]);
    let (_serving, at) = ready(&etcd.url(), &[]);
    let leased = || {
        let page = json(at, "/v1/services/web").1;
        [0, 1].map(|n| page["instances"][n]["leased"].clone())
    };
    assert_eq!(leased(), [false, true]);
    etcd.etcdctl(&["put", "/services/web/2", "10.0.0.2:80"]);
    assert!(eventually(|| leased() == [false, false]));
}

#[test]
fn changes_are_remembered_newest_first_with_pages_and_filters() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/old", "10.0.0.1:80");
    let (_serving, at) = ready(&etcd.url(), &[]);
    assert_eq!(json(at, "/v1/changes").1["changes"], object!([]));
    writer.put_all(&instances("many", 20));
    writer.put("/services/web/old", "10.9.9.2:80");
    writer.put("/services/_frontends/f", r#"{"resource":"Frontend"}"#);
    etcd.etcdctl(&["del", "/services/many/", "--prefix"]);
    let count = || json(at, "/v1/changes?limit=1000").1["changes"].as_array().unwrap().len();
    assert!(eventually(|| count() == 42), "{}", count());
    let pages = pages(at, "/v1/changes?limit=9");
    let all: Vec<Value> =
        pages.iter().flat_map(|it| it["changes"].as_array().unwrap().clone()).collect();
    assert_eq!((pages.len(), all.len()), (5, 42));
    let time = |it: &Value| it["time"].as_str().unwrap().to_owned();
    assert!(all.windows(2).all(|pair| time(&pair[0]) >= time(&pair[1])));
    assert!(pages[0]["since"].as_str().unwrap() <= time(&all[41]).as_str());
    let told: Vec<_> = all.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!((told[0], told[41]), ("offline", "online"));
    for (search, found) in [
        ("event=offline", 20),
        ("event=online", 20),
        ("event=changed", 1),
        ("event=alias", 1),
        ("name=WEB", 1),
        ("q=10.9.9.2:", 1),
        ("q=MAN", 40),
        ("name=f", 1),
        ("zone=services.internal&name=none", 0),
    ] {
        let page = json(at, &format!("/v1/changes?limit=1000&{search}")).1;
        assert_eq!(page["changes"].as_array().unwrap().len(), found, "{search}");
    }
    let changed = &json(at, "/v1/changes?event=changed").1["changes"][0];
    assert_eq!(changed["instance"]["host"], "10.9.9.2:80");
    assert_eq!(json(at, "/v1/changes?after=1-2").0, 400);
}

#[test]
fn zones_say_where_their_names_come_from_and_what_they_hold() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let mut zone = "$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n".to_owned();
    for n in 0..20 {
        writeln!(zone, "host-{n:02} A 192.0.2.{n}\nhost-{n:02} TXT \"number {n}\"").unwrap();
    }
    std::fs::write(directory.path().join("alone.test.zone"), zone).unwrap();
    let config = directory.path().join("srvd.toml");
    let text = "nsid = \"one\"\nreverse = [\"10.in-addr.arpa\"]\n[[zone]]\nname = \"services.internal\"\n\
         [[zone]]\nname = \"sky.test\"\nschema = \"skydns\"\nprefix = \"/sky\"\n";
    std::fs::write(&config, text).unwrap();
    let writer = Writer::new(&etcd.url());
    for n in 0..20 {
        let value = format!(r#"{{"host":"10.1.0.{n}","port":80,"text":"Number {n}","group":"g"}}"#);
        writer.put(format!("/sky/test/sky/web/x{n:02}"), value);
    }
    let [zones, config] = [directory.path(), &*config].map(|it| it.to_str().unwrap());
    let (_serving, at) = ready(&etcd.url(), &["--zones", zones, "--config", config]);
    let (_, listed) = json(at, "/v1/zones");
    let names = ["10.in-addr.arpa", "alone.test", "services.internal", "sky.test"];
    assert_eq!(
        (texts(&listed, "zones", "zone"), &listed["total"]),
        (names.map(Into::into).to_vec(), &object!(4))
    );
    let of = |n: usize, member: &str| listed["zones"][n][member].clone();
    assert_eq!(
        (of(0, "reverse"), of(1, "reverse"), of(1, "schema")),
        (true.into(), false.into(), "static".into())
    );
    assert_eq!(
        (of(1, "records"), of(1, "prefix"), of(1, "serial")),
        (43.into(), Value::Null, 7.into())
    );
    assert_eq!((of(2, "prefix"), of(3, "prefix")), ("/services/".into(), "/sky/test/sky/".into()));
    assert_eq!(texts(&json(at, "/v1/zones?q=ARPA").1, "zones", "zone"), ["10.in-addr.arpa"]);
    assert_eq!(pages(at, "/v1/zones?limit=3").len(), 2);

    let of_records = pages(at, "/v1/zones/alone.test/records?limit=10");
    let names: Vec<_> = of_records.iter().flat_map(|it| texts(it, "records", "name")).collect();
    assert_eq!((of_records.len(), names.len(), &of_records[0]["total"]), (5, 43, &object!(43)));
    assert_eq!(
        names[..4],
        ["alone.test.", "alone.test.", "host-00.alone.test.", "host-00.alone.test."]
    );
    let first = &of_records[0]["records"];
    assert_eq!((&first[0]["type"], &first[1]["type"]), (&object!("NS"), &object!("SOA")));
    assert_eq!(first[3]["data"], object!(["\"number 0\""]));
    let found = |path: &str, list: &str| {
        let page = json(at, path).1;
        texts(&page, list, "name")
    };
    assert_eq!(
        found("/v1/zones/alone.test/records?q=NUMBER%207", "records"),
        ["host-07.alone.test."]
    );
    assert_eq!(found("/v1/zones/alone.test/records?q=soa", "records"), ["alone.test."]);
    assert_eq!(found("/v1/zones/sky.test/records?q=ns", "records").len(), 2);

    let of_entries = pages(at, "/v1/zones/sky.test/entries?limit=7");
    let keys: Vec<_> = of_entries.iter().flat_map(|it| texts(it, "entries", "key")).collect();
    assert!(keys.is_sorted() && keys.len() == 20 && of_entries.len() == 3, "{keys:?}");
    let entry = &of_entries[0]["entries"][3];
    assert_eq!(
        (&entry["name"], &entry["host"], &entry["leased"]),
        (&object!("x03.web.sky.test."), &object!("10.1.0.3"), &object!(false))
    );
    assert_eq!(found("/v1/zones/sky.test/entries?q=x07.WEB", "entries"), ["x07.web.sky.test."]);
    assert_eq!(found("/v1/zones/sky.test/entries?q=number%201", "entries").len(), 11);
    assert_eq!(json(at, "/v1/zones/services.internal/entries").0, 404);

    let (_, server) = json(at, "/v1/server");
    assert_eq!(
        (&server["name"], &server["configuration"]["file"]),
        (&object!("one"), &object!(config))
    );
    assert_eq!(
        (&server["configuration"]["reload"], &server["listeners"][0]["protocol"]),
        (&Value::Null, &object!("dns"))
    );
    assert!(texts(&server, "listeners", "address").contains(&at.to_string()), "{server}");
}
