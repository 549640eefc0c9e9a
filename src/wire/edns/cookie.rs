//! Cookies (RFC 7873), made so that replicas with the same secret accept each other's
//! (RFC 9018).
//!
//! ```text
//!   client cookie (8) │ version 1, reserved (4) │ timestamp (4) │ hash (8)
//!   └── the client's ─┘ └──────────────── the server's ─────────────────┘
//! ```
//!
//! The hash is SipHash-2-4 of all before it and the client's address, under the secret.
//! Nothing is kept of a client: whoever shows a cookie that the hash confirms has received a
//! reply of ours at its address within the last hour. Nobody is turned away for a lack of
//! it; a valid one only spares the client what is done against forged addresses.

use std::fmt;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use siphasher::sip::SipHasher24;

use super::Malformed;

/// Octets of a cookie of both sides.
pub(super) const OCTETS: usize = CLIENT + SERVER;
/// Octets of a client's cookie (RFC 7873 section 4.1).
const CLIENT: usize = 8;
/// Octets of a server's cookie, as we make it (RFC 9018 section 4).
const SERVER: usize = 16;
/// Octets of servers' cookies of any kind (RFC 7873 section 4.2).
const SERVER_LENGTHS: std::ops::RangeInclusive<usize> = 8..=32;
/// Octets before the hash.
const HASHED: usize = OCTETS - 8;
/// The version, and reserved octets, of what we make (RFC 9018 section 4.1).
const VERSION: [u8; 4] = [1, 0, 0, 0];
/// Seconds for which a cookie is accepted (RFC 9018 section 4.3).
const AGE_MAX: i32 = 3600;
/// Seconds that the clock of the replica which made it may be ahead (the same section).
const AHEAD_MAX: i32 = 300;

/// Makes cookies and checks them.
#[derive(Clone)]
pub struct Cookies {
    /// Hashes under the secret that cookies are made with.
    own: SipHasher24,
    /// Under those that are accepted besides, while all replicas change to another
    /// (RFC 9018 section 5).
    others: Box<[SipHasher24]>,
    /// Seconds since 1970, as far as 32 bits hold them.
    clock: fn() -> u32,
}

impl Cookies {
    /// Cookies by a secret, and others that are still accepted, or already.
    #[must_use]
    pub fn new(secret: [u8; 16], others: &[[u8; 16]]) -> Self {
        Self::by_clock(secret, others, now)
    }

    /// The same by a clock, which counts seconds since 1970.
    #[must_use]
    pub fn by_clock(secret: [u8; 16], others: &[[u8; 16]], clock: fn() -> u32) -> Self {
        let others = others.iter().map(SipHasher24::new_with_key).collect();
        Self { own: SipHasher24::new_with_key(&secret), others, clock }
    }

    /// Takes a client's option: what it is given in return, and whether it showed a cookie
    /// of ours. There is always a fresh one, which costs one more hash, and spares clients
    /// to ask with one that is about to expire.
    ///
    /// # Errors
    /// [`Malformed`] when the option has no length of cookies (RFC 7873 section 5.2.2).
    pub(super) fn exchange(
        &self,
        option: &[u8],
        client: IpAddr,
    ) -> Result<([u8; OCTETS], bool), Malformed> {
        let (cookie, server) = option.split_first_chunk::<CLIENT>().ok_or(Malformed)?;
        if !server.is_empty() && !SERVER_LENGTHS.contains(&server.len()) {
            return Err(Malformed);
        }
        let now = (self.clock)();
        Ok((self.make(cookie, now, client), self.is_valid(option, now, client)))
    }

    /// A fresh cookie for a client.
    fn make(&self, cookie: &[u8; CLIENT], now: u32, client: IpAddr) -> [u8; OCTETS] {
        let mut made = [0; OCTETS];
        made[..CLIENT].copy_from_slice(cookie);
        made[CLIENT..CLIENT + 4].copy_from_slice(&VERSION);
        made[CLIENT + 4..HASHED].copy_from_slice(&now.to_be_bytes());
        let hash = hash(&self.own, &made, client);
        made[HASHED..].copy_from_slice(&hash);
        made
    }

    /// Whether a cookie was made by us, or by a replica, for this client and not long ago.
    /// Times are compared by serial arithmetic; reserved octets count as they are.
    fn is_valid(&self, option: &[u8], now: u32, client: IpAddr) -> bool {
        let Ok(cookie) = <&[u8; OCTETS]>::try_from(option) else { return false };
        let time = [cookie[12], cookie[13], cookie[14], cookie[15]];
        let age = now.wrapping_sub(u32::from_be_bytes(time)).cast_signed();
        if cookie[CLIENT] != VERSION[0] || !(-AHEAD_MAX..=AGE_MAX).contains(&age) {
            return false;
        }
        let mut all = std::iter::once(&self.own).chain(&self.others);
        all.any(|secret| hash(secret, cookie, client) == cookie[HASHED..])
    }
}

