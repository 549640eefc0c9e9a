//! Values, read as Go reads them, in which their writers and their first reader are written.
//!
//! `{"host":"10.0.0.1","port":8080,"priority":10,"weight":100,"text":"…","mail":false,
//! "ttl":60,"targetstrip":1,"group":"g1"}`, every member optional. Names of members are
//! compared without case; of two of one name the last counts; `null` says nothing; members
//! that are not known say nothing. Numbers that no record can carry are faults here, where Go
//! cuts them to 16 bits.

use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::Value;
use crate::names::TTL_MAX;
use crate::registry::Host;
use crate::registry::document::{Fault, Members, shown, text_of};

/// The members that mean something.
const MEMBERS: [&str; 9] =
    ["host", "port", "priority", "weight", "text", "mail", "ttl", "targetstrip", "group"];
/// SRV priority and MX preference where a value says none, or 0.
const DEFAULT_PRIORITY: u16 = 10;
/// SRV weight where a value says none, or 0.
const DEFAULT_WEIGHT: u16 = 100;

impl Value {
    /// Reads a value.
    ///
    /// # Errors
    /// [`Fault`]: what is wrong with it, and what to do.
    pub(super) fn read(value: &[u8]) -> Result<Self, Fault> {
        let text = text_of(value)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let object = json.deserialize_any(Object).and_then(|object| json.end().map(|()| object));
        let object = object.map_err(|error| Fault::NotJson(error.to_string()))?;
        Self::of(&Members::of(&object))
    }

    /// What the members say.
    fn of(members: &Members<'_>) -> Result<Self, Fault> {
        let text = |member| Ok(members.text(member)?.filter(|it| !it.is_empty()).map(Box::from));
        let number =
            |member, default| Ok(members.u16(member)?.filter(|it| *it > 0).unwrap_or(default));
        let ttl = members.number("ttl", TTL_MAX, "a number of seconds from 0 to 2147483647")?;
        let strip = members.number("targetstrip", u32::MAX, "a number of labels, 0 or more")?;
        Ok(Self {
            host: members.text("host")?.filter(|it| !it.is_empty()).map(host).transpose()?,
            port: number("port", 0)?,
            priority: number("priority", DEFAULT_PRIORITY)?,
            weight: number("weight", DEFAULT_WEIGHT)?,
            ttl: ttl.filter(|ttl| *ttl > 0),
            text: text("text")?,
            is_mail: members.read("mail", "true or false", Json::as_bool)?.unwrap_or_default(),
            // No name has so many labels.
            target_strip: strip.map_or(0, |strip| u8::try_from(strip).unwrap_or(u8::MAX)),
            group: text("group")?,
        })
    }
}

/// A host.
fn host(text: &str) -> Result<Host, Fault> {
    Host::parse(text).map_err(|reason| Fault::Host { host: shown(text), reason })
}

