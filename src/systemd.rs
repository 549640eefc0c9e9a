//! What systemd is told: ready, status, alive, stopping. Where it did not start us, and
//! asked for nothing, nothing is said.

use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::sleep;

/// The shortest wait between two feeds of the watchdog, whatever it is set to.
const FEED_MIN: Duration = Duration::from_millis(10);

/// We do what we were started for.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&line(status))]);
}

/// We read everything again; [`ready`] ends it. `systemctl reload` waits for that where the
/// unit has `Type=notify-reload`.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!("systemd was not told: {error}"),
    }
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
            tracing::error!("nothing goes on any more; the watchdog is not fed");
        }
        sleep((limit / 2).max(FEED_MIN)).await;
    }
}

/// A status is one line: the next would be another message.
fn line(status: &str) -> String {
    status.replace(|character: char| character.is_control(), " ")
}

/// Tells systemd.
fn tell(states: &[NotifyState<'_>]) {
    let socket = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    let told = match socket.as_encoded_bytes() {
        // An abstract name, which the crate takes for a file's.
        [b'@', name @ ..] => tell_abstract(name, states),
        _ => sd_notify::notify(states),
    };
    if let Err(error) = told {
        tracing::debug!("systemd was not told: {error}");
    }
}

/// Tells a service manager whose socket has a name in the abstract namespace (unix(7)).
#[cfg(target_os = "linux")]
fn tell_abstract(name: &[u8], states: &[NotifyState<'_>]) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let lines: String = states.iter().map(|state| format!("{state}\n")).collect();
    let manager = SocketAddr::from_abstract_name(name)?;
    UnixDatagram::unbound()?.send_to_addr(lines.as_bytes(), &manager).map(drop)
}

/// There is no such namespace.
#[cfg(not(target_os = "linux"))]
fn tell_abstract(_: &[u8], _: &[NotifyState<'_>]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(line("away:\nMAINPID=1"), "away: MAINPID=1");
    }
}
