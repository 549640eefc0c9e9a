//! A few of many records, drawn without putting all into an order.

/// The most records that are drawn from without a search: as many as a bit each is cleared for
/// cheaply, and as few octets hold.
const BITS: usize = 4_096;

/// The lots that a few of many are drawn by: the same draw that orders all of them (by
/// priority, then in proportion to weight among the rest, weight 0 last). Each record costs a
/// search, but where all of a tier are as likely.
#[derive(Debug)]
pub struct WeightedSample {
    /// Up to where each record reaches on a line of all lots, in the order of the records; none
    /// where no tier has weights that differ.
    ends: Box<[u64]>,
    /// The tiers, in order.
    tiers: Box<[Tier]>,
}

/// Records of one priority, all with weights or all without.
#[derive(Debug, Clone, Copy)]
struct Tier {
    /// The place after the last of them.
    next: u16,
    /// Whether each is as likely as any other.
    is_even: bool,
}

impl WeightedSample {
    /// The lots of records with such priorities and weights, which stand by priority, those of
    /// weight 0 last. They are fewer than 2^16.
    #[must_use]
    pub fn new(ranks: &[(u16, u64)]) -> Self {
        let tier = |(priority, weight): &(u16, u64)| (*priority, *weight == 0);
        let tiers = ranks.chunk_by(|one, next| tier(one) == tier(next)).scan(0, |end, run| {
            *end += run.len() as u16;
            let is_even = run.len() <= BITS && run.iter().all(|rank| *rank == run[0]);
            Some(Tier { next: *end, is_even })
        });
        let tiers: Box<[_]> = tiers.collect();
        let is_even = tiers.iter().all(|tier| tier.is_even);
        let ends = ranks[..if is_even { 0 } else { ranks.len() }].iter().scan(0, |end, rank| {
            // Among those without weight each is as likely as any other.
            *end += rank.1.max(1);
            Some(*end)
        });
        Self { ends: ends.collect(), tiers }
    }

    /// Fills `places` with the first of a fresh order, of which there are as many at least.
    /// `below` gives a number below another, each as likely; `sorted` is of the same length.
    pub fn draw(
        &self,
        mut places: &mut [u16],
        sorted: &mut [u16],
        mut below: impl FnMut(u64) -> u64,
    ) {
        let mut first = 0;
        for Tier { next, is_even } in self.tiers.iter().copied() {
            let count = places.len().min(usize::from(next - first));
            let (of_tier, others) = std::mem::take(&mut places).split_at_mut(count);
            match is_even {
                true => draw_even((first, next), of_tier, &mut below),
                false => self.draw_tier((first, next), of_tier, sorted, &mut below),
            }
            (first, places) = (next, others);
        }
    }

    /// Draws places of one tier.
    fn draw_tier(
        &self,
        (first, next): (u16, u16),
        places: &mut [u16],
        sorted: &mut [u16],
        below: &mut impl FnMut(u64) -> u64,
    ) {
        let mut left = self.start(next) - self.start(first);
        for (drawn, place) in places.iter_mut().enumerate() {
            let mut lot = self.start(first) + below(left);
            // The line without the lots that are gone is shorter by these.
            let gone = sorted[..drawn].iter().take_while(|gone| {
                let is_before = lot >= self.start(**gone);
                lot += if is_before { self.width(**gone) } else { 0 };
                is_before
            });
            let at = gone.count();
            *place = self.ends.partition_point(|end| *end <= lot) as u16;
            left -= self.width(*place);
            sorted.copy_within(at..drawn, at + 1);
            sorted[at] = *place;
        }
    }

