//! bender's registrations.
//!
//! `{"resource":"Registration","app":"web","version":"1.0.0","host":"10.0.0.1","port":8080}`
//! at `PREFIX/APP/ID`. `app` says what the key's NAME says, which counts. The other
//! entities of bender are no instances: where one of them stands, an instance does not.

use serde_json::Value;

use super::members::Members;
use super::{Details, Document, Fault, Reading, Shape, location};

/// What bender calls an instance.
pub(super) const REGISTRATION: &str = "Registration";
/// What else bender has.
const ENTITIES: [&str; 3] = [REGISTRATION, "Backend", "Frontend"];

/// Reads an object that says which entity of bender it is.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    let resource = members.get("resource").and_then(Value::as_str)?;
    ENTITIES.contains(&resource).then(|| document(resource, &members).map(Some))
}

/// The document of an entity that is a registration.
fn document(resource: &str, members: &Members<'_>) -> Result<Document, Fault> {
    if resource != REGISTRATION {
        let wanted = "`Registration` at NAME/ID; Backends and Frontends have keys of their own";
        return Err(members.fault("resource", wanted));
    }
    members.text("app")?;
    let missing = Fault::Missing { member: "host", wanted: "a host name or an address" };
    let host = location::host(members.text("host")?.ok_or(missing)?)?;
    let details = Details { version: members.version()?, ..Details::default() };
    Ok(Document { details, ..Document::at(host, members.port("port")?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Document, Fault> {
        super::super::read(value.as_bytes()).map(|it| it.expect("nothing is gone"))
    }

    #[test]
    fn a_registration_as_bender_writes_it() {
        for (host, location) in [
            ("10.0.0.1", "10.0.0.1:8080"),
            ("DB.Example", "db.example:8080"),
            ("2001:db8::1", "[2001:db8::1]:8080"),
        ] {
            let document = parse(&format!(
                r#"{{"resource":"Registration","app":"web","version":"1.0.0","host":"{host}","port":8080}}"#
            ))
            .unwrap();
            assert_eq!(document.host.location(document.port), location);
            assert_eq!(document.details.version.as_deref(), Some("1.0.0"));
            assert_eq!((document.priority, document.weight), (0, 1));
        }
        let text = r#"{"resource":"Registration","host":"10.0.0.1","port":"81","version":null}"#;
        assert_eq!(parse(text).unwrap().port.unwrap().get(), 81);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (members, message) in [
            (r#""Registration""#, "member `host` is missing; it must be a host name or an"),
            (r#""Registration","host":7"#, "member `host` is 7; it must be a string"),
            (
                r#""Registration","host":"""#,
                "host `` is empty, and clients connect to it; write an address",
            ),
            (r#""Registration","host":"0.0.0.0""#, "host `0.0.0.0` is the unspecified address"),
            (r#""Registration","host":"a","port":0"#, "member `port` is 0; it must be a number"),
            (r#""Registration","host":"a","app":1"#, "member `app` is 1; it must be a string"),
            (r#""Registration","host":"a","version":1"#, "member `version` is 1; it must be"),
            (r#""Backend","name":"b","host":"a""#, r#"member `resource` is "Backend"; it must be"#),
            (r#""Frontend","name":"f""#, r#"member `resource` is "Frontend"; it must be"#),
        ] {
            let fault = parse(&format!(r#"{{"resource":{members}}}"#)).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{members}: {fault}");
        }
    }
}
