//! The page at `/`, in headless Chromium. Pictures are left in `target/pictures`, to be
//! looked at.

/// That everybody can use it, as far as a program can tell.
mod accessible;
/// What the server remembers of what happened.
mod events;
/// A list that is searched, sorted and paged, and the panel of one service.
mod services;
/// Zones, what is in them, and the server.
mod zones;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::browser::{Browser, Screen};
use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, plain};

/// Down, as WebDriver names keys.
const DOWN: char = '\u{e015}';
/// Enter.
const ENTER: char = '\u{e007}';
/// Escape.
const ESCAPE: char = '\u{e00c}';

/// Registrations as a fleet has them, with some that cannot be served.
const FLEET: &[(&str, &str)] = &[
    (
        "web/10-0-0-1-8080",
        r#"{"host":"10.0.0.1:8080","version":"1.4.2","tags":["blue"],"weight":3,"meta":{"rack":"a1"}}"#,
    ),
    ("web/10-0-0-2-8080", r#"{"host":"10.0.0.2:8080","version":"1.4.2","tags":["blue"]}"#),
    ("web/10-0-0-3-8080", r#"{"host":"10.0.0.3:8080","version":"1.5.0","tags":["green"]}"#),
    ("billing/a", "10.0.1.1:9000"),
    ("billing/b", "10.0.1.2:9000"),
    ("search-index/node-1", r#"{"host":"[2001:db8::1]:9200","priority":10}"#),
    ("mail/mx", r#"{"host":"mx.example.com:25"}"#),
    ("_backends/blue", r#"{"resource":"Backend","name":"blue","app":"web","version":"1.4.2"}"#),
    ("_frontends/shop", r#"{"resource":"Frontend","name":"shop","backend":"blue"}"#),
    ("broken/one", "nonsense"),
    ("broken/two", r#"{"host":"10.0.0.1:99999"}"#),
];

/// A server with a fleet, and where its page is.
struct Scene {
    /// The registry.
    etcd: Etcd,
    /// The server.
    server: Srvd,
    /// Where HTTP is answered.
    at: SocketAddr,
}

impl Scene {
    /// One with the usual fleet.
    fn start() -> Self {
        let etcd = Etcd::start();
        for (key, value) in FLEET {
            etcd.etcdctl(&["put", &format!("/services/{key}"), value]);
        }
        let scene = Self::with(etcd, &["--hold-collapse", "0s"]);
        // What comes from now on is an event; what is in the first list is none.
        scene.server.logs("the registry was listed");
        scene
    }

    /// One of a registry, with more arguments.
    fn with(etcd: Etcd, more: &[&str]) -> Self {
        let url = etcd.url();
        let arguments = [&["serve", "--registry", &url, "--listen", "127.0.0.1:0"], more].concat();
        let server = Srvd::spawn(&mut plain(&arguments));
        let (_, line) = server.prints("answering HTTP on ");
        let at = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
        Self { etcd, server, at }
    }

    /// Opens the page at one of its places, however the server stands.
    fn open_anyhow(&self, browser: &Browser, place: &str) {
        browser.open(&format!("http://{}/{place}", self.at));
    }

    /// Opens the page at one of its places.
    fn open(&self, browser: &Browser, place: &str) {
        browser.open(&format!("http://{}/{place}", self.at));
        browser.shows("#state", "fresh");
    }
}

/// Where a picture goes.
fn picture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/pictures").join(name)
}

/// Ends with what the browser complained of, which must be nothing.
fn is_content(browser: &Browser) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn services_are_found_and_their_answers_shown() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "");
    browser.shows(".list", "web");
    browser.shows("#problem-count", "2");
    browser.click("a[href='#/services/services.internal/web']");
    browser.shows(".panel h2", "web");
    browser.shows(".panel", "10.0.0.3:8080");
    browser.shows(".answer pre", "10-0-0-1.web.services.internal.");
    browser.picture(&picture("desktop-services.png"));
    browser.prefer("dark");
    browser.picture(&picture("desktop-services-dark.png"));
    // A frontend says what it stands for.
    browser.open(&format!("http://{}/#/services/services.internal/shop", scene.at));
    browser.shows(".panel", "the frontend of blue");
    is_content(&browser);
}

#[test]
fn problems_come_with_their_remedies_and_go_when_mended() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "#/problems");
    browser.shows("table", "/services/broken/one");
    browser.shows("table", "99999");
    browser.picture(&picture("desktop-problems.png"));
    scene.etcd.etcdctl(&["put", "/services/broken/two", "10.0.0.9:80"]);
    browser.shows("[role=status].faint", "1 of 1 problems");
    scene.etcd.etcdctl(&["del", "/services/broken/one"]);
    browser.shows(".panel", "Nothing is wrong");
    is_content(&browser);
}

#[test]
fn what_changes_is_seen_without_reloading() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "#/services/services.internal/billing");
    browser.shows(".panel", "2 instances");
    browser.says("window.untouched = true");
    scene.etcd.etcdctl(&["put", "/services/billing/c", "10.0.1.3:9000"]);
    browser.shows(".panel", "3 instances");
    browser.shows(".answer pre", "10-0-1-3.billing");
    scene.etcd.etcdctl(&["put", "/services/new-one/a", "10.0.9.9:80"]);
    browser.shows(".list", "new-one");
    browser.press("4");
    browser.shows(".feed", "new-one");
    scene.etcd.etcdctl(&["del", "/services/new-one/a"]);
    browser.shows(".feed li:first-child", "offline");
    scene.etcd.etcdctl(&[
        "put",
        "/services/_frontends/shop",
        r#"{"resource":"Frontend","name":"shop"}"#,
    ]);
    browser.shows(".feed li:first-child", "shop");
    browser.picture(&picture("desktop-events.png"));
    assert_eq!(browser.says("window.untouched"), Value::Bool(true));
    is_content(&browser);
}

