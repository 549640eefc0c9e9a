//! What the configuration says of answering: the same for every thread and transport.

use std::net::IpAddr;
use std::sync::Arc;

use crate::forward::Forwarder;

/// How messages are answered, beside what the index says. Threads share it; it never changes.
#[derive(Debug, Default)]
pub struct Policy {
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
