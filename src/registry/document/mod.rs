//! Registration documents: the values other programs write, told apart by their shape.
//!
//! One small file per format. A format is a function from a `Shape` to a [`Reading`] that
//! answers `None` when the shape is not its own; to add one, write the file and put its
//! function into `FORMATS` before any format whose shape is wider.
//!
//! | file | writers | known by |
//! | --- | --- | --- |
//! | `bender` | bender | `resource` is an entity of bender |
//! | `dubbo` | dubbo-go, by application | `ServiceName` |
//! | `native` | srvd, etcd-registry (Node), SkyDNS | `host`, `hostname` or `url` |
//! | `grpc_naming` | etcd's own gRPC naming | `Addr` or `Op` |
//! | `go_micro` | go-micro | `nodes` |
//! | `kratos` | kratos | `endpoints` |
//! | `jupiter` | jupiter, ego | `address` with `scheme`, `enable` or `healthy` |
//! | `kitex` | Kitex, Hertz | `address` |
//! | `plain` | others in Go | `addr` or `ip` |
//! | `skydns` | SkyDNS, where no host is written | `text`, `mail`, `targetstrip` or `group` |
//! | `location` | go-kit, go-zero, empusa, registrator | plain text |
//! | `rpcx` | rpcx | an id `SCHEME@HOST:PORT`, and nothing or pairs for a value |
//!
//! An object that no format knows is looked at once more with its members in lower case, which
//! is how Go reads them.
//!
//! `entity` is the other way: what bender's clients post, and how it is written.
//!
//! Of two members of one name the last counts, as in most readers of JSON. A byte order
//! mark and white space around a value say nothing.

mod alias;
mod bender;
mod dubbo;
mod entity;
mod go_micro;
mod grpc_naming;
mod jupiter;
mod kitex;
mod kratos;
mod location;
mod members;
mod native;
mod plain;
mod rpcx;
mod skydns;

use std::num::NonZeroU16;

use serde_json::{Map, Value};

use super::{Details, Host, Instance, KeyParts, Proto, ServiceEndpoint};
use crate::names::{self, VALUE_MAX};

pub use self::alias::read_alias;
pub use self::entity::BenderRegistration;
pub(super) use self::location::{host_port, url};
pub(super) use self::members::{CALLS_WEIGHT, Members, within};
pub use self::native::Registration;

/// The content of a value about its instance; name and id stand in the key.
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

/// The reading of a value: a document, or nothing where it says that the instance is
/// gone.
pub type Reading = Result<Option<Document>, Fault>;

/// A reader of one format.
type Format = fn(&Shape<'_>) -> Option<Reading>;

/// Every format, the narrower before the wider. Objects that say where they are as the
/// native ones do come early: whatever else stands in them says nothing.
const FORMATS: [Format; 11] = [
    bender::read,
    dubbo::read,
    native::read,
    grpc_naming::read,
    go_micro::read,
    kratos::read,
    jupiter::read,
    kitex::read,
    plain::read,
    skydns::read,
    location::read,
];

/// What some editors put before a text, and readers may ignore (RFC 8259 section 8.1).
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The reason why a value cannot be used. Each says what is wrong and, after its last `; `, what to
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
        "the value is neither a JSON object with `host`, `hostname` or `url` (or what another \
         known writer says instead), nor HOST:PORT; write one of them"
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
    /// A member that the document cannot do without is not there.
    #[error("member `{member}` is missing; it must be {wanted}")]
    Missing {
        /// Its name.
        member: &'static str,
        /// What should stand there.
        wanted: &'static str,
    },
    /// Something inside a member is at fault.
    #[error("member `{member}`: {fault}")]
    Within {
        /// Its name.
        member: &'static str,
        /// What is wrong there.
        fault: Box<Self>,
    },
    /// The host is no host.
    #[error("host `{host}` {reason}; write an address or a host name")]
    Host {
        /// The text, shortened.
        host: String,
        /// What it is instead.
        reason: &'static str,
    },
    /// Something that is no member has a value that it cannot have.
    #[error("`{place}` is {found}; it must be {wanted}")]
    Place {
        /// The name of a pair, or a pointer into the value.
        place: Box<str>,
        /// What stands there, shortened.
        found: String,
        /// What may stand there.
        wanted: &'static str,
    },
    /// A percent escape that is none.
    #[error("`{0}` has a bad percent escape; write %25 for a percent sign")]
    Escape(String),
    /// A port out of range, or no number.
    #[error("port `{0}` is not a number from 1 to 65535; write one that is")]
    Port(String),
}

impl Fault {
    /// The fault of what stands at a place that is no member.
    pub(super) fn at(place: &str, found: &str, wanted: &'static str) -> Self {
        Self::Place { place: shown(place).into(), found: shown(found), wanted }
    }

    /// The fault that nothing stands there.
    pub(super) fn nothing_at(place: &str, wanted: &'static str) -> Self {
        Self::at(place, "missing", wanted)
    }
}

/// Reads a value in whichever format it has.
///
/// # Errors
/// [`Fault`]: what is wrong with it, and what to do.
pub fn read(value: &[u8]) -> Reading {
    read_text(text_of(value)?)
}

/// Reads the text of a value.
fn read_text(text: &str) -> Reading {
    let shape = Shape::of_text(text)?;
    let known = |shape: &Shape<'_>| FORMATS.iter().find_map(|format| format(shape));
    known(&shape)
        .or_else(|| known(&Shape::Object(shape.members()?.lowered())))
        .unwrap_or(Err(Fault::Unknown))
}