    /// Where a record's lots begin.
    fn start(&self, place: u16) -> u64 {
        usize::from(place).checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// How many lots a record has.
    fn width(&self, place: u16) -> u64 {
        self.ends[usize::from(place)] - self.start(place)
    }
}

/// Draws places of a tier where each is as likely as any other.
fn draw_even((first, next): (u16, u16), places: &mut [u16], below: &mut impl FnMut(u64) -> u64) {
    let many = usize::from(next - first);
    if 2 * places.len() > many {
        return draw_most((first, many), places, below);
    }
    // Of so many, what was drawn before is seldom drawn again: less than every other time.
    let mut drawn = [0_u64; BITS / 64];
    for place in places {
        loop {
            let lot = below(many as u64) as usize;
            let (word, bit) = (&mut drawn[lot / 64 % (BITS / 64)], 1 << (lot % 64));
            if *word & bit == 0 {
                *word |= bit;
                *place = first + lot as u16;
                break;
            }
        }
    }
}

/// The same where more than half of them are drawn: the first of all in an order.
fn draw_most((first, many): (u16, usize), places: &mut [u16], below: &mut impl FnMut(u64) -> u64) {
    let mut all = [0_u16; BITS];
    let all = &mut all[..many.min(BITS)];
    all.iter_mut().enumerate().for_each(|(at, place)| *place = first + at as u16);
    for (at, place) in places.iter_mut().enumerate().take(many) {
        all.swap(at, at + below((many - at) as u64) as usize);
        *place = all[at];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each record takes each place, over all numbers that can come: each possible
    /// outcome is met as often as it is likely.
    fn exact(ranks: &[(u16, u64)], numbers: [u64; 2]) -> Vec<Vec<u16>> {
        let lots = WeightedSample::new(ranks);
        let draw = |number: [u64; 2]| {
            let (mut places, mut sorted, mut number) = ([0; 2], [0; 2], number.into_iter());
            let below = |all: u64| number.next().unwrap() % all;
            lots.draw(&mut places, &mut sorted, below);
            places.to_vec()
        };
        let all = (0..numbers[0]).flat_map(|one| (0..numbers[1]).map(move |two| [one, two]));
        all.map(draw).collect()
    }

    /// How often an order of two comes.
    fn times(all: &[Vec<u16>], order: [u16; 2]) -> usize {
        all.iter().filter(|it| **it == order).count()
    }

    #[test]
    fn each_next_one_is_drawn_from_the_rest_by_weight() {
        // 6 lots, and 60 is a multiple of what is left after each first.
        let all = exact(&[(0, 1), (0, 2), (0, 3)], [6, 60]);
        for (order, chance) in [
            ([0, 1], 1.0 / 6.0 * 2.0 / 5.0),
            ([0, 2], 1.0 / 6.0 * 3.0 / 5.0),
            ([1, 0], 2.0 / 6.0 * 1.0 / 4.0),
            ([1, 2], 2.0 / 6.0 * 3.0 / 4.0),
            ([2, 0], 3.0 / 6.0 * 1.0 / 3.0),
            ([2, 1], 3.0 / 6.0 * 2.0 / 3.0),
        ] {
            let expected: f64 = chance * 360.0;
            assert!((times(&all, order) as f64 - expected).abs() < 1e-6, "{order:?}");
        }
    }

    #[test]
    fn each_of_many_that_are_alike_comes_as_often_and_once() {
        let (mut random, mut counts) = (fastrand::Rng::with_seed(7), vec![0_u32; 10]);
        for few in [2, 4, 7, 10] {
            let lots = WeightedSample::new(&[(1, 5); 10]);
            for _ in 0..1_000 {
                let (mut places, mut sorted) = (vec![0; few], vec![0; few]);
                lots.draw(&mut places, &mut sorted, |all| random.u64(..all));
                places.iter().for_each(|place| counts[usize::from(*place)] += 1);
                places.sort_unstable();
                places.dedup();
                assert_eq!(places.len(), few);
            }
        }
        // 2,300 of each are expected.
        assert!(counts.iter().all(|count| (2_100..2_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn priorities_come_first_and_weight_zero_last() {
        let all = exact(&[(0, 5), (0, 0), (0, 0), (1, 9)], [10, 10]);
        assert_eq!([times(&all, [0, 1]), times(&all, [0, 2])], [50, 50]);
        let all = exact(&[(0, 0), (1, 1), (1, 2), (2, 9)], [10, 30]);
        assert_eq!([times(&all, [0, 1]), times(&all, [0, 2])], [100, 200]);
    }
}
