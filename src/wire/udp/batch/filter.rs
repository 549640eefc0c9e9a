//! The program that drops a part of a client network's datagrams in the kernel, before they
//! take a place in the socket's buffer: a socket filter in the classic language of BPF
//! (Linux `Documentation/networking/filter.rst`), which needs no privilege.
//!
//! ```text
//!   load source ─→ other network? ─→ keep
//!        └─→ load random number ─→ below `kept`? ─→ keep
//!                 └─→ drop
//! ```

use std::net::IpAddr;

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use socket2::SockFilter;

use super::Sieve;
use crate::names::{SHARE_V4, SHARE_V6};

/// Where the network header begins, as a filter calls it (linux/filter.h, SKF_NET_OFF).
const NETWORK: u32 = -0x10_0000_i32 as u32;
/// What gives a random number (linux/filter.h, SKF_AD_OFF + SKF_AD_RANDOM).
const RANDOM: u32 = (-0x1000_i32 + 56) as u32;
/// Where the source is in a header of IPv4 (RFC 791 section 3.1).
const SOURCE_V4: u32 = NETWORK.wrapping_add(12);
/// Where the source is in a header of IPv6 (RFC 8200 section 3).
const SOURCE_V6: u32 = NETWORK.wrapping_add(8);
/// Octets of a datagram that are kept: all of them.
const ALL: u32 = u32::MAX;

/// The program of a sieve.
pub(super) fn program(sieve: &Sieve) -> Vec<SockFilter> {
    let words = words(sieve.address);
    let mut program = Vec::new();
    for (at, (offset, mask, word)) in words.iter().enumerate() {
        // Three instructions a word, then three of the draw, then the one that keeps.
        let to_keep = 3 * (words.len() - 1 - at) + 2;
        program.extend([
            instruction(BPF_LD | BPF_W | BPF_ABS, *offset),
            instruction(BPF_ALU | BPF_AND | BPF_K, *mask),
            jump(BPF_JEQ, *word, 0, to_keep as u8),
        ]);
    }
    program.extend([
        instruction(BPF_LD | BPF_W | BPF_ABS, RANDOM),
        jump(BPF_JGE, sieve.kept, 1, 0),
        instruction(BPF_RET | BPF_K, ALL),
        instruction(BPF_RET | BPF_K, 0),
    ]);
    program
}

/// The words of the header that tell a network: where, which bits, and what they are.
fn words(address: IpAddr) -> Vec<(u32, u32, u32)> {
    match address {
        IpAddr::V4(it) => {
            let mask = u32::MAX << (32 - SHARE_V4);
            vec![(SOURCE_V4, mask, it.to_bits() & mask)]
        }
        IpAddr::V6(it) => {
            let (mask, bits) = (u128::MAX << (128 - SHARE_V6), it.to_bits());
            let word = |at: u32| {
                let of = |number: u128| (number >> (96 - 32 * at)) as u32;
                (SOURCE_V6 + 4 * at, of(mask), of(bits & mask))
            };
            vec![word(0), word(1)]
        }
    }
}

/// An instruction that does not jump.
const fn instruction(code: u32, k: u32) -> SockFilter {
    SockFilter::new(code as u16, 0, 0, k)
}

/// A comparison of what was loaded, and how many instructions to skip if it is so, or not.
const fn jump(condition: u32, k: u32, jt: u8, jf: u8) -> SockFilter {
    SockFilter::new((BPF_JMP | condition | BPF_K) as u16, jt, jf, k)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::super::UdpSocket as Ours;
    use super::*;

    /// How many of 400 datagrams from an address are kept by a sieve.
    fn kept(bind: &str, from: &str, sieve: Option<&Sieve>) -> usize {
        let socket = UdpSocket::bind(bind).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let to = socket.local_addr().unwrap();
        let reader = socket.try_clone().unwrap();
        let ours = Ours::new(socket.into(), false).unwrap();
        if sieve.is_some() {
            ours.sift(sieve).unwrap();
        }
        reader.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let client = UdpSocket::bind(from).unwrap();
        let mut kept = 0;
        for _ in 0..20 {
            (0..20).for_each(|_| assert_eq!(client.send_to(b"datagram", to).unwrap(), 8));
            kept += std::iter::from_fn(|| reader.recv(&mut [0; 8]).ok()).count();
        }
        kept
    }

    #[test]
    fn a_part_of_one_network_is_dropped_and_nothing_of_others() {
        let quarter = |text: &str| Sieve { address: text.parse().unwrap(), kept: u32::MAX / 4 };
        let (net, v4) = (quarter("127.0.1.77"), "127.0.0.1:0");
        assert_eq!(kept(v4, "127.0.2.1:0", Some(&net)), 400);
        assert_eq!(kept(v4, "127.0.1.1:0", None), 400);
        // 100 are expected; the bounds are five standard deviations away.
        assert!((57..144).contains(&kept(v4, "127.0.1.1:0", Some(&net))));
    }

    #[test]
    fn networks_of_ipv6_are_told_apart() {
        let sieve = |text: &str| Sieve { address: text.parse().unwrap(), kept: 0 };
        if UdpSocket::bind("[::1]:0").is_err() {
            return eprintln!("skipped: there is no IPv6 here");
        }
        for (network, is_kept) in
            [("::1", false), ("0:0:0:ff::9", false), ("0:0:0:100::1", true), ("8000::1", true)]
        {
            let kept = kept("[::1]:0", "[::1]:0", Some(&sieve(network)));
            assert_eq!(kept, if is_kept { 400 } else { 0 }, "{network}");
        }
    }
}
