//! Overload of a UDP socket: datagrams come faster than they can be read, most of them from
//! one client network. The kernel then drops a part of that network's before they take a place
//! in the socket's buffer, so that those of others are still read: a sieve.
//!
//! ```text
//!   losses, again and again ─→ most of a batch from one network, some of others ─→ sieve:
//!   keep 1/4 of it ─→ buffer half full ─→ 1/8, 1/16 …
//!                  └→ buffer nearly empty ─→ keep more, step by step ─→ all: no sieve
//! ```
//!
//! Without it the buffer is full of what the flood sent, and each client loses as large a part
//! of its queries as the flood does. Where many networks send too much there is none to blame,
//! and where one alone asks, nobody to protect: then nothing is done. It costs nothing while the
//! socket is read as fast as it fills: the buffer is looked at after full batches alone.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::batch::{Buffer, Sieve};
use crate::names::{Network, SHARE_V4, SHARE_V6, Share};

/// What is kept of a network that floods, at first; half of that each time it is still too much.
const FIRST: u32 = u32::MAX / 4;
/// What is kept at least, so that a network of which one client floods is not cut off.
const LEAST: u32 = u32::MAX / 4096;
/// How long datagrams are lost before it is a flood. A burst of one client, which the buffer
/// cannot hold, is over by then.
const BURST: Duration = Duration::from_millis(20);
/// How long ago the last loss of the same flood may be.
const LULL: Duration = Duration::from_millis(100);
/// How long a change takes to be seen: what the buffer held before must be read.
const SETTLING: Duration = Duration::from_millis(10);
/// How long the buffer must have room before more is kept. While batches are full it is a little
/// more each time ([`STEP`]), as each step too far loses datagrams; once they are not, a quarter.
pub(super) const EASING: Duration = Duration::from_millis(50);

/// How much more is kept at a time while the flood goes on: so it is tried how much can be read
/// every second or two.
const STEP: u32 = 32;
/// How much more once it does not.
const STRIDE: u32 = 4;

/// The overload of one socket.
#[derive(Debug)]
pub(super) struct Overload {
    /// What is dropped, if anything is.
    sieve: Option<Sieve>,
    /// When it may be changed again.
    next: Instant,
    /// Losses that may be the beginning of a flood.
    losses: Option<Losses>,
    /// Whether a batch was full since it was changed last.
    was_full: bool,
}

/// The observation of a socket after a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// What its buffer holds.
    pub(super) buffer: Buffer,
    /// Whether the kernel has dropped anything since the last look.
    pub(super) has_lost: bool,
    /// Whether the batch had as much as one can have.
    pub(super) is_full: bool,
}

/// Datagrams were lost.
#[derive(Debug, Clone, Copy)]
struct Losses {
    /// The first ones.
    since: Instant,
    /// The last ones.
    last: Instant,
    /// Whether anybody else asked meanwhile.
    hits_others: bool,
}

/// The senders of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crowd {
    /// An address of the network that sent more than half of it, if one did.
    pub(super) most: Option<IpAddr>,
    /// Whether more than one network sent it.
    pub(super) is_mixed: bool,
}

/// A change of the sieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SieveChange {
    /// A network's datagrams begin to be dropped.
    Begin,
    /// Fewer or more of them are.
    Adjust,
    /// None are any more.
    End,
}

impl Overload {
    /// Nothing is dropped.
    pub(super) fn new(now: Instant) -> Self {
        Self { sieve: None, next: now, losses: None, was_full: false }
    }

    /// What is dropped.
    pub(super) const fn sieve(&self) -> Option<&Sieve> {
        self.sieve.as_ref()
    }

    /// Decides whether anything changes, by what is seen of the socket and who sent the batch.
    pub(super) fn decide(
        &mut self,
        now: Instant,
        Seen { buffer, has_lost, is_full }: Seen,
        crowd: impl FnOnce() -> Crowd,
    ) -> Option<SieveChange> {
        if self.sieve.is_none() {
            return self.suspect(now, has_lost, crowd);
        }
        self.was_full |= is_full;
        if now < self.next {
            return None;
        }
        if buffer.used >= buffer.size / 2 {
            self.tighten(now, crowd().most?)
        } else {
            self.ease(now, buffer)
        }
    }

