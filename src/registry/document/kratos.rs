//! kratos (`contrib/registry/etcd`), the one writer whose instances have several endpoints.
//!
//! `{"id":"8a2f…","name":"helloworld","version":"v1.0.0","metadata":{"weight":"10"},
//! "endpoints":["http://10.0.0.1:8000?isSecure=false","grpc://10.0.0.1:9000"]}` at
//! `/microservices/NAME/ID`. The first endpoint is where the instance is; each is found by
//! its scheme (`_grpc._tcp.S.Z`). What stands behind the address says nothing.
//!
//! One endpoint that cannot be used makes the whole value unusable: an instance of which
//! half can be reached would be harder to understand than one that is named as a problem.

use super::members::{Members, within};
use super::{Details, Document, Fault, Reading, Shape, location};
use crate::names::ENDPOINTS_MAX;
use crate::registry::ServiceEndpoint;

/// What `endpoints` must be, in words.
const WANTED: &str = "an array of 1 to 32 urls, such as [\"http://10.0.0.1:8000\"]";
const _: () = assert!(ENDPOINTS_MAX == 32);

/// Reads an object with `endpoints`.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    members.has("endpoints").then(|| document(&members).map(Some))
}

/// The document of the members.
fn document(members: &Members<'_>) -> Result<Document, Fault> {
    members.text("id")?;
    members.text("name")?;
    let details = Details {
        version: members.version()?,
        meta: members.pairs("metadata")?.collect(),
        ..Details::default()
    };
    let endpoints = endpoints(members)?;
    Document::of_endpoints(endpoints, details).ok_or_else(|| members.fault("endpoints", WANTED))
}

/// The endpoints, in their order.
fn endpoints(members: &Members<'_>) -> Result<Vec<ServiceEndpoint>, Fault> {
    let urls = members.read("endpoints", WANTED, |value| {
        let urls = value.as_array().filter(|urls| urls.len() <= ENDPOINTS_MAX)?;
        urls.iter().map(|url| url.as_str()).collect::<Option<Vec<_>>>()
    })?;
    urls.unwrap_or_default().into_iter().map(endpoint).collect()
}

/// One endpoint.
fn endpoint(text: &str) -> Result<ServiceEndpoint, Fault> {
    let (scheme, (host, port)) = location::url(text).map_err(within("endpoints"))?;
    Ok(ServiceEndpoint { scheme: scheme.map(Into::into), host, port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Instance, KeyParts};

    fn parse(value: &str) -> Result<Instance, Fault> {
        let document = super::super::read(value.as_bytes())?.expect("nothing is gone");
        Ok(document.into_instance(KeyParts { name: "web", id: "1", is_rooted: false }))
    }

    fn urls(instance: &Instance) -> Vec<String> {
        let first = format!("{}://{}", instance.protocol().unwrap_or("-"), instance.location());
        let further = instance.further().iter().map(ServiceEndpoint::url);
        std::iter::once(first).chain(further).collect()
    }

    #[test]
    fn an_instance_as_kratos_writes_it() {
        let instance = parse(
            r#"{"id":"8a2f","name":"helloworld","version":"v1.0.0","metadata":{"env":"a","n":1},"endpoints":["http://10.0.0.1:8000?isSecure=false","grpc://[2001:db8::1]:9000?isSecure=true"]}"#,
        )
        .unwrap();
        assert_eq!(urls(&instance), ["http://10.0.0.1:8000", "grpc://[2001:db8::1]:9000"]);
        let details = instance.details.unwrap();
        assert_eq!(details.version.as_deref(), Some("v1.0.0"));
        assert_eq!(details.meta.iter().collect::<Vec<_>>(), [("env", "a")]);
        assert_eq!((instance.priority, instance.weight), (0, 1));
    }

    #[test]
    fn endpoints_of_every_kind() {
        let value = r#"{"id":"","name":"","version":"","metadata":null,"endpoints":["10.0.0.1:1","GRPC://a.B:2/x","x-y.z://10.0.0.1"]}"#;
        let instance = parse(value).unwrap();
        assert_eq!(urls(&instance), ["-://10.0.0.1:1", "GRPC://a.b:2", "x-y.z://10.0.0.1"]);
        let one = parse(r#"{"endpoints":["grpc://10.0.0.1:9000"]}"#).unwrap();
        assert_eq!((urls(&one), one.further()), (vec!["grpc://10.0.0.1:9000".into()], &[][..]));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let many = format!("[{}]", vec!["\"a.b:1\""; ENDPOINTS_MAX + 1].join(","));
        for (endpoints, message) in [
            ("[]", "member `endpoints` is []; it must be an array of 1 to 32 urls"),
            ("null", "member `endpoints` is null; it must be an array of 1 to 32 urls"),
            ("\"a:1\"", "member `endpoints` is \"a:1\"; it must be an array"),
            ("[\"a:1\",7]", "member `endpoints` is [\"a:1\",7]; it must be an array"),
            ("[{\"name\":\"x\"}]", "member `endpoints` is [{\"name\":\"x\"}]; it must be an"),
            (&many, "member `endpoints` is [\"a.b:1\",\"a.b:1\""),
            ("[\"http://:8000\"]", "member `endpoints`: host `` is empty, and clients"),
            ("[\"a:1\",\"grpc://0.0.0.0:9\"]", "member `endpoints`: host `0.0.0.0` is the unsp"),
            ("[\"grpc://a:99999\"]", "member `endpoints`: port `99999` is not a number from 1"),
            ("[\"://a:1\"]", "member `endpoints`: host `` has a scheme that is not letters"),
            ("[\"\"]", "member `endpoints`: host `` is empty"),
        ] {
            let value = format!(r#"{{"id":"1","endpoints":{endpoints}}}"#);
            let fault = parse(&value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{endpoints}: {fault}");
        }
        let fault = parse(r#"{"endpoints":["a:1"],"metadata":[]}"#).unwrap_err().to_string();
        assert_eq!(fault, "member `metadata` is []; it must be an object");
    }
}
