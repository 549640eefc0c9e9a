//! Plain locations: `10.0.0.1:8080`, `[2001:db8::1]:8080`, `http://10.0.0.1:8080/path`.
//!
//! | writer | key | value |
//! | --- | --- | --- |
//! | go-kit `sd/etcd`, `sd/etcdv3` | `/services/NAME/INSTANCE` | whatever the program puts there: a url, or `HOST:PORT` |
//! | go-zero | `NAME/LEASEID` | `10.0.0.1:8080` |
//! | empusa | `ROOT/service/TYPE/NAME` | `baz:1235` |
//! | registrator `etcd://` | `PREFIX/NAME/HOST:CONTAINER:PORT` | `10.0.0.1:8080` |
//!
//! registrator ends the id of a UDP port with `:udp` (`node1:dns:53:udp`). A url's scheme is the port's name. The functions here also read the `host` and `url` members of other formats.

use std::num::NonZeroU16;

use super::{Document, Fault, Reading, Shape, shown};
use crate::registry::Host;

/// A host and perhaps a port.
pub(in crate::registry) type HostPort = (Host, Option<NonZeroU16>);

/// Reads a value that is no JSON object.
pub(super) fn read(shape: &Shape<'_>) -> Option<Reading> {
    let Shape::Text(text) = shape else {
        return None;
    };
    let is_location =
        text.contains("://") || text.contains(':') || text.parse::<std::net::IpAddr>().is_ok();
    is_location.then(|| document(text).map(Some))
}

/// Whether an id says that its instance listens on UDP, as registrator writes it:
/// `HOST:CONTAINER:PORT:udp`.
pub(super) fn is_udp(id: &str) -> bool {
    let parts = id.strip_suffix(":udp").map(|rest| rest.rsplitn(3, ':'));
    parts.is_some_and(|mut parts| {
        parts.next().is_some_and(|digits| port(digits).is_ok()) && parts.count() == 2
    })
}

/// The document of a location.
fn document(text: &str) -> Result<Document, Fault> {
    let (scheme, (host, port)) = url(text)?;
    let mut document = Document::at(host, port);
    document.details.protocol = scheme.map(Into::into);
    Ok(document)
}

/// Reads `[SCHEME://][USER@]HOST[:PORT][/PATH][?QUERY]` (RFC 3986 section 3). Only a
/// written port counts: a scheme's default port is not guessed.
pub(in crate::registry) fn url(text: &str) -> Result<(Option<&str>, HostPort), Fault> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        Some((scheme, _)) => {
            let reason = "has a scheme that is not letters, digits, `+`, `-`, `.` (at most 62)";
            return Err(Fault::Host { host: shown(scheme), reason });
        }
        None => (None, text),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    Ok((scheme, host_port(place)?))
}

/// Whether a text is a url's scheme that can be a port name.
pub(super) fn is_scheme(text: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet);
    (1..=crate::names::SERVICE_MAX).contains(&text.len()) && text.bytes().all(inner)
}

/// Reads `HOST[:PORT]`; an IPv6 address with a port stands in brackets.
pub(in crate::registry) fn host_port(text: &str) -> Result<HostPort, Fault> {
    let bare_ipv6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    match text.rsplit_once(':').filter(|(_, port)| !bare_ipv6 && !port.ends_with(']')) {
        Some((name, digits)) => Ok((host(name)?, Some(port(digits)?))),
        None => Ok((host(text)?, None)),
    }
}

/// Reads a host, with the fault of this room.
pub(super) fn host(text: &str) -> Result<Host, Fault> {
    Host::parse(text).map_err(|reason| Fault::Host { host: shown(text), reason })
}

/// Reads a port's decimal digits.
pub(super) fn port(digits: &str) -> Result<NonZeroU16, Fault> {
    let number = digits.bytes().all(|octet| octet.is_ascii_digit()).then(|| digits.parse().ok());
    number.flatten().ok_or_else(|| Fault::Port(shown(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String, Option<u16>) {
        let document = super::super::read(text.as_bytes()).unwrap().unwrap();
        let protocol = document.details.protocol.map(Into::into);
        (protocol, document.host.to_string(), document.port.map(NonZeroU16::get))
    }

    #[test]
    fn go_kit_empusa_and_registrator_values() {
        assert_eq!(parsed("10.0.0.1:8080"), (None, "10.0.0.1".into(), Some(8080)));
        assert_eq!(
            parsed("http://10.0.0.1:8080"),
            (Some("http".into()), "10.0.0.1".into(), Some(8080))
        );
        assert_eq!(parsed("baz:1235\n"), (None, "baz".into(), Some(1235)));
        assert_eq!(parsed("[2001:db8::1]:80"), (None, "2001:db8::1".into(), Some(80)));
        assert_eq!(parsed("2001:db8::1"), (None, "2001:db8::1".into(), None));
        assert_eq!(parsed("grpc://u@db.example:9000/p?q=1#f").1, "db.example");
        assert_eq!(parsed("http://[::1]/x"), (Some("http".into()), "::1".into(), None));
    }

    #[test]
    fn registrators_ids_say_the_transport() {
        use crate::registry::{KeyParts, Proto};
        let proto = |id: &str, value: &str| {
            let place = KeyParts { name: "dns", id, is_rooted: false };
            super::super::read_at(place, value.as_bytes()).unwrap().unwrap().proto
        };
        for (id, expected) in [
            ("node1:dns:53:udp", Proto::Udp),
            ("a.b:x:y:dns:53:udp", Proto::Udp),
            ("node1:dns:53", Proto::Tcp),
            ("node1:dns:53:tcp", Proto::Tcp),
            ("dns:53:udp", Proto::Tcp),
            ("node1:dns:x:udp", Proto::Tcp),
            ("udp", Proto::Tcp),
        ] {
            assert_eq!(proto(id, "10.0.0.1:53"), expected, "{id}");
        }
        let said = r#"{"host":"10.0.0.1:53","proto":"tcp"}"#;
        assert_eq!(proto("node1:dns:53:udp", said), Proto::Tcp);
    }

    #[test]
    fn bad_locations_say_why() {
        for (value, message) in [
            (":8080", "host `` is empty"),
            ("10.0.0.1:0", "port `0` is not a number from 1 to 65535"),
            ("10.0.0.1:70000", "port `70000` is not a number from 1 to 65535"),
            ("10.0.0.1:+80", "port `+80` is not a number from 1 to 65535"),
            (
                "0.0.0.0:80",
                "host `0.0.0.0` is the unspecified address, which nobody can connect to",
            ),
            ("word", "the value is neither a JSON object"),
        ] {
            let fault = super::super::read(value.as_bytes()).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
    }
}
