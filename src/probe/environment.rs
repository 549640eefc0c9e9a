//! The environment of processes about an instance: COMMAND, and what checks it.

use tokio::process::Command;

use crate::join::Registrant;

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