impl fmt::Debug for Cookies {
    /// Secrets are not shown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Cookies({} secrets)", 1 + self.others.len())
    }
}

/// The hash of what stands before it in a cookie, and of the client's address.
fn hash(secret: &SipHasher24, cookie: &[u8; OCTETS], client: IpAddr) -> [u8; 8] {
    let mut hashed = [0; HASHED + 16];
    hashed[..HASHED].copy_from_slice(&cookie[..HASHED]);
    let octets = match client {
        IpAddr::V4(address) => {
            hashed[HASHED..HASHED + 4].copy_from_slice(&address.octets());
            4
        }
        IpAddr::V6(address) => {
            hashed[HASHED..].copy_from_slice(&address.octets());
            16
        }
    };
    secret.hash(&hashed[..HASHED + octets]).to_le_bytes()
}

/// Seconds since 1970. After 2106 they begin anew, which is no harm to their differences.
fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Octets from hex digits.
    fn octets<const N: usize>(hex: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
    }

    /// An exchange: secret, others, client, option, time, reply.
    type Vector =
        (&'static str, &'static [&'static str], &'static str, &'static str, u32, &'static str);

    /// What the appendix of RFC 9018 shows.
    const VECTORS: [Vector; 4] = [
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            &[],
            "198.51.100.100",
            "2464c4abcf10c957",
            1_559_731_985,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
        ),
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            &[],
            "198.51.100.100",
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
            1_559_734_385,
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
        ),
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            &[],
            "203.0.113.203",
            "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
            // The cookie was made at 1559727985; the appendix shows it 6,715 seconds later.
            1_559_734_700,
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
        ),
        (
            "445536bcd2513298075a5d379663c962",
            &["dd3bdf9344b678b185a6f5cb60fca715"],
            "2001:db8:220:1:59de:d0f4:8769:82b8",
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
            1_559_741_961,
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
        ),
    ];

    #[test]
    fn rfc9018_appendix_a_vectors() {
        for (secret, others, client, option, time, reply) in VECTORS {
            let others: Vec<_> = others.iter().map(|secret| octets(secret)).collect();
            let (cookies, client) =
                (Cookies::new(octets(secret), &others), client.parse().unwrap());
            let made = cookies.make(&octets(option), time, client);
            assert_eq!(made, octets(reply));
            assert!(cookies.is_valid(&made, time, client));
            if option.len() > 16 {
                let shown: [u8; OCTETS] = octets(option);
                let made_at = u32::from_be_bytes(octets(&option[24..32]));
                assert!(cookies.is_valid(&shown, made_at, client), "{option}");
                let is_young = time - made_at <= 3600;
                assert_eq!(cookies.is_valid(&shown, time, client), is_young, "{option}");
            }
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_client_for_an_hour() {
        let cookies = Cookies::new([7; 16], &[]);
        let client = "192.0.2.1".parse().unwrap();
        // The clock may begin anew meanwhile.
        for then in [1_000_000, u32::MAX - 100] {
            let made = cookies.make(&[1; 8], then, client);
            for (age, good) in [(0, true), (3600, true), (3601, false), (-300, true), (-301, false)]
            {
                let now = then.wrapping_add_signed(age);
                assert_eq!(cookies.is_valid(&made, now, client), good, "{age}");
            }
            assert!(!cookies.is_valid(&made, then, "192.0.2.2".parse().unwrap()));
            assert!(!cookies.is_valid(&made, then, "2001:db8::1".parse().unwrap()));
            for at in 0..OCTETS {
                let mut damaged = made;
                damaged[at] ^= 1;
                assert!(!cookies.is_valid(&damaged, then, client), "octet {at}");
            }
            let other = Cookies::new([8; 16], &[]);
            assert!(!other.is_valid(&made, then, client));
            assert!(Cookies::new([8; 16], &[[9; 16], [7; 16]]).is_valid(&made, then, client));
        }
    }

    #[test]
    fn rfc7873_s5_2_2_lengths() {
        let (cookies, client) = (Cookies::new([7; 16], &[]), "192.0.2.1".parse().unwrap());
        for length in 0..=64 {
            let exchanged = cookies.exchange(&[3; 64][..length], client);
            let is_length = length == 8 || (16..=40).contains(&length);
            assert_eq!(exchanged.is_ok(), is_length, "{length}");
            if let Ok((cookie, is_valid)) = exchanged {
                assert!(cookie.starts_with(&[3; 8]) && !is_valid);
                assert!(cookies.exchange(&cookie, client).unwrap().1, "the next time it is valid");
            }
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", Cookies::new([171; 16], &[[205; 16]]));
        assert_eq!(shown, "Cookies(2 secrets)");
    }
}