/// Reads the instance of a value at the place that its key names.
///
/// # Errors
/// As [`read`].
pub fn read_at(place: KeyParts<'_>, value: &[u8]) -> Result<Option<Instance>, Fault> {
    let text = text_of(value)?;
    let reading = rpcx::read(place.id, text).unwrap_or_else(|| read_text(text))?;
    let instance = reading.map(|document| document.into_instance(place));
    // Only plain text cannot say it itself.
    let is_udp = location::is_udp(place.id) && !text.starts_with('{');
    let by_id = |instance: Instance| {
        if is_udp { Instance { proto: Proto::Udp, ..instance } } else { instance }
    };
    Ok(instance.map(by_id))
}

impl<'v> Shape<'v> {
    /// The shape of a value.
    fn of(value: &'v [u8]) -> Result<Self, Fault> {
        Self::of_text(text_of(value)?)
    }

    /// The shape of a value's text.
    fn of_text(text: &'v str) -> Result<Self, Fault> {
        if !text.starts_with('{') {
            return Ok(Self::Text(text));
        }
        serde_json::from_str(text)
            .map(Self::Object)
            .map_err(|error| Fault::NotJson(error.to_string()))
    }

    /// The members, if the value is an object.
    const fn members(&self) -> Option<Members<'_>> {
        match self {
            Self::Object(object) => Some(Members(object)),
            Self::Text(_) => None,
        }
    }
}

impl Document {
    /// A document that says only where an instance listens.
    pub(super) fn at(host: Host, port: Option<NonZeroU16>) -> Self {
        let (proto, details) = (Proto::default(), Details::default());
        Self { host, port, proto, priority: 0, weight: 1, ttl: None, details }
    }

    /// A document of endpoints, the first of which is where the instance is; nothing where
    /// there is none.
    fn of_endpoints(endpoints: Vec<ServiceEndpoint>, details: Details) -> Option<Self> {
        let mut endpoints = endpoints.into_iter();
        let ServiceEndpoint { scheme, host, port } = endpoints.next()?;
        let further = endpoints.collect::<Vec<_>>().into();
        let details = Details { protocol: scheme, further, ..details };
        Some(Self { details, ..Self::at(host, port) })
    }

    /// The instance it describes, at the place its key names.
    #[must_use]
    pub fn into_instance(self, place: KeyParts<'_>) -> Instance {
        let details = (self.details != Details::default()).then(|| Box::new(self.details));
        let instance = Instance {
            name: place.name.into(),
            id: Box::default(),
            is_rooted: place.is_rooted,
            is_leased: false,
            host: self.host,
            port: self.port,
            proto: self.proto,
            priority: self.priority,
            weight: self.weight,
            ttl: self.ttl,
            details,
        };
        instance.identified(place.id)
    }
}

/// The text of a value, without what says nothing around it.
pub(super) fn text_of(value: &[u8]) -> Result<&str, Fault> {
    if value.len() > VALUE_MAX {
        return Err(Fault::TooLarge { octets: value.len() });
    }
    let text =
        std::str::from_utf8(value).map_err(|error| Fault::NotUtf8 { at: error.valid_up_to() })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim())
}

/// A text as an error shows it: bounded, and with what cannot be seen of it escaped.
pub(crate) fn shown(text: &str) -> String {
    /// Characters that tell a reader which value is meant.
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", names::shown(&text[..end])),
        None => names::shown(text),
    }
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

    #[test]
    fn what_stands_around_a_value_says_nothing() {
        for value in [
            "10.0.0.1:80",
            "\u{feff}10.0.0.1:80",
            " 10.0.0.1:80\r\n",
            "{\"host\":\"10.0.0.1:80\"}\n",
            "\u{feff}\n{\"host\":\"10.0.0.1:80\"}",
            r#"{"host":"10.0.0.9:9","host":"10.0.0.1:80"}"#,
        ] {
            let document = read(value.as_bytes()).unwrap().unwrap();
            assert_eq!(document.host.location(document.port), "10.0.0.1:80", "{value}");
        }
    }

    #[test]
    fn what_says_where_it_is_may_say_anything_else() {
        for more in [
            r#""nodes":[],"endpoints":[{"name":"x"}]"#,
            r#""endpoints":["/health"],"network":"unix","address":7"#,
            r#""Op":1,"Addr":":1""#,
            r#""resource":"cpu","mail":1,"targetstrip":"x","group":[]"#,
        ] {
            let value = format!(r#"{{"host":"10.0.0.1:80",{more}}}"#);
            let document = read(value.as_bytes()).unwrap().unwrap();
            assert_eq!(document, Document::at(document.host.clone(), document.port), "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_object_is_survived(
            member in proptest::sample::select(vec![
                "host", "url", "port", "Op", "Addr", "Metadata", "nodes", "endpoints", "address",
                "network", "weight", "tags", "resource", "text", "metadata", "version",
            ]),
            other in proptest::sample::select(vec!["host", "Addr", "address", "nodes", "x"]),
            value in proptest::sample::select(vec![
                "null", "7", "-1", "1e9", "true", "[]", "{}", "[[]]", "[{}]", "[null]", "\"\"",
                "\"a\"", "\":1\"", "\"x://\"", "[\"//\"]", "[{\"address\":\"a.b:1\"}]",
            ]),
            second in proptest::sample::select(vec!["null", "\"a.b:1\"", "[{\"address\":1}]"]),
        ) {
            let value = format!(r#"{{"{member}":{value},"{other}":{second}}}"#);
            let _ = read(value.as_bytes());
        }

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
