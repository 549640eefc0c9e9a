//! Response rate limiting: how much a network is sent over UDP, where sources are forged.
//!
//! Whoever forges the address of a victim has us send the victim replies that are larger
//! than the queries. What a network is sent is therefore counted, and what is over the rate
//! is left unsaid, or said as an empty reply that asks to come back over TCP (*slipped*): a
//! client that is really there does so, and is answered. Replies of one kind are one
//! account, so that a flood of names that do not exist leaves the answers to others alone,
//! however many names it invents.
//!
//! ```text
//!   reply ─→ kind ─→ account ─→ table: room for one more? ─┬─→ sent
//!            client ─┘                                     └─→ slipped, or dropped
//! ```

mod kind;
mod table;

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::RandomState;

use self::kind::{ReplyKind, empty};
use self::table::{Interval, Table};
use crate::names::{Network, Networks, SHARE_V4, SHARE_V6};

/// The settings of rate limiting.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// Replies of one kind that a network is sent a second, at most [`RATE_MAX`].
    pub per_second: NonZeroU32,
    /// One of so many limited replies is slipped; none if it is 0.
    pub slip: u32,
    /// Bits that the addresses of an IPv4 network share.
    pub ipv4_prefix: u8,
    /// Bits that the addresses of an IPv6 network share.
    pub ipv6_prefix: u8,
    /// Networks that are never limited.
    pub exempt: Networks,
}

/// The highest rate: a time of the [`Table`] is in microseconds, of which a reply should
/// take ten, or the rate would be far from what was asked for.
pub const RATE_MAX: u32 = 100_000;

/// Limits what networks are sent. All threads share it, without a lock. Clones share what they
/// were sent.
#[derive(Debug, Clone)]
pub struct Limiter {
    /// What is limited.
    settings: RateLimit,
    /// What a reply takes of an account.
    interval: Interval,
    /// The accounts.
    table: Arc<Table>,
    /// Makes accounts, in a way that nobody outside can foresee.
    hasher: RandomState,
}

/// The verdict on a reply: sent, slipped or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateVerdict {
    /// It is sent.
    Sent,
    /// It was emptied to so many octets, and is sent with TC.
    Slipped(usize),
    /// It is not sent.
    Dropped,
}

impl RateLimit {
    /// A rate, and the defaults that other name servers have as well.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        let exempt = Networks::new(&[]);
        Self { per_second, slip: 2, ipv4_prefix: SHARE_V4, ipv6_prefix: SHARE_V6, exempt }
    }
}

impl Limiter {
    /// A limiter that has seen nothing yet.
    #[must_use]
    pub fn new(settings: RateLimit) -> Self {
        let interval = Interval::of(settings.per_second);
        Self { settings, interval, table: Arc::new(Table::new()), hasher: RandomState::default() }
    }

    /// One of other settings that remembers what networks were sent.
    #[must_use]
    pub fn with(&self, settings: RateLimit) -> Self {
        let (interval, table) = (Interval::of(settings.per_second), Arc::clone(&self.table));
        Self { settings, interval, table, hasher: self.hasher.clone() }
    }

    /// Decides what becomes of a reply to a client over UDP, and empties it if need be.
    pub(super) fn judge(&self, client: IpAddr, reply: &mut [u8], now: Instant) -> RateVerdict {
        let RateLimit { exempt, slip, .. } = &self.settings;
        if exempt.contains(client) || self.takes(client, reply, now) {
            return RateVerdict::Sent;
        }
        match slip {
            // Drawn, not counted: nobody can arrange that another is always dropped.
            1.. if fastrand::u32(..slip) == 0 => RateVerdict::Slipped(empty(reply)),
            _ => RateVerdict::Dropped,
        }
    }

    /// Takes a reply from its account; false if nothing is left there.
    fn takes(&self, client: IpAddr, reply: &[u8], now: Instant) -> bool {
        self.table.take(self.account(client, reply), self.interval, now)
    }

