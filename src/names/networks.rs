//! Lists of networks, as access rules are written with.
//!
//! A list allows what it holds, and nothing else: there are no exceptions inside a network,
//! so that the order does not matter, and no rule can hide another. It is kept as sorted
//! ranges, in which an address is found by halving.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of the prefix that IPv4 addresses have inside IPv6 (RFC 4291 section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;
/// Bits of IPv6 that all addresses of one client share: whoever has one address in such a
/// network has 2^64 of them.
const CLIENT_PREFIX: u8 = 64;
/// Bits that the addresses of an IPv4 network share which is served as one: the smallest network
/// that is announced to others, and what rate limits of name servers count by.
pub const SHARE_V4: u8 = 24;
/// The same of IPv6: what a provider gives one customer at most.
pub const SHARE_V6: u8 = 56;
/// Where a site's own clients are: this machine, private networks (RFC 1918, RFC 4193), those
/// shared behind a provider's translation (RFC 6598), the link.
const LOCAL: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "::1",
    "fc00::/7",
    "fe80::/10",
];

/// One network: all addresses with the same first bits. An address is a network of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// Its first address. One of IPv4 is never written as one of IPv6.
    first: IpAddr,
    /// How many bits all its addresses share.
    prefix: u8,
}

/// A text is no network. What to write follows the text in an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFault {
    /// It is nothing of the kind.
    #[error("`{0}` is no network; write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1")]
    Nonsense(String),
    /// The prefix is longer than the address.
    #[error("`{text}` has a longer prefix than the address has bits, {most}; write a shorter one")]
    TooLong {
        /// What was written.
        text: String,
        /// Bits of such an address.
        most: u8,
    },
    /// It is an address inside a network, and may have been meant as either.
    #[error(
        "`{text}` has bits set after its prefix; write {network} for the network, or {address} \
         for the one address"
    )]
    BitsAfterPrefix {
        /// What was written.
        text: String,
        /// The network that the address is in.
        network: Network,
        /// The address.
        address: IpAddr,
    },
}

/// A list of networks. An address of IPv6 that stands for one of IPv4 is that of IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    /// First and last addresses of IPv4, sorted and apart.
    v4: Box<[(u32, u32)]>,
    /// The same of IPv6.
    v6: Box<[(u128, u128)]>,
}

impl Network {
    /// The network of an address that has so many bits, at most all of it.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let first = match address.to_canonical() {
            IpAddr::V4(it) => Ipv4Addr::from_bits(it.to_bits() & !last_bits_v4(prefix)).into(),
            IpAddr::V6(it) => Ipv6Addr::from_bits(it.to_bits() & !last_bits_v6(prefix)).into(),
        };
        Self { first, prefix }
    }
}

impl Networks {
    /// A list of them; the empty list holds nobody.
    #[must_use]
    pub fn new(networks: &[Network]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for Network { first, prefix } in networks {
            match first {
                IpAddr::V4(it) => v4.push((it.to_bits(), it.to_bits() | last_bits_v4(*prefix))),
                IpAddr::V6(it) => v6.push((it.to_bits(), it.to_bits() | last_bits_v6(*prefix))),
            }
        }
        Self { v4: joined(v4), v6: joined(v6) }
    }

    /// Whether an address is in one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => is_within(&self.v4, address.to_bits()),
            IpAddr::V6(address) => is_within(&self.v6, address.to_bits()),
        }
    }
}

/// The client network that an address is served with, where there is not enough for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share(u64);

impl Share {
    /// That of an address. The highest bit tells the families apart.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(it) => 1 << 63 | u64::from(it.to_bits() >> (32 - SHARE_V4)),
            IpAddr::V6(it) => (it.to_bits() >> (128 - SHARE_V6)) as u64,
        })
    }
}

/// Who an address belongs to, where places are counted: one host of IPv4, one network of IPv6.
#[must_use]
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        ip @ IpAddr::V4(_) => ip,
        ip @ IpAddr::V6(_) => Network::around(ip, CLIENT_PREFIX).first,
    }
}

impl Default for Networks {
    /// Where a site's own clients are, [`LOCAL`].
    fn default() -> Self {
        let network = |text: &str| text.parse().expect("each is a network");
        Self::new(&LOCAL.map(network))
    }
}

impl FromStr for Network {
    type Err = NetworkFault;

    fn from_str(text: &str) -> Result<Self, NetworkFault> {
        let nonsense = || NetworkFault::Nonsense(text.to_owned());
        let (written, prefix) =
            text.split_once('/').map_or((text, None), |(it, to)| (it, Some(to)));
        let written: IpAddr = written.parse().map_err(|_| nonsense())?;
        let most = if written.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => read_prefix(digits).ok_or_else(nonsense)?,
            None => most,
        };
        if prefix > most {
            return Err(NetworkFault::TooLong { text: text.to_owned(), most });
        }
        let address = written.to_canonical();
        let is_mapped = address.is_ipv4() && written.is_ipv6();
        let skipped = if is_mapped { MAPPED_PREFIX } else { 0 };
        let network = Self::around(address, prefix.checked_sub(skipped).ok_or_else(nonsense)?);
        if network.first != address {
            return Err(NetworkFault::BitsAfterPrefix { text: text.to_owned(), network, address });
        }
        Ok(network)
    }
}

/// How many bits digits say; any number that is too large is the largest. A sign is no digit.
fn read_prefix(digits: &str) -> Option<u8> {
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u8::MAX))
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.prefix)
    }
}

