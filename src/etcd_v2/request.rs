//! Requests about keys: what their parameters say, checked in etcd's order.

use std::collections::HashMap;

use axum::http::Method;

use super::fault::{Code, KeysFault};
use super::path::NodePath;
use crate::names::bad_escape;

/// Parameters of one request that are read: there are twelve, and some may stand in the query
/// and in the form.
const PARAMETERS_MAX: usize = 64;
/// Octets of a value: the registry takes no larger ones.
pub(super) const VALUE_OCTETS_MAX: usize = 64 << 10;
/// The longest TTL in seconds: that of a lease of etcd.
const TTL_MAX: u64 = 9_000_000_000;

/// The parameters of a request about a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyRequest {
    /// The node.
    pub(super) path: NodePath,
    /// What is to be written.
    pub(super) value: String,
    /// After how many seconds the node ends.
    pub(super) ttl: Option<u64>,
    /// Whether the value stays, and nobody is told.
    pub(super) refresh: bool,
    /// Whether the node is a directory.
    pub(super) dir: bool,
    /// Whether the node must be there, or must not.
    pub(super) prev_exist: Option<bool>,
    /// The value that it must have; any when empty.
    pub(super) prev_value: String,
    /// The index that it must have; any when 0.
    pub(super) prev_index: u64,
    /// Whether all below is meant.
    pub(super) recursive: bool,
    /// Whether the reply waits for a change.
    pub(super) wait: bool,
    /// The first index whose change is waited for; the next one when 0.
    pub(super) wait_index: u64,
    /// Whether all further changes follow.
    pub(super) stream: bool,
    /// Whether the reply to a write is short.
    pub(super) no_value: bool,
}

/// The parameters, each as it came first.
struct Form(HashMap<String, String>);

impl KeyRequest {
    /// Reads a request; what stands in the body goes before what stands in the query.
    ///
    /// # Errors
    /// [`KeysFault`]: what is wrong.
    pub(super) fn read(
        method: &Method,
        path: NodePath,
        query: &str,
        body: &[u8],
    ) -> Result<Self, KeysFault> {
        let form = Form::read(query, body)?;
        let (prev_index, wait_index) = (form.index("prevIndex")?, form.index("waitIndex")?);
        let mut read = Self { path, prev_index, wait_index, ..Self::default() };
        read.take_flags(&form)?;
        if read.wait && method != Method::GET {
            return Err(invalid(r#""wait" can only be used with GET requests"#));
        }
        read.take_conditions(&form)?;
        read.take_value(&form)?;
        Ok(read)
    }

    /// Takes what is on or off. Lists are sorted, and reads have a quorum, either way.
    fn take_flags(&mut self, form: &Form) -> Result<(), KeysFault> {
        self.recursive = form.truth("recursive")?;
        form.truth("sorted")?;
        self.wait = form.truth("wait")?;
        self.dir = form.truth("dir")?;
        form.truth("quorum")?;
        self.stream = form.truth("stream")?;
        Ok(())
    }

    /// Takes what the node must be like, and how it ends.
    fn take_conditions(&mut self, form: &Form) -> Result<(), KeysFault> {
        self.prev_value = form.text("prevValue");
        if form.has("prevValue") && self.prev_value.is_empty() {
            let cause = r#""prevValue" cannot be empty"#;
            return Err(KeysFault::of_request(Code::PrevValueRequired, cause));
        }
        self.no_value = form.truth("noValueOnSuccess")?;
        self.ttl = form.ttl()?;
        self.prev_exist = form.choice("prevExist")?;
        Ok(())
    }

    /// Takes what is written: a value, or a renewal.
    fn take_value(&mut self, form: &Form) -> Result<(), KeysFault> {
        self.refresh = form.choice("refresh")?.unwrap_or_default();
        self.value = form.text("value");
        check_refresh(self.refresh, &self.value, self.ttl)?;
        check_value(&self.value)
    }

    /// Whether the node must be as it was.
    pub(super) const fn compares(&self) -> bool {
        self.prev_index > 0 || !self.prev_value.is_empty()
    }
}

/// A renewal has a TTL and no value.
fn check_refresh(refresh: bool, value: &str, ttl: Option<u64>) -> Result<(), KeysFault> {
    if refresh && !value.is_empty() {
        return Err(KeysFault::of_request(Code::RefreshValue, "A value was provided on a refresh"));
    }
    if refresh && ttl.is_none() {
        return Err(KeysFault::of_request(Code::RefreshTtlRequired, "No TTL value set"));
    }
    Ok(())
}

/// A value fits the registry.
fn check_value(value: &str) -> Result<(), KeysFault> {
    if value.len() > VALUE_OCTETS_MAX {
        let cause = format!("a value has at most {VALUE_OCTETS_MAX} octets; write less");
        return Err(KeysFault::of_request(Code::LargeValue, cause));
    }
    Ok(())
}

/// A parameter that cannot be.
fn invalid(cause: impl Into<String>) -> KeysFault {
    KeysFault::of_request(Code::InvalidField, cause)
}

impl Form {
    /// Reads the form and the query.
    fn read(query: &str, body: &[u8]) -> Result<Self, KeysFault> {
        let mut read = HashMap::new();
        for part in [body, query.as_bytes()] {
            if let Some(escape) = bad_escape(part) {
                let cause = format!("invalid URL escape \"{escape}\"");
                return Err(KeysFault::of_request(Code::InvalidForm, cause));
            }
            for (name, value) in form_urlencoded::parse(part).take(PARAMETERS_MAX) {
                read.entry(name.into_owned()).or_insert_with(|| value.into_owned());
            }
        }
        Ok(Self(read))
    }

    /// Whether a parameter is there.
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of a parameter; empty where it is not there.
    fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// An index; 0 where it is not there.
    fn index(&self, name: &str) -> Result<u64, KeysFault> {
        let Some(text) = self.0.get(name) else { return Ok(0) };
        let fault =
            || KeysFault::of_request(Code::IndexNaN, format!("invalid value for \"{name}\""));
        number(text).ok_or_else(fault)
    }

    /// The TTL; an empty one is none.
    fn ttl(&self) -> Result<Option<u64>, KeysFault> {
        let text = self.text("ttl");
        if text.is_empty() {
            return Ok(None);
        }
        let ttl = number(&text).filter(|ttl| *ttl <= TTL_MAX);
        let fault = || KeysFault::of_request(Code::TtlNaN, r#"invalid value for "ttl""#);
        ttl.map(Some).ok_or_else(fault)
    }

    /// A truth value; false where it is not there.
    fn truth(&self, name: &str) -> Result<bool, KeysFault> {
        let Some(text) = self.0.get(name) else { return Ok(false) };
        truth(text).ok_or_else(|| invalid(format!("invalid value for \"{name}\"")))
    }

    /// A truth value that may be left out.
    fn choice(&self, name: &str) -> Result<Option<bool>, KeysFault> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        truth(text).map(Some).ok_or_else(|| invalid(format!("invalid value for {name}")))
    }
}

/// A number as Go reads it: digits alone.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A truth value as Go reads it.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &Method, query: &str, body: &str) -> Result<KeyRequest, KeysFault> {
        KeyRequest::read(method, NodePath::of("/a").unwrap(), query, body.as_bytes())
    }

