//! Problems: what could not be used, and what to do about it.

use std::fmt;

use serde_json::{Value, json};

use super::document::Fault;
use super::key::{Grammar, KeyFault, Layout, shown_key};

/// The reason why the value at a key, or the key itself, is not served. It concerns this key alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The key is at fault.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The value is at fault.
    #[error(transparent)]
    Value(#[from] Fault),
}

/// One line of the list of problems: safe to print, bounded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The key it concerns, or what several keys begin with, as it is shown.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Diagnostic {
    /// What is wrong with a key, and what to do.
    pub(crate) fn new(key: &str, problem: String, remedy: impl Into<String>) -> Self {
        Self { key: shown_key(key.as_bytes()), problem, remedy: remedy.into() }
    }

    /// A problem of one key. Its text ends with the remedy, which is a constant without
    /// `; ` in it.
    #[must_use]
    pub fn of(key: &[u8], problem: &Problem) -> Self {
        Self { key: shown_key(key), ..Self::in_words("", &problem.to_string()) }
    }

    /// A problem of a place, from a text that ends with the remedy behind its last `; `.
    #[must_use]
    pub fn in_words(place: &str, text: &str) -> Self {
        let (problem, remedy) = text.rsplit_once("; ").unwrap_or((text, "correct it"));
        let [key, problem, remedy] = [place, problem, remedy].map(str::to_owned);
        Self { key, problem, remedy }
    }

    /// No key is where a layout has them; the nearest one is another.
    #[must_use]
    pub fn nowhere(layout: &Layout, nearest: &[u8]) -> Self {
        let nearest = shown_key(nearest);
        let remedy = match layout.grammar() {
            Grammar::Instances => "is `prefix`, and `namespace`, what stands before NAME/ID?",
            Grammar::Labels(_) => {
                "is `prefix` what stands before the labels of the zone, without these?"
            }
        };
        let problem = format!("there is no key under it, and the nearest is `{nearest}`");
        Self::new(&format!("{}/", layout.base()), problem, remedy)
    }

    /// The one JSON object that commands and the HTTP interface show: `zone`, `key`,
    /// `problem` and `remedy`.
    #[must_use]
    pub fn to_json(&self, zone: &str) -> Value {
        let Self { key, problem, remedy } = self;
        json!({ "zone": zone, "key": key, "problem": problem, "remedy": remedy })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, problem, remedy } = self;
        write!(formatter, "{key}: {problem}; {remedy}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Layout, document};

    /// Whatever stands in a value, the remedy is ours.
    #[test]
    fn every_fault_ends_with_its_remedy() {
        let deep = "a; b".repeat(30);
        for value in [
            "\u{1}; x".to_owned(),
            r#"{"host":; "#.to_owned(),
            format!(r#"{{"host":"{deep}"}}"#),
            format!(r#"{{"host":"a.b","weight":"{deep}"}}"#),
            "a; b:80".to_owned(),
            "10.0.0.1:8; 0".to_owned(),
            "x; y://10.0.0.1:80".to_owned(),
            "x".repeat(crate::names::VALUE_MAX + 1),
        ] {
            let problem = document::read(value.as_bytes()).unwrap_err().into();
            let finding = Diagnostic::of(b"/services/a/b", &problem);
            let ours = ["write ", "it must be "].iter().any(|it| finding.remedy.starts_with(it));
            assert!(ours, "{finding:?}");
            assert_eq!(finding.to_string(), format!("/services/a/b: {problem}"));
        }
        let layout = Layout::default();
        for key in
            [format!("/services/{}/1", "n; ".repeat(30)), format!("/services/n/{}", deep.repeat(9))]
        {
            let finding = Diagnostic::of(b"k", &layout.read(key.as_bytes()).unwrap_err().into());
            assert_eq!(finding.remedy, "shorten it");
        }
    }

    #[test]
    fn findings_are_safe_to_print() {
        let problem = document::read(b"word").unwrap_err().into();
        let finding =
            Diagnostic::of(&[&b"/services/\x1b[2J\xff/"[..], &[b'x'; 999]].concat(), &problem);
        assert!(finding.key.starts_with(r"/services/\x1b[2J\xff/xxx"), "{finding}");
        assert!(finding.key.ends_with('…') && finding.key.len() < 999, "{finding}");
        let object = finding.to_json("z");
        let members: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["key", "problem", "remedy", "zone"]);
    }
}
