//! dubbo-go's application registry (`registry/etcdv3`, service discovery).
//!
//! `{"ID":"10.0.0.1:20000","ServiceName":"greeter","Host":"10.0.0.1","Port":20000,"Enable":true,
//! "Healthy":true,"Metadata":{"dubbo.metadata.revision":"…"},"Address":"10.0.0.1:20000",
//! "Weight":100,"Tag":"gray"}` at `/services/NAME/HOST:PORT`. Members have no case: Go reads them
//! without. An instance that is not enabled or not healthy is not there. A weight of 0, or none,
//! is 100, as for Dubbo's own clients.

use serde_json::{Map, Value};

use super::members::Members;
use super::{Details, Document, Fault, Reading, Shape};
use crate::names::SERVICE_MAX;

/// The member that no other writer has, in lower case.
const SERVICE_NAME: &str = "servicename";
/// What a tag must be: it becomes a name of its own.
const TAG_WANTED: &str = "a string of at most 62 characters, for it becomes a DNS label";

/// Reads an object that names its service as Dubbo does. One that says where it is as native
/// documents do is native, whatever else stands in it.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    if super::native::LOCATIONS.iter().any(|it| members.get(it).is_some()) {
        return None;
    }
    members.names().any(|it| it.eq_ignore_ascii_case(SERVICE_NAME)).then(|| {
        let lowered = members.lowered();
        reading(&Members(&lowered))
    })
}

/// The document of the members, unless they say that the instance takes no calls.
fn reading(members: &Members<'_>) -> Reading {
    if !members.takes_calls()? {
        return Ok(None);
    }
    members.text(SERVICE_NAME)?;
    let (host, port) = match members.text("host")?.filter(|it| !it.is_empty()) {
        Some(host) => (super::location::host(host)?, members.port("port")?),
        None => members.host_port("address")?,
    };
    let details = Details { tags: tags(members)?, meta: meta(members)?, ..Details::default() };
    let weight = members.weight_of_calls()?;
    Ok(Some(Document { weight, details, ..Document::at(host, port) }))
}

/// The tag that Dubbo routes by, if there is one.
fn tags(members: &Members<'_>) -> Result<Box<[Box<str>]>, Fault> {
    let tag = |value: &Value| {
        value.as_str().filter(|it| it.chars().count() <= SERVICE_MAX).map(str::to_owned)
    };
    let tag = members.read("tag", TAG_WANTED, tag)?.filter(|it| !it.is_empty());
    Ok(tag.map(Into::into).into_iter().collect())
}

/// The metadata of an instance. Dubbo's own (`dubbo.…`), which are documents for its clients
/// and too long for a record, are left out.
fn meta(members: &Members<'_>) -> Result<crate::registry::Meta, Fault> {
    Ok(members.pairs("metadata")?.filter(|(key, _)| !key.starts_with("dubbo.")).collect())
}

impl Members<'_> {
    /// The names of the members.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The same members with names in lower case.
    pub(super) fn lowered(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::CALLS_WEIGHT;
    use super::*;

    fn parse(value: &str) -> Reading {
        super::super::read(value.as_bytes())
    }

    #[test]
    fn an_instance_as_dubbo_go_writes_it() {
        let value = "{\"ID\":\"10.0.0.1:20000\",\"ServiceName\":\"greeter\",\"Host\":\"10.0.0.1\",\"Port\":20000,\"Enable\":true,\"Healthy\":true,\"Metadata\":{\"dubbo.endpoints\":\"[{\\\"port\\\":20000,\\\"protocol\\\":\\\"tri\\\"}]\",\"region\":\"a\"},\"ServiceMetadata\":null,\"Address\":\"10.0.0.1:20000\",\"GroupName\":\"\",\"Weight\":7,\"Tag\":\"gray\"}\n";
        let document = parse(value).unwrap().unwrap();
        assert_eq!(document.host.location(document.port), "10.0.0.1:20000");
        assert_eq!((document.weight, &*document.details.tags), (7, &["gray".into()][..]));
        assert_eq!(document.details.meta.iter().collect::<Vec<_>>(), [("region", "a")]);
        let none = r#"{"serviceName":"x","address":"[2001:db8::1]:1","WEIGHT":0,"Tag":""}"#;
        let document = parse(none).unwrap().unwrap();
        assert_eq!(document.host.location(document.port), "[2001:db8::1]:1");
        assert_eq!((document.weight, document.details), (CALLS_WEIGHT, Details::default()));
    }

    #[test]
    fn what_takes_no_calls_is_not_there() {
        for state in [r#""Enable":false"#, r#""Healthy":false"#, r#""healthy":false"#] {
            let value = format!(r#"{{"ServiceName":"x","Host":"10.0.0.1","Port":1,{state}}}"#);
            assert_eq!(parse(&value), Ok(None), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (members, message) in [
            (r#""Enable":"no""#, r#"member `enable` is "no"; it must be true or false"#),
            (r#""Host":"","Port":1"#, "member `address` is missing; it must be a string HOST:"),
            (r#""Host":"10.0.0.1","Port":0"#, "member `port` is 0; it must be a number from 1"),
            (r#""Host":"10.0.0.1","Weight":-1"#, "member `weight` is -1; it must be a number"),
            (r#""Host":"10.0.0.1","Tag":7"#, "member `tag` is 7; it must be a string of at most"),
            (r#""Host":"0.0.0.0""#, "host `0.0.0.0` is the unspecified address"),
            (r#""Host":"a.b","Metadata":[]"#, "member `metadata` is []; it must be an object"),
        ] {
            let value = format!(r#"{{"ServiceName":"x",{members}}}"#);
            let fault = parse(&value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
    }

    #[test]
    fn what_says_where_it_is_as_native_documents_do_is_native() {
        let value = r#"{"host":"10.1.0.2","port":80,"priority":5,"weight":7,"serviceName":"nat"}"#;
        let read = super::super::read(value.as_bytes()).unwrap().unwrap();
        assert_eq!((read.priority, read.weight), (5, 7));
        let whole = r#"{"host":"10.1.0.3:80","serviceName":"nat"}"#;
        assert!(super::super::read(whole.as_bytes()).unwrap().is_some());
    }
}
