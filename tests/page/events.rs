//! Events of the server's memory.

use super::{Scene, is_content, picture};
use crate::support::browser::{Browser, Screen};
use crate::support::eventually;

#[test]
fn what_happened_before_the_page_was_opened_is_there() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "#/events");
    browser.shows(".empty", "Nothing has changed since this server began to remember.");
    scene.etcd.etcdctl(&["put", "/services/new/1", "10.0.7.1:80"]);
    browser.shows(".feed", "new");
    scene.etcd.etcdctl(&["del", "/services/billing/a"]);
    scene.etcd.etcdctl(&["put", "/services/_frontends/shop", r#"{"resource":"Frontend"}"#]);
    browser.shows(".feed li:first-child", "shop");
    // Another page knows as much, with the server's times.
    browser.open("about:blank");
    scene.open(&browser, "#/events");
    browser.shows(".feed li:nth-child(3)", "new");
    let time = browser.says("document.querySelector('.feed time').dateTime");
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    browser.picture(&picture("desktop-events-memory.png"));
    let rows = || browser.says("document.querySelectorAll('.feed li').length");
    for (kind, part) in [("online", "new"), ("offline", "billing"), ("alias", "shop")] {
        browser.choose("#event-kind", kind);
        assert!(eventually(|| rows() == 1 && browser.text(".feed").contains(part)), "{kind}");
    }
    browser.choose("#event-kind", "");
    browser.writes("#event-search", "10.0.7.");
    assert!(eventually(|| rows() == 1));
    browser.writes("#event-search", "none such");
    browser.shows(".empty", "Nothing that this server remembers is like that.");
    browser.writes("#event-search", "");
    assert!(eventually(|| rows() == 3));
    // From a service to its events.
    scene.open(&browser, "#/services/services.internal/new");
    browser.click("a[href='#/events/new']");
    assert!(eventually(|| rows() == 1));
    is_content(&browser);
}

#[test]
fn events_wait_while_paused_and_have_pages() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "#/events");
    scene.etcd.etcdctl(&["put", "/services/first/1", "10.0.7.1:80"]);
    browser.shows(".feed", "first");
    browser.click("[aria-pressed]");
    browser.shows("[aria-pressed=true]", "Resume");
    for n in 0..120 {
        scene.etcd.etcdctl(&["put", &format!("/services/later/{n}"), "10.0.8.1:80"]);
    }
    browser.shows("[aria-pressed]", "(120 new)");
    assert!(!browser.text(".feed").contains("later"));
    browser.click("[aria-pressed]");
    browser.shows(".feed li:first-child", "later");
    browser.shows("[aria-pressed=false]", "Pause");
    browser.shows(".more", "1–100.");
    browser.click(".pages button:last-child");
    browser.shows(".feed li:last-child", "first");
    browser.shows(".more", "101–121.");
    is_content(&browser);
}
