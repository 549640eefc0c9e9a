//! Kitex (`kitex-contrib/registry-etcd`) and Hertz (`hertz-contrib/registry/etcd`).
//!
//! `{"network":"tcp","address":"10.0.0.1:8888","weight":10,"tags":{"idc":"a"}}` at
//! `kitex/registry-etcd/NAME/ADDR` and `hertz/registry-etcd/NAME/ADDR`; `tags` are pairs, and may be `null`. A weight of 0, or
//! none, is 10, as for Kitex's own clients: it must not mean "after all others" here.

use super::members::Members;
use super::{Details, Document, Fault, Reading, Shape};
use crate::registry::Proto;

/// The weight of an instance that has none.
const DEFAULT_WEIGHT: u16 = 10;

/// Reads an object with an `address`.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    members.has("address").then(|| document(&members).map(Some))
}

/// The document of the members.
fn document(members: &Members<'_>) -> Result<Document, Fault> {
    let proto = proto(members)?;
    let (host, port) = members.host_port("address")?;
    let weight = members.u16("weight")?.filter(|weight| *weight > 0);
    let details = Details { meta: members.pairs("tags")?.collect(), ..Details::default() };
    let weight = weight.unwrap_or(DEFAULT_WEIGHT);
    Ok(Document { proto, weight, details, ..Document::at(host, port) })
}

/// The transport: what Go calls the network. A socket in a file is nothing DNS can name.
fn proto(members: &Members<'_>) -> Result<Proto, Fault> {
    let wanted = "`tcp` or `udp`, for only these can be reached from elsewhere";
    let proto = |value: &serde_json::Value| value.as_str()?.parse().ok();
    Ok(members.read("network", wanted, proto)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Document, Fault> {
        super::super::read(value.as_bytes()).map(|it| it.expect("nothing is gone"))
    }

    #[test]
    fn an_instance_as_kitex_writes_it() {
        let value =
            r#"{"network":"tcp","address":"10.0.0.1:8888","weight":7,"tags":{"idc":"a","n":1}}"#;
        let document = parse(value).unwrap();
        assert_eq!(document.host.location(document.port), "10.0.0.1:8888");
        assert_eq!((document.proto, document.weight), (Proto::Tcp, 7));
        assert_eq!(document.details.meta.iter().collect::<Vec<_>>(), [("idc", "a")]);
    }

    #[test]
    fn a_weight_of_none_is_kitex_own() {
        for weight in ["", r#","weight":0"#, r#","weight":null"#] {
            let value =
                format!(r#"{{"network":"udp","address":"[2001:db8::1]:1"{weight},"tags":null}}"#);
            let document = parse(&value).unwrap();
            assert_eq!(document.host.location(document.port), "[2001:db8::1]:1");
            assert_eq!((document.proto, document.weight), (Proto::Udp, 10), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (members, message) in [
            (
                r#""network":"unix","address":"/run/x.sock""#,
                r#"member `network` is "unix"; it must be `tcp` or `udp`"#,
            ),
            (r#""network":"tcp","address":null"#, "member `address` is missing; it must be a str"),
            (r#""address":7"#, "member `address` is 7; it must be a string"),
            (r#""address":":8888""#, "member `address`: host `` is empty"),
            (r#""address":"[::]:8888""#, "member `address`: host `[::]` is the unspecified"),
            (r#""address":"10.0.0.1:x""#, "member `address`: port `x` is not a number"),
            (r#""address":"a:1","weight":-1"#, "member `weight` is -1; it must be a number from 0"),
            (r#""address":"a:1","weight":"10""#, r#"member `weight` is "10"; it must be a number"#),
            (r#""address":"a:1","tags":["x"]"#, r#"member `tags` is ["x"]; it must be an object"#),
        ] {
            let fault = parse(&format!("{{{members}}}")).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{members}: {fault}");
        }
    }
}
