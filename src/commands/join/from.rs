//! `--from FILE`: an array of registration documents, all of which are checked before any
//! is registered.

use std::collections::HashMap;
use std::io::{Read, stdin};
use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::commands::labels;
use crate::error::Failure;
use crate::files;
use crate::join::Registrant;
use crate::names::{DNS_TTL_MAX, SERVICE_MAX, label};
use crate::registry::document::{self, Registration as Document};
use crate::registry::{Host, Layout};

/// Octets of a file: those of [`ENTRIES_MAX`] documents of 2 KiB.
const FILE_OCTETS: usize = 256 << 20;
/// Entries of a file: ten times the registrations that one process must hold without effort.
const ENTRIES_MAX: usize = 100_000;
/// Members that an entry may have: those of a document, and `id`.
const MEMBERS: [&str; 15] = [
    "id", "name", "port", "hostname", "host", "url", "protocol", "proto", "priority", "weight",
    "ttl", "version", "tags", "meta", "text",
];

/// Reads a file, or standard input where it is `-`.
///
/// # Errors
/// [`Failure::Usage`]: the file, the entry, its line and what is wrong there.
pub(super) fn read(path: &Path, layout: &Layout) -> Result<Vec<Arc<Registrant>>, Failure> {
    let shown = path.display();
    let text = text(path).map_err(|fault| usage(format!("--from {shown}: {fault}")))?;
    let entries: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| {
        usage(format!("--from {shown}: {error}; write a JSON array of registration documents"))
    })?;
    if entries.is_empty() || entries.len() > ENTRIES_MAX {
        let count = entries.len();
        return Err(usage(format!("--from {shown}: has {count} entries; 1 to {ENTRIES_MAX} fit")));
    }
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    let mut seen = HashMap::with_capacity(entries.len());
    let mut registrants = Vec::with_capacity(entries.len());
    for (number, entry) in (1..).zip(entries) {
        let line = lines.of(entry.get());
        let fault =
            |fault: String| usage(format!("--from {shown}: entry {number} (line {line}): {fault}"));
        let registrant = registrant(entry.get(), layout).map_err(fault)?;
        if let Some(other) = seen.insert(registrant.key.clone(), number) {
            let key = &registrant.key;
            return Err(fault(format!(
                "has the key of entry {other}, {key}; give one of them another `id`"
            )));
        }
        registrants.push(Arc::new(registrant));
    }
    Ok(registrants)
}

/// Lines are counted on from one entry to the next.
struct Lines<'t> {
    /// The file.
    text: &'t str,
    /// How far it is counted.
    at: usize,
    /// The line there.
    line: usize,
}

impl Lines<'_> {
    /// The line that a part of the text begins on; parts come in their order.
    fn of(&mut self, part: &str) -> usize {
        let at = part.as_ptr() as usize - self.text.as_ptr() as usize;
        let between = &self.text.as_bytes()[self.at..at];
        self.line += between.iter().filter(|octet| **octet == b'\n').count();
        self.at = at;
        self.line
    }
}

/// The text of a file, as far as it may be large.
fn text(path: &Path) -> Result<String, String> {
    let limit = FILE_OCTETS as u64;
    let read = match path.to_str() {
        Some("-") => {
            let mut octets = Vec::new();
            stdin().lock().take(limit + 1).read_to_end(&mut octets).map(|_| octets)
        }
        _ => files::read(path, limit),
    };
    let octets = read.map_err(|error| error.to_string())?;
    if octets.len() > FILE_OCTETS {
        return Err(format!("is larger than the {FILE_OCTETS} octets that are read"));
    }
    String::from_utf8(octets).map_err(|error| format!("is not UTF-8: {error}"))
}

/// What an entry asks to be registered.
fn registrant(entry: &str, layout: &Layout) -> Result<Registrant, String> {
    let members = members(entry)?;
    let name = required(&members, "name")?;
    labels::length("member `name`", &label(name), SERVICE_MAX).map_err(text_of)?;
    let read = document::read(entry.as_bytes()).map_err(text_of)?;
    let read = read.ok_or("says that nothing is registered; leave it out")?;
    let port = read.port.ok_or("member `port` is missing; write a number from 1 to 65535")?;
    let document = document(&members, name, &read.host, port)?;
    let id = string(&members, "id")?;
    id.map_or(Ok(()), |id| labels::id("member `id`", id)).map_err(text_of)?;
    Registrant::new(document, id.map(str::to_owned), layout).map_err(text_of)
}

/// The members of an entry, all of which are known.
fn members(entry: &str) -> Result<Map<String, Value>, String> {
    let members: Map<String, Value> = serde_json::from_str(entry)
        .map_err(|_| "is not a registration document; write a JSON object".to_owned())?;
    match members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        Some(name) => {
            let known = MEMBERS.join("`, `");
            Err(format!("member `{}` is none of `{known}`", name.escape_debug()))
        }
        None => Ok(members),
    }
}

