//! Table of contents.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used)]

/// Who comes first: weights over many draws.
mod draws;
/// Zones and registrations in process, without etcd.
mod fixture;
/// The rules of the RFCs: golden files under `rfc/`.
mod rfc;
/// Octets in, octets out: sockets, `dig`, limits.
mod wire;
