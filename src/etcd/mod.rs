//! etcd: what srvd needs of it.

pub mod embedded;
