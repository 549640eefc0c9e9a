//! The native form, which `srvd join` and etcd-registry (Node) write.
//!
//! `{"name":"my-service","port":8080,"hostname":"10.0.0.1","host":"10.0.0.1:8080",
//! "url":"http://10.0.0.1:8080"}`, of which any of `host`, `hostname` + `port` and `url`
//! is enough, and the optional members of [`Registration`].

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use serde::Serialize;

use super::location::{self, HostPort};
use super::members::Members;
use super::{Details, Document, Fault, Reading, Shape};
use crate::names::{SERVICE_MAX, TAGS_MAX, TTL_MAX};
use crate::registry::{Host, Proto, Spelling};

/// The document that `join` writes, its members in the order they are written.
#[derive(Debug, Clone, Serialize)]
pub struct Registration {
    /// The service's name.
    pub name: String,
    /// The port.
    pub port: NonZeroU16,
    /// The host alone.
    pub hostname: String,
    /// `HOST:PORT`.
    pub host: String,
    /// `SCHEME://HOST:PORT`.
    pub url: String,
    /// The url's scheme, where it was named: the port name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The transport, where it is not tcp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proto: Option<String>,
    /// SRV priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// SRV weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// DNS TTL in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// The version that runs there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Free words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Free pairs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What the number of a port name, tag or version may not exceed, in words.
const LABEL_WANTED: &str = "a string of 1 to 62 characters, for it becomes a DNS label";
/// What the tags are, in words.
const TAGS_WANTED: &str = "an array of 64 tags at most; leave some out";
const _: () = assert!(TAGS_MAX == 64);

/// The members that say where an instance is.
pub(super) const LOCATIONS: [&str; 3] = ["host", "hostname", "url"];

/// Reads an object that has one of the members that say where an instance is.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    LOCATIONS.iter().any(|it| members.get(it).is_some()).then(|| document(&members).map(Some))
}

/// The document of the members.
fn document(members: &Members<'_>) -> Result<Document, Fault> {
    let (scheme, (host, port)) = place(members)?;
    Ok(Document {
        proto: proto(members)?,
        priority: members.u16("priority")?.unwrap_or(0),
        weight: members.u16("weight")?.unwrap_or(1),
        ttl: members.number("ttl", TTL_MAX, "a number of seconds from 0 to 2147483647")?,
        details: details(members, scheme)?,
        ..Document::at(host, port)
    })
}

/// Where the instance is: `host` if it has a port; else `hostname` (else `host`) with
/// `port`; else `url`, its port only if it is written; else a host without a port. The
/// url's scheme comes along.
fn place<'o>(members: &Members<'o>) -> Result<(Option<&'o str>, HostPort), Fault> {
    let port = members.port("port")?;
    let host = members.text("host")?.map(location::host_port).transpose()?;
    let hostname = members.text("hostname")?.map(location::host).transpose()?;
    let (scheme, url) = members.text("url")?.map(location::url).transpose()?.unzip();
    let bare: Option<Host> = hostname.or_else(|| host.clone().map(|(host, _)| host));
    let complete = host
        .filter(|(_, port)| port.is_some())
        .or_else(|| bare.clone().zip(port).map(|(host, port)| (host, Some(port))))
        .or_else(|| url.map(|(host, written)| (host, written.or(port))))
        .or_else(|| bare.map(|host| (host, None)));
    Ok((scheme.flatten(), complete.ok_or(Fault::Unknown)?))
}

/// The transport.
fn proto(members: &Members<'_>) -> Result<Proto, Fault> {
    let proto = |value: &serde_json::Value| value.as_str()?.parse().ok();
    Ok(members.read("proto", "`tcp` or `udp`", proto)?.unwrap_or_default())
}

/// The rarer members. Without `protocol` the url's scheme is the port's name.
fn details(members: &Members<'_>, scheme: Option<&str>) -> Result<Details, Fault> {
    let label =
        |member| members.read(member, LABEL_WANTED, |value| value.as_str().filter(fits_label));
    let tags = members.texts("tags")?;
    if tags.len() > TAGS_MAX {
        let found = format!("an array of {} tags", tags.len());
        return Err(Fault::Member { member: "tags", found, wanted: TAGS_WANTED });
    }
    if let Some(tag) = tags.iter().find(|tag| !fits_label(&&***tag)) {
        let found = super::shown(&format!("{tag:?}"));
        return Err(Fault::Member { member: "tags", found, wanted: LABEL_WANTED });
    }
    Ok(Details {
        protocol: label("protocol")?.or(scheme).map(Into::into),
        version: members.version()?,
        tags: tags.into(),
        meta: members.pairs("meta")?.collect(),
        text: members.text("text")?.map(Into::into),
        spelling: members.text("name")?.and_then(Spelling::of_name),
        ..Details::default()
    })
}

/// Whether a text can stand behind a `_` in a label.
fn fits_label(text: &&str) -> bool {
    (1..=SERVICE_MAX).contains(&text.chars().count())
}

