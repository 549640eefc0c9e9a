//! One place where a service runs.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;

use serde_json::{Map, Value, json};

use super::{ExtraEndpoints, Meta};
use crate::names::{self, WireName};

/// One registered place where a service runs. A million of them are held, so what few
/// documents carry stands in a box of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The service's name, as the key spells it.
    pub name: Box<str>,
    /// The instance's id, as the key spells it; one that is longer than a label in its short
    /// form ([`names::short_id`]), which it has in DNS.
    pub id: Box<str>,
    /// Whether its key begins with a slash although the prefix is empty: `/a/b` and `a/b`
    /// are two keys.
    pub is_rooted: bool,
    /// Where it listens.
    pub host: Host,
    /// The port; without one it has addresses but no SRV record.
    pub port: Option<NonZeroU16>,
    /// The transport, for `_tcp` and `_udp`.
    pub proto: Proto,
    /// SRV priority, the lowest first (RFC 2782).
    pub priority: u16,
    /// SRV weight within a priority (RFC 2782).
    pub weight: u16,
    /// TTL of its records in seconds, where the document sets one.
    pub ttl: Option<u32>,
    /// The members that only some documents have.
    pub details: Option<Box<Details>>,
}

/// The details that only some documents carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The url's scheme: the port's name.
    pub protocol: Option<Box<str>>,
    /// The version that runs there.
    pub version: Option<Box<str>>,
    /// Free words to select by.
    pub tags: Box<[Box<str>]>,
    /// Free pairs.
    pub meta: Meta,
    /// Free text, for TXT.
    pub text: Option<Box<str>>,
    /// Where else it listens.
    pub further: ExtraEndpoints,
    /// The id as the key spells it, where that is longer than a label.
    pub long_id: Option<LongId>,
}

/// An id that is longer than a label; rare, and so one word where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongId(Box<Box<str>>);

/// The host that an instance listens at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// An address: srvd has a name for it (`ADDR.S.Z`).
    Address(IpAddr),
    /// A host name, absolute, in lower case and without its last dot.
    Name(Box<str>),
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// `_tcp`
    #[default]
    Tcp,
    /// `_udp`
    Udp,
}

impl Instance {
    /// The same with the id that a key spells.
    #[must_use]
    pub fn identified(mut self, id: &str) -> Self {
        let is_long = id.len() > names::LABEL_MAX;
        self.id = if is_long { names::short_id(id).into() } else { id.into() };
        if is_long {
            let long_id = Some(LongId(Box::new(id.into())));
            self.details.get_or_insert_default().long_id = long_id;
        }
        self
    }

    /// The id as the key spells it.
    #[must_use]
    pub fn raw_id(&self) -> &str {
        let long = self.details.as_ref().and_then(|it| it.long_id.as_ref());
        long.map_or(&self.id, |it| &it.0)
    }

    /// The port's name: the document's protocol.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.details.as_ref()?.protocol.as_deref()
    }

    /// The version that runs there.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.details.as_ref()?.version.as_deref()
    }

    /// What selects it beside its id: its tags, then its version.
    pub fn selectors(&self) -> impl Iterator<Item = &str> {
        let details = self.details.as_deref();
        let tags = details.map_or(&[][..], |details| &details.tags);
        tags.iter().map(|tag| &**tag).chain(self.version())
    }

    /// One of [`Self::selectors`], by its place.
    #[must_use]
    pub fn selector(&self, at: usize) -> Option<&str> {
        let details = self.details.as_deref()?;
        let version = || self.version().filter(|_| at == details.tags.len());
        details.tags.get(at).map(|tag| &**tag).or_else(version)
    }

    /// About how many octets its document takes in memory: its texts, and what it costs to
    /// keep each of many apart.
    #[must_use]
    pub fn octets(&self) -> usize {
        /// What the allocator and the list take for each.
        const EACH: usize = 48;
        let text = |it: &Option<Box<str>>| it.as_ref().map_or(0, |text| text.len());
        let of = |it: &Details| {
            let tags = it.tags.iter().map(|tag| EACH + tag.len());
            let meta = it.meta.iter().map(|(name, value)| 2 * EACH + name.len() + value.len());
            let texts = text(&it.protocol) + text(&it.version) + text(&it.text);
            let long_id = it.long_id.as_ref().map_or(0, |it| EACH + it.0.len());
            texts + long_id + tags.chain(meta).sum::<usize>()
        };
        let further = self.further().iter().map(|it| 2 * EACH + text(&it.scheme));
        let details = self.details.as_deref().map_or(0, of);
        self.name.len() + self.id.len() + details + further.sum::<usize>()
    }

    /// `HOST:PORT`, an IPv6 address in brackets; the host alone without a port.
    #[must_use]
    pub fn location(&self) -> String {
        self.host.location(self.port)
    }

    /// The instance as the one JSON object that commands and the HTTP interface show:
    /// `zone`, `name`, `id`, `key` and the document's members.
    #[must_use]
    pub fn to_json(&self, zone: &str, key: &str) -> Value {
        let mut object = json!({
            "zone": zone, "name": self.name, "id": self.raw_id(), "key": key,
            "hostname": self.host.to_string(), "host": self.location(),
            "proto": self.proto.as_str(), "priority": self.priority, "weight": self.weight,
        });
        let members = object.as_object_mut().expect("the literal above is an object");
        self.add_optional(members);
        object
    }

    /// The members that stand only where the document has them.
    fn add_optional(&self, members: &mut Map<String, Value>) {
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let details = self.details.as_deref();
        let scheme = self.protocol().unwrap_or("http");
        add("port", self.port.map(|port| json!(port)));
        add("url", self.port.map(|_| json!(format!("{scheme}://{}", self.location()))));
        add("ttl", self.ttl.map(|ttl| json!(ttl)));
        add("protocol", self.protocol().map(|protocol| json!(protocol)));
        add("version", details.and_then(|details| details.version.as_ref()).map(|it| json!(it)));
        add("text", details.and_then(|details| details.text.as_ref()).map(|it| json!(it)));
        add("tags", details.filter(|it| !it.tags.is_empty()).map(|it| json!(it.tags)));
        add("meta", details.filter(|it| !it.meta.is_empty()).map(|it| it.meta.iter().collect()));
        add("endpoints", (!self.further().is_empty()).then(|| json!(self.urls())));
    }
}

