//! Table of contents.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used)]

/// Zones and registrations in process, without etcd.
mod fixture;
/// Octets in, octets out: sockets, `dig`, limits.
mod wire;
