//! Hosts: where an instance listens, and what may be written there.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;

use crate::names::{self, WireName};

/// The host that an instance listens at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// An address: srvd has a name for it (`ADDR.S.Z`).
    Address(IpAddr),
    /// A host name, absolute, in lower case and without its last dot.
    Name(Box<str>),
}

impl Host {
    /// Reads a host: an address, in brackets or bare, or a host name.
    ///
    /// # Errors
    /// One sentence that says what the text is instead.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty, and clients connect to it");
        }
        if text.contains('%') {
            return Err("has a scope id, which means something on one machine only");
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match bare.parse::<IpAddr>() {
            Ok(address) => Self::address(address),
            Err(_) if bare.len() < text.len() => Err("has brackets around what is no IPv6 address"),
            Err(_) => Self::name(text),
        }
    }

    /// An address that can be connected to; IPv4-mapped IPv6 becomes IPv4.
    fn address(address: IpAddr) -> Result<Self, &'static str> {
        let address = address.to_canonical();
        if address.is_unspecified() {
            return Err("is the unspecified address, which nobody can connect to");
        }
        Ok(Self::Address(address))
    }

    /// A host name by RFC 1123 section 2.1: letters, digits and inner hyphens; and `_`, which
    /// containers have in their names, wherever a letter may be. The last label is not all
    /// digits, so that a misspelt address is not taken for a name: but for one number alone
    /// (the id of a container) that is more than 32 bits, and so no spelling of an address.
    fn name(text: &str) -> Result<Self, &'static str> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_number = last.bytes().all(|octet| octet.is_ascii_digit());
        let is_id = last.len() == name.len()
            && last.parse::<u128>().is_ok_and(|number| number > u32::MAX.into());
        if !name.split('.').all(is_host_label) || is_number && !is_id {
            return Err("is neither an address nor a host name (letters, digits, `-`, `_`, `.`)");
        }
        WireName::from_text(name).map_err(|_| "is longer than a domain name can be")?;
        Ok(Self::Name(name.to_ascii_lowercase().into()))
    }
}

/// Whether a label is one of a host name.
fn is_host_label(label: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=names::LABEL_MAX).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Host {
    /// `HOST:PORT`, an IPv6 address in brackets; the host alone without a port.
    #[must_use]
    pub fn location(&self, port: Option<NonZeroU16>) -> String {
        match (self, port) {
            (Self::Address(IpAddr::V6(address)), Some(port)) => format!("[{address}]:{port}"),
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_string(),
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn as_address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Name(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        let address = |text: &str| Ok(Host::Address(text.parse().unwrap()));
        assert_eq!(Host::parse("10.0.0.1"), address("10.0.0.1"));
        assert_eq!(Host::parse("[2001:db8::1]"), address("2001:db8::1"));
        assert_eq!(Host::parse("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_eq!(Host::parse("DB.Example.com."), Ok(Host::Name("db.example.com".into())));
        for name in ["a_b", "project_web_1", "_http._tcp.z", "483920175634", "4294967296"] {
            assert_eq!(Host::parse(name), Ok(Host::Name(name.into())));
        }
        for bad in [
            "",
            "0.0.0.0",
            "::",
            "fe80::1%eth0",
            "10.0.0.256",
            "-a",
            "a..b",
            "[db]",
            "a b",
            "10.483920175634",
            "web.1",
            "4294967295",
            "3232235777",
            "-_",
            "[a_b]",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }
}
