//! Addresses to listen on that are none: what was meant by them, and what to write.

use std::net::{IpAddr, SocketAddr};

/// Why a text is no address with a port, and what to write; the port is the usual one.
pub(super) fn fault(text: &str, port: u16) -> String {
    let (host, digits) = match text.rsplit_once(':') {
        Some((host, digits)) if is_number(digits) => (host, Some(digits)),
        _ => (text, None),
    };
    if text.is_empty() {
        return format!("it is empty; write 127.0.0.1:{port} or [::1]:{port}");
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return format!("it has no port; write {}", SocketAddr::new(address, port));
    }
    if let Some(digits) = digits.filter(|digits| digits.parse::<u16>().is_err()) {
        return format!("the port {digits} is none; write one from 0 to 65535");
    }
    let (host, port) = match digits {
        None if is_number(text) => ("", text.to_owned()),
        _ => (host, digits.map_or_else(|| port.to_string(), str::to_owned)),
    };
    match host {
        "" => format!(
            "it is a port alone; write 127.0.0.1:{port} for this machine, 0.0.0.0:{port} for every \
             address"
        ),
        "*" => format!("write 0.0.0.0:{port} for every address, [::]:{port} for those of IPv6"),
        "localhost" => format!("a host name is no address; write 127.0.0.1:{port} or [::1]:{port}"),
        _ if host.contains("://") => format!("a url is no address; write 127.0.0.1:{port}"),
        _ if host.parse::<IpAddr>().is_ok() => {
            format!("an IPv6 address has brackets before a port; write [{host}]:{port}")
        }
        _ if host.bytes().any(|it| it.is_ascii_alphabetic()) && !host.contains([':', '[', '/']) => {
            format!("a host name is no address; write the address of `{host}`, as 10.0.0.53:{port}")
        }
        _ => format!("it is no IP address with a port; write 127.0.0.1:{port} or [::1]:{port}"),
    }
}

/// Whether a text is digits.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_has_a_remedy() {
        for (text, expected) in [
            (
                "53",
                "it is a port alone; write 127.0.0.1:53 for this machine, 0.0.0.0:53 for every address",
            ),
            (
                ":53",
                "it is a port alone; write 127.0.0.1:53 for this machine, 0.0.0.0:53 for every address",
            ),
            ("127.0.0.1", "it has no port; write 127.0.0.1:5300"),
            ("::1", "it has no port; write [::1]:5300"),
            ("[::1]", "it is no IP address with a port; write 127.0.0.1:5300 or [::1]:5300"),
            ("*:53", "write 0.0.0.0:53 for every address, [::]:53 for those of IPv6"),
            ("localhost", "a host name is no address; write 127.0.0.1:5300 or [::1]:5300"),
            ("localhost:54", "a host name is no address; write 127.0.0.1:54 or [::1]:54"),
            (
                "ns1.example:53",
                "a host name is no address; write the address of `ns1.example`, as 10.0.0.53:53",
            ),
            ("http://a:53", "a url is no address; write 127.0.0.1:53"),
            ("127.0.0.1:70000", "the port 70000 is none; write one from 0 to 65535"),
            (
                "127.0.0.1:dns",
                "it is no IP address with a port; write 127.0.0.1:5300 or [::1]:5300",
            ),
            ("127.0.0.300:53", "it is no IP address with a port; write 127.0.0.1:53 or [::1]:53"),
            ("", "it is empty; write 127.0.0.1:5300 or [::1]:5300"),
        ] {
            assert_eq!(fault(text, 5300), expected, "{text}");
        }
    }
}
