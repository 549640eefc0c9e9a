//! TCP, with TLS on it or without: connections, which client networks serve themselves of in
//! turns.
//!
//! ```text
//!   accept ─→ connections (a slot, or another is closed) ─┬─→ connection ─→ turns ─→ reply
//!                                                         │         └─→ later: replies of others
//!                             handshakes (a slot) ─→ tls ─┘
//! ```

mod accept;
mod connection;
mod connections;
mod framing;
mod handshakes;
mod later;
mod runtime;
mod tls;
mod turns;

pub(super) use self::accept::{Common, Door, serve};
pub(super) use self::connection::{FLUSH, TURN};
pub(super) use self::connections::{Account, ConnectionSlot, Connections, HeldOctets};
pub(super) use self::framing::{KEPT, PREFIX, frame, whole_message};
pub(super) use self::handshakes::HandshakeSlot;
pub(super) use self::later::{Awaited, Later, Promise};
pub(super) use self::runtime::TcpRuntime;
pub(super) use self::tls::{DOT, HANDSHAKE, Tls};
pub(super) use self::turns::Turns;

pub use self::connections::TcpLimits;
