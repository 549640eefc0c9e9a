//! dubbo-go's interface registry: `INTERFACE/providers/URL` below `/dubbo`, the url escaped
//! and the value empty.
//!
//! `tri://10.0.0.1:20000/com.foo.Greeter?group=g&interface=com.foo.Greeter&version=1.0.0&…`.
//! The scheme is the port's name; `group` is a tag, `version` the version; the other parameters
//! are Dubbo's, and say nothing here. What takes no calls (`disabled=true`) is not there. Beside
//! `providers` there are `consumers`, `configurators` and `routers`, which are no instances.
//! Several providers at one place differ in version and group, and so do their ids.

use super::{KeyPath, Reading, Said};
use crate::names::{SERVICE_MAX, form_decoded};
use crate::registry::document::{self, CALLS_WEIGHT, Document};
use crate::registry::{KeyFault, Problem};

/// What stands between an interface and a url; the first has instances.
const CATEGORIES: [&str; 4] = ["providers", "consumers", "configurators", "routers"];
/// What the url must be, in words.
const URL_WANTED: &str =
    "url of a provider, such as tri%3A%2F%2F10.0.0.1%3A20000%2Fcom.foo.Greeter";

/// The parameters of a provider's url that are read.
#[derive(Default)]
struct Parameters {
    /// The version.
    version: Option<String>,
    /// The group.
    group: Option<String>,
    /// The weight.
    weight: Option<u16>,
    /// Whether it takes no calls.
    is_disabled: bool,
}

/// Whether an id is a directory of Dubbo's.
pub(super) fn is_category(id: &str) -> bool {
    CATEGORIES.contains(&id)
}

/// Reads a key that ends in an escaped url.
pub(super) fn read(path: KeyPath<'_>, _value: &[u8]) -> Option<Reading> {
    let [interface, category, url] = path.segments()?;
    if !is_category(category) || !(url.contains('%') || path.is_certain) {
        return None;
    }
    Some(if category == CATEGORIES[0] { provider(path, interface, url) } else { Ok(Said::Nothing) })
}

/// The provider of a url.
fn provider(path: KeyPath<'_>, interface: &str, url: &str) -> Reading {
    let (interface, url) = (decoded(interface)?, decoded(url)?);
    let (place, query) = url.split_once('?').unwrap_or((&url, ""));
    let (Some(scheme), (host, port)) = document::url(place).map_err(Problem::from)? else {
        return Err(segment(&url).into());
    };
    let parameters = Parameters::of(query)?;
    if parameters.is_disabled {
        return Ok(Said::Nothing);
    }
    let mut id = host.location(port);
    for part in [&parameters.group, &parameters.version].into_iter().flatten() {
        id = format!("{id}:{part}");
    }
    let mut document = Document::at(host, port);
    document.weight = parameters.weight.unwrap_or(CALLS_WEIGHT);
    document.details.protocol = Some(scheme.into());
    document.details.version = parameters.version.map(Into::into);
    document.details.tags = parameters.group.map(Into::into).into_iter().collect();
    path.instance(&interface, &id, document).map(Said::one)
}

impl Parameters {
    /// Those of a query; of two of one name the last counts.
    fn of(query: &str) -> Result<Self, Problem> {
        let mut found = Self::default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "version" => found.version = Some(value.to_owned()),
                "group" => found.group = Some(label(value)?),
                "weight" => found.weight = Some(weight(value)?),
                "disabled" => found.is_disabled = value == "true",
                "enabled" => found.is_disabled = value == "false",
                _ => (),
            }
        }
        Ok(found)
    }
}

/// A segment without its escapes, in which `+` is a space.
fn decoded(segment: &str) -> Result<String, Problem> {
    form_decoded(segment).ok_or_else(|| KeyFault::Escape(document::shown(segment)).into())
}

/// A group, which is a tag here.
fn label(text: &str) -> Result<String, Problem> {
    let fits = text.chars().count() <= SERVICE_MAX;
    let wanted = "group of at most 62 characters, which is what fits a DNS label";
    fits.then(|| text.to_owned())
        .ok_or_else(|| KeyFault::Segment { found: document::shown(text), wanted }.into())
}

