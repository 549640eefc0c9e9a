//! The count of instructions: this program once more, under valgrind, which counts while a row is
//! measured and is quick before.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::rows::ROWS;
use crate::{COUNTED, MEASURED, is_chosen};

/// What is said before a row is measured, and after it.
const PAUSE: &str = "pause";

/// The program that is counted.
struct Counted {
    child: Child,
    /// What it waits for.
    goes_on: ChildStdin,
    /// What it says.
    says: Lines<BufReader<ChildStdout>>,
    /// Where valgrind writes what it counted.
    out: PathBuf,
}

/// Whether valgrind is there.
pub(crate) fn is_possible() -> bool {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Counts the instructions of each row, and prints them.
pub(crate) fn count(chosen: &[String]) {
    let dir = tempfile::tempdir().unwrap();
    let mut counted = Counted::start(&dir.path().join("counted"), chosen);
    for (number, row) in ROWS.iter().filter(|row| is_chosen(row, chosen)).enumerate() {
        counted.wait();
        counted.control(&["-i", "on"]);
        counted.go_on();
        counted.wait();
        counted.control(&["-i", "off"]);
        counted.control(&["-d"]);
        let instructions = read(&counted.out.with_extension((number + 1).to_string()));
        counted.control(&["-z"]);
        counted.go_on();
        let line = counted.says.next().unwrap().unwrap();
        let (_, ready) = line.split_once(" ns").unwrap();
        assert!(ready.ends_with(row.title));
        println!("{:9.0} instructions{ready}", instructions as f64 / MEASURED as f64);
    }
    assert!(counted.child.wait().unwrap().success());
}

impl Counted {
    /// Starts it.
    fn start(out: &Path, chosen: &[String]) -> Self {
        let mut child = Command::new("valgrind")
            .args(["--tool=callgrind", "--instr-atstart=no", "--quiet"])
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(std::env::current_exe().unwrap())
            .arg(COUNTED)
            .args(chosen)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (goes_on, says) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, goes_on, says: BufReader::new(says).lines(), out: out.to_owned() }
    }

    /// Waits until it waits.
    fn wait(&mut self) {
        assert_eq!(self.says.next().unwrap().unwrap(), PAUSE);
    }

    /// Has it go on.
    fn go_on(&mut self) {
        writeln!(self.goes_on).unwrap();
    }

    /// Tells valgrind something.
    fn control(&self, arguments: &[&str]) {
        let id = self.child.id().to_string();
        let said = Command::new("callgrind_control").args(arguments).arg(id).output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }
}

/// What valgrind wrote of one row.
fn read(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    totals.unwrap().trim().parse().unwrap()
}

/// Waits before a row is measured and after it, where somebody counts.
pub(crate) fn pause() {
    if std::env::args().any(|argument| argument == COUNTED) {
        println!("{PAUSE}");
        let _ = std::io::stdin().read_line(&mut String::new());
    }
}
