//! The upstream servers that can be named: where they are, and how they are talked to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use rustls::pki_types::ServerName;

use super::source::{SourceFault, may_be_asked};

/// The port of DNS over TLS (RFC 7858).
const TLS_PORT: u16 = 853;
/// The port of HTTPS.
const HTTPS_PORT: u16 = 443;
/// Octets of a path that make sense.
const PATH_OCTETS: usize = 256;

/// A server to ask: where it is, and how it is talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamServer {
    /// Where it is.
    pub at: SocketAddr,
    /// How the way there is encrypted; none for UDP and TCP as they are.
    pub encryption: Option<Encryption>,
}

/// The encryption of the way to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The name that its certificate must have; none for its address.
    pub name: Option<String>,
    /// The path of DNS over HTTPS; none for DNS over TLS.
    pub path: Option<String>,
}

impl UpstreamServer {
    /// A server that a text with a scheme names; none where it has no such scheme.
    pub(super) fn read(text: &str) -> Option<Result<Self, SourceFault>> {
        let of = |rest: &str, port| {
            encrypted(rest, port).ok_or_else(|| SourceFault::NoSecureServer(text.to_owned()))
        };
        match text.split_once("://")? {
            ("tls", rest) => Some(of(rest, TLS_PORT)),
            ("https", rest) => Some(of(rest, HTTPS_PORT)),
            _ => None,
        }
    }

    /// The name that a certificate must have.
    pub(super) fn server_name(&self) -> ServerName<'static> {
        let name = self.encryption.as_ref().and_then(|it| it.name.clone());
        let name = name.and_then(|name| ServerName::try_from(name).ok());
        name.unwrap_or_else(|| ServerName::IpAddress(self.at.ip().into()))
    }
}

impl Encryption {
    /// The authority of a url, where HTTPS is spoken.
    pub(super) fn authority(&self, at: SocketAddr) -> String {
        match (&self.name, at.port()) {
            (Some(name), HTTPS_PORT) => name.clone(),
            (Some(name), port) => format!("{name}:{port}"),
            (None, _) => at.to_string(),
        }
    }
}

impl From<SocketAddr> for UpstreamServer {
    fn from(at: SocketAddr) -> Self {
        Self { at, encryption: None }
    }
}

impl fmt::Display for UpstreamServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, encryption } = self;
        let Some(Encryption { name, path }) = encryption else { return at.fmt(formatter) };
        let scheme = if path.is_some() { "https" } else { "tls" };
        write!(formatter, "{scheme}://{at}{}", path.as_deref().unwrap_or_default())?;
        name.as_ref().map_or(Ok(()), |name| write!(formatter, "#{name}"))
    }
}

/// What `ADDRESS[:PORT][/PATH][#NAME]` says, where a scheme has a port; a path is HTTPS's.
fn encrypted(text: &str, port: u16) -> Option<UpstreamServer> {
    let (text, name) = text.split_once('#').map_or((text, None), |(it, name)| (it, Some(name)));
    let (place, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let path = match (port, path) {
        (HTTPS_PORT, "" | "/") => Some("/dns-query".to_owned()),
        (HTTPS_PORT, path) if is_path(path) => Some(path.to_owned()),
        (TLS_PORT, "") => None,
        _ => return None,
    };
    let name = match name {
        None => None,
        Some(name) if is_name(name) => Some(name.to_ascii_lowercase()),
        Some(_) => return None,
    };
    let bare = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(place);
    let with_port = || bare.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, port));
    let at = place.parse().ok().or_else(with_port)?;
    let encryption = Some(Encryption { name, path });
    may_be_asked(at).then_some(UpstreamServer { at, encryption })
}

/// Whether a text can be the path of a url: printed characters alone.
fn is_path(text: &str) -> bool {
    text.len() <= PATH_OCTETS && text.bytes().all(|it| it.is_ascii_graphic())
}

/// Whether a certificate can have a name.
fn is_name(text: &str) -> bool {
    matches!(ServerName::try_from(text), Ok(ServerName::DnsName(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_shown_as_they_are_written() {
        for (text, shown) in [
            ("tls://1.1.1.1", "tls://1.1.1.1:853"),
            ("tls://1.1.1.1#Cloudflare-dns.com", "tls://1.1.1.1:853#cloudflare-dns.com"),
            ("tls://[2606::1]:8853#name.test", "tls://[2606::1]:8853#name.test"),
            ("tls://2606::1", "tls://[2606::1]:853"),
            ("https://1.1.1.1", "https://1.1.1.1:443/dns-query"),
            ("https://1.1.1.1:8443/a/b?c#name.test", "https://1.1.1.1:8443/a/b?c#name.test"),
        ] {
            let server = UpstreamServer::read(text).unwrap().unwrap();
            assert_eq!(server.to_string(), shown);
            assert_eq!(UpstreamServer::read(shown).unwrap().unwrap(), server);
        }
        for text in [
            "tls://",
            "tls://dns.test",
            "tls://1.1.1.1/dns-query",
            "tls://1.1.1.1#",
            "tls://1.1.1.1#a b",
            "tls://1.1.1.1#1.1.1.1",
            "tls://0.0.0.0",
            "https://dns.test/dns-query",
            "https://1.1.1.1/dns query",
            "https://user@1.1.1.1/",
        ] {
            let fault = UpstreamServer::read(text).unwrap().unwrap_err().to_string();
            assert!(fault.contains("write tls://1.1.1.1#NAME"), "{fault}");
        }
        assert!(UpstreamServer::read("quic://1.1.1.1").is_none());
        assert!(UpstreamServer::read("/etc/resolv.conf").is_none());
    }
}