    #[test]
    fn parameters_come_from_the_form_before_the_query() {
        let read = read(&Method::PUT, "ttl=5&dir=1&value=q", "value=b+%C3%A4&ttl=").unwrap();
        assert_eq!((&*read.value, read.ttl, read.dir), ("b ä", None, true));
    }

    #[test]
    fn wrong_parameters_are_told_as_etcd_tells_them() {
        for (form, code, cause) in [
            ("prevIndex=x", Code::IndexNaN, r#"invalid value for "prevIndex""#),
            ("waitIndex=-1", Code::IndexNaN, r#"invalid value for "waitIndex""#),
            ("recursive=yes", Code::InvalidField, r#"invalid value for "recursive""#),
            ("dir=", Code::InvalidField, r#"invalid value for "dir""#),
            ("wait=true", Code::InvalidField, r#""wait" can only be used with GET requests"#),
            ("prevValue=", Code::PrevValueRequired, r#""prevValue" cannot be empty"#),
            ("ttl=1s", Code::TtlNaN, r#"invalid value for "ttl""#),
            ("prevExist=maybe", Code::InvalidField, "invalid value for prevExist"),
            ("refresh=true&value=x&ttl=1", Code::RefreshValue, "A value was provided on a refresh"),
            ("refresh=true", Code::RefreshTtlRequired, "No TTL value set"),
            ("value=%zz", Code::InvalidForm, r#"invalid URL escape "%zz""#),
        ] {
            let fault = read(&Method::PUT, "", form).unwrap_err();
            assert_eq!((fault.code, &*fault.cause, fault.index), (code, cause, 0), "{form}");
        }
        let long = format!("value={}", "x".repeat(VALUE_OCTETS_MAX + 1));
        assert_eq!(read(&Method::PUT, "", &long).unwrap_err().code, Code::LargeValue);
    }

    proptest::proptest! {
        #[test]
        fn any_form_is_survived(query: String, body: Vec<u8>) {
            let _ = KeyRequest::read(&Method::PUT, NodePath::default(), &query, &body);
        }
    }
}
