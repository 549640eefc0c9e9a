//! The words of the sources: the doc of a module or type begins with the noun that would be
//! its entry in a glossary, and a name means few things.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::sources;

/// Words that begin a question. A doc that begins with one says what a thing does for whom, and
/// not what it is.
const QUESTIONS: [&str; 9] =
    ["What", "Who", "Whose", "How", "Where", "Whether", "Why", "When", "Which"];
/// What declares a type.
const TYPES: [&str; 4] = ["struct ", "enum ", "trait ", "type "];
/// Types of one name: whoever reads of a third has two other meanings in mind.
const MEANINGS_MAX: usize = 2;
/// The state that clones of a handle share, wherever there are such handles.
const IDIOM: &str = "Shared";

/// Whether a line of a doc begins with such a word.
fn is_question(line: &str) -> bool {
    let text = line.trim_start_matches(['/', '!', ' ']);
    QUESTIONS.iter().any(|word| text.split_whitespace().next() == Some(word))
}

/// The name of the type that a line declares, at any visibility.
fn declared(line: &str) -> Option<&str> {
    let rest = match line.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ").map_or("", |(_, rest)| rest),
        None => line.strip_prefix("pub ").unwrap_or(line),
    };
    let name = TYPES.iter().find_map(|word| rest.strip_prefix(word))?;
    name.split(|it: char| !it.is_alphanumeric()).next()
}

/// The first lines of docs of a file that begin with a question: of the module, and of types.
fn questions(text: &str) -> Vec<String> {
    let head = text.lines().next().filter(|line| line.starts_with("//!") && is_question(line));
    let mut found: Vec<String> = head.map(str::to_owned).into_iter().collect();
    let (mut doc, mut attributes) = (None::<&str>, 0_usize);
    for line in text.lines() {
        let code = line.trim_start();
        if code.starts_with("///") {
            doc = doc.or(Some(code));
        } else if code.starts_with("#[") || attributes > 0 {
            attributes =
                (attributes + code.matches('[').count()).saturating_sub(code.matches(']').count());
        } else {
            let asked = doc.take().filter(|first| declared(code).is_some() && is_question(first));
            found.extend(asked.map(str::to_owned));
        }
    }
    found
}

#[test]
fn docs_of_modules_and_types_begin_with_a_noun() {
    let of_file = |(path, text): (PathBuf, String)| {
        let line = move |line| format!("{}: {line}", path.display());
        questions(&text).into_iter().map(line)
    };
    let found: Vec<_> = sources::all().flat_map(of_file).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_type_name_has_few_meanings() {
    let mut meanings = BTreeMap::<String, Vec<PathBuf>>::new();
    for (path, text) in sources::all() {
        for name in text.lines().filter_map(declared).filter(|name| *name != IDIOM) {
            meanings.entry(name.to_owned()).or_default().push(path.clone());
        }
    }
    meanings.retain(|_, files| files.len() > MEANINGS_MAX);
    assert!(meanings.is_empty(), "{meanings:#?}");
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let text = "//! What it is.\n\n/// Who asks.\n#[derive(\n    Debug,\n)]\npub(super) struct A;\n\
                /// Whether it is so.\nfn is_so() {}\n/// The noun. What else.\npub enum B {}\n\
                /// How it is.\npub type C = u8;\n";
    assert_eq!(questions(text), ["//! What it is.", "/// Who asks.", "/// How it is."]);
    let names = text.lines().filter_map(declared);
    assert_eq!(names.collect::<Vec<_>>(), ["A", "B", "C"]);
    assert!(questions("//! A noun.\n//! What else.\n").is_empty());
}
