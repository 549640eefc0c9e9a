//! Whether a command of the shell exits with 0.
//!
//! It runs in a process group of its own, all of which is killed when it takes too long or
//! nobody wants to know any more. It knows the instance by the same variables as COMMAND.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::join::command::environment;
use crate::join::options::Place;

/// Octets of its output that are kept for the log; the rest is read and forgotten, so that
/// it does not wait for a reader.
const OUTPUT_OCTETS: usize = 4 << 10;
/// Octets read at a time.
const READ_OCTETS: usize = 4 << 10;

/// How long its last words are waited for once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A running check; dropped, all of its group is killed.
struct Running {
    /// The shell.
    child: Child,
    /// Its process group, until it was waited for: later the number may be another's.
    group: Option<Pid>,
}

/// Runs a command.
///
/// # Errors
/// How it ended, in words.
pub(super) async fn check(command: &str, place: &Place) -> Result<(), String> {
    let mut running = Running::start(command, place).map_err(|error| format!("sh: {error}"))?;
    let (out, err) = (running.child.stdout.take(), running.child.stderr.take());
    let (mut out, mut err) = (Output::new(out), Output::new(err));
    let status = tokio::select! {
        status = running.child.wait() => status,
        _ = async { tokio::join!(out.read(), err.read()) } => running.child.wait().await,
    };
    running.group = None;
    // What it said last may still be on its way; what it left running may never end.
    let _ = timeout(LAST_WORDS, async { tokio::join!(out.read(), err.read()) }).await;
    out.log(&place.key);
    err.log(&place.key);
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{command}` ended with {status}")),
        Err(error) => Err(format!("`{command}`: {error}")),
    }
}

impl Running {
    /// Starts the shell.
    fn start(command: &str, place: &Place) -> std::io::Result<Self> {
        let child = Command::new("sh")
            .args(["-c", command])
            .envs(environment(place))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { child, group })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            // It may have ended just now. The shell itself is reaped by the runtime.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What a stream of the command says, as far as it is kept.
struct Output<S> {
    /// The stream.
    stream: Option<S>,
    /// What it said first.
    kept: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Output<S> {
    /// Nothing is read yet.
    const fn new(stream: Option<S>) -> Self {
        Self { stream, kept: Vec::new() }
    }

    /// Reads to the end.
    async fn read(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let mut octets = [0; READ_OCTETS];
        while let Ok(count @ 1..) = stream.read(&mut octets).await {
            let room = OUTPUT_OCTETS - self.kept.len();
            self.kept.extend_from_slice(&octets[..count.min(room)]);
        }
    }

    /// Writes into the log what it said.
    fn log(&self, key: &str) {
        let text = String::from_utf8_lossy(&self.kept);
        if !text.trim().is_empty() {
            tracing::debug!(key, "the check says: {}", text.trim().escape_debug());
        }
    }
}
