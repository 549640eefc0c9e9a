//! Faults of the configuration file, in the words of who writes one.

use toml::Spanned;
use toml::de::DeString;

use super::encrypted::TLS_PORT;
use super::http::ETCD_V2_PORT;
use super::serve::DNS_PORT;
use super::{keys, socket_address};
use crate::names::nearest;

/// What is wrong in a text: line, key, reason. The value is not shown: it may be a registry's
/// url with a password in it.
pub(super) fn fault(text: &str, error: &toml::de::Error) -> String {
    // Some faults say what was expected in a line of its own.
    let what = error.message().split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    let Some(span) = error.span().filter(|span| text.get(span.clone()).is_some()) else {
        return format!(" {what}");
    };
    let line = line_after(&text[..span.start]);
    let key = text.lines().take(line).filter_map(key_of).last();
    let what = unknown_of_zone(&what)
        .or_else(|| mistyped(&what, key.unwrap_or(&text[span.clone()])))
        .or_else(|| address(&what, key, text[span].trim_matches(['"', '\''])))
        .unwrap_or(what);
    key.map_or(format!("{line}: {what}"), |key| format!("{line}: {key}: {what}"))
}

/// The line, and that its key is unknown, if no option is called so.
pub(super) fn unknown(text: &str, key: &Spanned<DeString<'_>>) -> Option<String> {
    let known: Vec<_> = keys().map(|(key, _)| key).chain(["zone".to_owned()]).collect();
    let (name, known) = (key.get_ref(), known.iter().map(String::as_str));
    if known.clone().any(|it| it == name) {
        return None;
    }
    let line = line_after(text.get(..key.span().start).unwrap_or_default());
    Some(format!("{line}: {name}: {}", unknown_of(name, known)))
}

/// That a key of `[[zone]]` or `[[forward]]` is unknown.
fn unknown_of_zone(what: &str) -> Option<String> {
    let (key, known) = what.strip_prefix("unknown field `")?.split_once("`, expected ")?;
    // Of two keys it is said that it is either.
    let known = known.trim_start_matches("one of ").replace(" or ", ", ");
    Some(unknown_of(key, known.split(", ").map(|it| it.trim_matches('`'))))
}

/// That a key is unknown, with the known one that is most like it.
fn unknown_of<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> String {
    let meant = nearest(key.as_bytes(), known.map(str::as_bytes));
    let meant = meant.and_then(|it| str::from_utf8(it).ok());
    let remedy = meant.map_or("remove it".to_owned(), |it| format!("is it `{it}`?"));
    format!("unknown key `{key}`; {remedy}")
}

/// The number of the line that follows a text.
fn line_after(text: &str) -> usize {
    text.matches('\n').count() + 1
}

/// That the value of a key, or a table, is of another type than it should be, and what to write.
fn mistyped(what: &str, key: &str) -> Option<String> {
    let (found, wanted) = what.strip_prefix("invalid type: ")?.split_once(", expected ")?;
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    let value = value.trim_matches('`');
    Some(match (kind, wanted) {
        (_, "a sequence") if key.starts_with("[forward") => {
            "it is one of a list of tables; write [[forward]]".to_owned()
        }
        (_, "a sequence") if key == "zone" || key.starts_with("[zone") => {
            "it is one of a list of tables; write [[zone]]".to_owned()
        }
        ("map", "a sequence") => "it is a list; write KEY = [VALUE, …]".to_owned(),
        (_, "a sequence") => format!("it is a list; write [{value}]"),
        ("integer", "a string") => {
            format!("it is a text; write it in quotes, a duration with its unit: \"{value}s\"")
        }
        (_, "a string" | "path string") => "it is a text; write it in quotes".to_owned(),
        (_, "a boolean") => "it is true or false, without quotes".to_owned(),
        (_, number) if number.starts_with(['u', 'i']) => {
            "it is a whole number, without quotes".to_owned()
        }
        (_, table) if table.starts_with("struct ") => {
            "it is a table; write { KEY = VALUE, … }".to_owned()
        }
        _ => return None,
    })
}

/// That an address is none, and what one looks like. An address is no secret.
fn address(what: &str, key: Option<&str>, value: &str) -> Option<String> {
    let port = match key {
        Some("etcd-v2") => ETCD_V2_PORT,
        Some("listen-tls") => TLS_PORT,
        _ => DNS_PORT,
    };
    match what {
        "invalid socket address syntax" => {
            let told =
                Some(value).filter(|value| !value.contains(['[', '\n', '"']) || is_one(value));
            let told = told.map(|value| socket_address::fault(value, port));
            let form = || format!("write address and port, like 127.0.0.1:{port} or [::1]:{port}");
            Some(told.unwrap_or_else(form))
        }
        "invalid IP address syntax" => {
            Some("it is no IP address; write it like 192.0.2.1 or 2001:db8::1".to_owned())
        }
        _ => None,
    }
}

/// Whether what stands at a fault is one value, and not a list of them.
fn is_one(value: &str) -> bool {
    value.starts_with('[') && !value.contains(['"', ',', '\n'])
}

/// The key that a line gives a value, or the table that it begins.
fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=').map_or(line, |(key, _)| key).trim();
    let is_key = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '[' | ']');
    (!key.is_empty() && key.chars().all(is_key) && (line.contains('=') || key.starts_with("[[")))
        .then_some(key)
}