    /// Begins to drop, where losses go on and others bear them, too.
    fn suspect(
        &mut self,
        now: Instant,
        has_lost: bool,
        crowd: impl FnOnce() -> Crowd,
    ) -> Option<SieveChange> {
        let recent = self.losses.filter(|losses| now - losses.last < LULL);
        let new = || has_lost.then_some(Losses { since: now, last: now, hits_others: false });
        self.losses = recent.or_else(new);
        let losses = self.losses.as_mut()?;
        let crowd = crowd();
        losses.hits_others |= crowd.is_mixed;
        if has_lost {
            losses.last = now;
        }
        let goes_on = has_lost && now - losses.since >= BURST && losses.hits_others;
        let address = crowd.most.filter(|_| goes_on)?;
        self.losses = None;
        self.tighten(now, address)
    }

    /// Nothing has come for [`EASING`]: there is no flood any more.
    pub(super) fn rest(&mut self) -> Option<SieveChange> {
        self.sieve.take().map(|_| SieveChange::End)
    }

    /// Keeps less of the network of an address.
    fn tighten(&mut self, now: Instant, address: IpAddr) -> Option<SieveChange> {
        self.next = now + SETTLING;
        self.was_full = false;
        match &mut self.sieve {
            Some(sieve) if Share::of(sieve.address) == Share::of(address) => {
                let less = (sieve.kept / 2).max(LEAST);
                let is_less = less < sieve.kept;
                sieve.kept = less;
                is_less.then_some(SieveChange::Adjust)
            }
            _ => {
                self.sieve = Some(Sieve { address, kept: FIRST });
                Some(SieveChange::Begin)
            }
        }
    }

    /// Keeps more, where there is room for it.
    fn ease(&mut self, now: Instant, buffer: Buffer) -> Option<SieveChange> {
        let sieve = self.sieve.as_mut()?;
        if buffer.used >= buffer.size / 8 {
            return None;
        }
        self.next = now + EASING;
        let part = if std::mem::take(&mut self.was_full) { STEP } else { STRIDE };
        match sieve.kept.checked_add(sieve.kept / part) {
            Some(more) => {
                sieve.kept = more;
                Some(SieveChange::Adjust)
            }
            None => self.rest(),
        }
    }
}

impl Sieve {
    /// The network that loses datagrams.
    pub(super) fn network(&self) -> Network {
        let prefix = if self.address.is_ipv4() { SHARE_V4 } else { SHARE_V6 };
        Network::around(self.address, prefix)
    }
}

