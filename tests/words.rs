//! The words of the sources: the doc of a module or type begins with the noun that would be
//! its entry in a glossary.

use crate::support::sources;

/// Words that begin a question. A doc that begins with one says what a thing does for whom, and
/// not what it is.
const QUESTIONS: [&str; 9] =
    ["What", "Who", "Whose", "How", "Where", "Whether", "Why", "When", "Which"];
/// What declares a type.
const TYPES: [&str; 4] = ["struct ", "enum ", "trait ", "type "];

/// Whether a line of a doc begins with such a word.
fn is_question(line: &str) -> bool {
    let text = line.trim_start_matches(['/', '!', ' ']);
    QUESTIONS.iter().any(|word| text.split_whitespace().next() == Some(word))
}

/// Whether a line declares a type, at any visibility.
fn declares_type(line: &str) -> bool {
    let line = line.trim_start();
    let rest = match line.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ").map_or("", |(_, rest)| rest),
        None => line.strip_prefix("pub ").unwrap_or(line),
    };
    TYPES.iter().any(|word| rest.starts_with(word))
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
            let asked = doc.take().filter(|first| declares_type(code) && is_question(first));
            found.extend(asked.map(str::to_owned));
        }
    }
    found
}

#[test]
fn docs_of_modules_and_types_begin_with_a_noun() {
    let of_file = |(path, text): (std::path::PathBuf, String)| {
        let line = move |line| format!("{}: {line}", path.display());
        questions(&text).into_iter().map(line)
    };
    let found: Vec<_> = sources::all().flat_map(of_file).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let text = "//! What it is.\n\n/// Who asks.\n#[derive(\n    Debug,\n)]\npub(super) struct A;\n\
                /// Whether it is so.\nfn is_so() {}\n/// The noun. What else.\npub enum B {}\n\
                /// How it is.\npub type C = u8;\n";
    assert_eq!(questions(text), ["//! What it is.", "/// Who asks.", "/// How it is."]);
    assert!(questions("//! A noun.\n//! What else.\n").is_empty());
}
