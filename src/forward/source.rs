//! The sources of upstreams: an address, a url, or a resolv.conf file.

use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::server::UpstreamServer;
use crate::files;

/// The port of DNS.
const PORT: u16 = 53;
/// The largest resolv.conf that is read.
const FILE_OCTETS: u64 = 64 * 1024;

/// A source that names upstreams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One upstream.
    Address(SocketAddr),
    /// One upstream, asked on an encrypted way.
    Secure(UpstreamServer),
    /// A resolv.conf file, whose `nameserver` lines are read again and again.
    File(PathBuf),
}

/// A text names no upstream. What to write follows the text in an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// It is neither an address nor a path.
    #[error(
        "`{0}` is neither an address nor a file; write 1.1.1.1, 1.1.1.1:5353, [2606:4700::1]:53, tls://1.1.1.1#NAME, \
         or a path with a / in it, like /etc/resolv.conf"
    )]
    Nonsense(String),
    /// It is no url of a server.
    #[error(
        "`{0}` names no server; write tls://1.1.1.1#NAME or https://1.1.1.1/dns-query#NAME: its \
         address, and the name in its certificate"
    )]
    NoSecureServer(String),
    /// Nobody can answer there.
    #[error("`{0}` cannot be asked; name the address and port of one server")]
    NoServer(String),
}

impl Source {
    /// The server that it is, if it is one.
    #[must_use]
    pub fn server(&self) -> Option<UpstreamServer> {
        match self {
            Self::Address(address) => Some((*address).into()),
            Self::Secure(server) => Some(server.clone()),
            Self::File(_) => None,
        }
    }

    /// Whether it names a server now.
    ///
    /// # Errors
    /// What is wrong with its file.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Address(_) | Self::Secure(_) => Ok(()),
            Self::File(path) => read_file(path).map(drop),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Secure(server) => server.fmt(formatter),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

impl FromStr for Source {
    type Err = SourceFault;

    fn from_str(text: &str) -> Result<Self, SourceFault> {
        if let Some(server) = UpstreamServer::read(text) {
            return server.map(Self::Secure);
        }
        match read_address(text) {
            Some(address) if may_be_asked(address) => Ok(Self::Address(address)),
            Some(_) => Err(SourceFault::NoServer(text.to_owned())),
            None if text.contains('/') || text.starts_with('.') => Ok(Self::File(text.into())),
            None => Err(SourceFault::Nonsense(text.to_owned())),
        }
    }
}

/// The servers that a resolv.conf file names, in its order.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn read_file(path: &Path) -> Result<Vec<SocketAddr>, String> {
    let mut text = String::new();
    let read =
        files::open_regular(path).and_then(|file| file.take(FILE_OCTETS).read_to_string(&mut text));
    read.map_err(|fault: io::Error| fault.to_string())?;
    let servers: Vec<_> = text.lines().filter_map(nameserver).collect();
    if servers.is_empty() { Err("it names no nameserver".to_owned()) } else { Ok(servers) }
}

/// The server that a line names (resolv.conf(5)): the keyword, then an address. One of a
/// link has a scope, which nobody else would understand, and is left out.
fn nameserver(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_ascii_whitespace();
    let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
    let address = SocketAddr::new(address.parse().ok()?, PORT);
    may_be_asked(address).then_some(address)
}

/// The address in a text, with or without a port.
fn read_address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || bare.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, PORT));
    text.parse().ok().or_else(with_port)
}

/// Whether an address can be that of one server.
pub(super) fn may_be_asked(address: SocketAddr) -> bool {
    let is_link_local = match address.ip() {
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
        IpAddr::V4(ip) => ip.is_broadcast(),
    };
    let ip = address.ip();
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Source {
        Source::Address(text.parse().unwrap())
    }

    #[test]
    fn addresses_and_files() {
        for (text, source) in [
            ("1.1.1.1", address("1.1.1.1:53")),
            ("1.1.1.1:5353", address("1.1.1.1:5353")),
            ("2606::1", address("[2606::1]:53")),
            ("[2606::1]", address("[2606::1]:53")),
            ("[2606::1]:5353", address("[2606::1]:5353")),
            ("/etc/resolv.conf", Source::File("/etc/resolv.conf".into())),
            ("./resolv.conf", Source::File("./resolv.conf".into())),
            (".resolv", Source::File(".resolv".into())),
        ] {
            assert_eq!(text.parse(), Ok(source), "{text}");
        }
        for text in ["", "dns.example", "1.1.1", "1.1.1.1:99999", "[::1"] {
            let fault = text.parse::<Source>().unwrap_err().to_string();
            assert!(fault.contains("write 1.1.1.1, 1.1.1.1:5353"), "{fault}");
        }
        for text in ["0.0.0.0", "[::]:53", "224.0.0.1", "1.1.1.1:0", "255.255.255.255", "fe80::1"] {
            let fault = text.parse::<Source>().unwrap_err().to_string();
            assert!(fault.contains("cannot be asked"), "{fault}");
        }
    }

    #[test]
    fn a_file_names_servers_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_file(&path)
        };
        let text = "# nameserver 9.9.9.9\nsearch a\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \
                    \nnameserver fe80::1%eth0\nnameserver\nnameservers 192.0.2.9\noptions edns0\n";
        let servers = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|it| it.parse().unwrap());
        assert_eq!(read(text), Ok(servers.to_vec()));
        assert_eq!(read("").unwrap_err(), "it names no nameserver");
        std::fs::remove_file(&path).unwrap();
        assert!(read_file(&path).unwrap_err().contains("No such file"));
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success() && read_file(&path).unwrap_err().contains("no regular file"));
    }
}
