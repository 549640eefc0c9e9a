//! The signals that tell `join` to stop.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};

/// SIGTERM and SIGINT, one after the other.
pub(super) struct Signals {
    /// SIGTERM: service managers, `kill`.
    terminate: unix::Signal,
    /// SIGINT: Ctrl-C.
    interrupt: unix::Signal,
}

impl Signals {
    /// From here on the signals do not end the process by themselves.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
        })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.interrupt.recv() => Signal::INT,
        }
    }
}
