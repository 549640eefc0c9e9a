//! The data path, end to end: etcd → mirror → index → DNS, with everything that can go
//! wrong on the way.
//!
//! Servers are built as the process builds them, on port 0; where a process is meant, the
//! real binary runs. Every wait has a deadline and looks at what is shown, never at a clock.

/// A server inside the test, and a client that asks it.
mod server;

/// The real binary, its lines and its end.
mod process;

use crate::support::proxy;

/// Registrations, put many at a time, and what they must lead to.
pub(crate) mod writer;

/// What is asked for is answered: every name of the contract, through `dig` too.
mod answers;

/// Tags, versions, DNS-SD, reverse zones, answers of a few records.
mod names;

/// Zones, prefixes, namespaces and registries side by side.
mod zones;

/// Zone files: beside a registry and alone, read again, refused by line.
mod zone_files;

/// Read again while it runs: configuration, zones, secrets, whole or not at all.
mod reload;

/// Cookies, names of servers and small replies, by replicas with one secret.
mod options;

/// etcd is not there, goes, comes back as another.
mod outage;

/// A member of three dies or freezes.
mod members;

/// Nothing changes: registries are listed once.
mod quiet;

/// A server that does not keep to etcd's protocol: given up, said once, tried again.
mod unsound;

/// A restart on sockets that systemd keeps loses nothing.
mod restart;

/// The units for systemd, and what its own tools say of them.
mod units;

/// A restart while etcd is away answers from what was kept on disk, or says why not.
mod known;

/// Most of a zone vanishes at once: that is held for a while, and never for ever.
mod collapse;

/// The SOA serial: it moves with its zone alone, forward, and is the same on every server.
mod serials;

/// Every surface says how a zone is.
mod conditions;

/// Old answers end where somebody wants them to.
mod expiry;

/// What is held is compared with etcd, while it is followed.
mod audit;

/// Compaction, floods, storms, transactions: what was missed is caught up with.
mod history;

/// Lists and revisions larger than one message.
mod large;

/// Every writer's documents, from `etcdctl put` to `dig`.
mod formats;

/// Documents that cannot be used harm themselves alone, and are named.
mod documents;

/// Backends and frontends, flipped under load.
mod aliases;

/// Queries by sampling, repeats by their number, lines that nobody can forge.
mod logs;

/// Keys and values that speak to terminals and forge lines.
mod hostile;

/// Few descriptors, and clients that want many.
mod descriptors;

/// Root is given up before anything is answered.
mod privileges;

/// Mistakes in the configuration, and what is said to each.
mod mistakes;

/// Wrong usage is refused with a message and its exit code.
mod usage;

/// `list`, `lookup` and `watch`.
mod commands;

/// Commands about one service.
mod one_service;

/// `check`, and the same list in a server that runs.
mod check;
