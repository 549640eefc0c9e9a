//! Tables that name what the program has.

use std::collections::BTreeSet;

use clap::CommandFactory;
use srvd::cli::Cli;
use srvd::options::{self, TakesEffect};

use super::text;
use crate::support::sources;

/// Flags that say how a command is run, not how the server is configured.
const NOT_CONFIGURATION: [&str; 4] = ["config", "help", "output", "verbose"];

/// The names in code spans of a table's first cells.
fn first_cells(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_option_of_the_server_has_a_row() {
    let text = text("docs/configuration.md");
    let rows = first_cells(&text);
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let options = command.get_arguments().chain(serve.get_arguments());
    let flags: Vec<_> = options.filter_map(clap::Arg::get_long).collect();
    assert!(flags.len() > 40, "{flags:?}");
    let missing: Vec<_> = (flags.iter())
        .filter(|flag| !NOT_CONFIGURATION.contains(flag) && !rows.contains(flag))
        .collect();
    assert!(missing.is_empty(), "docs/configuration.md has no row of {missing:?}");
}

/// Every key is an option and the other way round, and the table of reload says of each when it
/// changes.
#[test]
fn every_key_is_an_option_and_has_its_reload() {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let options = command.get_arguments().chain(serve.get_arguments());
    let options: BTreeSet<_> = (options.filter_map(clap::Arg::get_long))
        .filter(|flag| !NOT_CONFIGURATION.contains(flag))
        .collect();
    let keys: Vec<_> = options::keys().collect();
    assert_eq!(options, keys.iter().map(|(key, _)| key.as_str()).collect());
    let text = text("docs/operating.md");
    let table = text.split("| key | when it changes |").nth(1).unwrap();
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    for (key, change) in keys {
        let wanted = match change {
            TakesEffect::Reloaded => " reloaded ",
            TakesEffect::Followed | TakesEffect::Restart => " restart; one warning ",
        };
        let is_named = |row: &&&str| {
            let names = row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
            names.into_iter().any(|name| match name.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == *name,
            })
        };
        let found: Vec<_> = rows.iter().filter(is_named).collect();
        assert!(found.iter().any(|row| row.contains(wanted)), "{key}: {change:?}, not {found:?}");
    }
}

/// Whether a code span is the name of a constant.
fn is_constant(span: &str) -> bool {
    span.len() > 3 && span.chars().all(|it| it.is_ascii_uppercase() || "_0123456789".contains(it))
}

#[test]
fn every_constant_of_the_table_of_bounds_is_in_the_source() {
    let text = text("docs/security.md");
    let table = text.split("\n## Bounds\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|'));
    let spans: Vec<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let constants: Vec<_> = spans.into_iter().filter(|it| is_constant(it)).collect();
    assert!(constants.len() > 30, "{constants:?}");
    let source: String = sources::all().map(|(_, text)| text).collect();
    let is_missing = |it: &&&str| !source.contains(&format!("const {it}:"));
    let missing: Vec<_> = constants.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "docs/security.md names what the source has not: {missing:?}");
}
