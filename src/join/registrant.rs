//! The instance that is registered, and how the processes about it know it.

use std::num::NonZeroU16;

use tokio::process::Command;

/// Variables by which a service manager speaks with `join` alone: whoever else has them tells
/// it that he is ready, or alive, in our place, or takes sockets for his.
const MANAGERS: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// An instance to be registered: its key, its document, and where it is.
#[derive(Debug)]
pub struct Registrant {
    /// The service's name in label form, under which it is found.
    pub name: String,
    /// The instance's id.
    pub id: String,
    /// The key.
    pub key: String,
    /// The document, one line of JSON.
    pub document: String,
    /// `HOST:PORT`.
    pub location: String,
    /// The host alone.
    pub hostname: String,
    /// The port.
    pub port: NonZeroU16,
}

/// Gives a process the variables by which it knows the instance, and takes away those that are
/// for us.
pub fn prepare<'c>(command: &'c mut Command, registrant: &Registrant) -> &'c mut Command {
    MANAGERS.iter().for_each(|name| _ = command.env_remove(name));
    command.envs(environment(registrant))
}

/// The variables by which COMMAND and checks know the instance.
fn environment(registrant: &Registrant) -> [(&'static str, String); 4] {
    [
        ("PORT", registrant.port.to_string()),
        ("HOST", registrant.hostname.clone()),
        ("SRVD_NAME", registrant.name.clone()),
        ("SRVD_ID", registrant.id.clone()),
    ]
}
