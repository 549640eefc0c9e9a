//! The sources of the program, for suites that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// `src`, in the checkout.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The Rust files below a folder; none where there is no such folder.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => found.extend(below(&path)),
            Some(extension) if extension == "rs" => found.push(path),
            _ => (),
        }
    }
    found
}

/// Every Rust file, with its text.
pub(crate) fn all() -> impl Iterator<Item = (PathBuf, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    below(&folder()).into_iter().map(read)
}
