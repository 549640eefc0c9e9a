//! srvd: a DNS-SRV discovery server.
