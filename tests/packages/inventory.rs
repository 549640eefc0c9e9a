//! What is said of what is inside: the bill of materials, and the texts of licences.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{BINARY, build, checkout, has_tool, made, succeed};

/// The crates of `THIRD-PARTY.md`, as `name version`.
fn crates() -> BTreeSet<String> {
    let text = std::fs::read_to_string(checkout().join("THIRD-PARTY.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ["));
    let found: BTreeSet<_> = rows.map(|row| row.split_once(']').unwrap().0.to_owned()).collect();
    assert!(found.len() > 100, "{found:?}");
    found
}

#[test]
fn the_bill_of_materials_has_every_crate() {
    if !has_tool("cargo-cyclonedx") {
        return;
    }
    let dist = build(Path::new(BINARY), "sbom");
    let text = std::fs::read_to_string(made(&dist, "-sbom.json")).unwrap();
    assert!(!text.contains(checkout().to_str().unwrap()), "it says where it was made");
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(bill["metadata"]["component"]["name"], "srvd");
    let components = bill["components"].as_array().unwrap().iter();
    let listed: BTreeSet<_> = components
        .map(|it| {
            assert!(it["licenses"].is_array() && it["purl"].is_string(), "{it}");
            format!("{} {}", it["name"].as_str().unwrap(), it["version"].as_str().unwrap())
        })
        .collect();
    let missing: Vec<_> = crates().difference(&listed).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_crate_has_the_text_of_its_licence() {
    let mut script = Command::new(checkout().join("deploy/third-party.sh"));
    let text = succeed(script.arg("texts"));
    let lines: BTreeSet<_> = text.lines().filter_map(|line| line.split_once(" (")).collect();
    let named: BTreeSet<_> = lines.into_iter().map(|(name, _)| name.to_owned()).collect();
    let missing: Vec<_> = crates().difference(&named).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
    for part in ["Apache License", "Permission is hereby granted", "Mozilla Public License"] {
        assert!(text.contains(part), "{part}");
    }
}
