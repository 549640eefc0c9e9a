//! The addresses of this server: a query to them would go round in circles.

use std::net::{IpAddr, SocketAddr};

/// The addresses at which this server answers.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The addresses, wildcards among them.
    listen: Vec<SocketAddr>,
}

impl Own {
    /// A server that answers at some addresses.
    #[must_use]
    pub const fn new(listen: Vec<SocketAddr>) -> Self {
        Self { listen }
    }

    /// The address that answers where an upstream is said to be, if that is ours.
    #[must_use]
    pub fn at(&self, upstream: SocketAddr) -> Option<SocketAddr> {
        let ip = upstream.ip().to_canonical();
        let same_port = self.listen.iter().filter(|listen| listen.port() == upstream.port());
        same_port.copied().find(|listen| listen.ip() == ip || is_wildcard_of(listen.ip(), ip))
    }
}

/// Whether one address stands for all of this machine's, and the other is one of these.
fn is_wildcard_of(listen: IpAddr, ip: IpAddr) -> bool {
    listen.is_unspecified() && listen.is_ipv4() == ip.is_ipv4() && is_of_this_machine(ip)
}

/// Whether an address is this machine's.
fn is_of_this_machine(ip: IpAddr) -> bool {
    let interfaces = || if_addrs::get_if_addrs().unwrap_or_default();
    ip.is_loopback() || interfaces().iter().any(|interface| interface.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_every_address_of_their_family() {
        let listen = ["0.0.0.0:53", "127.0.0.1:5300", "[::1]:54"].map(|it| it.parse().unwrap());
        let own = Own::new(listen.to_vec());
        let at = |text: &str| own.at(text.parse().unwrap()).is_some();
        for ours in ["127.0.0.1:53", "127.0.0.53:53", "127.0.0.1:5300", "[::1]:54"] {
            assert!(at(ours), "{ours}");
        }
        assert!(at("[::ffff:127.0.0.1]:53"));
        for other in ["127.0.0.2:5300", "127.0.0.1:54", "[::1]:53", "192.0.2.1:53"] {
            assert!(!at(other), "{other}");
        }
    }
}
