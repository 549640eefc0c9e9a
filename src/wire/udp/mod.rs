//! UDP: a worker per socket, which moves datagrams in batches, and what protects it.
//!
//! ```text
//!   batch ─→ worker ─→ fast path ─→ batch
//!     │         └─→ queue of the full path
//!     └─ relief ─→ overload: what the kernel drops of a network that floods
//! ```

pub(super) mod batch;
mod overload;
mod relief;
mod worker;
mod workers;

pub(super) use self::workers::Workers;
