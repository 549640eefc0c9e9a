//! srvd: a DNS-SRV discovery server.

pub mod names;
pub mod registry;
