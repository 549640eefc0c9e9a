//! The host that is registered when none is named: where others reach this machine.

use std::net::{IpAddr, Ipv4Addr};

use crate::machine::{self, is_reachable};
use crate::registry::{Host, RegistryUrl};

/// This machine has no address that others reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no address but loopback")]
pub struct NoAddress;

/// The address that this machine is registered with: the one the default route speaks
/// from, IPv4 first, else the first of its interfaces.
///
/// # Errors
/// [`NoAddress`] when there is only loopback and the registry is elsewhere.
pub fn default_host(registry: &RegistryUrl) -> Result<Host, NoAddress> {
    decide(machine::candidates(), registry)
}

/// The address that this machine is registered with now, where it has not another one any
/// more. Loopback is given up for any.
#[must_use]
pub fn another_than(registered: IpAddr) -> Option<IpAddr> {
    let addresses = machine::interface_addresses();
    if addresses.is_empty() || (!registered.is_loopback() && addresses.contains(&registered)) {
        return None;
    }
    choose(machine::candidates()).filter(|address| *address != registered)
}

/// The first address that others can reach; loopback where only that is left and the
/// registry is on this machine, too.
fn decide(
    candidates: impl Iterator<Item = IpAddr>,
    registry: &RegistryUrl,
) -> Result<Host, NoAddress> {
    if let Some(address) = choose(candidates) {
        return Ok(Host::Address(address));
    }
    if registry.is_loopback() {
        tracing::warn!("this machine has no address but loopback: registering 127.0.0.1");
        return Ok(Host::Address(Ipv4Addr::LOCALHOST.into()));
    }
    Err(NoAddress)
}

/// The first address that others can reach.
fn choose(mut candidates: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    candidates.find(|address| is_reachable(*address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_that_others_reach_is_chosen() {
        let chosen = |texts: &[&str]| {
            choose(texts.iter().map(|text| text.parse().unwrap())).map(|it| it.to_string())
        };
        assert_eq!(chosen(&["127.0.0.1", "169.254.1.1", "10.0.0.1"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(chosen(&["fe80::1", "::1", "2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(chosen(&["127.0.0.1", "::1", "fe80::1"]), None);
    }

    #[test]
    fn only_a_registry_here_is_told_loopback() {
        let decided = |addresses: &[&str], url: &str| {
            let addresses = addresses.iter().map(|text| text.parse().unwrap());
            decide(addresses, &url.parse().unwrap())
        };
        let loopback = ["127.0.0.1", "::1", "fe80::1"];
        for here in ["http://127.0.0.1:2379", "http://[::1]", "localhost"] {
            let host = decided(&loopback, here).unwrap();
            assert_eq!(host, Host::Address(Ipv4Addr::LOCALHOST.into()), "{here}");
        }
        for there in ["http://10.0.0.1:2379", "127.0.0.1,10.0.0.1", "https://registry"] {
            assert_eq!(decided(&loopback, there), Err(NoAddress), "{there}");
            let host = decided(&["127.0.0.1", "10.9.9.9"], there).unwrap();
            assert_eq!(host.to_string(), "10.9.9.9");
        }
    }
}
