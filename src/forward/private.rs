//! Private addresses in what others say: a name of a stranger that leads into our own network
//! makes browsers there do what the stranger wants (DNS rebinding).
//!
//! With `forward-private = false` they are left out. What else was said stays, as with
//! Unbound's `private-address`; where nothing does, the answer is NOERROR without data.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::svcb::SvcParamValue;

use crate::authority::{Answer, Reason};

/// Leaves private addresses out of an answer, and says so in it; how many these were.
pub(super) fn leave_out(answer: &mut Answer) -> u64 {
    let records = |answer: &Answer| answer.answers.iter().map(|set| set.data.len() as u64).sum();
    let before: u64 = records(answer);
    answer.answers.iter_mut().for_each(|set| set.data.retain(|data| !has_private(data)));
    answer.answers.retain(|set| !set.data.is_empty());
    let left_out = before - records(answer);
    if left_out > 0 {
        answer.reason = Some(Reason::Blocked);
    }
    left_out
}

/// Whether a datum has a private address in it, as a hint of a service too (RFC 9460).
fn has_private(data: &RData) -> bool {
    match data {
        RData::A(address) => is_private(address.0.into()),
        RData::AAAA(address) => is_private(address.0.into()),
        RData::SVCB(service) => hints_at_private(service),
        RData::HTTPS(service) => hints_at_private(&service.0),
        _ => false,
    }
}

/// Whether a service is said to be at a private address.
fn hints_at_private(service: &SVCB) -> bool {
    service.svc_params.iter().any(|(_, value)| match value {
        SvcParamValue::Ipv4Hint(hint) => hint.0.iter().any(|it| is_private(it.0.into())),
        SvcParamValue::Ipv6Hint(hint) => hint.0.iter().any(|it| is_private(it.0.into())),
        _ => false,
    })
}

/// Whether an address is of this machine, its link, or a network that is nobody's own.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

/// The same of IPv4: RFC 1918, 127/8, 169.254/16, 100.64/10 (RFC 6598), 0/8, which reaches
/// this machine as well, and the broadcast address.
fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && second & 0xc0 == 64;
    let is_own = address.is_loopback() || first == 0 || address.is_broadcast();
    address.is_private() || address.is_link_local() || is_shared || is_own
}

/// The same of IPv6: `::`, `::1`, `fe80::/10`, `fc00::/7`, `fec0::/10` (RFC 3879), and the
/// private ones of IPv4 in whatever form translators know: `::ffff:0:0/96`, `::/96`,
/// `64:ff9b::/96` (RFC 6052).
fn is_private_v6(address: Ipv6Addr) -> bool {
    let is_site_local = address.segments()[0] & 0xffc0 == 0xfec0;
    let is_own = address.is_loopback() || address.is_unspecified();
    if is_own || is_site_local || address.is_unicast_link_local() || address.is_unique_local() {
        return true;
    }
    let [a, b, c, d, e, f, high, low] = address.segments();
    let is_v4 =
        matches!([a, b, c, d, e, f], [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0]);
    let [[w, x], [y, z]] = [high.to_be_bytes(), low.to_be_bytes()];
    is_v4 && is_private_v4(Ipv4Addr::new(w, x, y, z))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private() {
        for text in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.255.255",
            "127.0.0.53",
            "169.254.169.254",
            "100.127.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::192.168.0.1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in ["9.9.9.9", "172.32.0.1", "100.128.0.1", "2620:fe::fe", "64:ff9b::9.9.9.9"] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }
}
