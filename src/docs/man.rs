//! Man pages: one for each command in section 1, and `srvd.toml(5)`.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::command;
use super::forms::{FORMS, form, value_name};
use super::help::shown;
use super::keys::{ZONE_KEYS, keys};
use super::pages::{PAGES, Page};

/// The example configuration that comes with the source.
const EXAMPLE: &str = include_str!("../../deploy/srvd.toml");

/// In the place of a page's date: a word that is empty would move the ones behind it.
const NO_DATE: &str = " ";

/// The pages, each with the name of its file.
pub(super) fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut all = command().disable_help_subcommand(true);
    all.build();
    let own = all.get_subcommands().filter(|it| it.get_name() != "help").cloned();
    let mut pages = Vec::new();
    for command in std::iter::once(all.clone()).chain(own) {
        let page = PAGES.iter().find(|page| page.name == command.get_name());
        let page = page.expect("every command has a page, as a test says");
        pages.push((format!("{}.1", title(&command)), of_command(&command, page)?));
    }
    let serve = all.find_subcommand("serve").expect("it is a command");
    pages.push(("srvd.toml.5".to_owned(), of_file(serve)?));
    Ok(pages)
}

/// The name of a command's page, `srvd-join`.
fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// The page of a command.
fn of_command(command: &Command, page: &Page) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let man = Man::new(command.clone()).date(NO_DATE).source(version()).manual("srvd");
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    synopsis(command).to_writer(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    let mut roff = Roff::new();
    values(&mut roff, command);
    listing(&mut roff, "EXAMPLES", page.examples);
    environment(&mut roff, command);
    terms(&mut roff, "FILES", page.files);
    terms(&mut roff, "EXIT STATUS", &page.codes());
    see_also(&mut roff, &title(command));
    roff.to_writer(&mut out)?;
    Ok(out)
}

/// The synopsis: the usage line, which names no option by itself.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    section(&mut roff, "SYNOPSIS", &[usage.trim_start_matches("Usage: ")]);
    roff
}

/// The page of the configuration file.
fn of_file(serve: &Command) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut roff = Roff::new();
    roff.control("TH", ["srvd.toml", "5", NO_DATE, &version(), "srvd"]);
    section(&mut roff, "NAME", &["srvd.toml - configuration of srvd"]);
    section(&mut roff, "SYNOPSIS", &["srvd serve --config /etc/srvd/srvd.toml"]);
    section(
        &mut roff,
        "DESCRIPTION",
        &[
            "The file is TOML. A key has the name of the option of srvd-serve(1) that says the same. \
         An option wins over its variable, the variable over the file, the file over the default.",
            "srvd check --config FILE says what is wrong with a file. A running server reads it \
         again when it changes, and on SIGHUP.",
        ],
    );
    roff.control("SH", ["KEYS"]);
    for key in keys(serve) {
        term(&mut roff, &format!("{} = {}", key.name, key.value), &key.meaning);
    }
    section(&mut roff, "ZONES", &["Each table [[zone]] is a zone, with the keys:"]);
    for (name, value, meaning) in ZONE_KEYS {
        term(&mut roff, &format!("{name} = {value}"), meaning);
    }
    terms(&mut roff, "FORMS OF VALUES", FORMS);
    roff.control("SH", ["EXAMPLES"]);
    verbatim(&mut roff, EXAMPLE);
    section(&mut roff, "FILES", &["/etc/srvd/srvd.toml"]);
    see_also(&mut roff, "srvd.toml");
    roff.to_writer(&mut out)?;
    Ok(out)
}

/// The program with its version, as the foot of a page has it.
fn version() -> String {
    format!("srvd {}", env!("CARGO_PKG_VERSION"))
}

/// A section of paragraphs.
fn section(roff: &mut Roff, heading: &str, paragraphs: &[&str]) {
    roff.control("SH", [heading]);
    for (at, paragraph) in paragraphs.iter().enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*paragraph)]);
    }
}

/// A term, and what it means.
fn term(roff: &mut Roff, name: &str, meaning: &str) {
    roff.control("TP", []).text([bold(name)]);
    for line in meaning.lines() {
        match line.trim() {
            "" => _ = roff.control("IP", []),
            line => _ = roff.text([roman(line)]),
        }
    }
}

/// A section of terms, unless there are none.
fn terms(roff: &mut Roff, heading: &str, terms: &[(&str, &str)]) {
    if !terms.is_empty() {
        roff.control("SH", [heading]);
    }
    terms.iter().for_each(|(name, meaning)| term(roff, name, meaning));
}

/// The forms of the values that a command takes.
fn values(roff: &mut Roff, command: &Command) {
    let names: std::collections::BTreeSet<_> = shown(command).filter_map(value_name).collect();
    let known: Vec<_> = names.iter().filter_map(|name| Some((*name, form(name)?))).collect();
    terms(roff, "FORMS OF VALUES", &known);
}

/// A section of command lines, each with what it does.
fn listing(roff: &mut Roff, heading: &str, lines: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (what, line) in lines {
        roff.control("PP", []).text([italic(*what)]);
        verbatim(roff, line);
    }
}

/// Lines as they are.
fn verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    text.lines().for_each(|line| _ = roff.text([roman(line)]));
    roff.control("fi", []);
}

/// The variables that stand for options.
fn environment(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["ENVIRONMENT"]);
    let mut has_any = false;
    for argument in shown(command) {
        let (Some(name), Some(long)) = (argument.get_env(), argument.get_long()) else { continue };
        has_any = true;
        term(roff, &name.to_string_lossy(), &format!("The option --{long}."));
    }
    if !has_any {
        roff.text([roman("No variable changes what it does.")]);
    }
}

/// The other pages.
fn see_also(roff: &mut Roff, own: &str) {
    let commands = PAGES.iter().map(|page| match page.name {
        "srvd" => "srvd(1)".to_owned(),
        name => format!("srvd-{name}(1)"),
    });
    let all = commands.chain(["srvd.toml(5)".to_owned()]);
    let others: Vec<_> = all.filter(|it| !it.starts_with(&format!("{own}("))).collect();
    roff.control("SH", ["SEE ALSO"]).text([roman(others.join(", "))]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_the_sections_that_people_look_for() {
        let pages = pages().unwrap();
        assert_eq!(pages.len(), PAGES.len() + 1);
        for (name, page) in pages {
            let text = String::from_utf8(page).unwrap();
            let all = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "FILES", "SEE ALSO"];
            let of_commands = ["ENVIRONMENT", "EXIT STATUS"];
            let of_commands = of_commands.iter().filter(|_| name.ends_with(".1"));
            for section in all.iter().chain(of_commands) {
                let heading = format!(".SH \"{section}\"");
                let plain = format!(".SH {section}");
                let has = text.lines().any(|line| line == heading || line == plain);
                // A page whose command touches no file has none to name.
                assert!(has || *section == "FILES", "{name} has no {section}:\n{text}");
            }
            assert!(text.starts_with(".ie") || text.contains(".TH "), "{name}");
        }
    }

    #[test]
    fn the_page_of_the_file_has_keys_zones_and_forms() {
        let (_, page) = pages().unwrap().pop().unwrap();
        let text = String::from_utf8(page).unwrap().replace("\\-", "-");
        for part in ["rate-limit = N", "listen = [ADDRESS, ...]", "schema = services|skydns"] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
}
