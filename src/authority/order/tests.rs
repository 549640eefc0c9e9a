//! Draws of the order, held to what RFC 2782 says of many of them.

use super::*;

/// How many draws each test makes.
const DRAWS: u32 = 20_000;

/// The items that fit, in the order of a draw; each is an octet long.
fn order(ranks: &[(u16, u64)], mut chance: impl FnMut(usize) -> f64, octets: usize) -> Vec<usize> {
    let mut selection = Selection::new(Room { octets, overflow: Overflow::Cut });
    for (item, rank) in ranks.iter().enumerate() {
        assert!(selection.offer(chance(item), *rank, || (1, item)).is_ok());
    }
    let Ok((items, is_cut)) = selection.finish() else { panic!("nothing is truncated") };
    assert_eq!(is_cut, ranks.len() > octets);
    items.into_iter().map(|(_, item)| item).collect()
}

/// How often each place of the items is taken by each item, over many draws.
fn places(ranks: &[(u16, u64)], seed: u64) -> Vec<Vec<u32>> {
    let mut draw = Draw::seeded(seed);
    let mut counts = vec![vec![0; ranks.len()]; ranks.len()];
    for _ in 0..DRAWS {
        let items = order(ranks, |_| draw.chance(), usize::MAX);
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
fn a_few_items_are_arranged_as_a_selection_orders_them() {
    let ranks = [(0, 1), (0, 2), (0, 3), (0, 0), (0, 0), (4, 9), (4, 1)];
    let mut draw = Draw::seeded(9);
    let mut counts = vec![vec![0; ranks.len()]; ranks.len()];
    for _ in 0..DRAWS {
        let mut items: Vec<_> = (0..ranks.len()).collect();
        draw.arrange(&mut items, |item| ranks[item]);
        items.iter().enumerate().for_each(|(place, item)| counts[place][*item] += 1);
    }
    let selected = places(&ranks, 10);
    for (counts, selected) in counts.iter().zip(&selected) {
        let expected: Vec<_> =
            selected.iter().map(|count| f64::from(*count) / f64::from(DRAWS)).collect();
        for (count, share) in counts.iter().zip(&expected) {
            // Two samples of one share differ by sqrt(2 s (1-s) n): 4.5 of those.
            let spread = 4.5 * (2.0 * share * (1.0 - share) * f64::from(DRAWS)).sqrt();
            let wanted = share * f64::from(DRAWS);
            assert!((f64::from(*count) - wanted).abs() <= spread, "{counts:?} {selected:?}");
        }
    }
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

#[test]
fn a_selection_is_the_beginning_of_the_whole_order() {
    let mut draw = Draw::seeded(6);
    let ranks: Vec<_> = (0..5000).map(|it| (it / 4000, u64::from(it % 7))).collect();
    let chances: Vec<_> = ranks.iter().map(|_| draw.chance()).collect();
    let whole = order(&ranks, |item| chances[item], usize::MAX);
    for octets in [0, 1, 63, 64, 100, 1000, 4999, 5000] {
        assert_eq!(order(&ranks, |item| chances[item], octets), whole[..octets]);
    }
}

#[test]
fn a_number_of_items_is_the_beginning_of_the_whole_order() {
    let mut draw = Draw::seeded(6);
    let ranks: Vec<_> = (0..5000).map(|it| (it / 4000, u64::from(it % 7))).collect();
    let chances: Vec<_> = ranks.iter().map(|_| draw.chance()).collect();
    let whole = order(&ranks, |item| chances[item], usize::MAX);
    for (overflow, octets, most, kept) in [
        (Overflow::Truncate, 100, 8, Some(8)),
        (Overflow::Truncate, 8, 8, Some(8)),
        (Overflow::Whole, 8, 8, Some(8)),
        (Overflow::Whole, 7, 8, None),
        (Overflow::Truncate, 7, 8, Some(7)),
        (Overflow::Cut, 7, 8, Some(7)),
        (Overflow::Cut, 9, 8, Some(8)),
        (Overflow::Cut, 9000, 6000, Some(5000)),
    ] {
        let mut selection = Selection::new(Room { octets, overflow }).at_most(most);
        for (item, rank) in ranks.iter().enumerate() {
            assert!(selection.offer(chances[item], *rank, || (1, item)).is_ok());
        }
        let found = selection.finish().ok();
        let is_cut = kept.is_some_and(|kept| kept < most.min(ranks.len()));
        assert_eq!(found.as_ref().map(|(_, is_cut)| *is_cut), kept.map(|_| is_cut));
        let found = found.map(|(items, _)| items.into_iter().map(|(_, item)| item).collect());
        assert_eq!(found, kept.map(|kept| whole[..kept].to_vec()));
    }
}

#[test]
fn larger_items_may_drop_out_of_a_number() {
    for overflow in [Overflow::Truncate, Overflow::Cut, Overflow::Whole] {
        let mut selection = Selection::new(Room { octets: 100, overflow }).at_most(2);
        for (priority, octets) in [(9, 80), (8, 80), (7, 80), (1, 50), (0, 50)] {
            assert!(selection.offer(0.5, (priority, 1), || (octets, priority)).is_ok());
        }
        let Ok((items, false)) = selection.finish() else { panic!("two of 50 octets fit") };
        assert_eq!(items.into_iter().map(|(_, item)| item).collect::<Vec<_>>(), [0, 1]);
    }
}

#[test]
fn what_never_fits_keeps_nothing_else_out() {
    let room = Room { octets: 100, overflow: Overflow::Truncate };
    let mut selection = Selection::new(room);
    for (priority, octets) in [(0, 101), (1, 50), (2, 50), (3, 101)] {
        assert!(selection.offer(0.5, (priority, 1), || (octets, priority)).is_ok());
    }
    let Ok((items, true)) = selection.finish() else { panic!("two of 50 octets fit") };
    assert_eq!(items.into_iter().map(|(_, item)| item).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn equal_items_are_one() {
    let chances = Draw::seeded(7).chances();
    let room = Room { octets: 100, overflow: Overflow::Truncate };
    let mut selection = Selection::new(room);
    for item in (0..1000).map(|it| it % 100) {
        assert!(selection.offer(chances.of(&item, || 0), (0, 1), || (1, item)).is_ok());
    }
    let Ok((items, false)) = selection.finish() else { panic!("a hundred fit") };
    let mut items: Vec<_> = items.into_iter().map(|(_, item)| item).collect();
    items.sort_unstable();
    assert_eq!(items, (0..100).collect::<Vec<_>>());
}

#[test]
fn chances_of_items_are_even() {
    let mut draw = Draw::seeded(8);
    let ranks = [(0, 1), (0, 2), (0, 3), (0, 4)];
    let mut counts = [0; 4];
    for _ in 0..DRAWS {
        let chances = draw.chances();
        counts[order(&ranks, |item| chances.of(&item, || 0), 1)[0]] += 1;
    }
    assert!(chi_square(&counts, &[0.1, 0.2, 0.3, 0.4]) < 16.27, "{counts:?}");
}