/// The document that is put: what was written, completed as `join` writes it. Types were
/// checked, except where other programs' documents may say what they like.
fn document(
    members: &Map<String, Value>,
    name: &str,
    host: &Host,
    port: std::num::NonZeroU16,
) -> Result<Document, String> {
    let text = |member| string(members, member).map(|text| text.map(str::to_owned));
    let number = |member: &str| members.get(member).and_then(Value::as_u64);
    let narrow = |member| number(member).and_then(|number| u16::try_from(number).ok());
    let plain = Document::new(name, host, port, string(members, "protocol")?);
    let tags = members.get("tags").and_then(Value::as_array).into_iter().flatten();
    Ok(Document {
        url: text("url")?.unwrap_or_else(|| plain.url.clone()),
        proto: text("proto")?,
        priority: narrow("priority"),
        weight: narrow("weight"),
        ttl: ttl(number("ttl"))?,
        version: text("version")?,
        tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
        meta: meta(members)?,
        text: text("text")?,
        ..plain
    })
}

/// A member that must be there.
fn required<'m>(members: &'m Map<String, Value>, member: &str) -> Result<&'m str, String> {
    string(members, member)?.ok_or_else(|| format!("member `{member}` is missing; write a string"))
}

/// A member that is a string, if it is there.
fn string<'m>(members: &'m Map<String, Value>, member: &str) -> Result<Option<&'m str>, String> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("member `{member}` is {other}; it must be a string")),
    }
}

/// The DNS TTL, which for what comes and goes is a day at most.
fn ttl(seconds: Option<u64>) -> Result<Option<u32>, String> {
    match seconds {
        Some(seconds) if seconds > DNS_TTL_MAX.as_secs() => {
            Err(format!("member `ttl` is {seconds}; it must be a number of seconds up to 86400"))
        }
        seconds => Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok())),
    }
}

/// The metadata. In documents of others what is no string is left out; here it is a mistake.
fn meta(
    members: &Map<String, Value>,
) -> Result<std::collections::BTreeMap<String, String>, String> {
    let pairs = members.get("meta").and_then(Value::as_object).into_iter().flatten();
    let pair = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => Ok((name.clone(), text.to_owned())),
        None => Err(format!("member `meta` has `{name}`: {value}; it must be a string")),
    };
    pairs.map(pair).collect()
}

/// An error in words.
fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Wrong usage, in words.
fn usage(text: String) -> Failure {
    Failure::Usage(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Arc<Registrant>>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let layout = Layout::new("/services", None).unwrap();
        read(file.path(), &layout).map_err(|failure| {
            assert_eq!(failure.code(), 2);
            failure.to_string()
        })
    }

    #[test]
    fn entries_are_completed_as_join_writes_them() {
        let registrants = read_text(
            r#"[
                {"name":"my_web","hostname":"10.0.0.1","port":80},
                {"name":"db","url":"pg://10.0.0.2:5432/x","id":"one","weight":3,"ttl":7,
                 "meta":{"k":"v"},"tags":["a"],"proto":"tcp","version":"1","text":"t"}
            ]"#,
        )
        .unwrap();
        assert_eq!(registrants[0].key, "/services/my-web/10-0-0-1-80");
        assert_eq!(
            registrants[0].document,
            r#"{"name":"my_web","port":80,"hostname":"10.0.0.1","host":"10.0.0.1:80","url":"http://10.0.0.1:80"}"#
        );
        assert_eq!(registrants[1].key, "/services/db/one");
        assert_eq!(
            registrants[1].document,
            r#"{"name":"db","port":5432,"hostname":"10.0.0.2","host":"10.0.0.2:5432","url":"pg://10.0.0.2:5432/x","proto":"tcp","weight":3,"ttl":7,"version":"1","tags":["a"],"meta":{"k":"v"},"text":"t"}"#
        );
    }

    #[test]
    fn a_bad_entry_says_which_where_and_what() {
        let long = format!(r#"[{{"name":"{}","host":"a:1"}}]"#, "n".repeat(63));
        for (text, message) in [
            ("{}", "write a JSON array of registration documents"),
            ("[", "EOF while parsing"),
            ("[]", "has 0 entries; 1 to 100000 fit"),
            ("[\n\n 7]", "entry 1 (line 3): is not a registration document"),
            (
                r#"[{"name":"a","host":"a:1","wieght":1}]"#,
                "entry 1 (line 1): member `wieght` is none of",
            ),
            (r#"[{"host":"a:1"}]"#, "member `name` is missing"),
            (r#"[{"name":7,"host":"a:1"}]"#, "member `name` is 7; it must be a string"),
            (r#"[{"name":"a","host":"a"}]"#, "member `port` is missing"),
            (r#"[{"name":"a","port":1}]"#, "neither a JSON object with `host`"),
            (r#"[{"name":"a","host":"a:1","weight":-1}]"#, "member `weight` is -1"),
            (r#"[{"name":"a","host":"a:1","ttl":90000}]"#, "member `ttl` is 90000"),
            (r#"[{"name":"a","host":"a:1","meta":{"k":1}}]"#, "member `meta` has `k`: 1"),
            (r#"[{"name":"a","host":"a:1","id":"a/b"}]"#, "member `id` `a/b` has a `/`"),
            (&long, "member `name` has 63 octets"),
            (
                "[{\"name\":\"a\",\"host\":\"a:1\"},\n{\"name\":\"a\",\"host\":\"a:1\"}]",
                "entry 2 (line 2): has the key of entry 1, /services/a/a-1; give one",
            ),
        ] {
            let told = read_text(text).unwrap_err();
            assert!(told.starts_with("--from /") && told.contains(message), "{text}: {told}");
        }
    }
}
