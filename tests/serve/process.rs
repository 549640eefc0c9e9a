//! The real binary, its lines and its end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::{eventually, signal};

/// A running `srvd`; killed when it is dropped.
pub(super) struct Process {
    /// The process.
    child: Child,
    /// What it printed so far.
    out: Lines,
    /// What it logged so far.
    log: Lines,
}

/// Lines that a thread reads as they come.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Process {
    /// Starts `srvd` with arguments.
    pub(super) fn start(arguments: &[&str]) -> Self {
        let mut command = srvd(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = Lines::follow(child.stdout.take().unwrap());
        let log = Lines::follow(child.stderr.take().unwrap());
        Self { child, out, log }
    }

    /// Starts `srvd serve` on a free port of a registry and waits until it says where.
    pub(super) fn serve(registry: &str, arguments: &[&str]) -> (Self, SocketAddr) {
        let all = [&["serve", "--registry", registry, "--listen", "127.0.0.1:0"], arguments];
        let process = Self::start(&all.concat());
        let line = process.wait_for_line("answering DNS on ");
        let place = line.strip_prefix("answering DNS on ").unwrap().split_once(',').unwrap().0;
        (process, place.parse().unwrap())
    }

    /// The process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.out.all()
    }

    /// What it logged so far.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.all()
    }

    /// Waits for a printed line with a text in it.
    pub(super) fn wait_for_line(&self, text: &str) -> String {
        let find = || self.lines().into_iter().find(|line| line.contains(text));
        let mut found = None;
        eventually(|| {
            found = find();
            found.is_some()
        });
        found.unwrap_or_else(|| panic!("no `{text}` in {:?}, log {:?}", self.lines(), self.log()))
    }

    /// Waits until it has logged a line with all these texts.
    pub(super) fn wait_for_log(&self, texts: &[&str]) {
        let logged = || self.log().iter().any(|line| texts.iter().all(|text| line.contains(text)));
        assert!(eventually(logged), "no {texts:?} in {:#?}", self.log());
    }

    /// Sends a signal.
    pub(super) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        let ended = eventually(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "srvd does not end: {:#?}", self.log());
        status.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    /// Reads lines in a thread until the pipe ends.
    fn follow(pipe: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let filled = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                filled.0.lock().unwrap().push(line);
            }
        });
        lines
    }

    /// All lines so far.
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// `srvd` with arguments, and no `SRVD_…` variable of whoever runs the tests.
pub(super) fn srvd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_srvd"));
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("SRVD_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").args(arguments).stdin(Stdio::null());
    command
}

/// Runs `srvd` to its end, which must come soon. What it prints must fit a pipe.
pub(super) fn run(arguments: &[&str]) -> Output {
    let mut command = srvd(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = eventually(|| child.try_wait().unwrap().is_some());
    if !ended {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(ended, "srvd {arguments:?} does not end: {output:?}");
    output
}
