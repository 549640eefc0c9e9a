//! Names that stand for registrations of other names: bender's backends and frontends.

use serde::{Deserialize, Serialize};

use super::document::{self, Fault};
use super::{Instance, KeyFault, Place, Problem};
use crate::names::{SERVICE_MAX, folded};

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

/// What an alias stands for.
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
    /// All kinds.
    const ALL: [Self; 2] = [Self::Frontend, Self::Backend];

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
    pub(super) fn read(place: Place<'_>, value: &[u8]) -> Option<Result<Self, Problem>> {
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
}

/// The instances that a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection<'a> {
    /// The name of their service, in any spelling of its label form.
    service: &'a str,
    /// Their version; any when absent.
    version: Option<&'a str>,
}

impl<'a> Selection<'a> {
    /// What a name stands for beside some aliases, as DNS has it: a frontend, else a
    /// backend, else a service; none where a frontend leads nowhere.
    #[must_use]
    pub fn of(name: &'a str, aliases: &[&'a Alias]) -> Option<Self> {
        let first = |resource: Resource, name: &str| {
            let same =
                |it: &&&Alias| it.resource() == resource && folded(&it.name).eq(folded(name));
            aliases.iter().filter(same).min_by_key(|it| (!it.is_rooted, &it.name)).copied()
        };
        let backend = match first(Resource::Frontend, name).map(|it| &it.meaning) {
            Some(Meaning::Frontend { backend }) => {
                Some(first(Resource::Backend, backend.as_ref()?)?)
            }
            _ => first(Resource::Backend, name),
        };
        Some(match backend.map(|it| &it.meaning) {
            Some(Meaning::Backend { app, version }) => {
                Self { service: app, version: version.as_deref() }
            }
            _ => Self { service: name, version: None },
        })
    }

    /// Whether an instance is one of them.
    #[must_use]
    pub fn has(&self, instance: &Instance) -> bool {
        self.version.is_none_or(|version| instance.version() == Some(version))
            && folded(self.service).eq(folded(&instance.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, id: &str, value: &str) -> Option<Result<Alias, String>> {
        let place = Place { name, id, is_rooted: false };
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

    #[test]
    fn names_are_followed_as_dns_does() {
        let alias = |name: &str, id: &str, value: &str| read(name, id, value).unwrap().unwrap();
        let all = [
            alias("_backends", "b_1", r#"{"resource":"Backend","app":"web","version":"1"}"#),
            alias("_backends", "b-1", r#"{"resource":"Backend","app":"db"}"#),
            alias("_frontends", "f", r#"{"resource":"Frontend","backend":"B_1"}"#),
            alias("_frontends", "web", r#"{"resource":"Frontend"}"#),
        ];
        let all: Vec<_> = all.iter().collect();
        let db = Some(Selection { service: "db", version: None });
        assert_eq!(Selection::of("F", &all), db);
        assert_eq!(Selection::of("b-1", &all), db);
        assert_eq!(Selection::of("b-1", &all[..1]).unwrap().version, Some("1"));
        assert_eq!(Selection::of("web", &all), None);
        assert_eq!(Selection::of("x", &all), Some(Selection { service: "x", version: None }));
    }
}
