//! The connection string:
//! `SCHEME://HOST[:PORT][,HOST[:PORT]…][/NAMESPACE][?OPTION=VALUE&…]`, or
//! `etcd+srv://DOMAIN[/NAMESPACE][?OPTION=VALUE&…]`, whose members are found by DNS.

mod fault;
mod scheme;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::names::{DEFAULT_PREFIX, DEFAULT_REFRESH, DEFAULT_TIMEOUT, ETCD_PORT, percent_decoded};

use super::{Host, Layout};

use self::scheme::{Scheme, scheme, with_one_scheme};

pub use self::fault::UrlFault;

/// Endpoints one string may name. etcd itself advises at most seven members.
const ENDPOINTS_MAX: usize = 32;
/// The shortest refresh of the member list: each costs every endpoint a call.
const REFRESH_MIN: Duration = Duration::from_secs(1);
/// The shortest and longest time one call may be given.
const TIMEOUT_RANGE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// The URL of a registry, and the part of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryUrl {
    /// Whether to speak TLS (`https`). Of members that are found by DNS, DNS says it.
    pub tls: bool,
    /// The endpoints, in the order they are written; at least one, but where DNS finds them.
    pub endpoints: Vec<Endpoint>,
    /// The domain whose SRV records name the members (`etcd+srv`).
    pub domain: Option<MemberDomain>,
    /// The namespace below the prefix.
    pub namespace: Option<String>,
    /// The prefix of all keys.
    pub prefix: String,
    /// How long one call to one endpoint may take.
    pub timeout: Duration,
    /// How often the member list is read; `None` turns it off.
    pub refresh: Option<Duration>,
}

/// A domain whose SRV records name etcd's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDomain {
    /// The domain, without its last dot.
    pub name: String,
    /// The name server that is asked; those of the system where none is named.
    pub resolver: Option<SocketAddr>,
}

/// One etcd endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The host, an IPv6 address in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl RegistryUrl {
    /// The keys meant by its prefix and namespace.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::new(&self.prefix, self.namespace.as_deref()).expect("checked when it was read")
    }

    /// The addresses to connect to, in order.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let scheme = if self.tls { "https" } else { "http" };
        self.endpoints.iter().map(|endpoint| format!("{scheme}://{endpoint}")).collect()
    }

    /// Whether every endpoint is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.domain.is_none()
            && self.endpoints.iter().all(|endpoint| match Host::parse(&endpoint.host) {
                Ok(Host::Address(address)) => address.is_loopback(),
                _ => endpoint.host == "localhost",
            })
    }

    /// A url, as it was written or meant to be, without its user and password.
    #[must_use]
    pub fn masked(text: &str) -> String {
        let Some((before, place)) = text.rsplit_once('@') else { return text.to_owned() };
        let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
        let separator = if scheme.is_empty() { "" } else { "://" };
        format!("{scheme}{separator}***@{place}")
    }

    /// Reads the options behind the `?`.
    fn set_options(&mut self, query: &str) -> Result<(), UrlFault> {
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (option, value) =
                pair.split_once('=').ok_or_else(|| UrlFault::NoValue(pair.to_owned()))?;
            if seen.contains(&option) {
                return Err(UrlFault::OptionTwice(option.to_owned()));
            }
            seen.push(option);
            self.set_option(option, &unescape(value)?)?;
        }
        Ok(())
    }

    /// Sets one option.
    fn set_option(&mut self, option: &str, value: &str) -> Result<(), UrlFault> {
        match option {
            "prefix" => value.clone_into(&mut self.prefix),
            "timeout" => self.timeout = timeout(value)?,
            "refresh" => self.refresh = refresh(value)?,
            "resolver" => {
                let domain = self.domain.as_mut().ok_or(UrlFault::ResolverUnused)?;
                domain.resolver = Some(resolver(value)?);
            }
            _ => return Err(UrlFault::UnknownOption(option.to_owned())),
        }
        Ok(())
    }
}

impl FromStr for RegistryUrl {
    type Err = UrlFault;

    fn from_str(text: &str) -> Result<Self, UrlFault> {
        let (scheme, rest) = scheme(text.trim())?;
        // Looked for before all else: a password may hold any other character, and no
        // other fault must repeat a part of it.
        if rest.contains('@') {
            return Err(UrlFault::Credentials);
        }
        if rest.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = &with_one_scheme(scheme, place)?;
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let namespace = unescape(path.strip_suffix('/').unwrap_or(path))?;
        let is_domain = scheme == Scheme::Domain;
        let mut url = Self {
            tls: scheme == Scheme::Https,
            endpoints: if is_domain { Vec::new() } else { endpoints(hosts)? },
            domain: is_domain.then(|| member_domain(hosts)).transpose()?,
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
            prefix: DEFAULT_PREFIX.to_owned(),
            timeout: DEFAULT_TIMEOUT,
            refresh: Some(DEFAULT_REFRESH),
        };
        url.set_options(query)?;
        Layout::new(&url.prefix, url.namespace.as_deref())?;
        Ok(url)
    }
}