#[test]
fn a_start_without_a_registry_is_not_called_good() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let mut etcd = Etcd::start();
    etcd.kill9();
    let scene = Scene::with(etcd, &[]);
    browser.open(&format!("http://{}/#/problems", scene.at));
    browser.shows("#state", "not ready");
    browser.shows("#notice", "services.internal: not ready: the registry has not been listed yet");
    browser.shows("#notice", "last error: ");
    browser.shows(".panel", "Nothing is known yet of services.internal");
    browser.picture(&picture("desktop-not-ready.png"));
    is_content(&browser);
}

#[test]
fn removals_that_are_held_are_not_called_good() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let etcd = Etcd::start();
    for id in 0..30 {
        etcd.etcdctl(&["put", &format!("/services/web/{id}"), &format!("10.0.0.{id}:80")]);
    }
    let scene = Scene::with(etcd, &["--hold-collapse", "10m"]);
    scene.open(&browser, "");
    scene.etcd.etcdctl(&["del", "--prefix", "/services/web/"]);
    browser.shows("#state", "holding removals");
    browser.shows("#notice", "holding the removal of 30 of 30 instances until ");
    browser.picture(&picture("desktop-holding.png"));
    is_content(&browser);
}

#[test]
fn what_others_wrote_turns_no_text_round() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let etcd = Etcd::start();
    let hidden = "\u{202e}gpj\u{2066}\u{200b}\u{9b}\n";
    etcd.etcdctl(&["put", &format!("/services/web/{hidden}"), "10.0.0.1:80"]);
    let document = serde_json::json!({ "host": "10.0.0.2:80", "tags": [hidden], "text": hidden });
    etcd.etcdctl(&["put", "/services/web/2", &document.to_string()]);
    etcd.etcdctl(&["put", &format!("/services/{hidden}/1"), "10.0.0.3:80"]);
    etcd.etcdctl(&["put", &format!("/services/bad/{hidden}"), hidden]);
    let scene = Scene::with(etcd, &[]);
    let shown = r"\u{202e}gpj\u{2066}\u{200b}\u{9b}\n";
    for place in ["#/services/services.internal/web", "#/problems", "#/events"] {
        scene.open(&browser, place);
        scene.etcd.etcdctl(&["put", "/services/web/2", &document.to_string()]);
        scene.etcd.etcdctl(&["del", &format!("/services/{hidden}/1")]);
        browser.shows("#main", if place == "#/problems" { r"\u" } else { shown });
        let text = browser.says("document.documentElement.outerHTML + document.title");
        let text = text.as_str().unwrap();
        let is_hidden = |it: char| hidden.contains(it) && !it.is_alphabetic() && it != '\n';
        assert!(!text.contains(is_hidden), "{text:?}");
    }
    is_content(&browser);
}

#[test]
fn keys_are_enough() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "");
    browser.shows(".list", "search-index");
    browser.press("/index");
    browser.shows(".more", "1 in all");
    browser.press(&format!("{DOWN}{ENTER}"));
    browser.shows(".panel h2", "search-index");
    browser.shows(".panel", "[2001:db8::1]:9200");
    browser.press(&format!("{ESCAPE}2"));
    browser.shows(".panel", "/services/broken/one");
    browser.press("3");
    browser.shows("form", "Name");
    browser.press(&format!("_web._tcp{ENTER}"));
    browser.shows("form + div", "NOERROR");
    browser.shows("form + div .answer pre", "10-0-0-2.web.services.internal.");
    browser.picture(&picture("desktop-ask.png"));
    is_content(&browser);
}

