//! The entries of `forward`: a server or a file for all other names, or a table with the zone.

use std::fmt;
use std::str::FromStr;

use hickory_proto::rr::Name;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::zone::ZoneName;
use crate::forward::{Source, SourceFault};

/// An entry of `forward`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardEntry {
    /// The zone; the root for all names that have no other.
    pub zone: Name,
    /// Who is asked.
    pub to: Vec<Source>,
    /// Whether that is so of names, too, that do not exist in a zone of ours.
    pub fallthrough: bool,
}

/// A table of `forward`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForwardTable {
    /// The zone.
    zone: Option<ZoneName>,
    /// Who is asked.
    to: Vec<Source>,
    /// Whether that is so of names, too, that do not exist in a zone of ours.
    #[serde(default)]
    fallthrough: bool,
}

/// Reads either form.
struct EntryVisitor;

impl FromStr for ForwardEntry {
    type Err = SourceFault;

    fn from_str(text: &str) -> Result<Self, SourceFault> {
        Ok(Self { zone: Name::root(), to: vec![text.parse()?], fallthrough: false })
    }
}

impl<'de> Deserialize<'de> for ForwardEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(EntryVisitor)
    }
}

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = ForwardEntry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a server or file in quotes, or { zone = \"NAME\", to = [SERVER, …] }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ForwardEntry, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ForwardEntry, A::Error> {
        let ForwardTable { zone, to, fallthrough } =
            ForwardTable::deserialize(MapAccessDeserializer::new(map))?;
        if to.is_empty() {
            return Err(A::Error::custom("`to` names nobody; write to = [\"10.0.0.53\"]"));
        }
        Ok(ForwardEntry { zone: zone.map_or_else(Name::root, |it| it.0), to, fallthrough })
    }
}
