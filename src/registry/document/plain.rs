//! Programs that say where they are by a member `addr` or `ip`.
//!
//! `{"Addr":"10.0.0.1:80"}`, `{"IP":"10.0.0.1","Port":80}`, `{"URL":"http://10.0.0.1:80"}`: a
//! struct that Go wrote without names of its own, or one like it. It is read as a native
//! document that says `host`, `hostname` or `url`, and only where nobody else knows it.

use serde_json::{Map, Value};

use super::{Reading, Shape, native};

/// What stands for a native member.
const MEANINGS: [(&str, &str); 2] = [("addr", "host"), ("ip", "hostname")];

/// Reads an object that has such a member.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let members = shape.members()?;
    if !MEANINGS.iter().any(|(member, _)| members.get(member).is_some()) {
        return None;
    }
    let renamed: Map<String, Value> =
        members.0.iter().map(|(name, value)| (meaning(name).to_owned(), value.clone())).collect();
    native::read(&Shape::Object(renamed))
}

/// The native name of a member.
fn meaning(name: &str) -> &str {
    MEANINGS.iter().find(|(member, _)| *member == name).map_or(name, |(_, native)| native)
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn members_of_any_case_say_where_it_is() {
        for (value, location) in [
            (r#"{"addr":"10.0.0.1:80"}"#, "10.0.0.1:80"),
            (r#"{"IP":"10.0.0.1","Port":80}"#, "10.0.0.1:80"),
            (r#"{"ip":"10.0.0.1","port":"81"}"#, "10.0.0.1:81"),
            (r#"{"Host":"a.b","Port":1,"Weight":7}"#, "a.b:1"),
            (r#"{"HostName":"a.b","PORT":2}"#, "a.b:2"),
            (r#"{"URL":"http://10.0.0.1:80/x"}"#, "10.0.0.1:80"),
            (r#"{"Address":"10.0.0.1:80"}"#, "10.0.0.1:80"),
            (r#"{"ADDR":"[2001:db8::1]:80","IP":null}"#, "[2001:db8::1]:80"),
            (r#"{"Nodes":[{"address":"10.0.0.1:80"}]}"#, "10.0.0.1:80"),
            (r#"{"Endpoints":["grpc://10.0.0.1:80"]}"#, "10.0.0.1:80"),
        ] {
            let document = read(value.as_bytes()).unwrap().unwrap();
            assert_eq!(document.host.location(document.port), location, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (value, message) in [
            (r#"{"IP":7}"#, "member `hostname` is 7; it must be a string"),
            (r#"{"IP":"10.0.0.1","Port":0}"#, "member `port` is 0; it must be a number from 1"),
            (r#"{"addr":""}"#, "host `` is empty"),
            (r#"{"Ip":null,"Port":80}"#, "the value is neither a JSON object"),
        ] {
            let fault = read(value.as_bytes()).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
    }
}
