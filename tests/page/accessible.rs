//! axe-core on every view: what a program can tell of who can use the page.

use std::fs;

use super::{Scene, is_content, picture};
use crate::support::browser::{Browser, Screen};

/// What `tests/run.sh` installs.
const AXE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node/node_modules/axe-core/axe.min.js");
/// Every view, and what it shows once it is there.
const VIEWS: [(&str, &str, &str); 7] = [
    ("services", "#/services/services.internal/web", "10.0.0.3:8080"),
    ("alias", "#/services/services.internal/shop", "the frontend of"),
    ("problems", "#/problems", "broken/one"),
    ("ask", "#/ask/_web._tcp/SRV", "NOERROR"),
    ("events", "#/events", "came"),
    ("zones", "#/zones", "services.internal"),
    ("zone", "#/zones/services.internal", "SOA"),
];

/// What axe finds in the page as it is.
fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.says(&format!("{axe}; true"));
    let run = "axe.run(document, { resultTypes: ['violations'] }).then((it) => it.violations.map(\
        (one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3).join(' | ')}`), (fault) => [String(fault)])";
    let found = browser.awaits(run);
    let found = found.as_array().unwrap_or_else(|| panic!("axe did not run: {found}"));
    found.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Looks at every view of a screen, in light and dark.
fn look(screen: Screen, name: &str) {
    let Ok(axe) = fs::read_to_string(AXE) else {
        eprintln!("left out: axe-core is not there; tests/run.sh installs it where there is npm");
        return;
    };
    let Some(browser) = Browser::start(screen) else { return };
    let scene = Scene::start();
    scene.etcd.etcdctl(&["put", "/services/came/1", r#"{"host":"10.0.0.9:80","tags":["t"]}"#]);
    for (view, place, part) in VIEWS {
        scene.open(&browser, place);
        browser.shows("main", part);
        if view == "services" {
            browser.click("[aria-expanded]");
            browser.shows(".whole pre", "hostname");
        }
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            let found = violations(&browser, &axe);
            assert!(found.is_empty(), "{name} {view} {scheme}: {found:#?}");
            browser.picture(&picture(&format!("{name}-{view}-{scheme}.png")));
        }
    }
    is_content(&browser);
}

#[test]
fn a_desk_shows_nothing_that_somebody_cannot_use() {
    look(Screen::Desktop, "axe-desktop");
}

#[test]
fn a_hand_shows_nothing_that_somebody_cannot_use() {
    look(Screen::Phone, "axe-phone");
}
