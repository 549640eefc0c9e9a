//! rpcx (`rpcx-etcd`), whose instances say where they are in the key.
//!
//! `weight=10&group=a&state=inactive`, or nothing, at `BASE/NAME/tcp@10.0.0.1:8972`
//! (`quic@…`, `kcp@…`). The scheme is the port's name, `group` a tag; what is inactive is not
//! there. What a server reports of its load changes every minute, and is left out. `BASE` and
//! `BASE/NAME` are keys as well, which mark directories.

use super::{Details, Document, Fault, Reading, location, shown};
use crate::names::{SERVICE_MAX, form_decoded};
use crate::registry::Proto;

/// The schemes that run over UDP.
const OVER_UDP: [&str; 3] = ["quic", "kcp", "udp"];
/// What a server says of its load.
const LOAD: [&str; 3] = ["calls", "connections", "tps"];
/// Pairs that are read: more than any program has to say.
const PAIRS_MAX: usize = 64;
/// What a weight must be.
const WEIGHT_WANTED: &str = "a number from 0 to 65535";
/// What a group must be: it becomes a name of its own.
const GROUP_WANTED: &str = "at most 62 characters, for it becomes a DNS label";

/// Reads a value whose key says where the instance is: one that says nothing, or pairs.
pub(super) fn read(id: &str, text: &str) -> Option<Reading> {
    let (scheme, place) = id.split_once('@')?;
    let is_one = text.is_empty() || text.contains('=') && !text.starts_with('{');
    (is_one && !text.contains("://") && location::is_scheme(scheme))
        .then(|| reading(scheme, place, text))
}

/// The document of a key and its pairs, unless they say that the instance is inactive.
fn reading(scheme: &str, place: &str, text: &str) -> Reading {
    let (host, port) = location::host_port(place)?;
    let mut document = Document::at(host, port);
    if OVER_UDP.iter().any(|it| it.eq_ignore_ascii_case(scheme)) {
        document.proto = Proto::Udp;
    }
    let (mut meta, mut tags) = (Vec::new(), Vec::new());
    for (name, value) in pairs(text)? {
        match &*name {
            "state" if value == "inactive" => return Ok(None),
            "weight" => document.weight = weight(&value)?,
            "group" if !value.is_empty() => tags.push(group(&value)?),
            name if LOAD.contains(&name) => (),
            name => meta.push((name.into(), value.into())),
        }
    }
    let (protocol, meta) = (Some(scheme.into()), meta.into_iter().collect());
    document.details = Details { protocol, meta, tags: tags.into(), ..Details::default() };
    Ok(Some(document))
}

/// The pairs of a value, without their escapes.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Fault> {
    let pairs = text.split('&').filter(|it| !it.is_empty()).take(PAIRS_MAX).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |it: &str| form_decoded(it).ok_or_else(|| Fault::Escape(shown(it)));
        Ok((decoded(name)?, decoded(value)?))
    });
    pairs.collect()
}

/// A weight.
fn weight(text: &str) -> Result<u16, Fault> {
    text.parse().map_err(|_| Fault::at("weight", text, WEIGHT_WANTED))
}

/// A group, which is a tag here.
fn group(text: &str) -> Result<Box<str>, Fault> {
    if text.chars().count() > SERVICE_MAX {
        return Err(Fault::at("group", text, GROUP_WANTED));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Instance, KeyParts};

    fn parse(id: &str, value: &str) -> Result<Option<Instance>, Fault> {
        let place = KeyParts { name: "arith", id, is_rooted: false };
        super::super::read_at(place, value.as_bytes())
    }

    #[test]
    fn an_instance_as_rpcx_writes_it() {
        let one = parse("tcp@10.0.0.1:8972", "").unwrap().unwrap();
        assert_eq!((one.location(), one.protocol()), ("10.0.0.1:8972".into(), Some("tcp")));
        assert_eq!((one.proto, one.weight), (Proto::Tcp, 1));
        let value = "calls=0.00&connections=2&group=blue&weight=10&zone=a%2Fb+c&flag";
        let one = parse("quic@[2001:db8::1]:8972", value).unwrap().unwrap();
        assert_eq!((one.proto, one.weight, one.protocol()), (Proto::Udp, 10, Some("quic")));
        let details = one.details.unwrap();
        assert_eq!(details.meta.iter().collect::<Vec<_>>(), [("flag", ""), ("zone", "a/b c")]);
        assert_eq!(&*details.tags, ["blue".into()]);
    }

    #[test]
    fn what_is_inactive_is_not_there_and_other_values_are_read_as_ever() {
        assert_eq!(parse("tcp@10.0.0.1:8972", "group=a&state=inactive"), Ok(None));
        let one = parse("tcp@10.0.0.1:8972", "10.0.0.2:1").unwrap().unwrap();
        assert_eq!(one.location(), "10.0.0.2:1");
        let one = parse("a@b", r#"{"host":"10.0.0.2:1"}"#).unwrap().unwrap();
        assert_eq!((one.location(), one.protocol()), ("10.0.0.2:1".into(), None));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let long = format!("group={}", "g".repeat(63));
        for (id, value, message) in [
            ("tcp@:8972", "", "host `` is empty"),
            ("tcp@10.0.0.1:x", "", "port `x` is not a number from 1 to 65535"),
            ("tcp@[::]:1", "a=b", "host `[::]` is the unspecified address"),
            ("tcp@a:1", "weight=x", "`weight` is x; it must be a number from 0 to 65535"),
            ("tcp@a:1", "weight=65536", "`weight` is 65536; it must be a number"),
            ("tcp@a:1", "a=%zz", "`%zz` has a bad percent escape; write %25 for a percent"),
            ("tcp@a:1", &long, "`group` is ggg"),
            ("tcp@a:1", "word", "the value is neither a JSON object"),
        ] {
            let fault = parse(id, value).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{id} {value}: {fault}");
        }
    }
}
