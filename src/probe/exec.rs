//! The exec probe: a command of the shell exits with 0.
//!
//! It runs in a process group of its own, all of which is killed when it has ended, takes too
//! long or nobody wants to know any more: what it leaves running would grow with each check. It
//! knows the instance by the same variables as COMMAND.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{self, Pid, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::environment::prepare;
use super::orphans::{Family, Kin};
use crate::join::Registrant;

/// Octets of its output that are kept for the log; the rest is read and forgotten, so that
/// it does not wait for a reader.
const OUTPUT_OCTETS: usize = 4 << 10;
/// Octets read at a time.
const READ_OCTETS: usize = 4 << 10;

/// How often is looked whether it has ended although no child is said to have.
const LOOK: Duration = Duration::from_millis(500);

/// How long its last words are waited for once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A running check; dropped, all of its group is killed.
struct Running {
    /// The shell.
    child: Child,
    /// Its process group, until it was waited for: later the number may be another's.
    group: Option<Pid>,
    /// Told when any child ends.
    ends: Signal,
    /// Keeps it from being taken for an orphan.
    _kin: Kin,
}

/// Runs a command.
///
/// # Errors
/// How it ended, in words.
pub(super) async fn check(
    command: &str,
    registrant: &Registrant,
    family: &Family,
) -> Result<(), String> {
    let started = Running::start(command, registrant, family);
    let mut running = started.map_err(|error| format!("sh: {error}"))?;
    let (out, err) = (running.child.stdout.take(), running.child.stderr.take());
    let (mut out, mut err) = (CommandOutput::new(out), CommandOutput::new(err));
    tokio::select! {
        () = running.has_ended() => (),
        _ = async { tokio::join!(out.read(), err.read()) } => running.has_ended().await,
    }
    let status = running.clear_away().await;
    // What it said last may still be on its way.
    let _ = timeout(LAST_WORDS, async { tokio::join!(out.read(), err.read()) }).await;
    out.log(&registrant.key);
    err.log(&registrant.key);
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{command}` ended with {status}")),
        Err(error) => Err(format!("`{command}`: {error}")),
    }
}

impl Running {
    /// Starts the shell.
    fn start(command: &str, registrant: &Registrant, family: &Family) -> io::Result<Self> {
        // From here on no end is missed.
        let ends = signal(SignalKind::child())?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = prepare(&mut shell, registrant).spawn()?;
        let kin = family.note(&child);
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { child, group, ends, _kin: kin })
    }

    /// Waits until the shell has ended, and leaves it unwaited for: until then the number of
    /// its group is nobody else's.
    async fn has_ended(&mut self) {
        let Some(shell) = self.group else { return };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while let Ok(None) = waitid(WaitId::Pid(shell), look) {
            if timeout(LOOK, self.ends.recv()).await == Ok(None) {
                return;
            }
        }
    }

    /// Ends what the shell has left running, and waits for the shell.
    async fn clear_away(&mut self) -> io::Result<ExitStatus> {
        self.kill();
        self.child.wait().await
    }

    /// Kills the group.
    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            // It may have ended just now. The shell itself is waited for by the runtime.
            let _ = kill_process_group(group, process::Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The output of a stream of the command, as far as it is kept.
struct CommandOutput<S> {
    stream: Option<S>,
    /// What it said first.
    kept: Vec<u8>,
}

impl<S: AsyncRead + Unpin> CommandOutput<S> {
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
