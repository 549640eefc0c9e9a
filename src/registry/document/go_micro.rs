//! go-micro (`registry/etcd`).
//!
//! `{"name":"greeter","version":"latest","metadata":null,"endpoints":[{"name":"Say.Hello",
//! "request":…,"response":…,"metadata":{}}],"nodes":[{"id":"greeter-8a2f…",
//! "address":"10.0.0.1:8080","metadata":{"protocol":"grpc"}}]}` at
//! `/micro/registry/NAME/NODE`. `endpoints` are the service's methods, and say nothing here.
//! Each node is written under a key of its own, alone. Should there be several nodes in one
//! document, the first is where the instance is, and the addresses of the others belong to it
//! too. A node's metadata stands above the service's. Old versions write `port` apart.

use serde_json::{Map, Value};

use super::members::{Members, within};
use super::{Details, Document, Fault, Reading, Shape};
use crate::names::ENDPOINTS_MAX;
use crate::registry::ServiceEndpoint;

/// What `nodes` must be, in words.
const WANTED: &str = "an array of 1 to 32 nodes, such as [{\"address\":\"10.0.0.1:8080\"}]";
const _: () = assert!(ENDPOINTS_MAX == 32);

/// Reads an object with `nodes`.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    members.has("nodes").then(|| document(&members).map(Some))
}

/// The document of the members.
fn document(members: &Members<'_>) -> Result<Document, Fault> {
    members.text("name")?;
    let nodes = members.read("nodes", WANTED, objects)?.unwrap_or_default();
    let endpoints = nodes.iter().map(|node| endpoint(&Members(node)).map_err(within("nodes")));
    let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
    let first = nodes.first().map(|node| Members(node).pairs("metadata").map_err(within("nodes")));
    let meta = members.pairs("metadata")?.chain(first.transpose()?.into_iter().flatten()).collect();
    let details = Details { version: members.version()?, meta, ..Details::default() };
    Document::of_endpoints(endpoints, details).ok_or_else(|| members.fault("nodes", WANTED))
}

/// The objects of an array that has no more than may be.
fn objects(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let nodes = value.as_array().filter(|nodes| nodes.len() <= ENDPOINTS_MAX)?;
    nodes.iter().map(Value::as_object).collect()
}

/// Where a node is.
fn endpoint(node: &Members<'_>) -> Result<ServiceEndpoint, Fault> {
    node.text("id")?;
    let (host, port) = node.host_port("address")?;
    Ok(ServiceEndpoint { scheme: None, host, port: port.or(node.port("port")?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Document, Fault> {
        super::super::read(value.as_bytes()).map(|it| it.expect("nothing is gone"))
    }

    #[test]
    fn a_service_as_go_micro_writes_it() {
        let document = parse(
            r#"{"name":"greeter","version":"latest","metadata":{"a":"service","b":"c"},"endpoints":[{"name":"Say.Hello","request":{"name":"Request","type":"Request","values":[{"name":"name","type":"string","values":null}]},"response":null,"metadata":{}}],"nodes":[{"id":"greeter-8a2f","address":"10.0.0.1:8080","metadata":{"a":"node","protocol":"grpc","registry":"etcd"}}]}"#,
        )
        .unwrap();
        assert_eq!(document.host.location(document.port), "10.0.0.1:8080");
        assert_eq!(document.details.version.as_deref(), Some("latest"));
        let meta: Vec<_> = document.details.meta.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(meta, ["a=node", "b=c", "protocol=grpc", "registry=etcd"]);
        assert_eq!(document.details.protocol, None);
    }

    #[test]
    fn nodes_of_every_kind() {
        let value = |nodes: &str| {
            format!(
                r#"{{"name":"x","version":"","metadata":null,"endpoints":null,"nodes":{nodes}}}"#
            )
        };
        let one = parse(&value(r#"[{"id":"1","address":"[2001:db8::1]:80","metadata":null}]"#));
        assert_eq!(one.as_ref().unwrap().details, Details::default());
        assert_eq!(one.unwrap().host.to_string(), "2001:db8::1");
        let old = parse(&value(r#"[{"id":"1","address":"10.0.0.1","port":81}]"#)).unwrap();
        assert_eq!(old.host.location(old.port), "10.0.0.1:81");
        let two = parse(&value(r#"[{"address":"10.0.0.1:1"},{"address":"10.0.0.2:2"}]"#)).unwrap();
        let place = crate::registry::KeyParts { name: "x", id: "1", is_rooted: false };
        let addresses: Vec<_> =
            two.into_instance(place).addresses().map(|it| it.to_string()).collect();
        assert_eq!(addresses, ["10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (nodes, message) in [
            ("[]", "member `nodes` is []; it must be an array of 1 to 32 nodes"),
            ("null", "member `nodes` is null; it must be an array of 1 to 32 nodes"),
            ("[\"10.0.0.1:80\"]", "member `nodes` is [\"10.0.0.1:80\"]; it must be an array"),
            ("[{\"id\":\"1\"}]", "member `nodes`: member `address` is missing; it must be a str"),
            ("[{\"id\":1,\"address\":\"a:1\"}]", "member `nodes`: member `id` is 1; it must be"),
            ("[{\"address\":\":80\"}]", "member `nodes`: member `address`: host `` is empty"),
            ("[{\"address\":\"a\",\"port\":0}]", "member `nodes`: member `port` is 0; it must"),
            ("[{\"address\":\"a\",\"metadata\":7}]", "member `nodes`: member `metadata` is 7;"),
        ] {
            let value = format!(r#"{{"name":"x","endpoints":[],"nodes":{nodes}}}"#);
            let fault = parse(&value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{nodes}: {fault}");
        }
    }
}
