//! The notifications to systemd: ready, status, alive, stopping; and the sockets that it hands over.
//! Where it did not start us, and asked for nothing, nothing is said.

mod sockets;

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::sleep;

pub use self::sockets::{DnsSockets, Inherited, Missing, SocketFault};

/// The shortest wait between two feeds of the watchdog, whatever it is set to.
const FEED_MIN: Duration = Duration::from_millis(10);

/// Characters of a status: systemd takes messages of 4,096 octets, and drops longer ones.
const STATUS_MAX: usize = 1000;

/// How long a message that must come is waited with for room in the manager's queue, which all
/// services share: it reads thousands in that time, and heartbeats can wait so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// We do what we were started for.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&line(status))]);
}

/// We read everything again; [`reloaded`] ends it. `systemctl reload` waits for that where the
/// unit has `Type=notify-reload`.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!("systemd was not told: {error}"),
    }
}

/// Whether somebody hears what we say.
#[must_use]
pub fn is_heard() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// We have read everything again, whatever came of it.
pub fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// What we do now, for `systemctl status`.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(&line(status))]);
}

/// We are about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog twice in its time while we are alive, for as long as it is polled.
/// Poll it beside what must not stand still.
pub async fn watchdog(is_alive: impl Fn() -> bool) -> Infallible {
    let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    loop {
        if is_alive() {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("no progress; withholding the watchdog ping");
        }
        sleep((limit / 2).max(FEED_MIN)).await;
    }
}

/// A status is one line: the next would be another message.
fn line(status: &str) -> String {
    let shown = |it: char| if it.is_control() { ' ' } else { it };
    status.chars().take(STATUS_MAX).map(shown).collect()
}

/// Tells systemd.
fn tell(states: &[NotifyState<'_>]) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let lines: String = states.iter().map(|state| format!("{state}\n")).collect();
    let may_be_missed =
        |state: &NotifyState<'_>| matches!(state, NotifyState::Watchdog | NotifyState::Status(_));
    let wait = (!states.iter().all(may_be_missed)).then_some(PATIENCE);
    if let Err(error) = send(&socket, lines.as_bytes(), wait) {
        tracing::debug!("systemd was not told: {error}");
    }
}

/// Sends a message when there is room for it, which is waited for so long, if at all: a manager
/// that does not read must not hold us up. `sd-notify` would wait for ever, and takes an abstract
/// name for a file's.
fn send(manager: &OsStr, message: &[u8], wait: Option<Duration>) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    match wait {
        Some(wait) => socket.set_write_timeout(Some(wait))?,
        None => socket.set_nonblocking(true)?,
    }
    match manager.as_encoded_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            let manager = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(message, &manager).map(drop)
        }
        _ => socket.send_to(message, manager).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_that_does_not_read_holds_nobody_up() {
        let path =
            std::env::temp_dir().join(format!("srvd-{}-{}", std::process::id(), fastrand::u64(..)));
        let _manager = UnixDatagram::bind(&path).unwrap();
        // More than any queue has room for.
        let message = |wait| send(path.as_os_str(), b"STATUS=\n", wait);
        let full = (0..100_000).find_map(|_| message(None).err());
        assert_eq!(full.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
        let waited = message(Some(Duration::from_millis(10))).unwrap_err();
        assert_eq!(waited.kind(), io::ErrorKind::WouldBlock);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(line("away:\nMAINPID=1"), "away: MAINPID=1");
        assert_eq!(line(&"é".repeat(5000)).chars().count(), STATUS_MAX);
    }
}
