//! srvd: a DNS-SRV discovery server.

pub mod index;
pub mod names;
pub mod registry;
