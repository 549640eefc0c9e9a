//! Faults that end a connection, and the codes that they are told by (RFC 9250 section 4.3).

use quinn::VarInt;

/// A code that a connection, or a stream, is ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoqCode {
    /// There is nothing more to say.
    NoError,
    /// The server cannot go on.
    InternalError,
    /// The client did what it must not.
    ProtocolError,
    /// The client does not want the reply any more.
    RequestCancelled,
    /// There is too much to do.
    ExcessiveLoad,
    /// Anything else.
    UnspecifiedError,
}

/// The reason that a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DoqFault {
    /// RFC 9250 section 4.2.1.
    #[error("the id of a message is not 0")]
    Id,
    /// FIN came too early.
    #[error("a stream ended before its query did")]
    Cut,
    /// There is more on a stream than a query.
    #[error("a stream has octets after its query")]
    Several,
    /// FIN did not come.
    #[error("a stream with a whole query did not end")]
    Unended,
    /// A response, or less than a header.
    #[error("a message is no query")]
    NoQuery,
    /// RFC 9250 section 5.5.2.
    #[error("a query has the option edns-tcp-keepalive")]
    Keepalive,
    /// A stream of the wrong kind.
    #[error("a unidirectional stream was opened")]
    Unidirectional,
    /// The query did not come in time.
    #[error("a query took too long")]
    Slow,
    /// Replies were not taken in time.
    #[error("a reply was not taken")]
    Untaken,
    /// Streams are opened to be taken back.
    #[error("too many queries were taken back")]
    TakenBack,
    /// Its turn did not come.
    #[error("too many connections wait for a turn")]
    Busy,
    /// The place was given to another.
    #[error("another connection has the place")]
    Evicted,
}

impl DoqCode {
    /// All of them, by their numbers.
    pub const ALL: [Self; 6] = [
        Self::NoError,
        Self::InternalError,
        Self::ProtocolError,
        Self::RequestCancelled,
        Self::ExcessiveLoad,
        Self::UnspecifiedError,
    ];

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoError => "no-error",
            Self::InternalError => "internal-error",
            Self::ProtocolError => "protocol-error",
            Self::RequestCancelled => "request-cancelled",
            Self::ExcessiveLoad => "excessive-load",
            Self::UnspecifiedError => "unspecified-error",
        }
    }
}

impl From<DoqCode> for VarInt {
    fn from(code: DoqCode) -> Self {
        Self::from_u32(code.number())
    }
}

impl DoqFault {
    /// The code that it is told by.
    pub(super) const fn code(self) -> DoqCode {
        match self {
            Self::Id
            | Self::Cut
            | Self::Several
            | Self::Unended
            | Self::NoQuery
            | Self::Keepalive
            | Self::Unidirectional => DoqCode::ProtocolError,
            Self::Slow | Self::Untaken => DoqCode::UnspecifiedError,
            Self::TakenBack | Self::Busy | Self::Evicted => DoqCode::ExcessiveLoad,
        }
    }

    /// Whether it is that something took too long.
    pub(super) const fn is_late(self) -> bool {
        matches!(self, Self::Unended | Self::Slow | Self::Untaken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9250_s8_4_codes_have_their_numbers() {
        let numbers = DoqCode::ALL.map(DoqCode::number);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        assert_eq!(DoqFault::Keepalive.code(), DoqCode::ProtocolError);
        assert!(DoqFault::Slow.is_late() && !DoqFault::Busy.is_late());
    }
}
