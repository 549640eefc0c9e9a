//! Whoever may write a key writes to no terminal, forges no line, hides nothing.

use std::process::Output;

use serde_json::Value;

use super::process::{self, run};
use super::writer::Writer;
use crate::support::eventually;
use crate::support::registry::Registry;

/// What a terminal obeys, what ends lines, turns text round, or is not seen.
const HOSTILE: &str =
    "\x1b]0;X\x07\n2026 ERROR forged\r\u{9b}31m\u{7f}\u{202e}\u{2066}\u{200b}\u{2028}\u{e0041}";

/// Its beginning, as it is shown.
const SHOWN: &str = r"\x1b]0;X\x07\n2026 ERROR";

/// A registry with hostile names, ids, values and documents that cannot be used.
fn hostile() -> Registry {
    let registry = Registry::embedded();
    let writer = Writer::new(&registry.url());
    let short = "\x1b]0;X\x07\n\u{202e}";
    writer.put(format!("/services/web/{short}"), r#"{"host":"10.0.0.1:80"}"#);
    let members = serde_json::json!({
        "host": "10.0.0.2:80", "version": short, "tags": [short], "meta": {short: short},
        "text": HOSTILE,
    });
    writer.put("/services/web/2", members.to_string());
    writer.put(format!("/services/{short}/1"), "10.0.0.3:80");
    writer.put(format!("/services/web/bad{short}"), HOSTILE);
    writer.put("/services/web/port", format!(r#"{{"host":"10.0.0.1","port":"{HOSTILE}"}}"#));
    writer.put(format!("/services/a/b/{short}"), "10.0.0.1:80");
    registry
}

/// What a command printed, on both streams: text that does nothing to a terminal.
fn harmless(output: &Output) -> String {
    let octets = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(octets).unwrap();
    let is_bad =
        |it: &char| it.is_control() && *it != '\n' || "\u{202e}\u{2066}\u{200b}".contains(*it);
    let bad: Vec<_> = text.chars().filter(is_bad).collect();
    assert!(bad.is_empty(), "{bad:?} in {text:?}");
    assert!(!text.contains("\u{2028}") && !text.contains("\u{e0041}"), "{text:?}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("2026 ERROR"));
    assert_eq!(forged, None, "{text}");
    text
}

#[test]
fn commands_write_to_no_terminal() {
    let registry = hostile();
    let url = registry.url();
    let ask = |arguments: &[&str]| harmless(&run(&[arguments, &["--registry", &url]].concat()));
    for form in ["table", "json"] {
        let with_form = |arguments: &[&str]| ask(&[arguments, &["--output", form]].concat());
        let instances = with_form(&["list", "web"]);
        let escapes =
            if form == "table" { r"\x1b]0;X\x07\n\u{202e}" } else { r"\u001b]0;X\u0007\n\u202e" };
        assert!(instances.contains(escapes), "{instances}");
        with_form(&["list"]);
        with_form(&["lookup", "web"]);
        with_form(&["list", HOSTILE]);
        let problems = with_form(&["check"]);
        assert!(problems.contains("not-a-key") || problems.contains("NAME/ID"), "{problems}");
        for name in ["web.services.internal", "nothing.web.services.internal", HOSTILE] {
            with_form(&["explain", name]);
            with_form(&["explain", name, "TXT"]);
        }
    }
    ask(&["lookup", "web", "--output", "address"]);
}

#[test]
fn json_says_what_the_registry_says() {
    let registry = hostile();
    let output = run(&["list", "web", "--output", "json", "--registry", &registry.url()]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = found.as_array().unwrap().iter().find_map(|it| it["text"].as_str());
    assert_eq!(text, Some(HOSTILE));
    let ids: Vec<_> = found.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert!(ids.contains(&Value::from("\x1b]0;X\x07\n\u{202e}")), "{ids:?}");
}

#[test]
fn a_table_of_events_has_a_line_for_each() {
    let registry = hostile();
    let watch = ["watch", "--output", "table", "--registry", &registry.url()];
    let process = process::start(&watch);
    assert!(eventually(|| process.out().all().len() >= 3), "{:?}", process.out().all());
    let lines = process.out().all();
    assert!(lines.iter().all(|line| line.starts_with("online ")), "{lines:?}");
    assert!(!lines.concat().chars().any(char::is_control), "{lines:?}");
}

#[test]
fn the_log_has_lines_of_ours_alone() {
    let registry = hostile();
    for format in ["text", "json"] {
        let arguments = ["serve", "--registry", &registry.url(), "--listen", "127.0.0.1:0"];
        let arguments = [&arguments[..], &["--log-format", format, "-vv"]].concat();
        let process = process::start(&arguments);
        process.logs("registration not served");
        process.logs("the registry was listed");
        let lines = process.log().all();
        let is_ours = |line: &String| match format {
            "text" => line.starts_with("20") && line.contains("Z "),
            _ => serde_json::from_str::<Value>(line).is_ok(),
        };
        for line in &lines {
            assert!(is_ours(line), "{line:?}");
            let is_bad = |it: char| it.is_control() || ('\u{200b}'..='\u{206f}').contains(&it);
            assert!(!line.contains(is_bad), "{line:?}");
        }
    }
}

#[test]
fn what_is_wrong_on_the_command_line_is_one_line() {
    for arguments in [
        &["explain", "a", HOSTILE][..],
        &["list", "--registry", HOSTILE],
        &["list", "--config", HOSTILE],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = harmless(&output);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(SHOWN) || text.contains("x1b"), "{text}");
    }
}