impl Crowd {
    /// That of these addresses: the vote of Boyer and Moore, counted again.
    pub(super) fn of(addresses: impl Iterator<Item = IpAddr> + Clone) -> Self {
        let (mut elected, mut votes) = (None, 0_usize);
        for address in addresses.clone() {
            match elected {
                Some(it) if Share::of(it) == Share::of(address) => votes += 1,
                _ if votes == 0 => (elected, votes) = (Some(address), 1),
                _ => votes -= 1,
            }
        }
        let share = elected.map(Share::of);
        let (of_share, all) = addresses.fold((0, 0), |(of_share, all), address| {
            (of_share + usize::from(Some(Share::of(address)) == share), all + 1)
        });
        Self { most: elected.filter(|_| 2 * of_share > all), is_mixed: of_share < all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer of 1,000 octets that holds so many, after a full batch.
    const fn holds(used: u32, has_lost: bool) -> Seen {
        Seen { buffer: Buffer { used, size: 1_000, dropped: 0 }, has_lost, is_full: true }
    }

    /// Who sends, and whether others do.
    fn crowd(text: &str, is_mixed: bool) -> impl FnOnce() -> Crowd {
        let most = text.parse().ok();
        move || Crowd { most, is_mixed }
    }

    /// A socket that loses datagrams for some time at which one network sends; what is done.
    fn lose(overload: &mut Overload, now: &mut Instant, text: &str, is_mixed: bool) -> bool {
        (0..30).any(|_| {
            *now += Duration::from_millis(1);
            overload.decide(*now, holds(900, true), crowd(text, is_mixed)).is_some()
        })
    }

    #[test]
    fn the_network_of_most_is_found_and_of_fewer_none() {
        let of = |texts: &[&str]| {
            let crowd = Crowd::of(texts.iter().map(|text| text.parse().unwrap()));
            (crowd.most.map(|it| it.to_string()), crowd.is_mixed)
        };
        let first = Some("192.0.2.1".to_owned());
        assert_eq!(of(&["192.0.2.1", "192.0.2.2", "192.0.3.1"]), (first.clone(), true));
        assert_eq!(of(&["192.0.2.1", "192.0.2.2"]), (first, false));
        assert_eq!(of(&["192.0.3.1", "192.0.2.1", "192.0.4.1"]), (None, true));
        assert_eq!(of(&["2001:db8::1", "192.0.2.1"]), (None, true));
        assert_eq!(of(&[]), (None, false));
    }

    #[test]
    fn losses_that_go_on_and_hit_others_are_a_flood() {
        let flood = "192.0.2.1";
        let begun = |text, is_mixed| {
            let mut now = Instant::now();
            lose(&mut Overload::new(now), &mut now, text, is_mixed)
        };
        assert!(begun(flood, true));
        assert!(!begun(flood, false), "nobody is protected");
        assert!(!begun("none", true), "nobody is to blame");
        // A burst, and another much later.
        let mut now = Instant::now();
        let mut overload = Overload::new(now);
        for _ in 0..5 {
            now += LULL;
            let decided = overload.decide(now, holds(900, true), crowd(flood, true));
            assert_eq!(decided, None);
        }
        // A buffer that is full and loses nothing.
        now += BURST;
        assert_eq!(overload.decide(now, holds(1_000, false), crowd(flood, true)), None);
    }

    #[test]
    fn a_flood_is_cut_until_there_is_room() {
        let (mut now, flood) = (Instant::now(), "192.0.2.1");
        let mut overload = Overload::new(now);
        assert!(lose(&mut overload, &mut now, flood, true));
        assert_eq!(overload.sieve().unwrap().kept, FIRST);
        let mut decide = |now, used| {
            let change = overload.decide(now, holds(used, true), crowd("192.0.2.9", false));
            (change, overload.sieve().map(|it| (it.kept, it.network().to_string())))
        };
        let net = |kept| Some((kept, "192.0.2.0/24".to_owned()));
        // What the buffer held before is not taken for more of it.
        assert_eq!(decide(now, 900), (None, net(FIRST)));
        now += SETTLING;
        assert_eq!(decide(now, 900), (Some(SieveChange::Adjust), net(FIRST / 2)));
    }

    /// How many steps there are until all of a network is kept again, while batches are full or
    /// not.
    fn steps(is_full: bool) -> usize {
        let mut now = Instant::now();
        let mut overload = Overload::new(now);
        assert!(lose(&mut overload, &mut now, "192.0.2.1", true));
        for step in 1..1_000 {
            now += EASING;
            let mut decide = |used| {
                let seen = Seen { is_full, ..holds(used, false) };
                overload.decide(now, seen, crowd("192.0.2.1", true))
            };
            assert_eq!(decide(200), None, "there is no room yet");
            if decide(10) == Some(SieveChange::End) {
                return step;
            }
        }
        panic!("it never ends");
    }

    #[test]
    fn while_the_flood_goes_on_little_more_is_kept_and_then_soon_all() {
        let (during, after) = (steps(true), steps(false));
        assert!((40..60).contains(&during) && (5..10).contains(&after), "{during}, {after}");
    }

    #[test]
    fn something_of_it_is_always_kept_and_another_flood_takes_its_place() {
        let mut now = Instant::now();
        let mut overload = Overload::new(now);
        assert!(lose(&mut overload, &mut now, "2001:db8::1", true));
        for _ in 0..40 {
            now += SETTLING;
            overload.decide(now, holds(900, true), crowd("2001:db8::1", true));
        }
        assert_eq!(overload.sieve().unwrap().kept, LEAST);
        now += SETTLING;
        let change = overload.decide(now, holds(900, true), crowd("192.0.2.1", true));
        assert_eq!(change, Some(SieveChange::Begin));
        let other = "192.0.2.1".parse().unwrap();
        assert_eq!(*overload.sieve().unwrap(), Sieve { address: other, kept: FIRST });
        assert_eq!((overload.rest(), overload.rest()), (Some(SieveChange::End), None));
    }
}
