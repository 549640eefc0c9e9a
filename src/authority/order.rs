//! The order of records: by priority, and within one by a weighted draw.
//!
//! Each item draws a ticket. The ticket of weight w is an exponential waiting time of
//! rate w: the first of several such clocks to ring is each of them in proportion to its
//! weight, and since the clocks have no memory, so is the next among the rest. Sorting by
//! ticket is therefore the successive weighted draw of RFC 2782, in O(n log n).
//!
//! Where there are more items than a message holds, nearly all have tickets that are too
//! late. A selection forgets those at once: it sorts a few thousand items, of how many
//! soever, and needs no logarithm for the rest.

#[cfg(test)]
mod tests;

use super::{Draw, Overflow, Rank, Rendezvous, Room, TooLarge};
use crate::index::{AnswersOrder, Settings};
use crate::registry::Instance;

/// A place in the order; the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// Priorities come before all.
    priority: u16,
    /// Weight 0 comes after every other weight.
    weightless: bool,
    /// The waiting time, as the bits of a float that is not negative: they sort alike.
    time: u64,
}

impl Ticket {
    /// The last of all.
    pub const LAST: Self = Self { priority: u16::MAX, weightless: true, time: u64::MAX };

    /// The ticket of an item with a chance.
    pub(super) fn new(chance: f64, rank: Rank) -> Self {
        Self::at(-chance.ln(), rank)
    }

    /// A ticket that is not after the item's own, and quickly told: -ln(x) >= 1 - x.
    pub(super) fn at_least(chance: f64, rank: Rank) -> Self {
        Self::at(1.0 - chance, rank)
    }

    /// The ticket of a waiting time at rate 1.
    fn at(time: f64, (priority, weight): Rank) -> Self {
        let weightless = weight == 0;
        let rate = if weightless { 1.0 } else { weight as f64 };
        // `+ 0.0` makes of the -0 that ln(1) gives a 0, whose bits sort first.
        Self { priority, weightless, time: (time / rate + 0.0).to_bits() }
    }
}

/// The first items of the order, as many as are wanted and fit their room. Items that are
/// equal and have equal tickets are one.
pub(super) struct Selection<T> {
    /// How much fits.
    room: Room,
    /// How many are wanted.
    most: usize,
    /// Whether all of a priority are as likely, whatever their weights, but for weight 0.
    is_even: bool,
    /// Whether some of those that are wanted do not fit.
    is_cut: bool,
    /// Items that may be among the first.
    drawn: Vec<Drawn<T>>,
    /// The octets of these.
    octets: usize,
    /// How many octets are held until the items are sorted.
    sort_above: usize,
    /// The first ticket that does not fit or is not wanted, as far as is known.
    end: Option<Ticket>,
}

/// An item in its place.
struct Drawn<T> {
    /// The place.
    ticket: Ticket,
    /// What it was drawn by.
    rank: Rank,
    /// The least octets of the item.
    octets: usize,
    item: T,
}

impl<T: PartialEq> Selection<T> {
    /// A selection of nothing yet.
    pub(super) const fn new(room: Room) -> Self {
        let sort_above = match room.overflow {
            // Most likely no two are the same, and this is the end.
            Overflow::Whole => room.octets,
            Overflow::Truncate | Overflow::Cut => twice(room.octets),
        };
        Self {
            room,
            most: usize::MAX,
            is_even: false,
            is_cut: false,
            drawn: Vec::new(),
            octets: 0,
            sort_above,
            end: None,
        }
    }

    /// The same of so many items at most.
    pub(super) fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The same, drawn without regard to weights where that is so: for those who draw by weight
    /// from what was selected.
    pub(super) fn evenly(self, is_even: bool) -> Self {
        Self { is_even, ..self }
    }

