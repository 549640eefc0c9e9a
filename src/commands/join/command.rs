//! COMMAND: a child process that serves what is registered.
//!
//! It runs in a process group of its own. Ctrl-C in a terminal goes to the whole group in
//! the foreground, and would end COMMAND before it has left the registry; here it ends up
//! with `join` alone, which passes it on when the waits are over. It is passed to the whole
//! group then, so that a shell between us and the server does not swallow it. The price: a
//! COMMAND that reads from the terminal is stopped by it (SIGTTIN), as any job in the
//! background is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroU16;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::holder::{self, Claimant, Holder};
use super::options::Options;
use crate::error::Failure;
use crate::join::Registrant;
use crate::probe::{Family, Kin, connect, prepare};
use crate::registry::{Host, Proto};

/// How often the port is tried until it accepts: soon enough that nobody notices, and
/// nothing that a starting server would feel.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);
/// How long one try may take: a firewall may drop what is sent to our own address.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long COMMAND may take to listen before that is told. Most servers need less; to
/// those that need more, one line does no harm.
const LISTEN_PATIENCE: Duration = Duration::from_secs(2);
/// How long COMMAND may take to end when `join` fails, before it is killed.
const END_GRACE: Duration = Duration::from_secs(10);
/// What shells add to the number of the signal that ended a process.
const SIGNALLED: i32 = 128;
/// The exit code when the system tells neither code nor signal, which it always does.
const UNKNOWN: u8 = 1;

/// How often is looked who holds the port, once it was somebody else.
const FOREIGN_INTERVAL: Duration = Duration::from_secs(1);

/// COMMAND, running.
#[derive(Debug)]
pub(super) struct Command {
    /// The process.
    child: Child,
    /// Its process group, and what signals it.
    group: Group,
    /// What its port is known by.
    claimant: Claimant,
    /// Keeps it from being taken for an orphan.
    _kin: Kin,
}

/// A process group of ours. It is signalled only while its first process is not waited
/// for, so that the number cannot be somebody else's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

impl Command {
    /// Starts COMMAND with `PORT`, `HOST`, `SRVD_NAME` and `SRVD_ID`.
    ///
    /// # Errors
    /// [`Failure::Failed`]: it cannot be started, and why.
    pub(super) fn start(
        options: &Options,
        registrant: &Registrant,
        family: &Family,
    ) -> Result<Self, Failure> {
        let (program, arguments) = options.command.split_first().expect("there is a COMMAND");
        let earlier = holder::listening(registrant.port.get());
        let mut command = tokio::process::Command::new(program);
        let child = prepare(command.args(arguments).process_group(0), registrant).spawn();
        let cannot = |error| {
            Failure::failed(format!("cannot start `{}`: {error}", program.to_string_lossy()))
        };
        let child = child.map_err(cannot)?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.expect("a child that was not waited for has an id");
        let claimant =
            Claimant::new(pid.as_raw_nonzero().get().cast_unsigned(), registrant, earlier);
        Ok(Self { _kin: family.note(&child), child, group: Group(pid), claimant })
    }

    /// What its port is known by.
    pub(super) fn claimant(&self) -> Claimant {
        self.claimant.clone()
    }

    /// Its process group.
    pub(super) const fn group(&self) -> Group {
        self.group
    }

    /// Waits for its end. Gives its exit code, 128+N for a signal N.
    pub(super) async fn wait(&mut self) -> Result<u8, Failure> {
        let status = self.child.wait().await;
        Ok(exit_code(status.map_err(|error| Failure::failed(format!("COMMAND: {error}")))?))
    }

    /// Ends it: SIGTERM, and SIGKILL when that does not help.
    pub(super) async fn end(&mut self) {
        self.group.signal(Signal::TERM);
        if timeout(END_GRACE, self.child.wait()).await.is_err() {
            self.group.signal(Signal::KILL);
            let _ = self.child.wait().await;
        }
    }
}

