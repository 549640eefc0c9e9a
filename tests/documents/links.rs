//! Relative links: the file is there, and has the heading.

use std::collections::BTreeMap;
use std::path::Path;

use super::documents;

/// The lines of a document outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_fence && !is_code
    })
}

/// A heading as the anchor that GitHub makes of it: lower case, dashes for spaces, no
/// punctuation.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// The anchors of a document; of equal headings all but the first have a number behind.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let mut numbered = |slug: String| {
        let count = seen.entry(slug.clone()).or_default();
        *count += 1;
        if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
    };
    headings.map(|line| numbered(slug(line.trim_start_matches('#')))).collect()
}

/// The targets of the links and pictures of a document.
fn targets(text: &str) -> Vec<String> {
    let text: String = prose(text).map(|line| format!("{line}\n")).collect();
    // What stands in a code span is no link.
    let spoken: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let links = spoken.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    links.map(|(target, _)| target.to_owned()).collect()
}

/// What is wrong with a link of a document.
fn fault(document: &Path, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => document.to_path_buf(),
        file => document.parent().unwrap().join(file),
    };
    let place = format!("{}: ({target})", document.display());
    if !path.exists() {
        return Some(format!("{place}: there is no such file"));
    }
    if anchor.is_empty() {
        return None;
    }
    let there = anchors(&std::fs::read_to_string(&path).unwrap());
    (!there.iter().any(|it| it == anchor)).then(|| format!("{place}: it has {there:?}"))
}

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let (mut faults, mut count) = (Vec::new(), 0);
    for document in documents() {
        let targets = targets(&std::fs::read_to_string(&document).unwrap());
        let relative: Vec<_> = targets.iter().filter(|it| !it.contains("://")).collect();
        count += relative.len();
        faults.extend(relative.iter().filter_map(|target| fault(&document, target)));
    }
    assert!(count > 100, "{count} links were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn anchors_are_made_as_github_makes_them() {
    let text = "# SkyDNS's schema\n## `srvd join` in five lines\n## DNS: names, *zones*\n```sh\n# no heading\n```\n## Names\n## Names\n";
    let expected =
        ["skydnss-schema", "srvd-join-in-five-lines", "dns-names-zones", "names", "names-1"];
    assert_eq!(anchors(text), expected);
    let text = "[a](x.md#y) `[no](z.md)` ![b](p.png)\n```sh\n[no](c.md)\n```\n";
    assert_eq!(targets(text), ["x.md#y", "p.png"]);
}