    /// The account of a reply: the client's network, and what kind of reply it is.
    fn account(&self, client: IpAddr, reply: &[u8]) -> u64 {
        let client = client.to_canonical();
        let RateLimit { ipv4_prefix, ipv6_prefix, .. } = self.settings;
        let prefix = if client.is_ipv4() { ipv4_prefix } else { ipv6_prefix };
        let mut hasher = self.hasher.build_hasher();
        Network::around(client, prefix).hash(&mut hasher);
        ReplyKind::of(reply).hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limiter of one reply a second.
    fn limiter(slip: u32) -> Limiter {
        let exempt = Networks::new(&["192.0.2.128/25".parse().unwrap()]);
        Limiter::new(RateLimit {
            per_second: NonZeroU32::MIN,
            slip,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
            exempt,
        })
    }

    /// A reply without records: its header and the question for the root.
    fn reply(code: u8) -> [u8; 17] {
        [1, 2, 0x84, code, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    }

    /// What becomes of the first reply to each client.
    fn fates(limiter: &Limiter, clients: &[&str]) -> Vec<RateVerdict> {
        let now = Instant::now();
        let judge = |client: &&str| limiter.judge(client.parse().unwrap(), &mut reply(5), now);
        clients.iter().map(judge).collect()
    }

    #[test]
    fn a_network_is_one_client_and_some_are_exempt() {
        use RateVerdict::{Dropped, Sent};
        let limiter = limiter(0);
        for (clients, fate) in [
            (["192.0.2.1", "192.0.2.2", "192.0.3.1"], [Sent, Dropped, Sent]),
            (["192.0.2.128", "192.0.2.128", "::ffff:192.0.2.3"], [Sent, Sent, Dropped]),
            (["2001:db8::1", "2001:db8:0:ff::1", "2001:db8:0:100::1"], [Sent, Dropped, Sent]),
        ] {
            assert_eq!(fates(&limiter, &clients), fate, "{clients:?}");
        }
    }

    #[test]
    fn other_settings_remember_what_was_sent() {
        let limiter = limiter(0);
        let sent = fates(&limiter, &["192.0.2.1"]);
        let same = limiter.with(RateLimit { slip: 1, ..limiter.settings.clone() });
        assert_eq!(
            (sent, fates(&same, &["192.0.2.1"])),
            (vec![RateVerdict::Sent], vec![RateVerdict::Slipped(17)])
        );
        let more = NonZeroU32::new(3).unwrap();
        let more = limiter.with(RateLimit { per_second: more, ..limiter.settings.clone() });
        // One reply took the whole second, and what a reply takes now is not there yet.
        assert_eq!(fates(&more, &["192.0.2.1"; 2]), [RateVerdict::Dropped; 2]);
        assert_eq!(fates(&more, &["192.0.3.1"; 4])[2..], [RateVerdict::Sent, RateVerdict::Dropped]);
    }

    #[test]
    fn kinds_are_counted_apart() {
        let (limiter, now) = (limiter(0), Instant::now());
        let client = IpAddr::from([192, 0, 2, 1]);
        let mut truncated = reply(0);
        truncated[2] |= 2;
        assert_eq!(limiter.judge(client, &mut reply(5), now), RateVerdict::Sent);
        assert_eq!(limiter.judge(client, &mut reply(2), now), RateVerdict::Dropped);
        assert_eq!(limiter.judge(client, &mut truncated, now), RateVerdict::Sent);
    }

    #[test]
    fn the_slipped_are_one_of_so_many() {
        const LIMITED: usize = 4_000;
        for (slip, least, most) in [(0, 0, 0), (1, LIMITED, LIMITED), (2, 1_800, 2_200)] {
            let limiter = limiter(slip);
            let fates = fates(&limiter, &["192.0.2.1"; LIMITED + 1]);
            let slipped = fates.iter().filter(|fate| **fate == RateVerdict::Slipped(17)).count();
            assert!((least..=most).contains(&slipped), "{slip}: {slipped}");
            assert_eq!(fates.iter().filter(|fate| **fate == RateVerdict::Sent).count(), 1);
        }
    }
}
