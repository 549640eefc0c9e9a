//! srvd: a DNS-SRV discovery server.

pub mod authority;
pub mod backoff;
pub mod cli;
pub mod config;
pub mod error;
pub mod etcd;
pub mod index;
pub mod mirror;
pub mod names;
pub mod registry;
pub mod telemetry;
pub mod wire;
pub mod zonefile;