/// The bits of an IPv4 address after a prefix.
fn last_bits_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

/// The bits of an IPv6 address after a prefix.
fn last_bits_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

/// Ranges sorted, those that overlap joined to one.
fn joined<N: Ord + Copy>(mut ranges: Vec<(N, N)>) -> Box<[(N, N)]> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, before| {
        let overlaps = next.0 <= before.1;
        before.1 = if overlaps { before.1.max(next.1) } else { before.1 };
        overlaps
    });
    ranges.into()
}

/// Whether a number is within one of sorted ranges.
fn is_within<N: Ord>(ranges: &[(N, N)], number: N) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= number);
    after.checked_sub(1).is_some_and(|at| number <= ranges[at].1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(&texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_their_first_address_to_their_last() {
        let networks = networks(&["10.1.2.3", "192.0.2.0/25", "2001:db8::/32", "fd00::1"]);
        for inside in ["10.1.2.3", "192.0.2.0", "192.0.2.127", "2001:db8::", "fd00::1"] {
            assert!(networks.contains(address(inside)), "{inside}");
        }
        assert!(networks.contains(address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")));
        for outside in ["10.1.2.2", "10.1.2.4", "192.0.2.128", "191.255.255.255", "2001:db9::"] {
            assert!(!networks.contains(address(outside)), "{outside}");
        }
        assert!(!Networks::new(&[]).contains(address("::1")));
    }

    #[test]
    fn everybody_of_one_family_is_nobody_of_the_other() {
        let (v4, v6) = (networks(&["0.0.0.0/0"]), networks(&["::/0"]));
        for (four, six) in [("0.0.0.0", "::"), ("255.255.255.255", "ffff::ffff")] {
            assert!(v4.contains(address(four)) && v6.contains(address(six)));
            assert!(!v4.contains(address(six)) && !v6.contains(address(four)));
        }
    }

    #[test]
    fn ipv4_inside_ipv6_is_ipv4() {
        let networks = networks(&["::ffff:192.0.2.0/120", "10.0.0.0/8"]);
        for inside in ["192.0.2.9", "::ffff:192.0.2.9", "::ffff:10.255.0.0"] {
            assert!(networks.contains(address(inside)), "{inside}");
        }
        assert!(!networks.contains(address("::ffff:192.0.3.0")));
    }

    #[test]
    fn a_client_is_a_host_of_ipv4_or_a_network_of_ipv6() {
        for (one, other, is_same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8::1", "2001:db8::2:0:0:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let of = |text| client(address(text));
            assert_eq!(of(one) == of(other), is_same, "{one}, {other}");
        }
    }

    #[test]
    fn a_share_is_that_of_a_network() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.255", true),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("2001:db8::1", "2001:db8:0:ff::1", true),
            ("2001:db8::1", "2001:db8:0:100::1", false),
            ("0.0.0.1", "::1", false),
        ] {
            let of = |text| Share::of(address(text));
            assert_eq!(of(one) == of(other), is_same, "{one}, {other}");
        }
    }

    #[test]
    fn the_default_is_the_neighbourhood() {
        let networks = Networks::default();
        for inside in ["127.1.2.3", "10.9.9.9", "172.31.0.1", "192.168.1.1", "100.127.255.255"] {
            assert!(networks.contains(address(inside)), "{inside}");
        }
        for inside in ["::1", "fd12::1", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(networks.contains(address(inside)), "{inside}");
        }
        for outside in ["8.8.8.8", "172.32.0.1", "100.128.0.0", "192.169.0.0", "::2", "fec0::1"] {
            assert!(!networks.contains(address(outside)), "{outside}");
        }
    }

    #[test]
    fn faults_say_what_to_write() {
        for (text, fault) in [
            ("10.0.0.1/8", "`10.0.0.1/8` has bits set after its prefix; write 10.0.0.0/8 for"),
            ("fd00::1/8", "write fd00::/8 for the network, or fd00::1 for"),
            ("::ffff:10.0.0.1/104", "write 10.0.0.0/8 for the network, or 10.0.0.1 for"),
            ("10.0.0.0/33", "`10.0.0.0/33` has a longer prefix than the address has bits, 32"),
            ("::/129", "bits, 128"),
            ("::/1000", "bits, 128"),
            ("10.0.0.0/", "`10.0.0.0/` is no network; write it like 10.0.0.0/8"),
            ("10.0.0.0/+8", "is no network"),
            ("::ffff:10.0.0.0/8", "is no network"),
            ("10.0.0/8", "is no network"),
            ("localhost", "is no network"),
            ("", "`` is no network"),
        ] {
            let found = text.parse::<Network>().unwrap_err().to_string();
            assert!(found.contains(fault), "{text}: {found}");
        }
    }

    proptest! {
        #[test]
        fn a_list_holds_what_one_of_its_networks_holds(
            list in prop::collection::vec((0_u32..1 << 10, 22_u8..=32), 0..20),
            asked in 0_u32..1 << 10,
        ) {
            let address = |bits| IpAddr::from(Ipv4Addr::from_bits(bits));
            let list: Vec<_> = list.iter().map(|(at, to)| Network::around(address(*at), *to)).collect();
            let holds = |one: &Network| Network::around(address(asked), one.prefix) == *one;
            prop_assert_eq!(Networks::new(&list).contains(address(asked)), list.iter().any(holds));
        }

        #[test]
        fn what_is_shown_is_read_again(bits: u128, prefix in 0_u8..=128) {
            let network = Network::around(Ipv6Addr::from_bits(bits).into(), prefix);
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }
}
