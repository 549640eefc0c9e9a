//! Addresses that cannot be bound: why, and what to do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::processes::sockets::{self, Occupant, occupant};

/// Where systemd-resolved's stub listens (systemd-resolved.service(8)).
const RESOLVED: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53)), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54))];

/// An address could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("{transport} address {address} is in use: {}", held(occupant.as_ref()))]
    InUse {
        /// Where.
        address: SocketAddr,
        /// The transport.
        transport: sockets::Protocol,
        /// By whom, where that can be seen.
        occupant: Option<Occupant>,
    },
    /// The port is reserved.
    #[error(
        "{transport} address {address} may not be bound: ports below 1024 need the capability \
         CAP_NET_BIND_SERVICE; run `setcap cap_net_bind_service=+ep` on srvd, give its systemd \
         unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or listen on a higher port"
    )]
    Denied {
        /// Where.
        address: SocketAddr,
        /// The transport.
        transport: sockets::Protocol,
    },
    /// The machine does not have the address, or its family.
    #[error("{address} is no address of this machine ({source}); listen on one that it has")]
    NoSuchAddress {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("{transport} address {address} cannot be bound: {source}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// The transport.
        transport: sockets::Protocol,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing is left to listen on.
    #[error("none of the addresses can be bound; configure `listen`")]
    None,
}

/// Who holds an address, and what to do about it.
fn held(occupant: Option<&Occupant>) -> String {
    let Some(Occupant { address, name }) = occupant else {
        return "another srvd or name server runs there; stop it, or listen elsewhere".to_owned();
    };
    if RESOLVED.contains(address) {
        return format!(
            "{name} answers on {address} for this machine; listen on the machine's own addresses, \
             or set DNSStubListener=no in /etc/systemd/resolved.conf and restart systemd-resolved"
        );
    }
    format!("{name} listens on {address}; stop it, or listen elsewhere")
}

/// What the system's error means.
pub(super) fn failure(
    address: SocketAddr,
    transport: sockets::Protocol,
    source: io::Error,
) -> BindError {
    /// EAFNOSUPPORT on Linux, which `io::ErrorKind` has no word for.
    const NO_SUCH_FAMILY: i32 = 97;
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            BindError::InUse { address, transport, occupant: occupant(transport, address) }
        }
        io::ErrorKind::PermissionDenied => BindError::Denied { address, transport },
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { address, source },
        _ if source.raw_os_error() == Some(NO_SUCH_FAMILY) => {
            BindError::NoSuchAddress { address, source }
        }
        _ => BindError::Other { address, transport, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_what_to_do() {
        let address = "192.0.2.1:53".parse().unwrap();
        let text = |errno| {
            failure(address, sockets::Protocol::Udp, io::Error::from_raw_os_error(errno))
                .to_string()
        };
        // EACCES, EADDRINUSE, EAFNOSUPPORT, EMFILE
        for (errno, words) in [
            (13, "CAP_NET_BIND_SERVICE"),
            (98, "stop it"),
            (97, "no address of this machine"),
            (24, "cannot be bound"),
        ] {
            let text = text(errno);
            assert!(text.contains(words) && text.contains("192.0.2.1:53"), "{text}");
        }
    }
}
