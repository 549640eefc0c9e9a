//! bender's entities as its clients post them, and as they are written into the registry.
//!
//! Members are read as they are read from the registry, so that nothing is written that
//! would be a problem there. What bender itself asks for must stand there as well: an app, a
//! version, a host and a port.

use std::num::NonZeroU16;

use serde::Serialize;
use serde_json::{Map, Value};

use super::alias::{self, NAME_WANTED};
use super::bender::{self, REGISTRATION};
use super::members::Members;
use super::{Document, Fault, Shape, location};
use crate::names::SERVICE_MAX;
use crate::registry::{Alias, Host, Meaning, Resource};

/// What a version must be: it is a name of its own.
const VERSION_WANTED: &str = "a string of 1 to 62 characters, for it becomes a DNS label";
/// What a host must be.
const HOST_WANTED: &str = "a host name or an address";
/// What a port must be.
const PORT_WANTED: &str = "a number from 1 to 65535";
/// What the name of a backend or a frontend must be.
const ALIAS_WANTED: &str = "a string of 1 to 62 characters without `/`, for it becomes a DNS label";

/// A registration of bender, its members in the order they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BenderRegistration {
    /// `Registration`
    resource: &'static str,
    /// The app, as it was posted.
    pub app: String,
    /// Its version.
    pub version: String,
    /// Where it listens: an address, or a name in lower case.
    pub host: String,
    /// The port.
    pub port: NonZeroU16,
}

/// A backend or a frontend, its members in the order they are written.
#[derive(Serialize)]
struct AliasDocument<'a> {
    /// `Backend` or `Frontend`
    resource: &'static str,
    name: &'a str,
    /// A backend's app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    /// A frontend's backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a str>,
}

impl BenderRegistration {
    /// The registration that members describe.
    ///
    /// # Errors
    /// [`Fault`]: which member is missing or wrong, and what it must be.
    pub fn posted(object: &Map<String, Value>) -> Result<Self, Fault> {
        let members = Members::of(object);
        check_resource(&members, REGISTRATION, "`Registration`")?;
        let missing = |member, wanted| Fault::Missing { member, wanted };
        let app = label(&members, "app", NAME_WANTED)?;
        let version = label(&members, "version", VERSION_WANTED)?;
        let host = members.text("host")?.ok_or_else(|| missing("host", HOST_WANTED))?;
        let host = location::host(host)?.to_string();
        let port = members.port("port")?.ok_or_else(|| missing("port", PORT_WANTED))?;
        Ok(Self { resource: REGISTRATION, app, version, host, port })
    }

    /// The document, one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }

    /// Whether a value is a registration of the same app, host and port, whatever its version.
    /// Apps whose names are one label are still two, which must not write over each other.
    #[must_use]
    pub fn is_of_same_instance(&self, value: &[u8]) -> bool {
        let Ok(shape) = Shape::of(value) else { return false };
        let Some(Ok(Some(Document { host, port, .. }))) = bender::read(&shape) else {
            return false;
        };
        let app = shape.members().and_then(|it| it.get("app")?.as_str().map(|it| it == self.app));
        Host::parse(&self.host) == Ok(host) && port == Some(self.port) && app.unwrap_or(true)
    }
}

impl Alias {
    /// The alias of a kind that members describe, which must say its name.
    ///
    /// # Errors
    /// [`Fault`]: which member is missing or wrong, and what it must be.
    pub fn posted(resource: Resource, object: &Map<String, Value>) -> Result<Self, Fault> {
        let name = label(&Members::of(object), "name", ALIAS_WANTED)?;
        Self::named(resource, &name, object)
    }

    /// The same of a name that is known already: members may repeat it, or leave it out.
    ///
    /// # Errors
    /// As [`Self::posted`].
    pub fn named(
        resource: Resource,
        name: &str,
        object: &Map<String, Value>,
    ) -> Result<Self, Fault> {
        let members = Members::of(object);
        let wanted = "left out, or the name in the path";
        members.read("name", wanted, |value| (value == name).then_some(()))?;
        if !Self::can_have(name) {
            let found = super::shown(&format!("{name:?}"));
            return Err(Fault::Member { member: "name", found, wanted: ALIAS_WANTED });
        }
        check_resource(&members, resource.as_str(), alias::wanted(resource))?;
        if resource == Resource::Backend {
            label(&members, "version", VERSION_WANTED)?;
        }
        let meaning = alias::meaning(resource, &members)?;
        Ok(Self { name: name.into(), is_rooted: true, meaning })
    }

    /// Whether a text can be the name of an alias: one segment of a key, and a label.
    #[must_use]
    pub fn can_have(name: &str) -> bool {
        fits_label(name) && !name.contains('/')
    }

    /// The document, one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        let (app, version, backend) = match &self.meaning {
            Meaning::Backend { app, version } => (Some(&**app), version.as_deref(), None),
            Meaning::Frontend { backend } => (None, None, backend.as_deref()),
        };
        let (resource, name) = (self.resource().as_str(), &*self.name);
        let document = AliasDocument { resource, name, app, version, backend };
        serde_json::to_string(&document).expect("texts are JSON")
    }
}

/// A member `resource`, where there is one, says what is posted.
fn check_resource(
    members: &Members<'_>,
    resource: &str,
    wanted: &'static str,
) -> Result<(), Fault> {
    members.read("resource", wanted, |value| (value == resource).then_some(())).map(drop)
}

