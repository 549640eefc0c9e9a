//! SkyDNS values under the services schema: SkyDNS, CoreDNS, external-dns, registrator.
//!
//! `{"host":"10.0.0.1","port":8080,"priority":10,"weight":100,"text":"…","mail":false,
//! "ttl":60,"targetstrip":1,"group":"g1"}`. With a `host` it is a native document too, and
//! read as one; `mail`, `targetstrip` and `group` say something in zones of SkyDNS's own
//! schema only. Here stands what is left: a value without a host, such as external-dns writes
//! for TXT records, is no instance of a service.

use super::{Fault, Reading, Shape};

/// Members by which such a value is known.
const MEMBERS: [&str; 4] = ["text", "mail", "targetstrip", "group"];

/// Names what is missing in a value of SkyDNS that says not where it is.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    let wanted = "an address or a host name, for a text alone is no instance of a service";
    let fault = Fault::Missing { member: "host", wanted };
    MEMBERS.iter().any(|member| members.has(member)).then_some(Err(fault))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::registry::document::Document;

    fn parse(value: &str) -> Result<Document, String> {
        let reading = read(value.as_bytes()).map_err(|fault| fault.to_string());
        reading.map(|it| it.expect("nothing is gone"))
    }

    #[test]
    fn values_with_a_host_are_instances() {
        for (members, location) in [
            (r#""host":"10.0.0.1","port":8080"#, "10.0.0.1:8080"),
            (r#""host":"2001:db8::1","port":8080"#, "[2001:db8::1]:8080"),
            (r#""host":"2001:db8::1""#, "2001:db8::1"),
            (r#""host":"DB.Example.com.","port":1"#, "db.example.com:1"),
        ] {
            let document = parse(&format!(
                r#"{{{members},"priority":10,"weight":100,"text":"t","mail":true,"ttl":60,"targetstrip":1,"group":"g"}}"#
            ))
            .unwrap();
            assert_eq!(document.host.location(document.port), location);
            assert_eq!((document.priority, document.weight, document.ttl), (10, 100, Some(60)));
            assert_eq!(document.details.text.as_deref(), Some("t"));
        }
        // registrator's, to the letter.
        let document = parse(r#"{"host":"10.0.0.1","port":80}"#).unwrap();
        assert_eq!((document.priority, document.weight, document.ttl), (0, 1, None));
    }

    #[test]
    fn a_text_alone_is_a_problem() {
        for value in [
            r#"{"text":"v=spf1 -all"}"#,
            r#"{"text":"heritage=external-dns","targetstrip":1}"#,
            r#"{"group":"g","port":80}"#,
            r#"{"host":null,"mail":true}"#,
        ] {
            let fault = parse(value).unwrap_err();
            assert!(
                fault.starts_with("member `host` is missing; it must be an address"),
                "{fault}"
            );
        }
        assert!(parse(r#"{"host":"","text":"t"}"#).unwrap_err().starts_with("host `` is empty"));
    }
}