    /// Takes an item in, made with its octets only if it may be among the first. One that is
    /// larger than the whole room keeps nothing else out of it.
    ///
    /// # Errors
    /// [`TooLarge`] when there are more than fit, and only all are of use.
    pub(super) fn offer(
        &mut self,
        chance: f64,
        rank: Rank,
        item: impl FnOnce() -> (usize, T),
    ) -> Result<(), TooLarge> {
        let drawn_by = if self.is_even { (rank.0, rank.1.min(1)) } else { rank };
        if self.end.is_some_and(|end| Ticket::at_least(chance, drawn_by) >= end) {
            return Ok(());
        }
        let ticket = Ticket::new(chance, drawn_by);
        let (octets, item) = item();
        if octets > self.room.octets && self.room.overflow != Overflow::Whole {
            self.is_cut = true;
            return Ok(());
        }
        self.drawn.push(Drawn { ticket, rank, octets, item });
        self.octets += octets;
        if self.octets <= self.sort_above {
            return Ok(());
        }
        self.sort();
        // Of a limited number the last word is said at the end: larger ones may drop out.
        let is_last = self.most == usize::MAX || self.room.overflow != Overflow::Whole;
        if is_last { self.fit() } else { Ok(()) }
    }

    /// Others are left out, whatever is said of these.
    pub(super) const fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The items with their ranks, in order, and whether others were left out that are wanted.
    ///
    /// # Errors
    /// [`TooLarge`] when there are more than fit, and only all are of use.
    pub(super) fn finish(mut self) -> Result<(Vec<(Rank, T)>, bool), TooLarge> {
        self.sort();
        self.fit()?;
        let is_cut = self.is_cut && self.drawn.len() < self.most;
        let items = self.drawn.into_iter().map(|drawn| (drawn.rank, drawn.item));
        Ok((items.collect(), is_cut))
    }

    /// Sorts what is held, and forgets what is not wanted.
    fn sort(&mut self) {
        self.drawn.sort_unstable_by_key(|drawn| drawn.ticket);
        self.drawn.dedup_by(|one, other| one.ticket == other.ticket && one.item == other.item);
        if let Some(first) = self.drawn.get(self.most) {
            self.end = Some(first.ticket);
            self.drawn.truncate(self.most);
        }
        self.octets = self.drawn.iter().map(|drawn| drawn.octets).sum();
        self.sort_above = twice(self.room.octets.max(self.octets));
    }

    /// Forgets what cannot fit.
    fn fit(&mut self) -> Result<(), TooLarge> {
        self.octets = 0;
        let fit = self.drawn.iter().take_while(|drawn| {
            self.octets += drawn.octets;
            self.octets <= self.room.octets
        });
        let fit = fit.count();
        if let Some(first) = self.drawn.get(fit) {
            if self.room.overflow == Overflow::Whole {
                return Err(TooLarge);
            }
            self.octets -= first.octets;
            (self.end, self.is_cut) = (Some(first.ticket), true);
            self.drawn.truncate(fit);
        }
        self.sort_above = twice(self.room.octets);
        Ok(())
    }
}

/// The client of a draw, if a zone gives a client the same of many records each time.
pub(super) fn stable(settings: &Settings, draw: &Draw) -> Option<Rendezvous> {
    draw.client().filter(|_| settings.answers_order == AnswersOrder::Stable)
}

/// The items of a selection with their ranks, and whether others were left out; in a fresh
/// order, if it was not a fresh one that they were selected by.
pub(super) fn finish<T: PartialEq>(
    selection: Selection<T>,
    client: Option<Rendezvous>,
    draw: &mut Draw,
) -> Result<(Vec<(Rank, T)>, bool), TooLarge> {
    let (mut items, is_cut) = selection.finish()?;
    if client.is_some() {
        items.sort_by_cached_key(|(rank, _)| Ticket::new(draw.chance(), *rank));
    }
    Ok((items, is_cut))
}

/// Room for as much again: each sort then has as many new items as old ones.
const fn twice(octets: usize) -> usize {
    octets.saturating_mul(2)
}

/// One of the instances: of the lowest priority, by weight, as the first answer of DNS is.
pub fn pick<'i>(
    instances: impl IntoIterator<Item = &'i Instance>,
    draw: &mut Draw,
) -> Option<&'i Instance> {
    pick_by(instances, |instance| rank(instance), draw)
}

/// The same of whatever has a priority and a weight.
pub fn pick_by<T>(
    all: impl IntoIterator<Item = T>,
    rank: impl Fn(&T) -> Rank,
    draw: &mut Draw,
) -> Option<T> {
    all.into_iter().min_by_key(|it| Ticket::new(draw.chance(), rank(it)))
}

/// An instance's own priority and weight.
pub(super) fn rank(instance: &Instance) -> Rank {
    (instance.priority, u64::from(instance.weight))
}
