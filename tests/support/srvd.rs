//! The `srvd` binary as a process, and what it and its COMMAND print.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{eventually, signal};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_srvd");

/// A process whose lines are collected as they come. Killed when dropped.
pub(crate) struct Srvd {
    /// The process.
    child: Child,
    /// What it printed.
    out: Lines,
    /// What it logged.
    log: Lines,
}

/// Lines and when they came.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<(Instant, String)>>>);

/// The binary with a registry and arguments.
pub(crate) fn command(registry: &str, args: &[&str]) -> Command {
    plain(&[&["--registry", registry], args].concat())
}

/// The binary with arguments, knowing nothing of the variables of whoever runs the tests.
pub(crate) fn plain(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("SRVD_")) {
        command.env_remove(name);
    }
    let foreign = ["RUST_LOG", "NOTIFY_SOCKET", "PORT", "HOST"];
    foreign.iter().for_each(|name| _ = command.env_remove(name));
    // Of the default port there is one, and many tests run at once.
    command.env("SRVD_HTTP", "127.0.0.1:0");
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(registry: &str, args: &[&str]) -> Output {
    command(registry, args).output().unwrap()
}

/// The address in a line that says where DNS is answered.
pub(crate) fn address_in(line: &str) -> SocketAddr {
    let place = line.strip_prefix("answering DNS on ").unwrap().split_once(',').unwrap().0;
    place.parse().unwrap()
}

impl Srvd {
    /// Starts the binary.
    pub(crate) fn start(registry: &str, args: &[&str]) -> Self {
        Self::spawn(&mut command(registry, args))
    }

    /// Starts any process whose lines are of interest.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = Lines::of(child.stdout.take().unwrap());
        let log = Lines::of(child.stderr.take().unwrap());
        Self { child, out, log }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed.
    pub(crate) const fn out(&self) -> &Lines {
        &self.out
    }

    /// What it logged.
    pub(crate) const fn log(&self) -> &Lines {
        &self.log
    }

    /// Waits for a printed line with this part.
    pub(crate) fn prints(&self, part: &str) -> (Instant, String) {
        self.out.wait_for(part).unwrap_or_else(|| self.never(part))
    }

    /// Waits for a logged line with this part.
    pub(crate) fn logs(&self, part: &str) -> (Instant, String) {
        self.log.wait_for(part).unwrap_or_else(|| self.never(part))
    }

    /// Where it says that it answers DNS, the first of its addresses.
    pub(crate) fn answers_at(&self) -> SocketAddr {
        address_in(&self.prints("answering DNS on ").1)
    }

    /// Sends a signal, `TERM` for example. Gives the moment before.
    pub(crate) fn signal(&self, name: &str) -> Instant {
        let before = Instant::now();
        signal(self.pid(), name);
        before
    }

    /// Writes to its standard input, which must be a pipe, and closes it.
    pub(crate) fn writes(&mut self, text: &str) {
        self.child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits for its end. Gives the exit code.
    pub(crate) fn exits(&mut self) -> i32 {
        let mut status = None;
        eventually(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let Some(status) = status else { self.never("its end") };
        status.code().expect("it was killed by a signal")
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills it as a crash does.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The ports that it has connections to.
    pub(crate) fn peers(&self) -> Vec<u16> {
        let sockets = self.sockets();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let fields = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = fields.filter(|it| it[3] == "01" && sockets.iter().any(|inode| inode == it[9]));
        let port = |it: Vec<&str>| u16::from_str_radix(it[2].split_once(':').unwrap().1, 16);
        ours.map(|it| port(it).unwrap()).collect()
    }

    /// The inodes of its open sockets.
    fn sockets(&self) -> Vec<String> {
        let links = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).into_iter().flatten();
        let links = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
        let inode = |link: std::path::PathBuf| {
            Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        };
        links.filter_map(inode).collect()
    }

    /// Ends the test: it waited in vain.
    fn never(&self, what: &str) -> ! {
        panic!("never came: {what}\nprinted: {:#?}\nlogged: {:#?}", self.out.all(), self.log.all())
    }
}

impl Drop for Srvd {
    /// Kills the process and the process groups of its children: COMMAND has its own.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let path = format!("/proc/{0}/task/{0}/children", self.pid());
            let children = std::fs::read_to_string(path).unwrap_or_default();
            for child in children.split_whitespace() {
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{child}")]).output();
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    /// The lines of a stream, read by a thread of their own.
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock().push((Instant::now(), line));
            }
        });
        lines
    }

    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().iter().map(|(_, line)| line.clone()).collect()
    }

    /// How many lines have this part.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.lock().iter().filter(|(_, line)| line.contains(part)).count()
    }

    /// Waits for the first line with this part.
    pub(crate) fn wait_for(&self, part: &str) -> Option<(Instant, String)> {
        let find = || self.lock().iter().find(|(_, line)| line.contains(part)).cloned();
        let mut found = None;
        eventually(|| {
            found = find();
            found.is_some()
        });
        found
    }

    /// The lines, locked for a look.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
