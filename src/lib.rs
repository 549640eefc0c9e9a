//! srvd: a DNS-SRV discovery server.

pub mod etcd;
pub mod index;
pub mod names;
pub mod registry;
