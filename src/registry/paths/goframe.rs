//! GoFrame (`contrib/registry/etcd`): `DEPLOYMENT/NAMESPACE/NAME/VERSION/HOST:PORT[,HOST:PORT…]`
//! below `/service`, with a value such as `{"insecure":true,"protocol":"http"}`.
//!
//! Each place is an instance, for clients of GoFrame call all of them; `protocol` is the port's
//! name, all strings are metadata, and `weight`, where there is one, is the weight. The version
//! `latest` is what GoFrame writes where none is given, and a version like any other.

use serde_json::{Map, Value};

use super::{KeyPath, Reading, Said};
use crate::names::{ENDPOINTS_MAX, SERVICE_MAX};
use crate::registry::document::{self, Document, Fault, Members};
use crate::registry::{KeyFault, Problem};

/// What a protocol must be: it is the port's name.
const PROTOCOL_WANTED: &str = "a string of at most 62 characters, for it becomes a DNS label";
/// What the places must be.
const PLACES_WANTED: &str = "list of 1 to 32 times HOST:PORT with commas between";
const _: () = assert!(ENDPOINTS_MAX == 32);

/// Reads a key that ends in places.
pub(super) fn read(path: KeyPath<'_>, value: &[u8]) -> Option<Reading> {
    let [_, _, name, version, places] = path.segments()?;
    let is_one = is_place(places.split(',').next()?);
    (is_one || path.is_certain).then(|| instances(path, [name, version, places], value))
}

/// Whether a text ends in a port.
fn is_place(text: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    text.rsplit_once(':').is_some_and(|(_, port)| is_port(port))
}

/// An instance for each place.
fn instances(path: KeyPath<'_>, [name, version, places]: [&str; 3], value: &[u8]) -> Reading {
    if !places.split(',').next().is_some_and(is_place) || places.split(',').count() > ENDPOINTS_MAX
    {
        let fault = KeyFault::Segment { found: document::shown(places), wanted: PLACES_WANTED };
        return Err(fault.into());
    }
    let object = object(value)?;
    let members = Members::of(&object);
    let instances = places.split(',').map(|place| {
        let (host, port) = document::host_port(place)?;
        let mut document = Document::at(host, port);
        describe(&mut document, &members)?;
        document.details.version = Some(version.into());
        path.instance(name, place, document)
    });
    instances.collect::<Result<_, _>>().map(Said::Instances)
}

/// What the value says of every place.
fn describe(document: &mut Document, members: &Members<'_>) -> Result<(), Fault> {
    let protocol = members.read("protocol", PROTOCOL_WANTED, |value| {
        value.as_str().filter(|it| it.chars().count() <= SERVICE_MAX)
    })?;
    document.weight = members.weight("weight")?.unwrap_or(1);
    document.details.protocol = protocol.filter(|it| !it.is_empty()).map(Into::into);
    document.details.meta = members.strings().collect();
    Ok(())
}

/// The object of a value; an empty value and `null` are an empty one.
fn object(value: &[u8]) -> Result<Map<String, Value>, Problem> {
    match document::text_of(value)? {
        "" | "null" => Ok(Map::new()),
        text => serde_json::from_str(text).map_err(|it| Fault::NotJson(it.to_string()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{instances, said};
    use super::*;

    #[test]
    fn instances_as_goframe_writes_them() {
        let path = "default/default/hello.svc/v1.2/10.0.0.1:8000,10.0.0.2:8000";
        let all = instances(path, r#"{"insecure":true,"protocol":"http","region":"a"}"#);
        let shown = |it: &crate::registry::Instance| {
            (it.name.to_string(), it.raw_id().to_owned(), it.location(), it.path() == Some(path))
        };
        let expected = |place: &str| ("hello.svc".to_owned(), place.into(), place.into(), true);
        assert_eq!(shown(&all[0]), expected("10.0.0.1:8000"));
        assert_eq!(shown(&all[1]), expected("10.0.0.2:8000"));
        assert_eq!((all[1].protocol(), all[1].version()), (Some("http"), Some("v1.2")));
        for value in ["", "null", "{}"] {
            let [one] = &instances("a/b/c/latest/[2001:db8::1]:1", value)[..] else { panic!() };
            assert_eq!((one.location(), one.weight), ("[2001:db8::1]:1".into(), 1));
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let many = format!("a/b/c/d/{}", vec!["10.0.0.1:1"; ENDPOINTS_MAX + 1].join(","));
        for (path, value, message) in [
            ("a/b/c/d/10.0.0.1:1,:2", "", "host `` is empty"),
            ("a/b/c/d/10.0.0.1:0", "", "port `0` is not a number"),
            ("a/b/c/d/10.0.0.1:1", "[]", "the value is not JSON: invalid type: sequence"),
            ("a/b/c/d/10.0.0.1:1", r#"{"protocol":7}"#, "member `protocol` is 7; it must be a"),
            (&many, "", "the key's `10.0.0.1:1,10.0.0.1:1"),
        ] {
            let fault = said(path, value).unwrap().unwrap_err();
            assert!(fault.starts_with(message), "{path} {value}: {fault}");
        }
    }
}
