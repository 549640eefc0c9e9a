//! jupiter and ego (`pkg/registry/etcdv3`, `eetcd/registry`).
//!
//! `{"name":"main","appId":"1","scheme":"grpc","address":"10.0.0.1:9091","weight":100,
//! "enable":true,"healthy":true,"metadata":{},"region":"","zone":"","kind":1}` at
//! `PREFIX/NAME/providers/SCHEME://HOST:PORT`. The scheme is the port's name. What is not
//! enabled or not healthy is not there. A weight of 0, or none, is 100, which both write.

use super::members::{Members, within};
use super::{Details, Document, Fault, Reading, Shape, location};
use crate::names::SERVICE_MAX;

/// What stands beside an address here, and not in what Kitex writes.
const MEMBERS: [&str; 3] = ["scheme", "enable", "healthy"];
/// What a scheme must be: it becomes the port's name.
const SCHEME_WANTED: &str = "a string of 1 to 62 characters, for it becomes a DNS label";

/// Reads an object with an `address` and whether calls may go there.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    let is_one = members.has("address") && MEMBERS.iter().any(|it| members.has(it));
    is_one.then(|| reading(&members))
}

/// The document of the members, unless they say that the instance takes no calls.
fn reading(members: &Members<'_>) -> Reading {
    if !members.takes_calls()? {
        return Ok(None);
    }
    members.text("name")?;
    let (written, (host, port)) = place(members)?;
    let scheme = members.read("scheme", SCHEME_WANTED, |value| value.as_str())?;
    let scheme = scheme.filter(|it| !it.is_empty()).or(written);
    if scheme.is_some_and(|it| it.chars().count() > SERVICE_MAX) {
        return Err(members.fault("scheme", SCHEME_WANTED));
    }
    let meta = members.pairs("metadata")?.collect();
    let details = Details { protocol: scheme.map(Into::into), meta, ..Details::default() };
    let weight = members.weight_of_calls()?;
    Ok(Some(Document { weight, details, ..Document::at(host, port) }))
}

/// Where the instance is, perhaps behind a scheme.
fn place<'o>(members: &Members<'o>) -> Result<(Option<&'o str>, location::HostPort), Fault> {
    let missing = Fault::Missing { member: "address", wanted: "a string HOST:PORT" };
    location::url(members.text("address")?.ok_or(missing)?).map_err(within("address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Reading {
        super::super::read(value.as_bytes())
    }

    #[test]
    fn an_instance_as_both_write_it() {
        let value = r#"{"name":"main","appId":"","scheme":"grpc","address":"10.0.0.1:9091","weight":100,"enable":true,"healthy":true,"metadata":{"appHost":"h","n":1},"region":"","zone":"","kind":1,"deployment":"","group":"","services":{}}"#;
        let document = parse(value).unwrap().unwrap();
        assert_eq!(document.host.location(document.port), "10.0.0.1:9091");
        assert_eq!(document.details.protocol.as_deref(), Some("grpc"));
        assert_eq!(document.details.meta.iter().collect::<Vec<_>>(), [("appHost", "h")]);
        for (weight, expected) in [("0", 100), ("0.4", 1), ("12.5", 13), ("null", 100)] {
            let value = format!(r#"{{"scheme":"","address":"http://[::1]:1","weight":{weight}}}"#);
            let document = parse(&value).unwrap().unwrap();
            assert_eq!(document.weight, expected, "{weight}");
            assert_eq!(document.details.protocol.as_deref(), Some("http"));
        }
    }

    #[test]
    fn what_takes_no_calls_is_not_there() {
        for state in [r#""enable":false,"healthy":true"#, r#""enable":true,"healthy":false"#] {
            assert_eq!(parse(&format!(r#"{{"address":"10.0.0.1:1",{state}}}"#)), Ok(None));
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let long = format!(r#""scheme":"{}","address":"a:1""#, "s".repeat(63));
        for (members, message) in [
            (r#""scheme":"x","address":null"#, "member `address` is missing; it must be a str"),
            (r#""scheme":7,"address":"a:1""#, "member `scheme` is 7; it must be a string of 1"),
            (&long, "member `scheme` is \"sss"),
            (r#""enable":1,"address":"a:1""#, "member `enable` is 1; it must be true or false"),
            (r#""scheme":"x","address":"a:0""#, "member `address`: port `0` is not a number"),
            (
                r#""scheme":"x","address":"a:1","weight":65536"#,
                "member `weight` is 65536; it must be a number from 0 to 65535",
            ),
        ] {
            let fault = parse(&format!("{{{members}}}")).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{members}: {fault}");
        }
    }
}
