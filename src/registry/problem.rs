//! What could not be used, and what to do about it.

use super::document::Fault;
use super::key::KeyFault;

/// Why the value at a key, or the key itself, is not served. It concerns this key alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The key is at fault.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The value is at fault.
    #[error(transparent)]
    Value(#[from] Fault),
}