/// Reads the domain whose members DNS knows.
fn member_domain(text: &str) -> Result<MemberDomain, UrlFault> {
    let fault = || UrlFault::Domain(text.to_owned());
    match Host::parse(text) {
        Ok(Host::Name(name)) => Ok(MemberDomain { name: name.into(), resolver: None }),
        _ => Err(fault()),
    }
}

/// The `resolver` option.
fn resolver(value: &str) -> Result<SocketAddr, UrlFault> {
    value.parse().map_err(|_| UrlFault::Resolver(value.to_owned()))
}

/// Reads the hosts between the commas.
fn endpoints(hosts: &str) -> Result<Vec<Endpoint>, UrlFault> {
    let mut endpoints = Vec::new();
    for text in hosts.split(',') {
        let endpoint = text.trim().parse::<Endpoint>()?;
        if endpoints.contains(&endpoint) {
            return Err(UrlFault::Twice(endpoint));
        }
        endpoints.push(endpoint);
    }
    if endpoints.len() > ENDPOINTS_MAX {
        return Err(UrlFault::TooMany(endpoints.len()));
    }
    Ok(endpoints)
}

impl FromStr for Endpoint {
    type Err = UrlFault;

    fn from_str(text: &str) -> Result<Self, UrlFault> {
        if text.is_empty() {
            return Err(UrlFault::EmptyHost);
        }
        let bare_ipv6 = text.parse::<std::net::Ipv6Addr>().is_ok();
        let split = text.rsplit_once(':').filter(|(_, port)| !bare_ipv6 && !port.ends_with(']'));
        let (name, port) = match split {
            Some((name, port)) => (name, port_number(port)?),
            None => (text, ETCD_PORT),
        };
        Ok(Self { host: host(name)?, port })
    }
}

/// A host as it stands in a url. The unspecified address is let through: etcd's clients
/// on the same machine do reach it.
fn host(name: &str) -> Result<String, UrlFault> {
    if name.is_empty() {
        return Err(UrlFault::EmptyHost);
    }
    match Host::parse(name) {
        Ok(Host::Address(std::net::IpAddr::V6(address))) => Ok(format!("[{address}]")),
        Err(_) if is_unspecified(name) => Ok(name.to_owned()),
        Ok(host) => Ok(host.to_string()),
        // Inside one cluster, names with underscores do resolve.
        Err(_) if is_loose_name(name) => Ok(name.to_owned()),
        Err(reason) => Err(UrlFault::Host { host: name.to_owned(), reason }),
    }
}

/// Whether a host is `0.0.0.0` or `[::]`.
fn is_unspecified(name: &str) -> bool {
    let bare = name.trim_matches(['[', ']']);
    bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_unspecified())
}

/// Whether a name is one that container networks resolve though RFC 1123 forbids it.
fn is_loose_name(name: &str) -> bool {
    name.contains('_') && Host::parse(&name.replace('_', "x")).is_ok()
}

/// A port's digits.
fn port_number(digits: &str) -> Result<u16, UrlFault> {
    let number = digits.bytes().all(|octet| octet.is_ascii_digit()).then(|| digits.parse().ok());
    number.flatten().filter(|port| *port > 0).ok_or_else(|| UrlFault::Port(digits.to_owned()))
}

/// The `timeout` option.
fn timeout(value: &str) -> Result<Duration, UrlFault> {
    let wanted = "write a duration from 100ms to 60s, like 3s";
    let fault = || UrlFault::Duration { option: "timeout", value: value.to_owned(), wanted };
    let in_range = |it: &Duration| (TIMEOUT_RANGE.0..=TIMEOUT_RANGE.1).contains(it);
    humantime::parse_duration(value).ok().filter(in_range).ok_or_else(fault)
}

/// The `refresh` option.
fn refresh(value: &str) -> Result<Option<Duration>, UrlFault> {
    if value == "false" {
        return Ok(None);
    }
    let wanted = "write a duration of at least 1s, like 60s, or false";
    let fault = || UrlFault::Duration { option: "refresh", value: value.to_owned(), wanted };
    let duration = humantime::parse_duration(value).ok().filter(|it| *it >= REFRESH_MIN);
    duration.map(Some).ok_or_else(fault)
}

