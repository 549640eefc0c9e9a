//! srvd: a DNS-SRV discovery server.

pub mod backoff;
pub mod etcd;
pub mod index;
pub mod mirror;
pub mod names;
pub mod registry;
