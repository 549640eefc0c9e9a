//! The failures of commands, and their exit codes.

/// The failure of a command. The variant decides the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was tried and did not work (exit 1).
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// It cannot be tried: wrong usage or configuration (exit 2).
    #[error("{0}")]
    Usage(String),
    /// What was asked for is not there (exit 3).
    #[error("{0}")]
    NotFound(String),
    /// The registry cannot be reached (exit 4).
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Unreachable(_) => 4,
        }
    }

    /// A failure in words.
    pub fn failed(text: impl std::fmt::Display) -> Self {
        Self::Failed(anyhow::anyhow!("{text}"))
    }

    /// Wrong usage, in words.
    pub fn usage(text: impl std::fmt::Display) -> Self {
        Self::Usage(text.to_string())
    }
}
