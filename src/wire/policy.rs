//! What the configuration says of answering: the same for every thread and transport.

use std::net::IpAddr;
use std::sync::Arc;

use super::Cookies;
use crate::forward::Forwarder;

/// How messages are answered, beside what the index says. Threads share it; it never changes.
#[derive(Debug, Default)]
pub struct Policy {
    /// Makes and checks cookies; without it, those of clients are ignored.
    pub cookies: Option<Cookies>,
    /// Who this server is, told to clients that ask for it (RFC 5001); at most
    /// [`NSID_MAX`](super::NSID_MAX) octets.
    pub nsid: Option<Box<[u8]>>,
    /// What is told of this server in the class CHAOS (RFC 4892); at most 255 octets.
    pub chaos: Option<Box<[u8]>>,
    /// Whether replies over UDP to clients without a valid cookie are kept small.
    pub strict_amplification: bool,
    /// What asks others for names outside our zones; without it these are refused.
    pub forwarder: Option<Arc<Forwarder>>,
}

impl Policy {
    /// Whether names outside our zones are looked up for a client.
    #[must_use]
    pub fn may_recurse(&self, client: IpAddr) -> bool {
        client.is_loopback()
    }
}
