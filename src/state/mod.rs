//! Last known good: what a zone held, on disk, so that a restart answers while the
//! registry is away.
//!
//! ```text
//!   start     file ─→ checked ─→ instances ─→ mirror (published at once, marked as stale)
//!   running   generation ─→ Keeper: quiet? ─→ new file ─→ fsync ─→ rename ─→ fsync directory
//! ```
//!
//! # What is written, and when
//! One file a zone, `APEX.snapshot`: every instance that the newest generation shows, the
//! revision it is true at and when that was last confirmed. A `SnapshotWriter` looks at its
//! zone twice a second and writes after a short quiet; under a steady stream of changes it
//! writes every half minute. It writes on a thread of its own from the immutable zone, so
//! that neither queries nor the mirror wait, and through a buffer, so that a million
//! instances take no second million. While nothing changes but the registry goes on
//! confirming it, the file's time of modification is set, once a minute.
//!
//! # What is believed
//! Nothing that is not whole: the file ends with its length and a SHA-256 of all before. It
//! belongs to one registry, to the keys below one prefix and namespace, and to one schema;
//! another's is refused. Each instance is checked as if etcd had said it. What is refused
//! is left as it is until the next snapshot replaces it.
//!
//! # What goes wrong with disks
//! A snapshot that cannot be written is tried again later, and said once for each kind of
//! failure. It never changes an answer.

mod age;
mod file;
mod format;
mod identity;
mod keeper;
mod pace;
mod record;

pub use self::file::{file_name, prepare};
pub use self::format::{Snapshot, SnapshotFault, Stamp, read, write};
pub use self::identity::Identity;
pub use self::keeper::SnapshotWriter;
