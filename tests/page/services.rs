//! The list of services, and the panel of one.

use serde_json::Value;

use super::{Scene, is_content, picture};
use crate::serve::writer::Writer;
use crate::support::browser::{Browser, Screen};
use crate::support::etcd::Etcd;
use crate::support::eventually;

/// How many elements a selector finds.
fn count(browser: &Browser, selector: &str) -> u64 {
    browser.says(&format!("document.querySelectorAll({selector:?}).length")).as_u64().unwrap()
}

/// A registry of pairs.
fn registry(pairs: &[(&str, &str)]) -> Etcd {
    let etcd = Etcd::start();
    for (key, value) in pairs {
        etcd.etcdctl(&["put", &format!("/services/{key}"), value]);
    }
    etcd
}

#[test]
fn services_are_found_by_tag_version_address_and_zone() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "");
    browser.shows(".list", "billing");
    for (text, name) in [
        ("tag:green", "web"),
        ("version:1.4.2 w", "web"),
        ("10.0.1.2", "billing"),
        ("2001:db8::1", "search-index"),
        ("address:mx.example.com zone:services.internal", "mail"),
    ] {
        browser.writes("#search", text);
        browser.shows(".more", "1 in all");
        browser.shows(".list", name);
    }
    // A word that is no name may be a tag.
    browser.writes("#search", "blue-not");
    browser.shows(".more", "No service is found by “blue-not”");
    browser.writes("#search", "green");
    browser.shows(".list .hint", "tag:green");
    browser.click(".list .hint a");
    browser.shows(".list .name", "web");
    // A tag of an instance leads to all that have it.
    browser.writes("#search", "");
    scene.open(&browser, "#/services/services.internal/web");
    browser.click(".panel a[href='#/search/tag%3Ablue']");
    browser.shows(".more", "3 in all");
    is_content(&browser);
    browser.writes("#search", "zone:other");
    browser.shows(".more", "there is no zone");
}

#[test]
fn services_are_sorted_by_count_and_by_what_is_new() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::start();
    scene.open(&browser, "");
    browser.shows(".list li:first-child", "billing");
    browser.choose("#sort", "instances");
    browser.shows(".list li:first-child", "web");
    browser.choose("#sort", "newest");
    browser.shows(".list li:first-child", "billing");
    scene.etcd.etcdctl(&["put", "/services/zebra/1", "10.0.5.1:80"]);
    browser.shows(".list li:first-child", "zebra");
    browser.shows(".list li:first-child", "ago");
    scene.etcd.etcdctl(&["put", "/services/mail/new", "10.0.5.2:80"]);
    browser.shows(".list li:first-child", "mail");
    is_content(&browser);
}

#[test]
fn ten_thousand_services_stay_usable() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let etcd = Etcd::start();
    let pair =
        |n: u32| (format!("/services/svc-{n:05}/1"), format!("10.{}.{}.1:80", n / 250, n % 250));
    let mut pairs: Vec<_> = (0..10_000).map(pair).collect();
    pairs.extend(
        (0..1_500).map(|n| {
            (format!("/services/big/{n:04}"), format!("10.99.{}.{}:80", n / 250, n % 250))
        }),
    );
    Writer::new(&etcd.url()).put_all(&pairs);
    let scene = Scene::with(etcd, &["--hold-collapse", "0s"]);
    scene.open(&browser, "");
    browser.shows(".more", "1–200 of 10,001.");
    assert_eq!(count(&browser, ".list a"), 200);
    browser.click(".pages button:last-child");
    browser.shows(".more", "201–400 of 10,001.");
    browser.shows(".list li:first-child", "svc-00199");
    // What changes elsewhere turns no page.
    scene.etcd.etcdctl(&["put", "/services/svc-00199/2", "10.88.0.1:80"]);
    browser.shows(".list li:first-child .many", "2");
    browser.shows(".more", "201–400 of 10,001.");
    assert_eq!(count(&browser, ".list a"), 200);
    browser.click(".pages button:nth-child(2)");
    browser.shows(".more", "1–200 of 10,001.");
    browser.writes("#search", "09999");
    browser.shows(".more", "1 in all.");
    // Instances have pages of their own, past a thousand.
    scene.open(&browser, "#/services/services.internal/big");
    browser.shows(".panel .more", "1–100 of 1,500.");
    for last in (200..=1500_u32).step_by(100) {
        browser.click(".panel .pages button:last-child");
        let last = if last < 1000 { last.to_string() } else { format!("1,{:03}", last - 1000) };
        browser.shows(".panel .more", &format!("–{last} of 1,500."));
    }
    browser.shows(".panel table", "1499");
    browser.shows(".panel .more", "1,401–1,500");
    is_content(&browser);
}

