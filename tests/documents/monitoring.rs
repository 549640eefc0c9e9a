//! Alerts, recording rules and the dashboard: what they ask parses, names metrics that there are,
//! and each alert fires and heals.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::text;

/// A file of deploy/.
fn deployed(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

/// Runs promtool, which must find no fault; false where there is none.
fn promtool(arguments: &[&str]) -> bool {
    let run = Command::new("promtool").args(arguments).output();
    let Ok(output) = run else {
        println!("promtool is not installed (Debian: prometheus): its check is left out");
        return false;
    };
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
    true
}

/// The queries of the dashboard, with values in the place of its variables.
fn queries() -> Vec<String> {
    let text = std::fs::read_to_string(deployed("grafana/srvd.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|it| it["targets"].as_array().into_iter().flatten());
    let queries = targets.map(|it| it["expr"].as_str().unwrap());
    let set = |it: &str| it.replace("$job", ".*").replace("$instance", ".*");
    queries.map(|it| set(it).replace("$__rate_interval", "5m")).collect()
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_' && it != ':');
    let is_metric =
        |it: &&str| it.starts_with("srvd_") || it.starts_with("process_") && !it.contains(':');
    words.filter(is_metric).map(|it| it.trim_end_matches("_bucket")).collect()
}

#[test]
fn every_alert_fires_and_heals() {
    let [alerts, tests, recording] = ["alerts.yml", "alerts.test.yml", "recording.yml"]
        .map(|it| deployed("prometheus").join(it));
    let paths = [&alerts, &tests, &recording].map(|it| it.to_str().unwrap());
    let is_there = promtool(&["check", "rules", paths[0], paths[2]]);
    if !is_there {
        return;
    }
    promtool(&["test", "rules", paths[1]]);
    let (alerts, tests) =
        (std::fs::read_to_string(&alerts).unwrap(), std::fs::read_to_string(&tests).unwrap());
    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        // Once where it fires, and once where nothing is expected any more.
        assert_eq!(tests.matches(&format!("alertname: {alert}\n")).count(), 2, "{alert}");
    }
}

#[test]
fn the_dashboard_asks_what_prometheus_understands() {
    let rule = |(at, query): (usize, &String)| {
        format!("      - record: query_{at}\n        expr: {}\n", Value::from(query.as_str()))
    };
    let queries = queries();
    assert!(queries.len() > 20, "{} queries", queries.len());
    let rules: String = queries.iter().enumerate().map(rule).collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queries.yml");
    std::fs::write(&path, format!("groups:\n  - name: queries\n    rules:\n{rules}")).unwrap();
    promtool(&["check", "rules", path.to_str().unwrap()]);
}

#[test]
fn only_metrics_that_there_are_are_asked_for() {
    let table = text("docs/metrics.md");
    let rules = ["prometheus/alerts.yml", "prometheus/recording.yml"]
        .map(|it| std::fs::read_to_string(deployed(it)).unwrap());
    let is_words = |line: &str| {
        ["#", "summary:", "description:", "- record:", "- name:"]
            .iter()
            .any(|it| line.trim_start().starts_with(it))
    };
    let exprs =
        |text: &str| text.lines().filter(|line| !is_words(line)).collect::<Vec<_>>().join("\n");
    let asked = rules.iter().map(|it| exprs(it)).chain(queries()).collect::<Vec<_>>().join("\n");
    let unknown: Vec<_> =
        named(&asked).into_iter().filter(|it| !table.contains(&format!("| `{it}` |"))).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in docs/metrics.md");
    assert!(named(&asked).len() > 20);
}
