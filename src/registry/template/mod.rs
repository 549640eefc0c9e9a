//! Templates: how the keys and values of a program are read that writes in no form srvd knows.
//!
//! `{ key = "/{name}/{id}", host = "/net/ip", port = "/net/port", weight = "/w" }`: the key below
//! the prefix, with the parts of it that say something, and JSON pointers (RFC 6901) into the
//! value. What stands in neither is as if it were not said; an id that is nowhere is made of host
//! and port. A pointer that leads nowhere says nothing either, but that of the host must.

mod fields;
mod pattern;

use serde::Deserialize;

use self::fields::Fields;
use self::pattern::{Field, Found, Pattern};
use super::document::{Document, Fault};
use super::{Instance, KeyFault, KeyParts, Problem};
use crate::names::{PATH_MAX, default_id};

pub use self::pattern::PatternFault;

/// A template as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct WrittenTemplate {
    /// The key below the prefix, such as `/{name}/{id}`.
    pub key: String,
    /// Where the name is, if not in the key.
    pub name: Option<String>,
    /// Where the id is, if not in the key.
    pub id: Option<String>,
    /// Where the host is: HOST, HOST:PORT or a url.
    pub host: Option<String>,
    /// Where the port is.
    pub port: Option<String>,
    /// Where the port's name is.
    pub protocol: Option<String>,
    /// Where the version is.
    pub version: Option<String>,
    /// Where the SRV priority is.
    pub priority: Option<String>,
    /// Where the SRV weight is.
    pub weight: Option<String>,
    /// Where the tags are: an array of strings.
    pub tags: Option<String>,
    /// Where the metadata is: an object of strings.
    pub meta: Option<String>,
}

/// A checked template: how keys and values are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The key.
    pattern: Pattern,
    /// The value.
    fields: Fields,
    /// The template as it was written: of the key.
    text: Box<str>,
}

