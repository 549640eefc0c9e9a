//! The view of zones and the server.

use std::fmt::Write as _;

use super::{Scene, is_content, picture};
use crate::support::browser::{Browser, Screen};
use crate::support::etcd::Etcd;
use crate::support::{eventually, free_addr};

/// A server with zones of all kinds, and the directory that has its files.
fn zones_of_all_kinds() -> (Scene, tempfile::TempDir) {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let mut zone = "$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n".to_owned();
    for n in 0..120 {
        writeln!(zone, "host-{n:03} A 192.0.2.{n}").unwrap();
    }
    std::fs::write(directory.path().join("alone.test.zone"), zone).unwrap();
    let config = directory.path().join("srvd.toml");
    let upstream = free_addr();
    let text = format!(
        "nsid = \"ns-one\"\nforward = [\"{upstream}\"]\nreverse = [\"10.in-addr.arpa\"]\n\
         state = \"state\"\nzones = \".\"\n[[zone]]\nname = \"services.internal\"\n\
         [[zone]]\nname = \"sky.test\"\nschema = \"skydns\"\nprefix = \"/sky\"\n"
    );
    std::fs::write(&config, text).unwrap();
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    etcd.etcdctl(&["put", "/services/web/bad", "nonsense"]);
    etcd.etcdctl(&[
        "put",
        "/sky/test/sky/db/1",
        r#"{"host":"10.1.0.1","port":5432,"text":"primary"}"#,
    ]);
    etcd.etcdctl(&["put", "/sky/test/sky/db/2", r#"{"host":"10.1.0.2","port":5432}"#]);
    let scene = Scene::with(etcd, &["--config", config.to_str().unwrap()]);
    (scene, directory)
}

#[test]
fn the_server_is_named_and_zones_are_looked_through() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let (scene, _directory) = zones_of_all_kinds();
    scene.open(&browser, "#/zones");
    browser.shows("#server", "ns-one");
    assert!(eventually(|| browser.says("document.title") == "Zones – ns-one – srvd"));
    for part in
        ["DNS, UDP and TCP", &scene.at.to_string(), "in use", "srvd.toml", "none since the start"]
    {
        browser.shows(".panel", part);
    }
    let table = ".panel:nth-child(2)";
    for part in
        ["10.in-addr.arpa", "static, reverse", "alone.test", "skydns", "1 instance", "2 entries"]
    {
        browser.shows(table, part);
    }
    browser.shows(&format!("{table} a[href='#/problems/services.internal']"), "1");
    browser.picture(&picture("desktop-zones.png"));
    browser.prefer("dark");
    browser.picture(&picture("desktop-zones-dark.png"));
    browser.prefer("light");
    browser.click("a[href='#/zones/services.internal']");
    for part in ["/services/", "ready", &scene.etcd.url(), "Confirmed", "1 instance"] {
        browser.shows(".panel", part);
    }
    browser.shows(".panel:nth-child(2) table", "SOA");
    browser.click("a[href='#/zones']");
    browser.shows(table, "alone.test");
    // A zone's own records.
    browser.click("a[href='#/zones/alone.test']");
    browser.shows(".more", "1–100 of 123.");
    browser.click(".pages button:last-child");
    browser.shows(".more", "101–123 of 123.");
    browser.writes("#record-search", "192.0.2.77");
    browser.shows(".more", "1 in all.");
    browser.shows("tbody", "host-077.alone.test.");
    browser.picture(&picture("desktop-records.png"));
    browser.click("tbody a");
    browser.shows(".answer", "NOERROR");
    // A SkyDNS zone's entries, and their records.
    scene.open(&browser, "#/zones/sky.test");
    browser.shows("tbody", "1.db.sky.test.");
    browser.shows("tbody", "primary");
    browser.shows("tbody", "until deleted");
    browser.picture(&picture("desktop-entries.png"));
    scene.etcd.etcdctl(&["put", "/sky/test/sky/db/3", r#"{"host":"10.1.0.3"}"#]);
    browser.shows("tbody", "3.db.sky.test.");
    browser.click("a[href='#/zones/sky.test/records']");
    browser.shows("tbody", "SOA");
    // The key of a document leads to it.
    scene.open(&browser, "#/ask/1.db.sky.test/SRV");
    browser.click(".panel li a");
    browser.shows("tbody", "/sky/test/sky/db/1");
    browser.shows(".more", "1 in all.");
    is_content(&browser);
}

#[test]
fn a_zone_that_holds_or_is_stale_says_so() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let etcd = Etcd::start();
    for id in 0..30 {
        etcd.etcdctl(&["put", &format!("/services/web/{id}"), &format!("10.0.0.{id}:80")]);
    }
    let mut scene = Scene::with(etcd, &["--hold-collapse", "10m"]);
    scene.open(&browser, "#/zones/services.internal");
    scene.etcd.etcdctl(&["del", "--prefix", "/services/web/"]);
    browser.shows("#notice.bad", "holding the removal of 30 of 30 instances");
    assert!(browser.says("document.querySelector('#notice').role") == "alert");
    browser.shows(".facts", "30 of 30 until ");
    browser.picture(&picture("desktop-held-zone.png"));
    scene.etcd.kill9();
    browser.shows("#state", "stale");
    scene.open_anyhow(&browser, "#/problems");
    browser.shows(".panel", "What it has now is not known: services.internal is not confirmed.");
    assert!(!browser.text("main").contains("Nothing is wrong"));
    is_content(&browser);
}

#[test]
fn a_server_that_is_gone_is_told() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let mut scene = Scene::start();
    scene.open(&browser, "");
    browser.shows(".list", "web");
    scene.server.kill9();
    browser.shows("#state", "no connection to srvd");
    browser.shows("#notice.bad", "This page shows what was known before");
    browser.shows(".list", "web");
}

#[test]
fn zones_fit_into_a_hand() {
    let Some(browser) = Browser::start(Screen::Phone) else { return };
    let (scene, _directory) = zones_of_all_kinds();
    for (place, part, name) in [
        ("#/zones", "ns-one", "phone-zones"),
        ("#/zones/sky.test", "/sky/test/sky/db/1", "phone-entries"),
        ("#/zones/alone.test", "host-000", "phone-records"),
        ("#/events", "remembers", "phone-events"),
    ] {
        scene.open(&browser, place);
        browser.shows("main", part);
        browser.picture(&picture(&format!("{name}.png")));
        let wide = browser.says("document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_f64().unwrap() <= 0.0, "{place} is wider than the screen: {wide}");
    }
    is_content(&browser);
}
