//! Registration documents: the values other programs write, told apart by their shape.
//!
//! One small file per format. A format is a function from a `Shape` to a [`Document`]
//! that answers `None` when the shape is not its own; to add one, write the file and put
//! its function into `FORMATS` before any format whose shape is wider.

mod alias;
mod location;
mod members;
mod native;

use std::num::NonZeroU16;

use serde_json::{Map, Value};

use super::{Details, Host, Instance, Place, Proto};
use crate::names::VALUE_MAX;

pub use self::alias::read_alias;
pub use self::native::Registration;

/// What a value says of its instance; its name and id stand in the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it listens.
    pub host: Host,
    /// The port, if any.
    pub port: Option<NonZeroU16>,
    /// The transport.
    pub proto: Proto,
    /// SRV priority; 0 where the value says nothing.
    pub priority: u16,
    /// SRV weight; 1 where the value says nothing.
    pub weight: u16,
    /// TTL in seconds.
    pub ttl: Option<u32>,
    /// The rarer members.
    pub details: Details,
}

/// The outer form of a value, by which formats know their own.
#[derive(Debug)]
enum Shape<'v> {
    /// A JSON object.
    Object(Map<String, Value>),
    /// Anything else: text without the white space around it.
    Text(&'v str),
}

/// A reader of one format.
type Format = fn(&Shape<'_>) -> Option<Result<Document, Fault>>;

/// Every format, the narrower before the wider.
const FORMATS: [Format; 2] = [native::read, location::read];

/// Why a value cannot be used. Each says what is wrong and, after its last `; `, what to
/// write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Larger than [`VALUE_MAX`].
    #[error("the value has {octets} octets, at most {VALUE_MAX} are read; write less")]
    TooLarge {
        /// How many it has.
        octets: usize,
    },
    /// Not text at all.
    #[error("the value is not UTF-8 (octet {at}); write JSON or HOST:PORT")]
    NotUtf8 {
        /// Where the first bad octet stands.
        at: usize,
    },
    /// It begins like an object but is none.
    #[error("the value is not JSON: {0}; write one object, or HOST:PORT")]
    NotJson(String),
    /// No format knows it.
    #[error(
        "the value is neither a JSON object with `host`, `hostname` or `url`, nor HOST:PORT; write one of them"
    )]
    Unknown,
    /// A member that is known has a value that it cannot have.
    #[error("member `{member}` is {found}; it must be {wanted}")]
    Member {
        /// Its name.
        member: &'static str,
        /// What stands there, shortened.
        found: String,
        /// What may stand there.
        wanted: &'static str,
    },
    /// The host is no host.
    #[error("host `{host}` {reason}; write an address or a host name")]
    Host {
        /// The text, shortened.
        host: String,
        /// What it is instead.
        reason: &'static str,
    },
    /// A port out of range, or no number.
    #[error("port `{0}` is not a number from 1 to 65535; write one that is")]
    Port(String),
}

/// Reads a value in whichever format it has.
///
/// # Errors
/// [`Fault`]: what is wrong with it, and what to do.
pub fn read(value: &[u8]) -> Result<Document, Fault> {
    let shape = Shape::of(value)?;
    FORMATS.iter().find_map(|format| format(&shape)).unwrap_or(Err(Fault::Unknown))
}

impl<'v> Shape<'v> {
    /// The shape of a value.
    fn of(value: &'v [u8]) -> Result<Self, Fault> {
        if value.len() > VALUE_MAX {
            return Err(Fault::TooLarge { octets: value.len() });
        }
        let text = std::str::from_utf8(value)
            .map_err(|error| Fault::NotUtf8 { at: error.valid_up_to() })?
            .trim();
        if !text.starts_with('{') {
            return Ok(Self::Text(text));
        }
        serde_json::from_str(text)
            .map(Self::Object)
            .map_err(|error| Fault::NotJson(error.to_string()))
    }
}

impl Document {
    /// A document that says only where an instance listens.
    fn at(host: Host, port: Option<NonZeroU16>) -> Self {
        let (proto, details) = (Proto::default(), Details::default());
        Self { host, port, proto, priority: 0, weight: 1, ttl: None, details }
    }

    /// The instance it describes, at the place its key names.
    #[must_use]
    pub fn into_instance(self, place: Place<'_>) -> Instance {
        let details = (self.details != Details::default()).then(|| Box::new(self.details));
        Instance {
            name: place.name.into(),
            id: place.id.into(),
            is_rooted: place.is_rooted,
            host: self.host,
            port: self.port,
            proto: self.proto,
            priority: self.priority,
            weight: self.weight,
            ttl: self.ttl,
            details,
        }
    }
}

/// A text as an error shows it: bounded, without control characters.
pub(crate) fn shown(text: &str) -> String {
    /// Characters that tell a reader which value is meant.
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).map(printable).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// A character as a terminal can show it.
fn printable(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn faults_say_what_and_what_instead() {
        for (value, message) in [
            (&b"\xffabc"[..], "the value is not UTF-8 (octet 0); write JSON or HOST:PORT"),
            (b"{\"port\":", "the value is not JSON: EOF while parsing a value at line 1 column 8"),
            (b"[1,2]", "the value is neither a JSON object"),
            (b"{}", "the value is neither a JSON object"),
            (b"", "the value is neither a JSON object"),
        ] {
            let fault = read(value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{fault}");
        }
        let large = vec![b'a'; VALUE_MAX + 1];
        assert_eq!(read(&large), Err(Fault::TooLarge { octets: VALUE_MAX + 1 }));
    }

    proptest! {
        #[test]
        fn any_value_is_survived(value: Vec<u8>) {
            let _ = read(&value);
        }

        #[test]
        fn any_text_is_survived(value in "[{\\[]?[\"a-z0-9:/.@%?-]{0,40}[}\\]]?") {
            let _ = read(value.as_bytes());
        }
    }
}
