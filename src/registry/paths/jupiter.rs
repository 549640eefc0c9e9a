//! jupiter and ego: `NAME/providers/SCHEME://HOST:PORT` with the value that `document/jupiter`
//! reads. Beside `providers` there are `configurators` and others, which are no instances.

use super::{KeyPath, Reading, Said};
use crate::registry::document;
use crate::registry::{KeyFault, KeyParts, Problem};

/// What stands between a name and a url where it is an instance's.
const PROVIDERS: &str = "providers";
/// What the url must be, in words.
const URL_WANTED: &str = "url of an instance, such as grpc://10.0.0.1:9091";
/// What else may stand there.
const OTHERS: [&str; 3] = ["configurators", "configurator", "consumers"];

/// Reads a key that ends in a url.
pub(super) fn read(path: KeyPath<'_>, value: &[u8]) -> Option<Reading> {
    let (name, rest) = path.text.split_once('/')?;
    let (category, url) = rest.split_once('/')?;
    let place = url.split_once("://").map(|(_, place)| place);
    if name.is_empty() || place.is_none() && !path.is_certain {
        return None;
    }
    if OTHERS.contains(&category) {
        return Some(Ok(Said::Nothing));
    }
    let no_url = || KeyFault::Segment { found: document::shown(url), wanted: URL_WANTED };
    (category == PROVIDERS).then(|| match place {
        Some(place) => provider(path, (name, place, url), value),
        None => Err(no_url().into()),
    })
}

/// The provider of a key: where it is, the value says; a value that says nothing leaves it to
/// the key.
fn provider(path: KeyPath<'_>, (name, id, url): (&str, &str, &str), value: &[u8]) -> Reading {
    let value = if value.trim_ascii().is_empty() { url.as_bytes() } else { value };
    // Checked before the value: whatever it says, this is no key.
    KeyParts::new(name.as_bytes(), id.as_bytes(), false)?;
    match document::read(value).map_err(Problem::from)? {
        Some(document) => path.instance(name, id, document).map(Said::one),
        None => Ok(Said::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{instances, said};
    use super::*;

    #[test]
    fn a_provider_as_both_write_it() {
        let value = r#"{"name":"main","scheme":"grpc","address":"10.0.0.1:9091","weight":20,"enable":true,"healthy":true,"metadata":{}}"#;
        let path = "main/providers/grpc://10.0.0.1:9091";
        let [one] = &instances(path, value)[..] else { panic!("one") };
        assert_eq!((&*one.name, one.raw_id(), one.weight), ("main", "10.0.0.1:9091", 20));
        assert_eq!((one.protocol(), one.path()), (Some("grpc"), Some(path)));
        let [one] = &instances(path, "")[..] else { panic!("one") };
        assert_eq!((one.location(), one.protocol()), ("10.0.0.1:9091".into(), Some("grpc")));
    }

    #[test]
    fn what_takes_no_calls_or_is_no_provider_says_nothing() {
        let value = r#"{"scheme":"grpc","address":"10.0.0.1:9091","enable":false}"#;
        let path = "main/providers/grpc://10.0.0.1:9091";
        assert_eq!(said(path, value), Some(Ok(Said::Nothing)));
        assert_eq!(said("main/configurators/grpc:///routes/1", "{}"), Some(Ok(Said::Nothing)));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (value, message) in [
            ("{", "the value is not JSON: EOF while parsing"),
            (r#"{"name":"main"}"#, "the value is neither a JSON object"),
            (r#"{"scheme":"x","address":":1"}"#, "member `address`: host `` is empty"),
        ] {
            let fault = said("main/providers/x://10.0.0.1:1", value).unwrap().unwrap_err();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
    }
}
