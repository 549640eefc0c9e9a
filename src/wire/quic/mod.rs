//! DNS over QUIC (RFC 9250): a stream for each query, and no query waits for the octets of another.
//!
//! ```text
//!   accept (tcp: connections, handshakes, tls) ─→ session ─→ turns ─→ fast, or full ─→ reply
//!                                                   └─→ stream (a query is read, a reply sent), fault
//! ```
//!
//! Connections are among those of `tcp`: the same places, turns and memory. One file for each concern:
//! `accept` is what quinn makes of datagrams, and its bounds; `session` how the queries of a connection
//! are answered; `stream` what one of them carries; `fault` what ends a connection, and what is said then.
//!
//! | RFC 9250 | what of it | status |
//! | --- | --- | --- |
//! | s4.1.1 | ALPN `doq` | done; nothing else is spoken |
//! | s4.2 | one query a stream, its length before it, FIN awaited | done |
//! | s4.2.1 | the id is 0 | done |
//! | s4.3 | error codes | done |
//! | s4.3.1 | streams that are taken back | done; whoever takes back nearly all is sent away |
//! | s4.3.3 | protocol errors end the connection | done |
//! | s4.5 | 0-RTT | not offered: others could repeat it |
//! | s5.4 | padding | done, see `edns` |
//! | s5.5.2 | edns-tcp-keepalive is a protocol error | done |
//! | s5.5.4 | migration of connections | not offered: rules and limits go by a client's address |

mod accept;
mod fault;
mod session;
mod stream;

pub(super) use self::accept::{QuicDoor, serve};

pub use self::fault::DoqCode;

/// The protocol that is spoken in QUIC (RFC 9250 section 4.1.1).
pub(super) const DOQ: &[u8] = b"doq";
