//! The records of many that a client is given where they are to stay the same from query to
//! query.
//!
//! Every pair of a client and a record has a chance of its own, from a hash of both (weighted
//! rendezvous hashing). So the records that a client is given change only where one of them
//! goes, or another with an earlier ticket comes; clients together are given records in
//! proportion to weight; and every replica gives a client the same, for the hash has no seed.

use std::net::IpAddr;

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::SRV;

use super::Rank;
use super::order::Ticket;
use crate::names::parse_address_label;

/// One in as many as a float can tell apart below 1.
const CHANCE: f64 = 1.0 / (1_u64 << f64::MANTISSA_DIGITS) as f64;

/// A client, as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendezvous(u64);

impl Rendezvous {
    /// A client at an address.
    #[must_use]
    pub fn of(client: IpAddr) -> Self {
        Self(address_key(client.to_canonical()))
    }

    /// The chance of a record, in (0, 1]: an even number that the client and the record's key
    /// decide.
    pub(super) const fn chance(self, key: u64) -> f64 {
        let bits = mixed(self.0.rotate_left(32) ^ key) >> (u64::BITS - f64::MANTISSA_DIGITS);
        1.0 - bits as f64 * CHANCE
    }

    /// Fills `places` with the first records of the client's order, of which there are as many
    /// at least, by their ranks and keys. `tickets` is of the same length.
    pub fn choose(self, ranks: &[Rank], keys: &[u64], places: &mut [u16], tickets: &mut [Ticket]) {
        let mut held = 0;
        for (place, (rank, key)) in ranks.iter().zip(keys).enumerate() {
            let chance = self.chance(*key);
            let last = tickets.last().filter(|_| held == places.len());
            if last.is_some_and(|last| Ticket::at_least(chance, *rank) >= *last) {
                continue;
            }
            let ticket = Ticket::new(chance, *rank);
            let at = tickets[..held].partition_point(|other| *other <= ticket);
            if at == places.len() {
                continue;
            }
            held = (held + 1).min(places.len());
            tickets.copy_within(at..held - 1, at + 1);
            places.copy_within(at..held - 1, at + 1);
            (tickets[at], places[at]) = (ticket, place as u16);
        }
    }
}

/// What a record is known by. Its priority and weight are no part of it: whoever turns a
/// weight a little is met by nearly the same clients.
#[must_use]
pub fn key(data: &RData) -> u64 {
    match data {
        RData::A(address) => address_key(address.0.into()),
        RData::AAAA(address) => address_key(address.0.into()),
        RData::SRV(SRV { port, target, .. }) => {
            let mut labels = target.iter();
            let first = labels.next().unwrap_or_default();
            match parse_address_label(&first.to_ascii_lowercase()) {
                Some(address) => way_key(address, *port),
                None => text_key(&dotted(target.iter())) ^ u64::from(*port),
            }
        }
        other => text_key(other.to_string().as_bytes()),
    }
}

/// Labels as text.
fn dotted<'l>(labels: impl Iterator<Item = &'l [u8]>) -> Vec<u8> {
    labels.collect::<Vec<_>>().join(&b'.')
}

/// What the record of an address is known by.
pub(super) fn address_key(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => hashed(address.octets().into_iter()),
        IpAddr::V6(address) => hashed(address.octets().into_iter()),
    }
}

/// What a way to an address is known by.
pub(super) fn way_key(address: IpAddr, port: u16) -> u64 {
    address_key(address) ^ u64::from(port)
}

/// What a name or a text is known by, in whatever case it is spelt.
pub(super) fn text_key(text: &[u8]) -> u64 {
    hashed(text.iter().map(u8::to_ascii_lowercase))
}

/// What a way to a host name is known by: as that of an address where its first label is one.
pub(super) fn host_key(host: &str, port: u16) -> u64 {
    let first = host.split('.').next().unwrap_or_default();
    match parse_address_label(first.to_ascii_lowercase().as_bytes()) {
        Some(address) => way_key(address, port),
        None => text_key(host.as_bytes()) ^ u64::from(port),
    }
}

/// FNV-1a of 64 bits, mixed. It must be the same everywhere and for ever, which the hashes of
/// libraries do not promise; and whoever registers what collides harms his own service.
fn hashed(octets: impl Iterator<Item = u8>) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    mixed(octets.fold(BASIS, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(PRIME)))
}

/// The finalizer of SplitMix64: every bit depends on every bit.
const fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
