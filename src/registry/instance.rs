//! One place where a service runs.

use std::fmt;
use std::num::NonZeroU16;

use serde_json::{Map, Value, json};

use super::{ExtraEndpoints, Host, Meta};
use crate::names;

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
    /// Whether its key has a lease, and so an end; else it stays until it is deleted.
    pub is_leased: bool,
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
    /// What its key spells otherwise than NAME/ID.
    pub spelling: Option<Spelling>,
}

/// The parts of a key that name and id do not tell; rare, and so one word where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spelling(Box<Spelt>);

/// The parts of a [`Spelling`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Spelt {
    /// The id, where it is longer than a label.
    id: Option<Box<str>>,
    /// All that stands below the base, where it is not NAME/ID.
    path: Option<Box<str>>,
    /// The name that the document says, where it has dots.
    name: Option<Box<str>>,
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
            self.spelt().id = Some(id.into());
        }
        self
    }

    /// The same at a key that spells something else than NAME/ID below the base.
    #[must_use]
    pub fn at_path(mut self, path: &str) -> Self {
        self.spelt().path = Some(path.into());
        self
    }

    /// The id as the key spells it.
    #[must_use]
    pub fn raw_id(&self) -> &str {
        self.spelling().and_then(|it| it.id.as_deref()).unwrap_or(&self.id)
    }

    /// The service's name as people write it: as the key spells it, or as its document does where
    /// the key has the label form of that (`octodev-io` for `octodev.io`).
    #[must_use]
    pub fn called(&self) -> &str {
        let said = self.said_name().filter(|it| names::folded(it).eq(names::folded(&self.name)));
        said.unwrap_or(&self.name)
    }

    /// The name that its document says, where that has dots.
    #[must_use]
    pub fn said_name(&self) -> Option<&str> {
        self.spelling()?.name.as_deref()
    }

    /// All that its key spells below the base, where that is not NAME/ID.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.spelling()?.path.as_deref()
    }

    /// What tells it apart from all others of a zone: what its key spells (the name, or all of
    /// it where that is not NAME/ID), its id, for a key may hold several, and whether a slash
    /// stands before.
    #[must_use]
    pub fn place(&self) -> (&str, &str, bool) {
        (self.path().unwrap_or(&self.name), self.raw_id(), self.is_rooted)
    }

    /// What its key spells otherwise than its name and id.
    fn spelling(&self) -> Option<&Spelt> {
        Some(&self.details.as_ref()?.spelling.as_ref()?.0)
    }

    /// The same, to be written down.
    fn spelt(&mut self) -> &mut Spelt {
        &mut self.details.get_or_insert_default().spelling.get_or_insert_default().0
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
            let spelling = it.spelling.as_ref().map_or(0, |Spelling(it)| {
                2 * EACH + text(&it.id) + text(&it.path) + text(&it.name)
            });
            texts + spelling + tags.chain(meta).sum::<usize>()
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

impl Spelling {
    /// What a document calls its service, if that has dots: only then it says more than the key.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let spelt = || Spelt { name: Some(name.into()), ..Spelt::default() };
        let is_one = name.contains('.') && name.chars().count() <= names::SERVICE_MAX;
        is_one.then(|| Self(Box::new(spelt())))
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
