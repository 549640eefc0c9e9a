//! Sockets that systemd has bound for us, and keeps while we restart (systemd.socket(5)): what
//! comes meanwhile waits in them.
//!
//! | `FileDescriptorName=` | what is answered there |
//! | --- | --- |
//! | `http` | HTTP |
//! | `dns-tls`, `dns-https` | DNS over TLS, over HTTPS, on each of them |
//! | `dns-quic` | DNS over QUIC, on each of them: sockets for datagrams |
//! | `etcd-v2` | etcd's v2 API |
//! | any other | DNS: a socket for datagrams and one that listens, at the same address |

use std::fmt;
use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use socket2::Socket;

/// The name of a socket for HTTP.
const HTTP: &str = "http";
/// The name of sockets for DNS over TLS.
const DNS_TLS: &str = "dns-tls";
/// The name of sockets for DNS over HTTPS.
const DNS_HTTPS: &str = "dns-https";
/// The name of sockets for DNS over QUIC.
const DNS_QUIC: &str = "dns-quic";
/// The name of a socket for etcd's v2 API.
const ETCD_V2: &str = "etcd-v2";

/// Sockets that were handed over.
#[derive(Debug, Default)]
pub struct Inherited {
    /// For DNS.
    pub dns: Vec<DnsSockets>,
    /// For DNS over TLS.
    pub dns_tls: Vec<Socket>,
    /// For DNS over HTTPS.
    pub dns_https: Vec<Socket>,
    /// For DNS over QUIC.
    pub dns_quic: Vec<Socket>,
    /// For HTTP.
    pub http: Option<Socket>,
    /// For etcd's v2 API.
    pub etcd_v2: Option<Socket>,
}

/// The two sockets of an address for DNS.
#[derive(Debug)]
pub struct DnsSockets {
    /// For datagrams.
    pub udp: Socket,
    /// For connections.
    pub tcp: Socket,
}

/// The reason that sockets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketFault {
    /// What says that there are some is not as systemd writes it.
    #[error("LISTEN_FDS, LISTEN_PID or LISTEN_FDNAMES cannot be read ({0}); leave them to systemd")]
    Environment(io::Error),
    /// A socket of another kind.
    #[error(
        "the socket `{0}` of systemd is none of IP; write ListenDatagram= and ListenStream= with \
         address and port"
    )]
    OtherKind(String),
    /// Several where one is used.
    #[error("systemd has two sockets named `{0}`, and one is used; remove the other")]
    Twice(&'static str),
    /// Addresses of IPv4 would look like others of IPv6.
    #[error(
        "the socket {0} of systemd takes IPv4, too; write BindIPv6Only=ipv6-only in its unit, and \
         IPv4 addresses beside it"
    )]
    BothFamilies(SocketAddr),
    /// DNS is answered over both.
    #[error(
        "systemd has no socket for {missing} at {address}; add {missing}={address} to its unit"
    )]
    Half {
        /// Where.
        address: SocketAddr,
        /// What the unit lacks.
        missing: Missing,
    },
}

/// The setting that a socket unit lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// For UDP.
    ListenDatagram,
    /// For TCP.
    ListenStream,
}

/// A socket with what is known of it.
struct Handed {
    name: String,
    address: SocketAddr,
    /// Whether it is for datagrams.
    is_udp: bool,
    socket: Socket,
}

impl Inherited {
    /// Takes what systemd has handed over, which is nothing where it did not start us. To be
    /// called once, while the process has one thread.
    ///
    /// # Errors
    /// [`SocketFault`]: which socket cannot be used, and what to write in its unit.
    pub fn take() -> Result<Self, SocketFault> {
        let names = sd_notify::listen_fds_with_names().map_err(SocketFault::Environment)?;
        let names: Vec<_> = names.map(|(_, name)| name).collect();
        if names.is_empty() {
            return Ok(Self::default());
        }
        let mut descriptors = ListenFd::from_env();
        let handed = names.into_iter().enumerate();
        let handed = handed.map(|(at, name)| Handed::take(name, &mut descriptors, at));
        Self::sorted(handed.collect::<Result<_, _>>()?)
    }

    /// Sorts sockets by what is answered on them.
    fn sorted(handed: Vec<Handed>) -> Result<Self, SocketFault> {
        let (mut inherited, mut dns) = (Self::default(), Vec::new());
        for Handed { name, address, is_udp, socket } in handed {
            let (place, name) = match name.as_str() {
                HTTP if !is_udp => (&mut inherited.http, HTTP),
                ETCD_V2 if !is_udp => (&mut inherited.etcd_v2, ETCD_V2),
                DNS_TLS if !is_udp => {
                    inherited.dns_tls.push(socket);
                    continue;
                }
                DNS_HTTPS if !is_udp => {
                    inherited.dns_https.push(socket);
                    continue;
                }
                DNS_QUIC if is_udp => {
                    inherited.dns_quic.push(socket);
                    continue;
                }
                _ => {
                    dns.push(Handed { name, address, is_udp, socket });
                    continue;
                }
            };
            if place.replace(socket).is_some() {
                return Err(SocketFault::Twice(name));
            }
        }
        inherited.dns = pairs(dns)?;
        Ok(inherited)
    }
}

