//! What the configuration says of answering: the same for every thread and transport.

use super::Cookies;

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
}