#[test]
fn whoever_reads_or_goes_by_keys_is_not_disturbed() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "#/services/services.internal/web");
    browser.shows(".panel", "10.0.0.3:8080");
    browser.says("document.querySelector(\"a[href='#/services/services.internal/mail']\").focus()");
    browser.says("getSelection().selectAllChildren(document.querySelector('td code'))");
    scene.etcd.etcdctl(&["put", "/services/aaa/1", "10.0.9.1:80"]);
    browser.shows(".list", "aaa");
    let focus = browser.says("document.activeElement.getAttribute('href')");
    assert_eq!(focus, Value::from("#/services/services.internal/mail"));
    assert_eq!(browser.says("getSelection().toString()"), Value::from("10-0-0-1-8080"));
    is_content(&browser);
}

#[test]
fn why_there_is_no_answer_is_told() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    for (name, kind, word) in [
        ("web.services.internal", "TXT", "NODATA"),
        ("mail.services.internal", "A", "NODATA"),
        ("nothing.services.internal", "A", "NXDOMAIN"),
        ("example.com", "A", "REFUSED"),
    ] {
        scene.open(&browser, &format!("#/ask/{name}/{kind}"));
        browser.shows("form + div", word);
        browser.shows("form + div", "WHY");
    }
    is_content(&browser);
}

#[test]
fn text_of_documents_is_never_markup() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    let markup = "<img src=x onerror=alert(1)><svg onload=alert(2)>";
    let document = serde_json::json!({
        "host": "10.0.0.7:80", "version": markup, "tags": [markup, "\u{202e}\u{1b}[2J"],
        "meta": { markup: markup }, "text": markup,
    });
    scene.etcd.etcdctl(&["put", &format!("/services/evil/{markup}"), &document.to_string()]);
    scene.etcd.etcdctl(&["put", &format!("/services/{markup}/1"), &document.to_string()]);
    scene.etcd.etcdctl(&["put", "/services/broken/three", markup]);
    scene.open(&browser, "#/services/services.internal/evil");
    browser.shows(".panel", "onerror");
    browser.picture(&picture("desktop-markup.png"));
    for place in ["#/problems", "#/events", &format!("#/services/services.internal/{markup}")] {
        scene.open(&browser, place);
        browser.shows("main", "");
    }
    scene.open(&browser, "#/problems");
    browser.shows("table", "broken/three");
    let strange =
        browser.says("document.querySelectorAll('img, iframe, main script, main svg').length");
    assert_eq!(strange, Value::from(0));
    is_content(&browser);
}

#[test]
fn nothing_is_asked_of_anybody_else() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "");
    let asked = browser.says("performance.getEntriesByType('resource').map((it) => it.name)");
    let own = format!("http://{}/", scene.at);
    let asked = asked.as_array().unwrap();
    assert!(
        asked.len() > 10 && asked.iter().all(|it| it.as_str().unwrap().starts_with(&own)),
        "{asked:?}"
    );
    // The policy stops what a page must not do, whoever wants it.
    let tried = "(() => { try { document.body.innerHTML = '<b>'; return 'done' } catch (fault) { return fault.name } })()";
    assert_eq!(browser.says(tried), Value::from("TypeError"));
    let tried = "fetch('http://192.0.2.1/').then(() => 'done', () => { window.refused = true })";
    browser.says(tried);
    assert!(crate::support::eventually(|| browser.says("window.refused") == Value::Bool(true)));
    assert!(browser.complaints().iter().any(|it| it.contains("Content Security Policy")));
}

#[test]
fn a_configuration_that_is_not_used_is_told() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let config = directory.path().join("srvd.toml");
    std::fs::write(&config, "nsid = \"one\"\n").unwrap();
    let scene = Scene::with(etcd, &["--config", config.to_str().unwrap()]);
    scene.open(&browser, "");
    assert_eq!(browser.text("#notice"), "");
    std::fs::write(&config, "nsid = 1\n").unwrap();
    scene.server.signal("HUP");
    browser.shows("#notice.bad", "keeping the previous configuration");
    browser.shows("#notice", "nsid");
    std::fs::write(&config, "nsid = \"two\"\n").unwrap();
    scene.server.signal("HUP");
    assert!(crate::support::eventually(|| browser.text("#notice").is_empty()));
    is_content(&browser);
}

#[test]
fn it_fits_into_a_hand() {
    let Some(browser) = Browser::start(Screen::Phone) else { return };
    let scene = Scene::start();
    scene.open(&browser, "");
    browser.shows(".list", "web");
    browser.picture(&picture("phone-list.png"));
    browser.click("a[href='#/services/services.internal/web']");
    browser.shows(".panel", "10.0.0.3:8080");
    browser.picture(&picture("phone-service.png"));
    for (place, name) in [("#/problems", "phone-problems"), ("#/ask/_web._tcp/SRV", "phone-ask")] {
        scene.open(&browser, place);
        browser.shows("main", if name.ends_with("ask") { "NOERROR" } else { "broken/one" });
        browser.prefer("dark");
        browser.picture(&picture(&format!("{name}-dark.png")));
        browser.prefer("light");
        let wide = browser.says("document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_f64().unwrap() <= 0.0, "{place} is wider than the screen: {wide}");
    }
    is_content(&browser);
}