/// A member that must be there, and becomes a label.
fn label(
    members: &Members<'_>,
    member: &'static str,
    wanted: &'static str,
) -> Result<String, Fault> {
    let text = members.read(member, wanted, |value| value.as_str().filter(|it| fits_label(it)))?;
    text.map(str::to_owned).ok_or(Fault::Missing { member, wanted })
}

/// Whether the label form of a text is a label after `_`.
fn fits_label(text: &str) -> bool {
    // What stands in a path must not be a step in it, nor anything that nobody can type.
    let is_plain = !matches!(text, "." | "..") && !text.contains(char::is_control);
    is_plain && (1..=SERVICE_MAX).contains(&text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    fn registration(text: &str) -> Result<BenderRegistration, Fault> {
        BenderRegistration::posted(&object(text))
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let posted = registration(
            r#"{"more":1,"app":"my_web","version":"1.0.0","host":"DB.Example.","port":"8080"}"#,
        )
        .unwrap();
        let line = posted.to_line();
        assert_eq!(
            line,
            r#"{"resource":"Registration","app":"my_web","version":"1.0.0","host":"db.example","port":8080}"#
        );
        let read = super::super::read(line.as_bytes()).unwrap().unwrap();
        assert_eq!(read.host.location(read.port), "db.example:8080");
        assert_eq!(read.details.version.as_deref(), Some("1.0.0"));
        assert!(posted.is_of_same_instance(line.replace("1.0.0", "2").as_bytes()));
        for other in [
            line.replace("8080", "8081"),
            line.replace("db.", "db2."),
            r#"{"host":"db.example:8080"}"#.to_owned(),
            "db.example:8080".to_owned(),
        ] {
            assert!(!posted.is_of_same_instance(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn aliases_come_back() {
        for (resource, text, line) in [
            (
                Resource::Backend,
                r#"{"name":"blue","app":"web","version":"1","x":[]}"#,
                r#"{"resource":"Backend","name":"blue","app":"web","version":"1"}"#,
            ),
            (
                Resource::Frontend,
                r#"{"resource":"Frontend","name":"www","backend":"blue"}"#,
                r#"{"resource":"Frontend","name":"www","backend":"blue"}"#,
            ),
            (
                Resource::Frontend,
                r#"{"name":"www","backend":null}"#,
                r#"{"resource":"Frontend","name":"www"}"#,
            ),
        ] {
            let alias = Alias::posted(resource, &object(text)).unwrap();
            assert_eq!(alias.to_line(), line);
            assert_eq!(super::super::read_alias(resource, line.as_bytes()), Ok(alias.meaning));
        }
    }

    #[test]
    fn faults_name_the_member() {
        let long = "a".repeat(63);
        let full = r#"{"app":"a","version":"1","host":"10.0.0.1","port":1}"#;
        assert!(registration(full).is_ok());
        for (from, to, message) in [
            (r#""app":"a","#, "", "member `app` is missing; it must be a string of 1 to 62"),
            (r#""a""#, r#""""#, "member `app` is \"\"; it must be a string of 1 to 62"),
            (r#""a""#, &format!("{long:?}"), "member `app` is \"aaa"),
            (r#""a""#, "7", "member `app` is 7;"),
            (r#""1""#, "1", "member `version` is 1; it must be a string"),
            (r#""1""#, "null", "member `version` is missing; it must be"),
            (r#""1""#, &format!("{long:?}"), "member `version` is \"aaa"),
            (r#""10.0.0.1""#, r#""""#, "host `` is empty"),
            (r#""10.0.0.1""#, r#""10.0.0.256""#, "host `10.0.0.256` is neither"),
            (r#""10.0.0.1""#, "[]", "member `host` is []; it must be a string"),
            (r#""port":1"#, r#""port":0"#, "member `port` is 0; it must be a number from 1"),
            (r#""port":1"#, r#""port":65536"#, "member `port` is 65536;"),
            (r#""port":1"#, r#""port":"1x""#, "member `port` is \"1x\";"),
            (r#","port":1"#, "", "member `port` is missing;"),
            (r#"{"app""#, r#"{"resource":"Backend","app""#, "member `resource` is \"Backend\";"),
        ] {
            let fault = registration(&full.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{from} {to}: {fault}");
        }
    }

    #[test]
    fn faults_of_aliases_name_the_member() {
        let (backend, frontend) = (Resource::Backend, Resource::Frontend);
        for (resource, text, message) in [
            (backend, r#"{"name":"b","app":"a"}"#, "member `version` is missing;"),
            (backend, r#"{"name":"b","version":"1"}"#, "member `app` is missing;"),
            (backend, r#"{"app":"a","version":"1"}"#, "member `name` is missing;"),
            (backend, r#"{"name":"a/b","app":"a","version":"1"}"#, "member `name` is \"a/b\";"),
            (frontend, r#"{"name":"f","backend":7}"#, "member `backend` is 7;"),
            (frontend, r#"{"name":"f","resource":"Backend"}"#, "member `resource` is \"Backend\";"),
        ] {
            let fault = Alias::posted(resource, &object(text)).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{text}: {fault}");
        }
        let other = Alias::named(frontend, "f", &object(r#"{"name":"g"}"#)).unwrap_err();
        assert!(other.to_string().contains("left out, or the name in the path"), "{other}");
        assert!(Alias::named(frontend, &"f".repeat(63), &object("{}")).is_err());
    }
}
