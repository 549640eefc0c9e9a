//! srvd: a DNS-SRV discovery server.

pub mod authority;
pub mod index;
pub mod names;
pub mod registry;
pub mod wire;
