//! The addresses of this server, for the name server that is synthesized.

use std::net::{IpAddr, SocketAddr};

use super::Listen;
use crate::error::Failure;
use crate::machine;
use crate::options::{AnsweringArgs, File};

/// Addresses that are told: with as many, a reply of 512 octets still names the server (the
/// root has as many for the same reason).
const ADDRESSES_MAX: usize = 13;

/// Where others reach this server: what was said, else where it listens.
///
/// # Errors
/// [`Failure::Usage`]: an address that nobody can ask, or too many.
pub(super) fn servers(
    args: &AnsweringArgs,
    file: &File,
    listen: &Listen,
) -> Result<Vec<IpAddr>, Failure> {
    let Some(given) = args.ns_address(file) else {
        return Ok(listening(&listen.addresses, machine::candidates));
    };
    let (said, usage) = (&given.value, |text: String| Err(given.fault(text)));
    if let Some(address) = said.iter().find(|it| it.is_unspecified() || it.is_multicast()) {
        return usage(format!("`{address}` is no address that can be asked; write this server's"));
    }
    if said.is_empty() || said.len() > ADDRESSES_MAX {
        return usage(format!(
            "it has {} addresses; write 1 to {ADDRESSES_MAX}, or leave it out",
            said.len()
        ));
    }
    Ok(distinct(said.iter().copied()))
}

/// Where a server is reached that listens on some addresses: at these, or for a wildcard at
/// the first of the machine's of its family. Loopback counts only where there is nothing else.
fn listening<M: Iterator<Item = IpAddr>>(
    listen: &[SocketAddr],
    machine: impl Fn() -> M,
) -> Vec<IpAddr> {
    let reached = listen.iter().filter_map(|listen| match listen.ip() {
        address if !address.is_unspecified() => Some(address),
        any => machine().find(|it| it.is_ipv4() == any.is_ipv4() && machine::is_reachable(*it)),
    });
    let all = distinct(reached);
    let (mut others, loopback): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|address| !address.is_loopback());
    if others.len() > ADDRESSES_MAX {
        let more = others.len() - ADDRESSES_MAX;
        tracing::info!(
            "{more} addresses are not told with the name server; name those to tell in `ns-address`"
        );
        others.truncate(ADDRESSES_MAX);
    }
    if others.is_empty() { loopback } else { others }
}

/// Addresses in their order, each once; IPv4-mapped IPv6 is IPv4.
fn distinct(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut all = Vec::new();
    for address in addresses.map(|it| it.to_canonical()) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told where a server listens on some addresses of a machine.
    fn told(listen: &[&str], machine: &[&str]) -> Vec<String> {
        let listen: Vec<_> = listen.iter().map(|it| it.parse().unwrap()).collect();
        let machine: Vec<IpAddr> = machine.iter().map(|it| it.parse().unwrap()).collect();
        listening(&listen, || machine.iter().copied()).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn a_server_is_where_it_listens() {
        let machine = ["127.0.0.1", "10.0.0.9", "10.0.0.10", "fe80::1", "2001:db8::9"];
        for (listen, expected) in [
            (&["127.0.0.1:5300", "[::1]:5300"][..], &["127.0.0.1", "::1"][..]),
            (&["127.0.0.1:53", "10.0.0.10:53"], &["10.0.0.10"]),
            (&["0.0.0.0:53", "[::]:53"], &["10.0.0.9", "2001:db8::9"]),
            (&["10.0.0.10:53", "10.0.0.10:54", "[::ffff:10.0.0.10]:55"], &["10.0.0.10"]),
        ] {
            assert_eq!(told(listen, &machine), expected, "{listen:?}");
        }
        assert_eq!(told(&["[::]:53"], &["127.0.0.1", "::1"]), [""; 0]);
        let many: Vec<_> = (1..20).map(|last| format!("10.0.0.{last}:53")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(told(&many, &[]).len(), ADDRESSES_MAX);
    }

    #[test]
    fn what_is_said_must_be_addresses_to_ask() {
        let listen = Listen { addresses: Vec::new(), is_explicit: true };
        let said = |all: &[&str]| {
            let ns_address = Some(all.iter().map(|it| it.parse().unwrap()).collect());
            let args = AnsweringArgs { ns_address, ..AnsweringArgs::default() };
            servers(&args, &File::default(), &listen)
        };
        let both = said(&["192.0.2.1", "2001:db8::1", "192.0.2.1"]).unwrap();
        assert_eq!(both, ["192.0.2.1", "2001:db8::1"].map(|it| it.parse::<IpAddr>().unwrap()));
        for (bad, message) in [
            (&["0.0.0.0"][..], "--ns-address: `0.0.0.0` is no address that can be asked"),
            (&["ff02::1"], "--ns-address: `ff02::1` is no address"),
            (&["192.0.2.1"; 14], "--ns-address: it has 14 addresses; write 1 to 13"),
        ] {
            let failure = said(bad).unwrap_err();
            assert!(failure.code() == 2 && failure.to_string().starts_with(message), "{failure}");
        }
    }
}
