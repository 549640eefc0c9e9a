//! The moving guides of `docs/migrating.md`, followed: what the old system kept in etcd is put
//! there in its own form, srvd is started with the guide's configuration, and the old names are
//! asked by `dig`.
//!
//! Configurations and commands are read out of the guide; only addresses and paths are those of
//! the test. What the old systems answer is what their documents and `skydns/cases.json` say.

mod consul;
mod coredns;
mod registrator;
mod skydns;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::support::dig_shows;
use crate::support::srvd::{BINARY, Srvd, plain};

/// The document.
const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/migrating.md"));
/// Where a guide says that DNS is answered.
const LISTEN: &str = r#"["0.0.0.0:53", "[::]:53"]"#;
/// Where a guide says that etcd's v2 API is answered.
const ETCD_V2: &str = r#"etcd-v2 = "127.0.0.1:4001""#;

/// What `dig` is asked, and all that it prints, in any order.
type Asked = (&'static str, &'static [&'static str]);

/// The section below a heading.
fn section(heading: &str) -> &'static str {
    let head = format!("\n## {heading}\n");
    let (_, rest) = DOCUMENT.split_once(&head).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

/// The only code block of a language in a section.
fn block(heading: &str, language: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let mut blocks = section(heading).split(&*fence).skip(1);
    let block = blocks.next().unwrap_or_else(|| panic!("no {language} in {heading}"));
    assert!(blocks.next().is_none(), "several of {language} in {heading}");
    block.split_once("```").unwrap().0
}

/// A text of the guide with the test's own places, each of which must be in it.
fn placed(text: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(text.to_owned(), |text, (theirs, ours)| {
        assert!(text.contains(theirs), "{theirs} is not in {text}");
        text.replace(theirs, ours)
    })
}

/// Writes a guide's configuration, with the test's own places.
fn configure(directory: &Path, heading: &str, places: &[(&str, &str)]) {
    let places = [&[(LISTEN, r#"["127.0.0.1:0"]"#)], places].concat();
    let text = placed(block(heading, "toml"), &places);
    std::fs::write(directory.join("srvd.toml"), text).unwrap();
}

/// Serves what [`configure`] wrote, which is all right.
fn serve(directory: &Path) -> (Srvd, SocketAddr) {
    let file = directory.join("srvd.toml");
    let checked = plain(&["check", "--config", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let process = Srvd::spawn(&mut plain(&["serve", "--config", file.to_str().unwrap()]));
    let at = process.answers_at();
    (process, at)
}

/// Where a server answers etcd's v2 API.
fn v2_at(process: &Srvd) -> String {
    let line = process.prints("answering etcd's v2 API on ").1;
    line.rsplit(' ').next().unwrap().to_owned()
}

/// Asks what was asked of the old system.
fn ask_all(at: SocketAddr, asked: &[Asked]) {
    asked.iter().for_each(|(question, answers)| dig_shows(at, question, answers));
}

/// A shell for commands of a guide: where `srvd` is the one under test.
fn shell(directory: &Path, text: &str) -> Command {
    let bin = directory.join("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(BINARY, bin.join("srvd")).unwrap();
    }
    // The variables are those of a process of srvd's that nobody has configured.
    let mut command = Command::new("bash");
    let names = std::env::vars_os().map(|(name, _)| name);
    names
        .filter(|name| name.to_string_lossy().starts_with("SRVD_"))
        .for_each(|name| _ = command.env_remove(name));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    command.args(["-euo", "pipefail", "-c", text]).current_dir(directory);
    command.env("PATH", path).env("SRVD_HTTP", "127.0.0.1:0").env("ETCDCTL_API", "3");
    command
}

/// Runs commands of a guide to their end. Gives what they print.
fn run(directory: &Path, text: &str) -> String {
    let output = shell(directory, text).output().unwrap();
    assert!(output.status.success(), "{text}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Sets a node over etcd's v2 API, as programs of that time do.
fn put_v2(at: &str, key: &str, form: &[&str]) {
    let mut curl = Command::new("curl");
    curl.args(["-sf", "-X", "PUT", &format!("http://{at}/v2/keys{key}")]);
    form.iter().for_each(|field| _ = curl.args(["--data-urlencode", field]));
    let output = curl.output().expect("curl is installed");
    assert!(output.status.success(), "{key}: {output:?}");
}

#[test]
fn every_guide_is_followed() {
    let heads = DOCUMENT.lines().filter_map(|line| line.strip_prefix("## From "));
    let heads: Vec<_> = heads.collect();
    assert_eq!(heads, ["CoreDNS `etcd`", "SkyDNS", "Consul DNS", "registrator"]);
}