/// A reader of the known members of an object, under their own names; `null` has none.
struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Map<String, Json>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Map::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match MEMBERS.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                None => drop(members.next_value::<IgnoredAny>()?),
                Some(known) => {
                    let value: Json = members.next_value()?;
                    if !value.is_null() {
                        object.insert((*known).to_owned(), value);
                    }
                }
            }
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(value: &str) -> String {
        Value::read(value.as_bytes()).unwrap_err().to_string()
    }

    fn read(value: &str) -> Value {
        Value::read(value.as_bytes()).unwrap()
    }

    #[test]
    fn members_are_read_as_go_reads_them() {
        let full = r#"{"host":"10.0.0.1","port":8080,"priority":7,"weight":9,"text":"t","mail":true,"ttl":60,"targetstrip":1,"group":"g"}"#;
        let value = read(full);
        assert_eq!(
            value,
            read(
                &full
                    .to_uppercase()
                    .replace("TRUE", "true")
                    .replace(":\"T\"", ":\"t\"")
                    .replace(":\"G\"", ":\"g\"")
            )
        );
        assert_eq!(value.host, Some(Host::parse("10.0.0.1").unwrap()));
        assert_eq!((value.port, value.priority, value.weight, value.ttl), (8080, 7, 9, Some(60)));
        assert_eq!((value.is_mail, value.target_strip), (true, 1));
        assert_eq!((value.text.as_deref(), value.group.as_deref()), (Some("t"), Some("g")));
        assert_eq!(
            read(r#"{"Host":"a.b","port":1,"HOST":"10.0.0.1","PORT":null,"host":null}"#),
            read(r#"{"host":"10.0.0.1","port":1}"#)
        );
    }

    #[test]
    fn what_says_nothing_is_there() {
        let nothing = read("{}");
        assert_eq!(
            (nothing.port, nothing.priority, nothing.weight, nothing.ttl),
            (0, 10, 100, None)
        );
        assert!(nothing.host.is_none() && nothing.text.is_none() && !nothing.is_mail);
        for value in [
            "null",
            " {}\n",
            "\u{feff}{}",
            r#"{"owner":"x","nested":{"a":[1.5]},"hostname":7}"#,
            r#"{"host":"","port":0,"priority":0,"weight":0,"text":"","mail":false,"ttl":0,"targetstrip":0,"group":""}"#,
        ] {
            assert_eq!(read(value), nothing, "{value}");
        }
    }

    #[test]
    fn hosts_may_be_names_of_services() {
        let host = |host: &str| read(&format!(r#"{{"host":"{host}"}}"#)).host.unwrap().to_string();
        assert_eq!(host("_HTTP._tcp.Web.example."), "_http._tcp.web.example");
        assert_eq!(host("::ffff:10.1.8.1"), "10.1.8.1");
        assert!(fault(r#"{"host":"a b"}"#).starts_with("host `a b` is neither an address nor"));
        assert!(
            fault(r#"{"host":"_"}"#.replace('_', "_..b").as_str()).starts_with("host `_..b` is")
        );
    }

    #[test]
    fn faults_say_what_and_what_instead() {
        for (value, message) in [
            ("", "the value is not JSON: EOF"),
            ("10.0.0.1:80", "the value is not JSON: "),
            ("[]", "the value is not JSON: invalid type: sequence, expected an object"),
            (r#"{"host":"10.1.2.3"} x"#, "the value is not JSON: trailing characters"),
            (r#"{"host":7}"#, "member `host` is 7; it must be a string"),
            (r#"{"weight":1.5}"#, "member `weight` is 1.5; it must be a number from 0 to 65535"),
            (r#"{"port":70000}"#, "member `port` is 70000; it must be a number from 0 to 65535"),
            (r#"{"port":-1}"#, "member `port` is -1;"),
            (r#"{"priority":65546}"#, "member `priority` is 65546;"),
            (r#"{"ttl":4294967295}"#, "member `ttl` is 4294967295; it must be a number of seconds"),
            (r#"{"mail":"yes"}"#, "member `mail` is \"yes\"; it must be true or false"),
            (r#"{"targetstrip":-1}"#, "member `targetstrip` is -1; it must be a number of labels"),
            (r#"{"host":"0.0.0.0"}"#, "host `0.0.0.0` is the unspecified address"),
        ] {
            let fault = fault(value);
            assert!(fault.starts_with(message), "{value}: {fault}");
            let remedy = fault.rsplit_once("; ").map(|(_, remedy)| remedy).unwrap_or_default();
            assert!(["write ", "it must be "].iter().any(|it| remedy.starts_with(it)), "{fault}");
        }
        assert!(matches!(Value::read(b"\xff"), Err(Fault::NotUtf8 { at: 0 })));
        let large = vec![b' '; crate::names::VALUE_MAX + 1];
        assert!(matches!(Value::read(&large), Err(Fault::TooLarge { .. })));
        let deep = format!(r#"{{"host":{}}}"#, "[".repeat(10_000));
        assert!(fault(&deep).contains("recursion limit"));
    }

    proptest! {
        #[test]
        fn any_value_is_survived(value: Vec<u8>) {
            let _ = Value::read(&value);
        }

        #[test]
        fn any_member_is_survived(
            member in prop::sample::select(MEMBERS.to_vec()),
            value in prop::sample::select(vec![
                "7", "-1", "1e9", "1.5", "true", "[]", "{}", "[[]]", "\"\"", "\"a\"", "\".\"",
                "\"_\"", "\"a.\"", "18446744073709551616", "\"\u{0}\"", "null",
            ]),
        ) {
            let _ = Value::read(format!(r#"{{"{member}":{value}}}"#).as_bytes());
        }
    }
}
