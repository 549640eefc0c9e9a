//! TCP: connections, which client networks serve themselves of in turns.
//!
//! ```text
//!   accept ─→ connections (a slot, or another is closed) ─→ connection ─→ turns ─→ reply
//!                                                                └─→ later: replies of others
//! ```

mod accept;
mod connection;
mod connections;
mod later;
mod runtime;
mod turns;

pub(super) use self::accept::{Common, serve};
pub(super) use self::connections::Connections;
pub(super) use self::later::Promise;
pub(super) use self::runtime::TcpRuntime;
pub(super) use self::turns::Turns;

pub use self::connections::TcpLimits;