impl Registration {
    /// A document with the members that are always written. The url's scheme is
    /// `protocol`, else `http`, as etcd-registry writes it.
    #[must_use]
    pub fn new(name: &str, host: &Host, port: NonZeroU16, protocol: Option<&str>) -> Self {
        let place = match host {
            Host::Address(std::net::IpAddr::V6(address)) => format!("[{address}]:{port}"),
            host => format!("{host}:{port}"),
        };
        Self {
            name: name.to_owned(),
            port,
            hostname: host.to_string(),
            url: format!("{}://{place}", protocol.unwrap_or("http")),
            host: place,
            protocol: protocol.map(str::to_owned),
            proto: None,
            priority: None,
            weight: None,
            ttl: None,
            version: None,
            tags: Vec::new(),
            meta: BTreeMap::new(),
            text: None,
        }
    }

    /// The one line of JSON that is put.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always become JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Document, Fault> {
        super::super::read(value.as_bytes()).map(|it| it.expect("nothing is gone"))
    }

    fn place_of(value: &str) -> (String, Option<u16>) {
        let document = parse(value).unwrap();
        (document.host.to_string(), document.port.map(NonZeroU16::get))
    }

    #[test]
    fn any_of_the_three_places_is_enough() {
        assert_eq!(place_of(r#"{"host":"10.0.0.1:80","port":81}"#), ("10.0.0.1".into(), Some(80)));
        assert_eq!(
            place_of(r#"{"hostname":"10.0.0.1","port":"81"}"#),
            ("10.0.0.1".into(), Some(81))
        );
        assert_eq!(
            place_of(r#"{"host":"a.b","port":81,"url":"x://c:1"}"#),
            ("a.b".into(), Some(81))
        );
        assert_eq!(place_of(r#"{"hostname":"a.b","url":"x://c:1"}"#), ("c".into(), Some(1)));
        assert_eq!(place_of(r#"{"url":"http://c/","port":null}"#), ("c".into(), None));
        assert_eq!(place_of(r#"{"hostname":"2001:db8::1"}"#), ("2001:db8::1".into(), None));
    }

    #[test]
    fn what_join_writes_is_read_back() {
        let host = Host::parse("2001:db8::1").unwrap();
        let mut written =
            Registration::new("web", &host, NonZeroU16::new(8080).unwrap(), Some("grpc"));
        written.weight = Some(7);
        written.tags = vec!["blue".into()];
        written.meta = [("k".to_owned(), "v".to_owned())].into();
        let line = written.to_line();
        assert!(line.contains(r#""hostname":"2001:db8::1","host":"[2001:db8::1]:8080""#), "{line}");
        let read = parse(&line).unwrap();
        assert_eq!((read.host, read.port.unwrap().get(), read.weight), (host, 8080, 7));
        assert_eq!(read.details.protocol.as_deref(), Some("grpc"));
        assert_eq!(read.details.meta.len(), 1);
    }

    #[test]
    fn the_contracts_own_document_is_written() {
        let host = Host::parse("192.168.1.10").unwrap();
        let written = Registration::new("my-service", &host, NonZeroU16::new(8080).unwrap(), None);
        let expected = r#"{"name":"my-service","port":8080,"hostname":"192.168.1.10","host":"192.168.1.10:8080","url":"http://192.168.1.10:8080"}"#;
        assert_eq!(written.to_line(), expected);
    }

    #[test]
    fn known_members_of_wrong_type_make_it_unusable() {
        for (value, message) in [
            (
                r#"{"host":"a.b","port":"x"}"#,
                r#"member `port` is "x"; it must be a number from 1 to 65535"#,
            ),
            (
                r#"{"host":"a.b","port":70000}"#,
                "member `port` is 70000; it must be a number from 1 to 65535",
            ),
            (r#"{"host":"a.b","port":0}"#, "member `port` is 0;"),
            (
                r#"{"host":"a.b:1","weight":-1}"#,
                "member `weight` is -1; it must be a number from 0 to 65535",
            ),
            (r#"{"host":"a.b:1","tags":"x"}"#, "member `tags` is"),
            (r#"{"host":"a.b:1","tags":[""]}"#, "member `tags` is \"\"; it must be a string of 1"),
            (r#"{"host":"a.b:1","proto":"sctp"}"#, "member `proto` is"),
            (r#"{"host":7}"#, "member `host` is 7; it must be a string"),
            (r#"{"hostname":"0.0.0.0","port":1}"#, "host `0.0.0.0` is the unspecified address"),
        ] {
            let fault = parse(value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
        let of = |tags: usize| {
            parse(&format!(r#"{{"host":"a.b:1","tags":[{}"t"]}}"#, r#""t","#.repeat(tags - 1)))
        };
        assert_eq!(of(TAGS_MAX).unwrap().details.tags.len(), TAGS_MAX);
        let fault = of(TAGS_MAX + 1).unwrap_err().to_string();
        assert!(fault.contains("an array of 65 tags; it must be an array of 64 tags"), "{fault}");
        assert!(parse(r#"{"host":"a.b:1","unknown":[1],"meta":{"a":1,"b":"c"}}"#).is_ok());
    }
}