/// The reason why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// The pattern of the key is none.
    #[error(transparent)]
    Pattern(#[from] PatternFault),
    /// A pointer that is none.
    #[error("{member}: `{pointer}` is no JSON pointer; write it like /net/port")]
    Pointer {
        /// Of which member.
        member: &'static str,
        /// What stands there.
        pointer: String,
    },
    /// Something is said twice.
    #[error("{0} is in the key and in the value; leave one out")]
    Twice(&'static str),
    /// Something that nothing can do without is said nowhere.
    #[error("{0} is nowhere; write {{{0}}} into `key`, or {0} = \"/POINTER\"")]
    Nowhere(&'static str),
}

impl Template {
    /// Checks a template.
    ///
    /// # Errors
    /// [`TemplateFault`]: what is wrong with it.
    pub fn new(written: &WrittenTemplate) -> Result<Self, TemplateFault> {
        let (pattern, fields) = (Pattern::new(&written.key)?, Fields::new(written)?);
        for field in Field::ALL {
            match (pattern.has(field), fields.has(field)) {
                (true, true) => return Err(TemplateFault::Twice(field.name())),
                (false, false) if field.is_needed() => {
                    return Err(TemplateFault::Nowhere(field.name()));
                }
                _ => (),
            }
        }
        Ok(Self { pattern, fields, text: written.key.as_str().into() })
    }

    /// The key's template, as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A key that it would read, for somebody to see.
    #[must_use]
    pub fn example(&self) -> String {
        self.pattern.example()
    }

    /// Reads what stands below the base; nothing where the key is not of the template.
    pub(super) fn read(
        &self,
        (below, is_rooted): (&[u8], bool),
        value: &[u8],
    ) -> Option<Result<Instance, Problem>> {
        let below = std::str::from_utf8(below).ok()?;
        let found = self.pattern.read(below)?;
        Some(self.instance((below, is_rooted), &found, value))
    }

    /// The instance of a key that is of the template.
    fn instance(
        &self,
        (below, is_rooted): (&str, bool),
        found: &Found<'_>,
        value: &[u8],
    ) -> Result<Instance, Problem> {
        if below.len() > PATH_MAX {
            return Err(KeyFault::PathTooLarge { octets: below.len() }.into());
        }
        let (name, id, document) = self.fields.read(found, value)?;
        let id = id.unwrap_or_else(|| id_of(&document));
        let place = KeyParts::new(name.as_bytes(), id.as_bytes(), is_rooted)?;
        if name.is_empty() || id.is_empty() {
            let place = if name.is_empty() { "name" } else { "id" };
            return Err(Fault::at(place, "empty", "at least one character").into());
        }
        let instance = document.into_instance(place);
        let is_plain = below.split_once('/') == Some((&name, &id)) && !id.contains('/');
        Ok(if is_plain { instance } else { instance.at_path(below) })
    }
}

/// The id of an instance that is given none.
fn id_of(document: &Document) -> String {
    default_id(&document.host.to_string(), document.port.map(std::num::NonZeroU16::get))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A template of TOML.
    fn template(text: &str) -> Result<Template, String> {
        let written: WrittenTemplate = toml::from_str(text).map_err(|it| it.to_string())?;
        Template::new(&written).map_err(|it| it.to_string())
    }

    /// The instance of a key and a value.
    fn read(template: &Template, below: &str, value: &str) -> Option<Result<Instance, String>> {
        let read = template.read((below.as_bytes(), false), value.as_bytes())?;
        Some(read.map_err(|problem| problem.to_string()))
    }

    /// The one of the documentation.
    const WHOLE: &str = "key = \"/{name}/{id}\"\nhost = \"/net/ip\"\nport = \"/net/port\"\nweight = \"/w\"\ntags = \"/labels\"\nmeta = \"/meta\"";

    #[test]
    fn a_value_is_read_by_pointers() {
        let value =
            r#"{"net":{"ip":"10.0.0.1","port":80},"w":7,"labels":["a"],"meta":{"k":"v","n":1}}"#;
        let one = read(&template(WHOLE).unwrap(), "web/1", value).unwrap().unwrap();
        assert_eq!((&*one.name, one.raw_id(), one.location()), ("web", "1", "10.0.0.1:80".into()));
        assert_eq!((one.weight, one.path()), (7, None));
        let details = one.details.unwrap();
        assert_eq!(details.meta.iter().collect::<Vec<_>>(), [("k", "v")]);
        assert_eq!(&*details.tags, ["a".into()]);
    }

    #[test]
    fn a_key_may_say_everything() {
        let all = template(r#"key = "/v1/*/{name}/{version}/{protocol}/{host}:{port}""#).unwrap();
        let path = "v1/eu/web/1.2/grpc/[2001:db8::1]:80";
        let one = read(&all, path, "").unwrap().unwrap();
        assert_eq!((&*one.name, one.raw_id()), ("web", "2001-db8--1-80"));
        assert_eq!((one.location(), one.path()), ("[2001:db8::1]:80".into(), Some(path)));
        assert_eq!((one.version(), one.protocol()), (Some("1.2"), Some("grpc")));
        assert_eq!(read(&all, "v2/eu/web/1.2/grpc/a:1", ""), None);
        assert_eq!(read(&all, "v1/eu/web/1.2/grpc/a", ""), None);
        assert_eq!(all.example(), "v1/ANY/NAME/VERSION/PROTOCOL/HOST:PORT");
    }

    #[test]
    fn a_value_may_be_the_place_itself() {
        let plain = template("key = \"/{id}.{name}\"\nhost = \"\"").unwrap();
        for (value, location) in
            [("10.0.0.1:80", "10.0.0.1:80"), ("\"http://a.b:81\"", "a.b:81"), ("a.b\n", "a.b")]
        {
            let one = read(&plain, "1.web", value).unwrap().unwrap();
            assert_eq!((&*one.name, one.location()), ("web", location.into()), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (value, message) in [
            ("{}", "`/net/ip` is missing; it must be a string HOST, HOST:PORT or a url"),
            ("[]", "`/net/ip` is missing;"),
            (r#"{"net":{"ip":{}}}"#, "`/net/ip` is {}; it must be a string"),
            (r#"{"net":{"ip":"::"}}"#, "host `::` is the unspecified address"),
            (r#"{"net":{"ip":"a","port":0}}"#, "`/net/port` is 0; it must be a number from 1 to"),
            (r#"{"net":{"ip":"a"},"w":-1}"#, "`/w` is -1; it must be a number from 0 to 65535"),
            (r#"{"net":{"ip":"a"},"labels":[7]}"#, "`/labels` is [7]; it must be an array of"),
            (r#"{"net":{"ip":"a"},"meta":[]}"#, "`/meta` is []; it must be an object"),
            ("{", "the value is not JSON: EOF"),
            (&deep, "the value is not JSON: recursion limit exceeded"),
        ] {
            let fault = read(&template(WHOLE).unwrap(), "web/1", value).unwrap().unwrap_err();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
        let named = template("key = \"/{id}\"\nname = \"/n\"\nhost = \"/h\"").unwrap();
        let fault = |value| read(&named, "1", value).unwrap().unwrap_err();
        assert!(fault(r#"{"h":"a"}"#).starts_with("`/n` is missing; it must be a string"));
        let long = format!(r#"{{"h":"a","n":"{}"}}"#, "n".repeat(63));
        assert!(fault(&long).starts_with("the name has 63 octets"));
        assert!(fault(r#"{"h":"a","n":""}"#).starts_with("`name` is empty; it must be at least"));
    }

    #[test]
    fn a_template_that_cannot_be_used_says_why() {
        for (text, message) in [
            ("key = \"/{name}\"", "host is nowhere; write {host} into `key`, or host = \"/POINTER"),
            ("host = \"\"", "key: it is empty; write it like /{name}/{id}"),
            ("key = \"/{name}/{name}\"\nhost = \"\"", "key: `{name}` stands there twice"),
            ("key = \"/{nam}\"\nhost = \"\"", "key: `{nam}` is unknown; known are {name}, {id}"),
            ("key = \"/{name\"\nhost = \"\"", "key: a `{` without its `}`"),
            ("key = \"/{name}{id}\"\nhost = \"\"", "key: two parts of a segment without a"),
            ("key = \"/a//{name}\"\nhost = \"\"", "key: it has an empty segment"),
            ("key = \"/{name}\"\nhost = \"net\"", "host: `net` is no JSON pointer; write it like"),
            ("key = \"/{name}\"\nhost = \"/a~2\"", "host: `/a~2` is no JSON pointer"),
            ("key = \"/{name}\"\nname = \"/n\"\nhost = \"\"", "name is in the key and in the v"),
            ("key = \"/{name}\"\nhots = \"\"", "TOML parse error"),
        ] {
            let fault = template(text).unwrap_err();
            assert!(fault.starts_with(message), "{text}: {fault}");
        }
    }

    #[test]
    fn parts_between_the_same_characters_are_told_apart() {
        let parts = |key: &str, below: &str| {
            let pattern = Pattern::new(key).unwrap();
            let found = pattern.read(below)?;
            let text = |field| found.get(field).unwrap_or_default().to_owned();
            Some([text(Field::Name), text(Field::Host), text(Field::Port)])
        };
        let found =
            |name: &str, host: &str, port: &str| Some([name, host, port].map(str::to_owned));
        assert_eq!(parts("{name}&*&", "NAME&ANY&"), found("NAME", "", ""));
        assert_eq!(parts("{name}.{host}.{port}", "a.b.c.1"), found("a.b", "c", "1"));
        assert_eq!(parts("a{name}", "axaz"), found("xaz", "", ""));
        assert_eq!(parts("{host}:{port}", "2001:db8::1:80"), found("", "2001:db8::1", "80"));
        for below in ["a&&", "&a&", "a&b", "&&"] {
            assert_eq!(parts("{name}&*&", below), None, "{below}");
        }
    }

    proptest! {
        #[test]
        fn any_key_and_value_are_survived(below in "[a-z/:{}*.]{0,20}", value in ".{0,30}") {
            for text in [WHOLE, "key = \"/*/{name}:{id}\"\nhost = \"\""] {
                let _ = read(&template(text).unwrap(), &below, &value);
            }
        }

        #[test]
        fn any_pattern_is_survived(key in "[a-z/:{}*.]{0,20}|/?\\{name\\}.{0,9}") {
            let written = WrittenTemplate { key, host: Some(String::new()), ..Default::default() };
            if let Ok(template) = Template::new(&written) {
                let example = template.example();
                prop_assert!(template.pattern.read(&example).is_some(), "{example}");
            }
        }
    }
}
