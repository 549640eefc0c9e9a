//! Times at which a change of a key is used.

/// The time at which a changed value is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// From the next query on, with everything else that was read again.
    Reloaded,
    /// After a restart, as one warning says; what the file contains is followed by itself.
    Followed,
    /// After a restart, as one warning says.
    Restart,
}
