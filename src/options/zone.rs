//! The table `[[zone]]` of the configuration file.

use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;
use toml::Spanned;

use super::file::FileValue;
use super::format::KeyFormat;
use crate::names::{TTL_MAX, WireName};
use crate::registry::WrittenTemplate;

/// One `[[zone]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Zone {
    /// The apex.
    pub name: Spanned<ZoneName>,
    /// The prefix of its keys, where it is not the registry's.
    pub prefix: Option<String>,
    /// The namespace below the prefix, where it is not the registry's.
    pub namespace: Option<String>,
    /// Its registry, where it is not the file's.
    pub registry: FileValue<String>,
    /// TTL of dynamic records.
    pub ttl: Option<Seconds>,
    /// TTL of negative answers.
    pub negative_ttl: Option<Seconds>,
    /// How its keys and values are read.
    #[serde(default)]
    pub schema: RegistrySchema,
    /// How many A, AAAA, SRV or PTR records an answer has at most; 0 for all.
    pub max_answers: Option<u16>,
    /// Which of more than that, or than a datagram holds, are drawn.
    #[serde(default)]
    pub max_answers_order: DrawnOrder,
    /// Whose keys of more segments than NAME/ID are read, if not everybody's.
    #[serde(default)]
    pub format: KeyFormat,
    /// How all keys and values are read.
    pub template: FileValue<WrittenTemplate>,
}

/// The order by which many records are drawn for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrawnOrder {
    /// Others for each query.
    #[default]
    Fresh,
    /// The same for a client each time.
    Stable,
}

/// The schema by which a zone's keys and values are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrySchema {
    /// Registrations of services.
    #[default]
    Services,
    /// SkyDNS's tree of labels.
    SkyDns,
}

/// A zone's name.
#[derive(Debug, Clone)]
pub struct ZoneName(pub hickory_proto::rr::Name);

/// A duration of whole seconds that fits a TTL.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(pub u32);

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        let fault = || {
            D::Error::custom(format!("`{text}` is no zone name; write it like services.internal"))
        };
        let wire = WireName::from_text(&text).map_err(|_| fault())?;
        if text.is_empty() || !text.bytes().all(is_plain) {
            return Err(fault());
        }
        let labels = (0..wire.labels()).map(|at| wire.label(at));
        hickory_proto::rr::Name::from_labels(labels).map(Self).map_err(|_| fault())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wanted = "a TTL is whole seconds up to 24855d, written like 5s or 1m";
        let duration = humantime::parse_duration(&text).ok().filter(|it| it.subsec_nanos() == 0);
        let seconds =
            duration.map(|it: Duration| it.as_secs()).filter(|it| *it <= u64::from(TTL_MAX));
        seconds
            .map(|it| Self(it as u32))
            .ok_or_else(|| D::Error::custom(format!("`{text}`: {wanted}")))
    }
}
