//! The address that HTTP is answered on, or `off`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use super::socket_address;

/// The port that is listened on when nothing says otherwise.
const DEFAULT_PORT: u16 = 5380;

/// The address of HTTP, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpAddress {
    /// Nowhere.
    Off,
    /// On one address.
    On(SocketAddr),
}

impl HttpAddress {
    /// The address when nothing says otherwise.
    pub const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT);
}

impl Default for HttpAddress {
    fn default() -> Self {
        Self::On(Self::DEFAULT)
    }
}

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let fault = |_| format!("{}, or off", socket_address::fault(text, DEFAULT_PORT));
        text.parse().map(Self::On).map_err(fault)
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::On(address) => address.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_off() {
        assert_eq!("off".parse(), Ok(HttpAddress::Off));
        assert_eq!("[::1]:0".parse(), Ok(HttpAddress::On("[::1]:0".parse().unwrap())));
        let fault = "127.0.0.1".parse::<HttpAddress>().unwrap_err();
        assert_eq!(fault, "it has no port; write 127.0.0.1:5380, or off");
        assert_eq!(HttpAddress::default().to_string(), "127.0.0.1:5380");
    }
}
