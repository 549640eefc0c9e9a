//! The keys of the configuration file, as its man page lists them.

use clap::{Arg, ArgAction, Command};

use super::forms::value_name;

/// Options that are none of the file: how the command is run, not what it serves.
const TYPED_ONLY: &[&str] = &["config", "verbose", "help", "version"];

/// The keys of a `[[zone]]`, which no option has: each with its values and its meaning.
pub(super) const ZONE_KEYS: &[(&str, &str, &str)] = &[
    ("name", "NAME", "The apex. Needed."),
    ("prefix", "TEXT", "Where its keys begin [default: the registry's, /services or /skydns]"),
    ("namespace", "TEXT", "A part of the keys behind the prefix [default: the registry's]"),
    ("registry", "URL", "Its registry [default: the key `registry` of the file]"),
    ("schema", "services|skydns", "How its keys become names [default: services]"),
    (
        "format",
        "auto|dubbo|goframe|jupiter|patroni|rpcx",
        "Whose keys of more segments than NAME/ID are read; auto tells them apart by their \
         shape [default: auto]",
    ),
    (
        "template",
        "TABLE",
        "How keys and values are read that are in no form srvd knows: { key = \"/{name}/{id}\", \
         host = \"/POINTER\", ... } with name, id, host, port, protocol, version, priority, weight, \
         tags, meta [default: none]",
    ),
    ("ttl", "DURATION", "TTL of its records [default: 5s; skydns: 300s]"),
    ("negative-ttl", "DURATION", "TTL of negative answers [default: 5s; skydns: 30s]"),
    (
        "max-answers",
        "N",
        "Records of an A, AAAA, SRV or PTR answer, at most; 0 is no limit [default: 0]",
    ),
    (
        "max-answers-order",
        "fresh|stable",
        "Which records are drawn of more: others for each query, or the same for a client's \
         address until the service changes [default: fresh]",
    ),
];

/// A key of the file, as the option of the same name declares it.
#[derive(Debug)]
pub(super) struct FileKey {
    /// Its name.
    pub(super) name: String,
    /// The values that it takes.
    pub(super) value: String,
    /// What it means.
    pub(super) meaning: String,
}

/// The keys of the file: the options of `serve`, by their names.
pub(super) fn keys(serve: &Command) -> Vec<FileKey> {
    let own = |it: &&Arg| it.get_long().is_some_and(|long| !TYPED_ONLY.contains(&long));
    let mut keys: Vec<_> = serve.get_arguments().filter(own).map(key).collect();
    keys.sort_by(|one, other| one.name.cmp(&other.name));
    keys
}

/// The key of an option.
fn key(option: &Arg) -> FileKey {
    let choices: Vec<_> = option.get_possible_values();
    let choices = choices.iter().filter(|it| !it.is_hide_set());
    let choices: Vec<_> = choices.map(|it| it.get_name()).collect();
    let one = value_name(option).map_or_else(|| choices.join("|"), str::to_owned);
    let is_list = matches!(option.get_action(), ArgAction::Append);
    let value = if is_list { format!("[{one}, ...]") } else { one };
    let meaning = option.get_long_help().or(option.get_help()).map(ToString::to_string);
    let name = option.get_long().unwrap_or_default().to_owned();
    FileKey { name, value, meaning: meaning.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::command;
    use super::*;
    use crate::options::{self, Zone};

    #[test]
    fn the_page_has_the_keys_that_the_file_may_have() {
        let mut command = command();
        command.build();
        let listed = keys(command.find_subcommand("serve").unwrap());
        let listed: BTreeSet<_> = listed.into_iter().map(|key| key.name).collect();
        assert_eq!(listed, options::keys().map(|(key, _)| key).collect());
        let fault = toml::from_str::<Zone>("name = \"a\"\ncolour = 1").unwrap_err().to_string();
        let (_, known) = fault.split_once("expected one of ").expect(&fault);
        let known: BTreeSet<_> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, ZONE_KEYS.iter().map(|(name, ..)| *name).collect());
    }
}