/// Undoes percent escapes.
fn unescape(text: &str) -> Result<String, UrlFault> {
    let decoded = percent_decoded(text).ok_or_else(|| UrlFault::Escape(text.to_owned()))?;
    Ok(decoded.into_owned())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(formatter, "etcd+srv://{}", domain.name),
            None => write!(formatter, "{}", self.addresses().join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> RegistryUrl {
        text.parse().unwrap()
    }

    #[test]
    fn passwords_are_not_repeated() {
        assert_eq!(RegistryUrl::masked("http://u:p@a,b/x"), "http://***@a,b/x");
        assert_eq!(RegistryUrl::masked("u:p@a"), "***@a");
        assert_eq!(RegistryUrl::masked("http://a"), "http://a");
    }

    #[test]
    fn the_whole_form() {
        let url = read(
            "https://a,10.0.0.2:23790,[::1]/team?prefix=/my%20services&timeout=500ms&refresh=false",
        );
        assert!(url.tls);
        assert_eq!(
            url.addresses(),
            ["https://a:2379", "https://10.0.0.2:23790", "https://[::1]:2379"]
        );
        assert_eq!(url.namespace.as_deref(), Some("team"));
        assert_eq!(url.layout().key("n", "i"), "/my services/team/n/i");
        assert_eq!((url.timeout, url.refresh), (Duration::from_millis(500), None));
    }

    #[test]
    fn defaults() {
        let url = read("etcd-1");
        assert_eq!(url.addresses(), ["http://etcd-1:2379"]);
        assert_eq!((url.prefix.as_str(), url.namespace.clone()), ("/services", None));
        assert_eq!((url.timeout, url.refresh), (DEFAULT_TIMEOUT, Some(DEFAULT_REFRESH)));
        assert_eq!(read("http://127.0.0.1:2379/").namespace, None);
        assert_eq!(read("h?prefix=").layout().key("n", "i"), "/n/i");
        assert_eq!(read("etcd_1:1").addresses(), ["http://etcd_1:1"]);
    }

    #[test]
    fn a_domain_has_its_members_in_dns() {
        let url = read("etcd+srv://Example.com./team?prefix=/p&resolver=[::1]:5353&refresh=1s");
        let domain = url.domain.as_ref().unwrap();
        assert_eq!((&*domain.name, domain.resolver), ("example.com", "[::1]:5353".parse().ok()));
        assert_eq!((url.to_string(), url.endpoints.len()), ("etcd+srv://example.com".into(), 0));
        assert_eq!((url.layout().key("n", "i"), url.is_loopback()), ("/p/team/n/i".into(), false));
    }

    #[test]
    fn every_fault_says_what_to_do() {
        for (text, message) in [
            ("", "is empty; write http://HOST:PORT"),
            ("etcd://a", "has the scheme `etcd`; write http:// or https://, or etcd+srv://DOMAIN"),
            ("etcd+srv://a:1", "has the domain `a:1`; write one, without a port"),
            ("etcd+srv://a,b", "has the domain `a,b`; write one"),
            ("etcd+srv://10.0.0.1", "has the domain `10.0.0.1`; write one"),
            ("etcd+srv://", "has the domain ``; write one"),
            ("etcd+srv://a?resolver=b", "has resolver=`b`; write the address and port"),
            ("http://a?resolver=10.0.0.1:53", "has a resolver, which only etcd+srv:// asks"),
            ("http://u:p@a", "has a user or password in it; give them with --user"),
            ("http://u:p/s@a", "has a user or password in it; give them with --user"),
            ("http://u:p?s#@a", "has a user or password in it; give them with --user"),
            ("http://", "names an empty host"),
            ("http://a,,b", "names an empty host"),
            ("http://a b", "has the host `a b`, which is neither"),
            ("http://a:x", "has the port `x`; a port is a number from 1 to 65535"),
            ("http://a:0", "has the port `0`"),
            ("http://a:70000", "has the port `70000`"),
            ("http://a,a:2379", "names the endpoint `a:2379` twice"),
            ("http://a,https://b", "has another scheme before `https://b`; write the same"),
            ("a,https://b", "has another scheme before `https://b`; write the same"),
            ("etcd+srv://a,http://b", "has another scheme before `http://b`"),
            ("http://a/team,http://b", "has `http://b` behind the namespace; write all hosts"),
            ("http://a?color=red", "has the unknown option `color`; known are"),
            ("http://a?timeout=1s&timeout=2s", "has the option `timeout` twice"),
            ("http://a?timeout", "has the option `timeout` without a value"),
            ("http://a?timeout=fast", "has timeout=`fast`; write a duration"),
            ("http://a?timeout=0s", "has timeout=`0s`"),
            ("http://a?refresh=1ms", "has refresh=`1ms`"),
            ("http://a/%zz", "has a bad percent escape in `%zz`"),
            ("http://a/b#c", "has a `#`"),
            ("http://a/b//c", "`b//c` has an empty path segment"),
        ] {
            let fault = text.parse::<RegistryUrl>().unwrap_err().to_string();
            assert!(fault.starts_with(message), "{text}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = text.parse::<RegistryUrl>();
        }
    }
}
