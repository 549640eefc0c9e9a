//! The `console` blocks of README and the quick start, run as they stand.
//!
//! A line that begins with `$` is a command, the lines below it are what it prints: `…` alone
//! stands for any lines, in a line for any text, and white space counts as one space. A
//! command that does not end, such as `srvd join`, goes on while the others are run. Only
//! the build is left out: the binary under test stands where it would be. Where another
//! process has a default port, the ports that `srvd dev` prints are put in their place, as
//! the text says to do.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{root, text};
use crate::support::eventually;
use crate::support::srvd::{BINARY, Srvd};

/// The ports that the documents name: registry, DNS, HTTP.
const PORTS: [&str; 3] = ["2379", "5300", "5380"];
/// The lines in which `srvd dev` says what it took for them.
const SAID: [&str; 3] = [
    "registry (etcd v3 API): http://127.0.0.1:",
    "answering DNS on 127.0.0.1:",
    "answering HTTP on 127.0.0.1:",
];
/// In place of `cargo`: what it would build is there. Anything else is not expected of it.
const CARGO: &str = "#!/bin/sh
case \"$*\" in --version) exec \"$REAL_CARGO\" --version ;; 'build --release --locked') ;; *) exit 9 ;; esac
";

/// A command, and what it prints.
#[derive(Debug, Default, PartialEq)]
struct Step {
    /// As it stands behind the `$`.
    command: String,
    /// The lines below it.
    prints: Vec<String>,
}

/// The steps of all `console` blocks of a document.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::<Step>::new();
    let mut is_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_console = !is_console && line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) {
            steps.push(Step { command: command.to_owned(), prints: Vec::new() });
        } else if is_console {
            let step = steps.last_mut().expect("a block begins with a command");
            step.prints.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    steps
}

/// Whether a line is as a pattern says.
fn fits(pattern: &str, line: &str) -> bool {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((head, rest)) = pattern.split_once('…') else { return line == pattern };
    let Some(mut left) = line.strip_prefix(head) else { return false };
    let mut parts: Vec<_> = rest.split('…').collect();
    let tail = parts.pop().expect("a split has a part");
    for part in parts {
        let Some((_, behind)) = left.split_once(part) else { return false };
        left = behind;
    }
    left.ends_with(tail)
}

/// Whether lines are as patterns say.
fn all_fit(patterns: &[String], lines: &[String]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((any, rest)) if any == "…" => {
            (0..=lines.len()).any(|skipped| all_fit(rest, &lines[skipped..]))
        }
        Some((pattern, rest)) => (lines.split_first())
            .is_some_and(|(line, behind)| fits(pattern, line) && all_fit(rest, behind)),
    }
}

/// A checkout in which srvd is built, and whoever reads the document.
struct Reader {
    /// The checkout.
    checkout: TempDir,
    /// Each port that the document names, and the one in its place.
    ports: Vec<(&'static str, String)>,
    /// What was exported.
    exports: String,
    /// What was started, with its command.
    started: Vec<(String, Srvd)>,
}

impl Reader {
    /// A reader that has done nothing yet.
    fn new() -> Self {
        let checkout = tempfile::tempdir().unwrap();
        for name in ["deploy", "Cargo.toml"] {
            symlink(root().join(name), checkout.path().join(name)).unwrap();
        }
        let built = checkout.path().join("target/release");
        std::fs::create_dir_all(&built).unwrap();
        symlink(BINARY, built.join("srvd")).unwrap();
        let cargo = checkout.path().join("cargo");
        std::fs::write(&cargo, CARGO).unwrap();
        std::fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).unwrap();
        Self { checkout, ports: Vec::new(), exports: String::new(), started: Vec::new() }
    }

    /// Does what a document says.
    fn follow(mut self, path: &str) {
        let steps = steps(&text(path));
        assert!(steps.len() >= 4, "{path} has {} commands", steps.len());
        steps.into_iter().for_each(|step| self.take(step));
        for (command, process) in &mut self.started {
            assert!(process.is_running() || process.exits() == 0, "{path}: {command}");
        }
    }

