//! Help texts: `-h` is short and fits a terminal of 80 columns, `--help` says everything.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::{Arg, Command};

use super::forms::{form, value_name};
use super::pages::{PAGES, Page};

/// Columns of a help text, at most: those of a terminal that nobody made larger.
const COLUMNS: usize = 80;

/// The command line with the help texts of all commands.
pub(super) fn with_help(command: Command) -> Command {
    let global: Vec<_> = command.get_arguments().filter(|it| it.is_global_set()).cloned().collect();
    PAGES.iter().fold(command.max_term_width(COLUMNS), |command, page| match page.name {
        "srvd" => helped(command, page),
        name => command.mut_subcommand(name, |it| helped(hiding(it, page, &global), page)),
    })
}

/// A command that shows only the options that matter to it. The others are still taken.
fn hiding(command: Command, page: &Page, global: &[Arg]) -> Command {
    let is_hidden = |it: &Arg| page.hides(it);
    let hidden = global.iter().filter(|it| is_hidden(it)).map(|it| it.clone().hide(true));
    let command = command.mut_args(|it| {
        let is_hidden = is_hidden(&it);
        it.hide(is_hidden)
    });
    command.args(hidden)
}

/// A command with its examples, and the forms of the values that its options take.
fn helped(command: Command, page: &Page) -> Command {
    let command = command.mut_args(spelt_out);
    let names: BTreeSet<_> = shown(&command).filter_map(value_name).map(str::to_owned).collect();
    let short = format!("{}More: srvd help {}", hint(page), page.topic());
    let long = format!("{}{}{}", examples(page), forms(&names), hint(page));
    command.after_help(short.trim_end().to_owned()).after_long_help(long.trim_end().to_owned())
}

/// The arguments that a command shows.
pub(super) fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|it| !it.is_hide_set())
}

/// An argument that names its variable in the long help alone.
fn spelt_out(argument: Arg) -> Arg {
    let (Some(variable), Some(help)) = (argument.get_env(), argument.get_help()) else {
        return argument;
    };
    let long = argument.get_long_help().unwrap_or(help);
    let long = format!("{long}\n\n[env: {}]", variable.to_string_lossy());
    argument.hide_env(true).long_help(long)
}

/// What is to be known of options that are not shown.
fn hint(page: &Page) -> String {
    page.hint.map_or_else(String::new, |hint| format!("{hint}\n"))
}

/// The examples of a page, as paragraphs.
fn examples(page: &Page) -> String {
    let mut text = "Examples:\n".to_owned();
    for (what, line) in page.examples {
        let _ = writeln!(text, "  # {what}\n  {line}");
    }
    text
}

/// The forms of values, a line each.
fn forms(names: &BTreeSet<String>) -> String {
    let known: Vec<_> = names.iter().filter_map(|name| Some((name, form(name)?))).collect();
    if known.is_empty() {
        return String::new();
    }
    let width = known.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, form): &(&String, &str)| format!("  {name:width$}  {form}\n");
    format!("\nForms of values:\n{}\n", known.iter().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    /// Every command, with its name.
    fn commands() -> Vec<(String, Command)> {
        let mut all = command();
        all.build();
        let own = all.get_subcommands().filter(|it| it.get_name() != "help");
        let own: Vec<_> = own.map(|it| (it.get_name().to_owned(), it.clone())).collect();
        assert!(own.len() > 10, "{own:?}");
        [vec![("srvd".to_owned(), all.clone())], own].concat()
    }

    #[test]
    fn short_help_fits_80_columns() {
        for (name, mut command) in commands() {
            for line in command.render_help().to_string().lines() {
                assert!(line.chars().count() <= COLUMNS, "srvd {name} -h: {line}");
            }
        }
    }

    #[test]
    fn short_help_is_a_fraction_of_the_long_one() {
        for (name, mut command) in commands() {
            let (short, long) = (command.render_help(), command.render_long_help());
            let lines = |it: &clap::builder::StyledStr| it.to_string().lines().count();
            assert!(lines(&short) < lines(&long), "{name}");
            assert!(long.to_string().contains("\nExamples:\n"), "{name}");
        }
    }

    #[test]
    fn every_command_has_a_page_and_every_page_a_command() {
        let names: Vec<_> = commands().into_iter().map(|(name, _)| name).collect();
        let pages: Vec<_> = PAGES.iter().map(|page| page.name).collect();
        assert_eq!(BTreeSet::from_iter(names), pages.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn every_value_says_its_form() {
        for (name, command) in commands() {
            for argument in shown(&command) {
                let value = value_name(argument);
                let said = value.is_none_or(|value| form(value).is_some());
                assert!(said, "srvd {name}: {value:?} of {} has no form", argument.get_id());
            }
        }
    }

    #[test]
    fn commands_show_the_options_that_matter_to_them() {
        for (name, is_shown, option) in [
            ("serve", true, "rate_limit"),
            ("serve", true, "registry"),
            ("check", false, "rate_limit"),
            ("check", true, "zones"),
            ("explain", false, "tcp_idle"),
            ("explain", true, "registry"),
            ("completions", false, "registry"),
            ("man", false, "log_format"),
            ("dev", false, "password_file"),
        ] {
            let (_, command) = commands().into_iter().find(|(it, _)| it == name).unwrap();
            let found = shown(&command).any(|it| it.get_id() == option);
            assert_eq!(found, is_shown, "srvd {name} --{option}");
        }
    }

    #[test]
    fn hidden_options_are_taken_as_before() {
        for line in [
            "srvd check --rate-limit 5 --tcp-idle 3s",
            "srvd --registry http://10.0.0.1 explain --config x name",
            "srvd explain name --registry http://10.0.0.1",
            "srvd --config x completions bash",
        ] {
            let parsed = command().try_get_matches_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