/// A weight.
fn weight(text: &str) -> Result<u16, Problem> {
    let wanted = "weight, a number from 0 to 65535";
    text.parse().map_err(|_| KeyFault::Segment { found: document::shown(text), wanted }.into())
}

/// The fault of what is no url.
fn segment(url: &str) -> KeyFault {
    KeyFault::Segment { found: document::shown(url), wanted: URL_WANTED }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{instances, said};
    use super::*;
    use crate::registry::Layout;

    /// As dubbo-go escapes it.
    const URL: &str = "tri%3A%2F%2F10.0.0.1%3A20000%2Fcom.foo.Greeter%3Fanyhost%3Dtrue%26application%3Dgreet%26group%3Dblue%26interface%3Dcom.foo.Greeter%26methods%3DSayHello%2CSayBye%26pid%3D7%26version%3D1.0.0";

    #[test]
    fn a_provider_as_dubbo_go_writes_it() {
        let path = format!("com.foo.Greeter/providers/{URL}");
        let [one] = &instances(&path, "")[..] else { panic!("one") };
        assert_eq!((&*one.name, &*one.location()), ("com.foo.Greeter", "10.0.0.1:20000"));
        assert_eq!((one.protocol(), one.version(), one.weight), (Some("tri"), Some("1.0.0"), 100));
        assert_eq!(one.raw_id(), "10.0.0.1:20000:blue:1.0.0");
        assert_eq!(one.selectors().collect::<Vec<_>>(), ["blue", "1.0.0"]);
        let layout = Layout::new("/s", None).unwrap();
        assert_eq!(layout.key_of(one), format!("/s/{path}"));
        assert_eq!(layout.check_key_of(one), Ok(()));
    }

    #[test]
    fn a_provider_that_says_only_where_it_is() {
        let path = "a%24b/providers/dubbo%3a%2f%2f%5B2001%3Adb8%3A%3A1%5D%3A1%2Fa%3Fweight%3D7%26version%3D";
        let [one] = &instances(path, "")[..] else { panic!("one") };
        assert_eq!((&*one.name, one.raw_id(), one.weight), ("a$b", "[2001:db8::1]:1", 7));
    }

    #[test]
    fn what_is_no_provider_says_nothing() {
        for category in &CATEGORIES[1..] {
            let said = said(&format!("com.foo.Greeter/{category}/{URL}"), "");
            assert_eq!(said, Some(Ok(Said::Nothing)), "{category}");
        }
        let disabled = "x/providers/tri%3A%2F%2F10.0.0.1%3A1%2Fx%3Fdisabled%3Dtrue";
        assert_eq!(said(disabled, ""), Some(Ok(Said::Nothing)));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (url, message) in [
            ("tri%3A%2F%2F10.0.0.1%zz", "the key's `tri%3A%2F%2F10.0.0.1%zz` has a bad percent"),
            ("tri%ff", "the key's `tri%ff` has a bad percent escape; write %25 for"),
            ("10.0.0.1%3A1", "the key's `10.0.0.1:1` is no url of a provider, such as tri%3A%2F"),
            ("tri%3A%2F%2F%3A1", "host `` is empty"),
            ("tri%3A%2F%2F10.0.0.1%3A0", "port `0` is not a number from 1 to 65535"),
            ("tri%3A%2F%2F0.0.0.0%3A1", "host `0.0.0.0` is the unspecified address"),
            ("a%3A%2F%2Fb%3Fweight%3Dx", "the key's `x` is no weight, a number from 0 to 65535"),
        ] {
            let fault = said(&format!("com.foo.Greeter/providers/{url}"), "").unwrap().unwrap_err();
            assert!(fault.starts_with(message), "{url}: {fault}");
        }
        let long = format!("{}/providers/{URL}", "n".repeat(63));
        let fault = said(&long, "").unwrap().unwrap_err();
        assert!(fault.starts_with("the name has 63 octets, at most 62 fit"), "{fault}");
    }
}
