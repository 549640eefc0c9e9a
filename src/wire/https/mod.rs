//! DNS over HTTPS (RFC 8484): HTTP/2 and HTTP/1.1, on a listener that has nothing else.
//!
//! ```text
//!   tcp (accept, connections, handshakes, tls) ─→ connection ─→ session ─→ fast, or full ─→ reply
//!                                                                  └─→ request, response, age
//! ```
//!
//! Connections are those of `tcp`, among the same places and in the same turns. One file for
//! each concern: `connection` is what hyper makes of one, and its bounds; `session` how its requests
//! are answered; `request` what one asks, `response` what is said to it, `age` how long a cache may
//! keep that.

mod age;
mod connection;
mod request;
mod response;
mod session;

pub(super) use self::connection::serve;

/// The protocols that are spoken under TLS (RFC 7301), the better first.
pub(super) const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