#[test]
fn what_is_hidden_and_who_leads_to_nobody_is_seen() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::with(
        registry(&[
            ("web/1", r#"{"host":"10.0.0.1:80","version":"1.4.2"}"#),
            ("api/one", "10.0.0.2:80"),
            ("_backends/api", r#"{"resource":"Backend","app":"web"}"#),
            ("_backends/old", r#"{"resource":"Backend","app":"web","version":"1.0"}"#),
            ("_frontends/shop", r#"{"resource":"Frontend","backend":"old"}"#),
        ]),
        &[],
    );
    scene.open(&browser, "");
    browser.shows(".list", "hides a service");
    browser.shows(".list", "leads to nobody");
    browser.click("a[href='#/services/services.internal/api']");
    browser.shows(
        ".panel .note",
        "The backend hides a service of the same name, which has 1 instance.",
    );
    browser.shows(".panel table", "10.0.0.1:80");
    browser.shows(".panel", "api is the backend of web");
    browser.picture(&picture("desktop-hidden.png"));
    browser.click(".panel .note a");
    browser.shows(".panel table", "10.0.0.2:80");
    browser.shows(".panel .note", "This is the service itself");
    scene.open(&browser, "#/services/services.internal/shop");
    let why =
        "It leads to nobody: `web` has 1 registered, none of the version `1.0` (versions: 1.4.2).";
    browser.shows(".panel .note", why);
    browser.picture(&picture("desktop-nobody.png"));
    scene.etcd.etcdctl(&["put", "/services/web/2", r#"{"host":"10.0.0.3:80","version":"1.0"}"#]);
    browser.shows(".panel table", "10.0.0.3:80");
    assert!(eventually(|| !browser.text(".panel").contains("nobody")));
    is_content(&browser);
}

#[test]
fn an_instance_shows_its_lease_its_document_and_what_is_wrong() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let long = "x".repeat(3000);
    let document =
        serde_json::json!({ "host": "10.0.0.1:80", "protocol": "grpc", "ttl": 9, "text": long });
    let scene =
        Scene::with(registry(&[("web/1", &document.to_string()), ("web/bad", "nonsense")]), &[]);
    let lease = scene.etcd.etcdctl(&["lease", "grant", "600"]);
    let lease =
        String::from_utf8(lease.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    scene.etcd.etcdctl(&["put", "--lease", &lease, "/services/web/2", "10.0.0.2:80"]);
    scene.open(&browser, "#/services/services.internal/web");
    browser.shows(".panel tbody tr:first-child", "until deleted");
    browser.shows(".panel tbody tr:first-child", "TTL 9 s");
    browser.shows(".panel tbody tr:first-child", "grpc");
    browser.shows(".panel tbody tr:nth-child(2)", "with its lease");
    // Instances come before answers, and what cannot be served is beside them.
    let text = browser.text(".panel");
    assert!(text.find("10.0.0.2:80") < text.find("WHAT DNS ANSWERS NOW"), "{text}");
    browser.shows(".panel", "PROBLEMS");
    browser.shows(".panel ul", "/services/web/bad");
    // A long text is cut, and whole on demand.
    let shown = "document.querySelector('.panel .long > span').checkVisibility()";
    assert_eq!(browser.says(shown), false);
    browser.click(".panel .long > summary");
    assert_eq!(browser.says(shown), true);
    // What is open stays so when something else changes.
    scene.etcd.etcdctl(&["put", "/services/web/3", "10.0.0.3:80"]);
    browser.shows(".panel table", "10.0.0.3:80");
    assert_eq!(browser.says(shown), true);
    browser.click(".panel tbody tr:nth-child(2) [aria-expanded]");
    browser.shows(".panel tbody tr:nth-child(3) .whole pre", "\"leased\": true");
    browser.picture(&picture("desktop-instance.png"));
    browser.click(".panel ul a");
    browser.shows("[role=status].faint", "1 of 1 problems");
    // And from the problem back to the service.
    browser.click("tbody a");
    browser.shows(".panel h2", "web");
    is_content(&browser);
}

#[test]
fn commands_are_copied_or_shown_to_be_copied() {
    let Some(browser) = Browser::start(Screen::Desktop) else { return };
    let scene = Scene::with(registry(&[("web/it's $(one)", "10.0.0.1:80")]), &[]);
    browser.lets_copy();
    scene.open(&browser, "#/services/services.internal/web");
    browser.click(".panel [aria-expanded]");
    let copied = |part: &str| {
        eventually(|| {
            browser
                .awaits("navigator.clipboard.readText()")
                .as_str()
                .is_some_and(|it| it.contains(part))
        })
    };
    browser.click(".panel .whole button:nth-of-type(1)");
    assert!(copied("/services/web/it's $(one)"));
    browser.shows("#told", "Copied the key");
    browser.click(".panel .whole button:nth-of-type(2)");
    assert!(copied(r"srvd leave --id='it'\''s $(one)' -- web"));
    browser.click(".answer button");
    assert!(copied("dig @127.0.0.1 -p ") && copied(" _web._tcp.services.internal. SRV"));
    // A browser that lets no page copy.
    browser.says("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    browser.click(".panel .whole button:nth-of-type(1)");
    browser.shows("#told", "The browser lets no page copy here");
    let field = browser.says("document.querySelector('#told input').value");
    assert_eq!(field, Value::from("/services/web/it's $(one)"));
    assert_eq!(browser.says("document.activeElement.selectionEnd"), Value::from(25));
    // What is pasted into a terminal never has what cannot be seen.
    let word = "import('/page/copy.js').then((it) => it.shellWord('a\\u001b[2J\\u202e\\n\\'$x'))";
    assert_eq!(browser.awaits(word), Value::from(r"$'a\033[2J\342\200\256\012\'$x'"));
    is_content(&browser);
}
