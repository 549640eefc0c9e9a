//! Any template, with a key and a value: the first line is its `key`, the second the pointers of
//! its members, the third a key below the prefix, and the rest a value.

use srvd::registry::{Layout, Table, Template, Update, WrittenTemplate};

/// Reads a key and a value by a template, if it is one.
pub(crate) fn check(octets: &[u8]) {
    let mut lines = octets.splitn(4, |it| *it == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let [pattern, pointers, below, value] = [next(), next(), next(), next()];
    let [pattern, pointers] = [pattern, pointers].map(String::from_utf8_lossy);
    let written = written(&pattern, &pointers);
    let template = match Template::new(&written) {
        Ok(template) => template,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    let example = template.example();
    let layout = Layout::new("/s", None).expect("the prefix is sound").by(Some(template));
    for (key, value) in [(below, value), (example.trim_start_matches('/').as_bytes(), value)] {
        check_key(&layout, &[b"/s/", key].concat(), value);
    }
    let mut table = Table::new(layout);
    let key = format!("/s/{}", example.trim_start_matches('/'));
    table.put(key.as_bytes(), value, &mut Update::default());
    assert!(table.strays().is_empty(), "{pattern} does not read its own example {example}");
}

/// A template as it is written; pointers are words, in the order of its members.
fn written(pattern: &str, pointers: &str) -> WrittenTemplate {
    let mut words = pointers.split(' ').map(|it| (it != "-").then(|| it.to_owned()));
    let mut next = || words.next().flatten();
    WrittenTemplate {
        key: pattern.to_owned(),
        name: next(),
        id: next(),
        host: next(),
        port: next(),
        protocol: next(),
        version: next(),
        priority: next(),
        weight: next(),
        tags: next(),
        meta: next(),
    }
}

/// What is read of a key leads back to it, or is a problem that names what to do.
fn check_key(layout: &Layout, key: &[u8], value: &[u8]) {
    let mut table = Table::new(layout.clone());
    table.put(key, value, &mut Update::default());
    for (_, instance) in table.instances() {
        assert_eq!(layout.key_of(instance).as_bytes(), key);
        assert_eq!(layout.check_key_of(instance), Ok(()));
    }
    for (_, problem) in table.problems() {
        let text = problem.to_string();
        assert!(text.contains("; ") && text.len() < 1_000, "{text}");
    }
}
