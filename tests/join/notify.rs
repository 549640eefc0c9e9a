//! What systemd is told.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{KEY, ctl, held};
use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, command};
use crate::support::{PATIENCE, free_addr};

/// The other end of `NOTIFY_SOCKET`.
struct Manager {
    /// Where messages come.
    socket: UnixDatagram,
    /// Where the socket stands.
    directory: TempDir,
}

impl Manager {
    /// Listens.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, directory }
    }

    /// Starts a process as systemd would.
    fn starts(&self, command: &mut Command) -> Srvd {
        Srvd::spawn(command.env("NOTIFY_SOCKET", self.directory.path().join("notify")))
    }

    /// The next message that is no status alone.
    fn told(&self) -> String {
        loop {
            let message = self.hears();
            if !message.starts_with("STATUS=") {
                return message;
            }
        }
    }

    /// Waits for a message with this part.
    fn hears_of(&self, part: &str) {
        let begun = Instant::now();
        while !self.hears().contains(part) {
            assert!(begun.elapsed() < PATIENCE, "systemd was never told {part}");
        }
    }

    /// The next message.
    fn hears(&self) -> String {
        let mut text = [0; 1_000];
        let octets = self.socket.recv(&mut text).unwrap();
        String::from_utf8(text[..octets].to_vec()).unwrap()
    }
}

/// The arguments of `join` for [`KEY`].
const JOIN: [&str; 6] = ["join", "web", "--host", "10.1.2.3", "--port", "8080"];

#[test]
fn ready_once_registered_and_stopping_before_leaving() {
    let (etcd, manager) = (Etcd::start(), Manager::new());
    let mut srvd = manager.starts(&mut command(&etcd.url(), &JOIN));
    assert_eq!(manager.told(), "READY=1\nSTATUS=registered web at 10.1.2.3:8080\n");
    assert!(held(&etcd, KEY).is_some());
    ctl(&etcd, &["del", KEY]);
    manager.hears_of("STATUS=web at 10.1.2.3:8080 is lost: its key was deleted");
    manager.hears_of("STATUS=registered web at 10.1.2.3:8080 again");
    srvd.signal("TERM");
    assert_eq!(manager.told(), "STOPPING=1\n");
    assert_eq!(srvd.exits(), 0);
}

#[test]
fn the_watchdog_is_fed_while_etcd_is_away_but_not_by_a_frozen_process() {
    let (mut etcd, manager) = (Etcd::start(), Manager::new());
    let mut command = command(&etcd.url(), &JOIN);
    let srvd = manager.starts(command.env("WATCHDOG_USEC", "400000"));
    srvd.prints("registered web");
    etcd.kill9();
    srvd.logs("still trying");
    (0..5).for_each(|_| manager.hears_of("WATCHDOG=1"));
    srvd.signal("STOP");
    manager.socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut text = [0; 1_000];
    while manager.socket.recv(&mut text).is_ok() {}
    srvd.signal("CONT");
    manager.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    manager.hears_of("WATCHDOG=1");
}

#[test]
fn a_watchdog_for_another_process_is_not_fed() {
    let (etcd, manager) = (Etcd::start(), Manager::new());
    let mut command = command(&etcd.url(), &JOIN);
    let srvd = manager.starts(command.env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1"));
    srvd.prints("registered web");
    assert!(manager.told().starts_with("READY=1"));
    manager.socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut text = [0; 1_000];
    assert!(manager.socket.recv(&mut text).is_err(), "{text:?}");
}

#[test]
fn serve_is_ready_once_bound_feeds_the_watchdog_and_says_that_it_stops() {
    let manager = Manager::new();
    let listen = free_addr().to_string();
    // etcd is away: what can be bound is bound, and it comes later.
    let mut command = command("http://127.0.0.1:1", &["serve", "--listen", &listen]);
    let mut srvd = manager.starts(command.env("WATCHDOG_USEC", "200000"));
    assert!(manager.told().starts_with("READY=1\nSTATUS=answering DNS on "));
    (0..3).for_each(|_| manager.hears_of("WATCHDOG=1"));
    srvd.signal("TERM");
    manager.hears_of("STOPPING=1");
    assert_eq!(srvd.exits(), 0);
}

/// What systemd does by default: the name is not that of a file.
#[test]
#[cfg(target_os = "linux")]
fn an_abstract_socket_is_told_as_well() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let name = format!("srvd-test-{}-{}", std::process::id(), fastrand::u64(..));
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let manager = Manager { socket, directory: tempfile::tempdir().unwrap() };
    let etcd = Etcd::start();
    let srvd = Srvd::spawn(command(&etcd.url(), &JOIN).env("NOTIFY_SOCKET", format!("@{name}")));
    srvd.prints("registered web");
    assert_eq!(manager.told(), "READY=1\nSTATUS=registered web at 10.1.2.3:8080\n");
}

#[test]
fn its_command_and_checks_do_not_speak_in_its_place() {
    let (etcd, manager) = (Etcd::start(), Manager::new());
    let script =
        "echo \"manager: [$NOTIFY_SOCKET$WATCHDOG_USEC$WATCHDOG_PID$LISTEN_FDS$LISTEN_PID]\"";
    let check = format!("exec:{script} >$OUT; true");
    let out = manager.directory.path().join("out");
    let command_line = format!("{script}; exec sleep 30");
    let join = ["join", "web", "--host", "127.0.0.1", "--check", &check];
    let all = [&join[..], &["--", "sh", "-c", &command_line]].concat();
    let mut command = command(&etcd.url(), &all);
    command.env("OUT", &out).env("WATCHDOG_USEC", "10000000").env("LISTEN_FDS", "0");
    let srvd = manager.starts(command.env("LISTEN_PID", "1").env("WATCHDOG_PID", "1"));
    srvd.prints("manager: []");
    srvd.prints("registered web");
    assert_eq!(std::fs::read_to_string(out).unwrap(), "manager: []\n");
}
