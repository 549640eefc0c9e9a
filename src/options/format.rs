//! The formats of keys that a zone may be told to read alone.

use serde::Deserialize;

use crate::registry::Writer;

/// The writer whose keys of more segments than NAME/ID are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyFormat {
    /// Everybody's, told apart by their shape.
    #[default]
    Auto,
    /// dubbo-go's.
    Dubbo,
    /// GoFrame's.
    GoFrame,
    /// jupiter's.
    #[serde(alias = "ego")]
    Jupiter,
    /// Patroni's.
    Patroni,
    /// rpcx's, which has none.
    Rpcx,
}

impl KeyFormat {
    /// The writer, if it is one alone.
    pub(crate) const fn writer(self) -> Option<Writer> {
        Some(match self {
            Self::Auto => return None,
            Self::Dubbo => Writer::Dubbo,
            Self::GoFrame => Writer::GoFrame,
            Self::Jupiter => Writer::Jupiter,
            Self::Patroni => Writer::Patroni,
            Self::Rpcx => Writer::Rpcx,
        })
    }
}