    /// Does one step.
    fn take(&mut self, step: Step) {
        let command = self.with_ports(&step.command);
        if command.starts_with("export ") {
            return self.exports += &format!("{command}\n");
        }
        let prints: Vec<_> = step.prints.iter().map(|line| self.with_ports(line)).collect();
        let mut process = self.start(&command);
        let is_done = eventually(|| {
            let is_done = all_fit(&prints, &process.out().all());
            // What was just written is there in a moment.
            if !is_done && command.starts_with("dig ") && !process.is_running() {
                process = self.start(&command);
            }
            is_done
        });
        let (out, log) = (process.out().all(), process.log().all());
        assert!(is_done, "{command}\nshould print {prints:#?}\nand printed {out:#?}\n{log:#?}");
        if self.ports.is_empty() {
            self.learn_ports(&out);
        }
        self.started.push((command, process));
    }

    /// Starts a command.
    fn start(&self, command: &str) -> Srvd {
        let path = std::env::var("PATH").unwrap();
        let checkout = self.checkout.path();
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SRVD_")) {
            shell.env_remove(name);
        }
        shell
            .args(["-c", &format!("{}exec {command}", self.exports)])
            .current_dir(checkout)
            .env_remove("CARGO_TARGET_DIR")
            .env("PATH", format!("{}:{path}", checkout.display()))
            .env("REAL_CARGO", env!("CARGO"))
            .stdin(Stdio::null());
        Srvd::spawn(&mut shell)
    }

    /// A line with the ports that were taken; before that is known, with any.
    fn with_ports(&self, line: &str) -> String {
        let is_known = !self.ports.is_empty();
        let any = PORTS.map(|port| (port, "…".to_owned()));
        let ports = if is_known { &self.ports[..] } else { &any[..] };
        ports.iter().fold(line.to_owned(), |line, (port, actual)| line.replace(port, actual))
    }

    /// Reads which ports the server took.
    fn learn_ports(&mut self, lines: &[String]) {
        for (port, said) in PORTS.into_iter().zip(SAID) {
            let rest = lines.iter().find_map(|line| line.strip_prefix(said)).expect(said);
            let digits = rest.split(|it: char| !it.is_ascii_digit()).next().unwrap();
            self.ports.push((port, digits.to_owned()));
        }
        self.exports += &format!("export SRVD_REGISTRY=http://127.0.0.1:{}\n", self.ports[0].1);
    }
}

#[test]
fn the_blocks_of_readme_do_what_they_say() {
    Reader::new().follow("README.md");
}

#[test]
fn the_blocks_of_the_quick_start_do_what_they_say() {
    Reader::new().follow("docs/quick-start.md");
}

#[test]
fn blocks_are_read_and_compared() {
    let text = "```sh\n$ no\n```\n```console\n$ a b\nx  y\n…\n$ c\n```\nz\n";
    let step = |command: &str, prints: &[&str]| Step {
        command: command.to_owned(),
        prints: prints.iter().map(|it| (*it).to_owned()).collect(),
    };
    assert_eq!(steps(text), [step("a b", &["x y", "…"]), step("c", &[])]);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (pattern, line, expected) in [
        ("a … c", "a b  c", true),
        ("a … c", "a b", false),
        ("a…", "a", true),
        ("…b…d", "a b c d", true),
        ("…b…d", "a d b", false),
    ] {
        assert_eq!(fits(pattern, line), expected, "{pattern} {line}");
    }
    assert!(all_fit(&lines("a\n…\nd"), &lines("a\nb\nc\nd")));
    assert!(!all_fit(&lines("a\n…\nd"), &lines("a\nb\nc")));
    assert!(!all_fit(&lines("a"), &lines("a\nb")));
    assert!(Path::new(env!("CARGO")).exists());
}
