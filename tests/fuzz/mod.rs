//! Inputs that were kept of fuzzing, and made by hand: `corpus/CHECK/`.

mod checks;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};

/// Where the inputs of a check are kept.
fn corpus(check: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(check)
}

/// Each input holds, and none of the folders is forgotten. `UPDATE_CORPUS=1` writes the
/// seeds first, which is where a fuzzer begins.
#[test]
fn what_was_kept_holds() {
    for (name, check) in checks::CHECKS {
        let folder = corpus(name);
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            for (at, seed) in seeds::of(name).into_iter().enumerate() {
                fs::write(folder.join(format!("seed-{at:02}")), seed).unwrap();
            }
        }
        let mut kept = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let octets = fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| check(&octets));
            assert!(held.is_ok(), "{} does not hold", path.display());
            kept += 1;
        }
        assert!(kept >= 5, "{name} has {kept} inputs");
    }
}
