//! Names that stand for registrations of other names: bender's backends and frontends.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{self, Fault};
use super::{KeyFault, KeyParts, Problem};
use crate::names::SERVICE_MAX;

/// A name that is answered with registrations of another. Plain data: it can be written
/// down and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its name, as the key spells it.
    pub name: Box<str>,
    /// Whether its key begins with a slash although the prefix is empty.
    pub is_rooted: bool,
    /// What it stands for.
    pub meaning: Meaning,
}

/// The meaning of an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meaning {
    /// The registrations of an app that have one version.
    Backend {
        /// The app's name: that of a service, never of another alias.
        app: Box<str>,
        /// The version; all of them when absent.
        version: Option<Box<str>>,
    },
    /// The registrations of a backend.
    Frontend {
        /// The backend's name; it may not be there, or not yet be named.
        backend: Option<Box<str>>,
    },
}

/// The kinds of aliases. A frontend comes before a backend of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// `_frontends/NAME`
    Frontend,
    /// `_backends/NAME`
    Backend,
}

impl Resource {
    /// All kinds, in the order in which they are looked for.
    pub const ALL: [Self; 2] = [Self::Frontend, Self::Backend];

    /// What stands in the key in the place of a service's name. It is no name of a
    /// service: `join` writes those without `_`.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Frontend => "_frontends",
            Self::Backend => "_backends",
        }
    }

    /// What stands in the document's `resource`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frontend => "Frontend",
            Self::Backend => "Backend",
        }
    }

    /// The kind whose keys have a segment.
    fn of_segment(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.segment() == segment)
    }
}

impl Alias {
    /// Reads an alias; none where the key is not that of one.
    pub(super) fn read(place: KeyParts<'_>, value: &[u8]) -> Option<Result<Self, Problem>> {
        let resource = Resource::of_segment(place.name)?;
        let octets = place.id.len();
        if place.id.chars().count() > SERVICE_MAX {
            return Some(Err(KeyFault::NameTooLong { octets }.into()));
        }
        let meaning = document::read_alias(resource, value).map_err(Fault::into);
        Some(meaning.map(|meaning| Self {
            name: place.id.into(),
            is_rooted: place.is_rooted,
            meaning,
        }))
    }

    /// Its kind.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        match self.meaning {
            Meaning::Backend { .. } => Resource::Backend,
            Meaning::Frontend { .. } => Resource::Frontend,
        }
    }

    /// About how many octets its document takes in memory.
    #[must_use]
    pub fn octets(&self) -> usize {
        let text = |it: &Option<Box<str>>| it.as_ref().map_or(0, |text| text.len());
        let meaning = match &self.meaning {
            Meaning::Backend { app, version } => app.len() + text(version),
            Meaning::Frontend { backend } => text(backend),
        };
        self.name.len() + meaning
    }

    /// The alias as the one JSON object that the HTTP interface shows: `zone`, `name`, `key`
    /// and the document's members.
    #[must_use]
    pub fn to_json(&self, zone: &str, key: &str) -> Value {
        let (resource, name) = (self.resource().as_str(), &self.name);
        let mut object = json!({ "zone": zone, "name": name, "key": key, "resource": resource });
        let mut add = |member: &str, value: Option<&str>| {
            if let Some(value) = value {
                object[member] = value.into();
            }
        };
        match &self.meaning {
            Meaning::Frontend { backend } => add("backend", backend.as_deref()),
            Meaning::Backend { app, version } => {
                add("app", Some(app));
                add("version", version.as_deref());
            }
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, id: &str, value: &str) -> Option<Result<Alias, String>> {
        let place = KeyParts { name, id, is_rooted: false };
        Some(Alias::read(place, value.as_bytes())?.map_err(|problem| problem.to_string()))
    }

    fn meaning(name: &str, value: &str) -> Meaning {
        read(name, "x", value).unwrap().unwrap().meaning
    }

    #[test]
    fn backends_and_frontends_are_read() {
        let backend = |version: Option<&str>| Meaning::Backend {
            app: "web".into(),
            version: version.map(Into::into),
        };
        for (value, version) in [
            (r#"{"resource":"Backend","name":"other","app":"web","version":"1.2"}"#, Some("1.2")),
            (r#"{"resource":"Backend","app":"web","version":""}"#, None),
            (r#"{"resource":"Backend","app":"web","version":null,"more":[]}"#, None),
        ] {
            assert_eq!(meaning("_backends", value), backend(version), "{value}");
        }
        let frontend =
            |backend: Option<&str>| Meaning::Frontend { backend: backend.map(Into::into) };
        let value = r#"{"resource":"Frontend","name":"f","backend":"blue"}"#;
        assert_eq!(meaning("_frontends", value), frontend(Some("blue")));
        let value = r#"{"resource":"Frontend","name":"f","backend":""}"#;
        assert_eq!(meaning("_frontends", value), frontend(None));
        assert!(read("web", "x", "10.0.0.1:80").is_none());
    }

    #[test]
    fn faults_name_the_member() {
        let long = format!(r#"{{"resource":"Backend","app":"{}"}}"#, "a".repeat(63));
        for (name, value, message) in [
            ("_backends", r#"{"app":"web"}"#, "member `resource` is missing; it must be `Backend`"),
            (
                "_backends",
                r#"{"resource":"Frontend"}"#,
                "member `resource` is \"Frontend\"; it must",
            ),
            ("_frontends", r#"{"resource":7}"#, "member `resource` is 7; it must be `Frontend`"),
            (
                "_backends",
                r#"{"resource":"Backend"}"#,
                "member `app` is missing; it must be a string",
            ),
            ("_backends", r#"{"resource":"Backend","app":""}"#, "member `app` is \"\"; it must be"),
            ("_backends", &long, "member `app` is \"aaa"),
            (
                "_backends",
                r#"{"resource":"Backend","app":"a","version":1}"#,
                "member `version` is 1;",
            ),
            ("_backends", r#"{"resource":"Backend","app":"a","name":[]}"#, "member `name` is [];"),
            ("_frontends", r#"{"resource":"Frontend","backend":{}}"#, "member `backend` is {};"),
            ("_frontends", "10.0.0.1:80", "the value is not JSON: an object is wanted"),
        ] {
            let fault = read(name, "x", value).unwrap().unwrap_err();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
        let fault = read("_frontends", &"n".repeat(63), "{}").unwrap().unwrap_err();
        assert!(fault.starts_with("the name has 63 octets"), "{fault}");
    }
}