impl Handed {
    /// Takes a socket by its place.
    fn take(name: String, descriptors: &mut ListenFd, at: usize) -> Result<Self, SocketFault> {
        let udp = descriptors.take_udp_socket(at).ok().flatten().map(Socket::from);
        let is_udp = udp.is_some();
        let tcp = || descriptors.take_tcp_listener(at).ok().flatten().map(Socket::from);
        let socket = udp.or_else(tcp);
        let address = |socket: &Socket| socket.local_addr().ok()?.as_socket();
        match socket.and_then(|socket| Some((address(&socket)?, socket))) {
            Some((address, socket)) => Ok(Self { name, address, is_udp, socket }),
            None => Err(SocketFault::OtherKind(name)),
        }
    }

    /// Whether it is bound to all addresses of both families.
    fn has_both_families(&self) -> bool {
        let is_wildcard = self.address.is_ipv6() && self.address.ip().is_unspecified();
        is_wildcard && !self.socket.only_v6().unwrap_or(false)
    }
}

/// The sockets for DNS, two for each address.
fn pairs(mut handed: Vec<Handed>) -> Result<Vec<DnsSockets>, SocketFault> {
    let mut pairs = Vec::new();
    while let Some(one) = handed.pop() {
        if one.has_both_families() {
            return Err(SocketFault::BothFamilies(one.address));
        }
        let fits = |it: &Handed| it.address == one.address && it.is_udp != one.is_udp;
        let Some(at) = handed.iter().position(fits) else {
            let missing = if one.is_udp { Missing::ListenStream } else { Missing::ListenDatagram };
            return Err(SocketFault::Half { address: one.address, missing });
        };
        let other = handed.remove(at).socket;
        let (udp, tcp) = if one.is_udp { (one.socket, other) } else { (other, one.socket) };
        pairs.push(DnsSockets { udp, tcp });
    }
    pairs.reverse();
    Ok(pairs)
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ListenDatagram => "ListenDatagram",
            Self::ListenStream => "ListenStream",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    /// Sockets of a name: one that listens, and one for datagrams at the same address.
    fn both(name: &str) -> [Handed; 2] {
        loop {
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = tcp.local_addr().unwrap();
            let Ok(udp) = UdpSocket::bind(address) else { continue };
            let handed = |is_udp, socket| Handed { name: name.to_owned(), address, is_udp, socket };
            return [handed(true, udp.into()), handed(false, tcp.into())];
        }
    }

    #[test]
    fn sockets_are_sorted_by_name_and_paired_by_address() {
        let [[a, b], [c, d]] = [both("srvd.socket"), both("dns")];
        let addresses = [a.address, c.address];
        let [[_, http], [_, old]] = [both("http"), both("etcd-v2")];
        let [[_, one], [_, other]] = [both("dns-tls"), both("dns-tls")];
        let [[quic, _], [stray, _]] = [both("dns-quic"), both("dns-quic")];
        let handed = vec![d, a, one, quic, http, b, other, stray, old, c];
        let inherited = Inherited::sorted(handed).unwrap();
        assert_eq!((inherited.dns_tls.len(), inherited.dns_quic.len()), (2, 2));
        let address = |socket: &Socket| socket.local_addr().unwrap().as_socket().unwrap();
        let both = |it: &DnsSockets| [address(&it.udp), address(&it.tcp)];
        let mut dns: Vec<_> = inherited.dns.iter().map(both).collect();
        dns.sort_by_key(|[udp, _]| *udp != addresses[0]);
        assert_eq!(dns, addresses.map(|it| [it, it]));
        assert!(inherited.http.is_some() && inherited.etcd_v2.is_some());
    }

    #[test]
    fn what_cannot_be_used_is_told_with_what_to_write() {
        let fault = |handed| Inherited::sorted(handed).unwrap_err().to_string();
        let [udp, tcp] = both("dns");
        let address = udp.address;
        assert!(fault(vec![udp]).ends_with(&format!("add ListenStream={address} to its unit")));
        assert!(fault(vec![tcp]).contains("no socket for ListenDatagram at"));
        let [[_, one], [_, other]] = [both("http"), both("http")];
        assert!(fault(vec![one, other]).contains("two sockets named `http`"));
        let Ok(udp) = UdpSocket::bind("[::]:0") else { return };
        let (address, socket) = (udp.local_addr().unwrap(), Socket::from(udp));
        let name = "dns".to_owned();
        let dual = vec![Handed { name, address, is_udp: true, socket }];
        let is_dual = std::fs::read_to_string("/proc/sys/net/ipv6/bindv6only");
        if is_dual.is_ok_and(|it| it.trim() == "0") {
            assert!(fault(dual).contains("BindIPv6Only=ipv6-only"));
        }
    }
}
