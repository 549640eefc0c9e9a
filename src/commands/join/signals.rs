//! The signals that tell `join` to stop.
//!
//! COMMAND has a process group of its own, so what ends us by default would leave it
//! running, and its key standing until the lease ends. A terminal that is closed (SIGHUP)
//! and Ctrl-\ (SIGQUIT) do that as well as SIGTERM and SIGINT; all four are heard.

use std::future::poll_fn;
use std::task::Poll;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};

/// What is heard: service managers and `kill`, Ctrl-C, a closed terminal, Ctrl-\.
const HEARD: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];

/// The signals, one after the other.
pub(super) struct Signals(Vec<(Signal, unix::Signal)>);

impl Signals {
    /// From here on the signals do not end the process by themselves. SIGHUP is left alone
    /// where it is ignored: that is how `nohup` asks to outlive the terminal.
    ///
    /// # Errors
    /// The system's: they cannot be listened to.
    pub(super) fn new() -> std::io::Result<Self> {
        let is_heard = |signal: &Signal| *signal != Signal::HUP || !is_ignored(*signal);
        let listen = |signal: Signal| {
            let kind = SignalKind::from_raw(signal.as_raw());
            Ok((signal, unix::signal(kind)?))
        };
        HEARD.into_iter().filter(is_heard).map(listen).collect::<Result<_, _>>().map(Self)
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let come = self.0.iter_mut().find_map(|(signal, stream)| {
                stream.poll_recv(context).is_ready().then_some(*signal)
            });
            come.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Whether we were started with a signal ignored. Only Linux tells without unsafe code;
/// elsewhere none is taken to be.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status) & (1 << (signal.as_raw() - 1)) != 0
}

/// The mask of ignored signals in the text of `/proc/PID/status` (proc_pid_status(5)).
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tsrvd\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored(status), 0x1001);
        assert_eq!(ignored("Name:\tsrvd\n"), 0);
        assert_eq!(ignored("SigIgn:\tnonsense\n"), 0);
    }
}
