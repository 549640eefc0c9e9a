//! The order of records: by priority, and within one by a weighted draw.
//!
//! Each item draws a ticket. The ticket of weight w is an exponential waiting time of
//! rate w: the first of several such clocks to ring is each of them in proportion to its
//! weight, and since the clocks have no memory, so is the next among the rest. Sorting by
//! ticket is therefore the successive weighted draw of RFC 2782, in O(n log n).

use crate::registry::Instance;

/// Where the randomness comes from.
#[derive(Debug)]
pub struct Draw(fastrand::Rng);

/// A place in the order; the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    /// Priorities come before all.
    priority: u16,
    /// Weight 0 comes after every other weight.
    weightless: bool,
    /// The waiting time, as the bits of a float that is not negative: they sort alike.
    time: u64,
}

impl Draw {
    /// A draw that nobody foresees.
    #[must_use]
    pub fn new() -> Self {
        Self(fastrand::Rng::new())
    }

    /// The same draw whenever the seed is the same.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The ticket of one item.
    fn ticket(&mut self, (priority, weight): (u16, u64)) -> Ticket {
        // In (0, 1], so that the logarithm is finite.
        let chance = 1.0 - self.0.f64();
        let weightless = weight == 0;
        let rate = if weightless { 1.0 } else { weight as f64 };
        // `+ 0.0` makes of the -0 that ln(1) gives a 0, whose bits sort first.
        let time = (-chance.ln() / rate + 0.0).to_bits();
        Ticket { priority, weightless, time }
    }

    /// Puts items into the order of their priorities and weights.
    pub(super) fn order<T>(&mut self, items: &mut Vec<T>, rank: impl Fn(&T) -> (u16, u64)) {
        if items.len() < 2 {
            return;
        }
        let mut drawn: Vec<_> =
            items.drain(..).map(|item| (self.ticket(rank(&item)), item)).collect();
        drawn.sort_unstable_by_key(|(ticket, _)| *ticket);
        items.extend(drawn.into_iter().map(|(_, item)| item));
    }
}

impl Default for Draw {
    fn default() -> Self {
        Self::new()
    }
}

/// One of the instances: of the lowest priority, by weight, as the first answer of DNS is.
pub fn pick<'i>(
    instances: impl IntoIterator<Item = &'i Instance>,
    draw: &mut Draw,
) -> Option<&'i Instance> {
    instances.into_iter().min_by_key(|instance| draw.ticket(rank(instance)))
}

/// An instance's own priority and weight.
pub(super) fn rank(instance: &Instance) -> (u16, u64) {
    (instance.priority, u64::from(instance.weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many draws each test makes.
    const DRAWS: u32 = 20_000;

    /// How often each place of the items is taken by each item, over many draws.
    fn places(ranks: &[(u16, u64)], seed: u64) -> Vec<Vec<u32>> {
        let mut draw = Draw::seeded(seed);
        let mut counts = vec![vec![0; ranks.len()]; ranks.len()];
        for _ in 0..DRAWS {
            let mut items: Vec<usize> = (0..ranks.len()).collect();
            draw.order(&mut items, |item| ranks[*item]);
            for (place, item) in items.iter().enumerate() {
                counts[place][*item] += 1;
            }
        }
        counts
    }

    /// Pearson's statistic of counts against probabilities.
    fn chi_square(counts: &[u32], expected: &[f64]) -> f64 {
        counts.iter().zip(expected).fold(0.0, |sum, (count, chance)| {
            let wanted = chance * f64::from(DRAWS);
            sum + (f64::from(*count) - wanted).powi(2) / wanted
        })
    }

    #[test]
    fn rfc2782_first_place_is_in_proportion_to_weight() {
        let counts = places(&[(0, 1), (0, 2), (0, 3), (0, 4)], 1);
        // 16.27 is the 0.1 % point of chi-square with 3 degrees of freedom.
        let statistic = chi_square(&counts[0], &[0.1, 0.2, 0.3, 0.4]);
        assert!(statistic < 16.27, "{statistic}");
    }

    #[test]
    fn rfc2782_second_place_is_drawn_from_the_rest() {
        let counts = places(&[(0, 1), (0, 2), (0, 3)], 2);
        // P(second is i) = sum over j of w_j/6 * w_i/(6 - w_j).
        let expected = [
            2.0 / 6.0 / 4.0 + 3.0 / 6.0 / 3.0,
            1.0 / 6.0 * 2.0 / 5.0 + 3.0 / 6.0 * 2.0 / 3.0,
            1.0 / 6.0 * 3.0 / 5.0 + 2.0 / 6.0 * 3.0 / 4.0,
        ];
        let statistic = chi_square(&counts[1], &expected);
        // 13.82 is the 0.1 % point with 2 degrees of freedom.
        assert!(statistic < 13.82, "{statistic}");
    }

    #[test]
    fn the_statistic_can_fail() {
        let counts = places(&[(0, 1), (0, 2), (0, 3), (0, 4)], 1);
        assert!(chi_square(&counts[0], &[0.25; 4]) > 16.27);
    }

    #[test]
    fn weight_zero_comes_last_and_all_zero_evenly() {
        let counts = places(&[(0, 0), (0, 1), (0, 0)], 3);
        assert_eq!(counts[0][1], DRAWS);
        let halves = [counts[1][0], counts[1][2]];
        assert!(chi_square(&halves, &[0.5, 0.5]) < 10.83);
        let even = places(&[(0, 0); 4], 4);
        assert!(chi_square(&even[0], &[0.25; 4]) < 16.27);
    }

    #[test]
    fn lower_priorities_come_first() {
        let counts = places(&[(2, 9), (1, 0), (1, 5)], 5);
        assert_eq!((counts[0][2], counts[1][1], counts[2][0]), (DRAWS, DRAWS, DRAWS));
    }
}
