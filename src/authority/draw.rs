//! Sources of orders: chances, and the order of a few items.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use super::{Rank, Rendezvous};

/// One in as many as a float can tell apart below 1.
const CHANCE: f64 = 1.0 / (1_u64 << f64::MANTISSA_DIGITS) as f64;

/// The source of randomness.
#[derive(Debug)]
pub struct Draw(fastrand::Rng, Option<Rendezvous>);

impl Draw {
    /// A draw that nobody foresees.
    #[must_use]
    pub fn new() -> Self {
        Self(fastrand::Rng::new(), None)
    }

    /// The same draw whenever the seed is the same.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed), None)
    }

    /// The same for a client, whom zones may always give the same of many records.
    #[must_use]
    pub fn for_client(self, client: IpAddr) -> Self {
        Self(self.0, Some(Rendezvous::of(client)))
    }

    /// The client, if it is known.
    pub(super) const fn client(&self) -> Option<Rendezvous> {
        self.1
    }

    /// Puts items that stand by priority into a fresh order: within a priority each next
    /// one is drawn among the rest, in proportion to weight (RFC 2782). This is the order
    /// that `order` gives to any number of items, without its logarithms: for a few it is
    /// cheaper.
    pub fn arrange<T: Copy>(&mut self, mut items: &mut [T], rank: impl Fn(T) -> Rank) {
        while let Some(first) = items.first() {
            let priority = rank(*first).0;
            let run = items.iter().take_while(|item| rank(**item).0 == priority).count();
            let (run, later) = items.split_at_mut(run);
            self.arrange_run(run, |item| rank(item).1);
            items = later;
        }
    }

    /// Arranges items of one priority.
    fn arrange_run<T: Copy>(&mut self, mut rest: &mut [T], weight: impl Fn(T) -> u64) {
        let mut total: u64 = rest.iter().map(|item| weight(*item)).sum();
        while total > 0 {
            let mut ticket = self.0.u64(..total);
            let drawn = rest.iter().position(|item| {
                let weight = weight(*item);
                let is_drawn = ticket < weight;
                ticket = ticket.saturating_sub(weight);
                is_drawn
            });
            rest.swap(0, drawn.unwrap_or_default());
            total -= weight(rest[0]);
            rest = &mut rest[1..];
        }
        // Only weight 0 is left, which comes last, evenly.
        self.shuffle(rest);
    }

    /// Puts items into an order that is as likely as any other.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// A number below another, which is not 0; each is as likely.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0.u64(..limit)
    }

    /// A chance in (0, 1], so that its logarithm is finite.
    pub(super) fn chance(&mut self) -> f64 {
        1.0 - self.0.f64()
    }

    /// Chances that equal items share, so that one which is met twice still counts once.
    pub(super) fn chances(&mut self) -> Chances {
        let seed = self.0.u64(..);
        Chances::Fresh(SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()))
    }
}

/// Chances that depend on the items.
pub(super) enum Chances {
    /// In a way that nobody foresees.
    Fresh(SeedableRandomState),
    /// In the same way for a client whenever it asks.
    Stable(Rendezvous),
}

impl Chances {
    /// The chance of an item, in (0, 1]; by its key, where that alone decides.
    pub(super) fn of(&self, item: &impl Hash, key: impl FnOnce() -> u64) -> f64 {
        match self {
            Self::Fresh(state) => {
                let bits = state.hash_one(item) >> (u64::BITS - f64::MANTISSA_DIGITS);
                1.0 - bits as f64 * CHANCE
            }
            Self::Stable(client) => client.chance(key()),
        }
    }
}

impl Default for Draw {
    fn default() -> Self {
        Self::new()
    }
}