impl Host {
    /// Reads a host: an address, in brackets or bare, or a host name.
    ///
    /// # Errors
    /// One sentence that says what the text is instead.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty, and clients connect to it");
        }
        if text.contains('%') {
            return Err("has a scope id, which means something on one machine only");
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match bare.parse::<IpAddr>() {
            Ok(address) => Self::address(address),
            Err(_) if bare.len() < text.len() => Err("has brackets around what is no IPv6 address"),
            Err(_) => Self::name(text),
        }
    }

    /// An address that can be connected to; IPv4-mapped IPv6 becomes IPv4.
    fn address(address: IpAddr) -> Result<Self, &'static str> {
        let address = address.to_canonical();
        if address.is_unspecified() {
            return Err("is the unspecified address, which nobody can connect to");
        }
        Ok(Self::Address(address))
    }

    /// A host name by RFC 1123 section 2.1: letters, digits and inner hyphens; and `_`, which
    /// containers have in their names, wherever a letter may be. The last label is not all
    /// digits, so that a misspelt address is not taken for a name: but for one number alone
    /// (the id of a container) that is more than 32 bits, and so no spelling of an address.
    fn name(text: &str) -> Result<Self, &'static str> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_number = last.bytes().all(|octet| octet.is_ascii_digit());
        let is_id = last.len() == name.len()
            && last.parse::<u128>().is_ok_and(|number| number > u32::MAX.into());
        if !name.split('.').all(is_host_label) || is_number && !is_id {
            return Err("is neither an address nor a host name (letters, digits, `-`, `_`, `.`)");
        }
        WireName::from_text(name).map_err(|_| "is longer than a domain name can be")?;
        Ok(Self::Name(name.to_ascii_lowercase().into()))
    }
}

/// Whether a label is one of a host name.
fn is_host_label(label: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=names::LABEL_MAX).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Host {
    /// `HOST:PORT`, an IPv6 address in brackets; the host alone without a port.
    #[must_use]
    pub fn location(&self, port: Option<NonZeroU16>) -> String {
        match (self, port) {
            (Self::Address(IpAddr::V6(address)), Some(port)) => format!("[{address}]:{port}"),
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_string(),
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn as_address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Name(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

impl Proto {
    /// Both, in the order of the index's counters.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// `tcp` or `udp`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The transport of a label `_tcp` or `_udp`, in lower case.
    #[must_use]
    pub fn from_label(label: &[u8]) -> Option<Self> {
        match label {
            b"_tcp" => Some(Self::Tcp),
            b"_udp" => Some(Self::Udp),
            _ => None,
        }
    }
}

impl fmt::Display for Proto {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Proto {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err("is no transport; write `tcp` or `udp`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        let address = |text: &str| Ok(Host::Address(text.parse().unwrap()));
        assert_eq!(Host::parse("10.0.0.1"), address("10.0.0.1"));
        assert_eq!(Host::parse("[2001:db8::1]"), address("2001:db8::1"));
        assert_eq!(Host::parse("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_eq!(Host::parse("DB.Example.com."), Ok(Host::Name("db.example.com".into())));
        for name in ["a_b", "project_web_1", "_http._tcp.z", "483920175634", "4294967296"] {
            assert_eq!(Host::parse(name), Ok(Host::Name(name.into())));
        }
        for bad in [
            "",
            "0.0.0.0",
            "::",
            "fe80::1%eth0",
            "10.0.0.256",
            "-a",
            "a..b",
            "[db]",
            "a b",
            "10.483920175634",
            "web.1",
            "4294967295",
            "3232235777",
            "-_",
            "[a_b]",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn selectors_are_found_by_their_places() {
        let read = |value: &str| {
            let document = crate::registry::document::read(value.as_bytes()).unwrap().unwrap();
            let layout = crate::registry::Layout::new("/s", None).unwrap();
            document.into_instance(layout.read(b"/s/web/1").unwrap())
        };
        for members in [r#""tags":["a","b"],"version":"1""#, r#""tags":["a"]"#, r#""version":"1""#]
        {
            let instance = read(&format!(r#"{{"host":"10.0.0.1:80",{members}}}"#));
            let all: Vec<_> = instance.selectors().collect();
            let places = 0..=all.len();
            let found: Vec<_> = places.map_while(|place| instance.selector(place)).collect();
            assert_eq!(found, all);
        }
        assert_eq!(read("10.0.0.1:80").selector(0), None);
    }
}
