//! etcd's own gRPC naming (`client/v3/naming/endpoints`).
//!
//! `{"Op":0,"Addr":"10.0.0.1:8080","Metadata":null}` at `TARGET/ADDR`. `Op` is 0 for an
//! endpoint that is there, and may be left out, as in etcd's own guide; 1 says that it is gone
//! (etcd's libraries delete the key as well). `Metadata` is whatever a program chose: if it is
//! an object, its strings are the instance's metadata.

use serde_json::Value;

use super::members::{Members, within};
use super::{Details, Document, Fault, Reading, Shape, location};

/// `Op` of an endpoint that is there.
const ADD: u32 = 0;
/// `Op` of one that is gone.
const DELETE: u32 = 1;

/// Reads an object with an `Addr` or an `Op`.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    (members.has("Addr") || members.has("Op")).then(|| reading(&members))
}

/// The document of the members, unless they say that the endpoint is gone.
fn reading(members: &Members<'_>) -> Reading {
    let operation = members.number("Op", DELETE, "0 (added) or 1 (deleted)")?;
    if operation.unwrap_or(ADD) == DELETE {
        return Ok(None);
    }
    let missing = Fault::Missing { member: "Addr", wanted: "a string HOST:PORT" };
    let address = members.text("Addr")?.ok_or(missing)?;
    let (scheme, (host, port)) = location::url(address).map_err(within("Addr"))?;
    let metadata = members.get("Metadata").and_then(Value::as_object);
    let meta = metadata.map(|object| super::members::strings(object).collect());
    let protocol = scheme.map(Into::into);
    let details = Details { protocol, meta: meta.unwrap_or_default(), ..Details::default() };
    Ok(Some(Document { details, ..Document::at(host, port) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Reading {
        super::super::read(value.as_bytes())
    }

    #[test]
    fn an_endpoint_with_metadata_of_any_type() {
        for metadata in [
            "null",
            "7",
            "true",
            "\"eyJhIjoxfQ==\"",
            "[1,{\"a\":null}]",
            "{}",
            "{\"a\":1,\"b\":{\"host\":\"x\"}}",
        ] {
            let value = format!(r#"{{"Op":0,"Addr":"10.0.0.1:8080","Metadata":{metadata}}}"#);
            let document = parse(&value).unwrap().unwrap();
            assert_eq!(document.host.location(document.port), "10.0.0.1:8080", "{metadata}");
            assert_eq!(document.details, Details::default(), "{metadata}");
        }
        let value = r#"{"Op":0,"Addr":"[2001:db8::1]:1","Metadata":{"zone":"a","weight":1}}"#;
        let document = parse(value).unwrap().unwrap();
        assert_eq!(document.host.location(document.port), "[2001:db8::1]:1");
        assert_eq!(document.details.meta.iter().collect::<Vec<_>>(), [("zone", "a")]);
    }

    #[test]
    fn the_guides_own_document() {
        let document = parse(r#"{"Addr":"1.2.3.4","Metadata":"..."}"#).unwrap().unwrap();
        assert_eq!(document.host.location(document.port), "1.2.3.4");
        let document = parse(r#"{"Addr":"grpc://a.b:1"}"#).unwrap().unwrap();
        assert_eq!(document.details.protocol.as_deref(), Some("grpc"));
    }

    #[test]
    fn what_was_deleted_is_no_problem() {
        for value in [r#"{"Op":1,"Addr":"10.0.0.1:80"}"#, r#"{"Op":1,"Addr":""}"#, r#"{"Op":1}"#] {
            assert_eq!(parse(value), Ok(None), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (value, message) in [
            (r#"{"Op":2,"Addr":"a:1"}"#, "member `Op` is 2; it must be 0 (added) or 1 (deleted)"),
            (r#"{"Op":"1","Addr":"a:1"}"#, r#"member `Op` is "1"; it must be 0"#),
            (r#"{"Op":0,"Metadata":7}"#, "member `Addr` is missing; it must be a string HOST:PORT"),
            (r#"{"Addr":null}"#, "member `Addr` is missing"),
            (r#"{"Addr":["a:1"]}"#, r#"member `Addr` is ["a:1"]; it must be a string"#),
            (r#"{"Addr":""}"#, "member `Addr`: host `` is empty"),
            (r#"{"Addr":":8080"}"#, "member `Addr`: host `` is empty"),
            (r#"{"Addr":"[::]:80"}"#, "member `Addr`: host `[::]` is the unspecified address"),
            (r#"{"Addr":"10.0.0.1:0"}"#, "member `Addr`: port `0` is not a number"),
            (r#"{"Addr":"unix:///run/x"}"#, "member `Addr`: host `` is empty"),
        ] {
            let fault = parse(value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
    }
}