impl Group {
    /// Sends a signal to each of its processes.
    pub(super) fn signal(self, signal: Signal) {
        // That it ended just now is no error: somebody is waiting for it.
        if let Err(error) = kill_process_group(self.0, signal) {
            tracing::debug!("COMMAND got no {signal:?}: {error}");
        }
    }
}

/// A port that is free on all addresses, since COMMAND may listen on any. It is released
/// at once, for COMMAND to bind.
///
/// # Errors
/// The system's: there is none.
pub(super) fn free_port(host: &Host, proto: Proto) -> std::io::Result<NonZeroU16> {
    let any: IpAddr = match host {
        Host::Address(IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    };
    let any = SocketAddr::from((any, 0));
    let bound = match proto {
        Proto::Tcp => TcpListener::bind(any)?.local_addr()?,
        Proto::Udp => UdpSocket::bind(any)?.local_addr()?,
    };
    Ok(NonZeroU16::new(bound.port()).expect("a bound socket has a port"))
}

/// Waits until COMMAND accepts connections on the port, and says so once when that takes long
/// or somebody else does. Over udp nothing shows that; it is taken to be so.
pub(super) async fn listens(registrant: &Registrant, proto: Proto, claimant: Claimant) {
    if proto == Proto::Udp {
        return;
    }
    let mut told = None;
    loop {
        let at = accepted_in_time(registrant).await;
        let claimant = claimant.clone();
        // It reads what /proc says of every process.
        let look = spawn_blocking(move || claimant.holder(at)).await;
        match look.unwrap_or(Holder::Unknown(None)) {
            Holder::Command => return,
            Holder::Unknown(why) => return say_unknown(registrant, why),
            Holder::Other(who) if told.as_ref() == Some(&who) => (),
            Holder::Other(who) => say_other(registrant, told.insert(who)),
        }
        sleep(FOREIGN_INTERVAL).await;
    }
}

/// Says that somebody else holds the port.
fn say_other(registrant: &Registrant, who: &str) {
    tracing::warn!(
        "port {} is held by {who}, not by COMMAND, which is registered when it listens there \
         itself; stop the other, or give another --port (where COMMAND has others listen for it, \
         say --check tcp)",
        registrant.port
    );
}

/// Says that nobody can tell who holds the port.
fn say_unknown(registrant: &Registrant, why: Option<String>) {
    if let Some(why) = why {
        tracing::warn!("port {} is taken to be held by COMMAND: {why}", registrant.port);
    }
}

/// Waits until the port accepts connections. Says so once when that takes long.
async fn accepted_in_time(registrant: &Registrant) -> IpAddr {
    let mut accepted = std::pin::pin!(accepted(registrant));
    if let Ok(at) = timeout(LISTEN_PATIENCE, &mut accepted).await {
        return at;
    }
    tracing::warn!(
        "waiting for {} to accept connections; COMMAND must listen on the port in its variable \
         PORT, or on the one that --port names",
        registrant.location
    );
    accepted.await
}

/// Tries the port until it accepts a connection. Gives the address that did.
async fn accepted(registrant: &Registrant) -> IpAddr {
    let loopback = [Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()];
    loop {
        for host in [&registrant.hostname, &loopback[0], &loopback[1]] {
            if let Ok(Ok(at)) = timeout(PROBE_TIMEOUT, connect(host, registrant.port)).await {
                return at;
            }
        }
        sleep(PROBE_INTERVAL).await;
    }
}

/// The exit code that stands for how a process ended.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_shells() {
        for (status, code) in [(0, 0), (7 << 8, 7), (15, 143), (9, 137)] {
            assert_eq!(exit_code(ExitStatus::from_raw(status)), code);
        }
    }

    #[test]
    fn a_free_port_can_be_bound() {
        let host = Host::parse("198.51.100.1").unwrap();
        for proto in Proto::ALL {
            let port = free_port(&host, proto).unwrap();
            assert!(UdpSocket::bind(("127.0.0.1", port.get())).is_ok());
        }
    }
}
