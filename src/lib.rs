//! srvd: a DNS-SRV discovery server.

pub mod etcd;
