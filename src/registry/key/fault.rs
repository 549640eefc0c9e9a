//! The faults of keys.

use crate::names::{ID_MAX, LABEL_MAX, NAME_MAX, PATH_MAX, SERVICE_MAX};

/// The reason why a key cannot name an instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not of the form NAME/ID below the base: somebody else's key.
    #[error("the key is not NAME/ID below `{base}`; move it, or give its zone another prefix")]
    Stray {
        /// The base it stands below.
        base: String,
    },
    /// Of another depth where the whole keyspace is read: none of our business.
    #[error("the key is not NAME/ID")]
    Foreign,
    /// NAME or ID is not UTF-8.
    #[error("the key is not UTF-8; write it with ASCII letters, digits and `-`")]
    NotUtf8,
    /// NAME has more octets than a label after `_`.
    #[error(
        "the name has {octets} octets, at most {SERVICE_MAX} fit a DNS label after `_`; shorten it"
    )]
    NameTooLong {
        /// How many it has.
        octets: usize,
    },
    /// ID has more octets than are kept of one.
    #[error("the id has {octets} octets, at most {ID_MAX} are read; shorten it")]
    IdTooLong {
        /// How many it has.
        octets: usize,
    },
    /// What a key of several segments spells is longer than is kept of one.
    #[error(
        "the key has {octets} octets below the prefix, at most {PATH_MAX} are read; shorten it"
    )]
    PathTooLarge {
        /// How many it has.
        octets: usize,
    },
    /// A percent escape that is none.
    #[error("the key's `{0}` has a bad percent escape; write %25 for a percent sign")]
    Escape(String),
    /// A segment that should say where the instance is says something else.
    #[error("the key's `{found}` is no {wanted}; write one of that form")]
    Segment {
        /// What stands there, shortened.
        found: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// Two slashes side by side where labels stand.
    #[error("the key has an empty segment, which is no DNS label; write it without that `/`")]
    EmptyLabel,
    /// A segment has more octets than a label.
    #[error(
        "a segment of the key has {octets} octets, at most {LABEL_MAX} fit a DNS label; shorten it"
    )]
    LabelTooLong {
        /// How many it has.
        octets: usize,
    },
    /// The labels together are no name.
    #[error("the key's name has more than {NAME_MAX} octets, which is no name; shorten it")]
    PathTooLong,
}
