//! A fair queue: things that wait, served by client network in turns.
//!
//! Each network has a lane of its own; networks are served in turns, and within one whoever
//! came first. When there is no room, the network that has the most waiting loses what it has
//! waited with for longest. So a network that floods loses its own, and a client of another
//! one waits for one of each network at most.
//!
//! ```text
//!   offer ─→ lane of 192.0.2.0/24   ● ● ● ● ● ●  ─┐
//!            lane of 198.51.100.0/24  ●          ─┼─→ take: one of each in turns
//!            lane of 2001:db8::/56    ● ●        ─┘
//! ```
//!
//! Every step takes the same time, however many wait: the lanes are also filed by their length,
//! which only ever changes by one.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::names::Share;

/// Things that wait.
#[derive(Debug)]
pub(super) struct Fair<T> {
    /// How many may wait in all.
    room: usize,
    /// How many do.
    waiting: usize,
    /// The lanes, by number; some may be unused.
    lanes: Vec<Lane<T>>,
    /// Numbers that are unused.
    unused: Vec<usize>,
    /// The lane of each network that has anything waiting. Hashes cannot be foreseen.
    by_network: HashMap<Share, usize, RandomState>,
    /// These lanes, the next to be served first.
    turns: VecDeque<usize>,
    /// These lanes by how many wait in them, less one. The last is not empty.
    by_length: Vec<Vec<usize>>,
}

/// The lane of one network: what waits for it.
#[derive(Debug)]
struct Lane<T> {
    network: Share,
    /// What waits, in the order it came.
    waiting: VecDeque<T>,
    /// The lane's place among those as long.
    place: usize,
}

impl<T> Fair<T> {
    /// Nothing waits; so many may.
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            waiting: 0,
            lanes: Vec::new(),
            unused: Vec::new(),
            by_network: HashMap::default(),
            turns: VecDeque::new(),
            by_length: Vec::new(),
        }
    }

    /// Lets something of a network wait. Gives what is lost for it: the oldest of the network
    /// that has the most waiting, which may be the same network.
    ///
    /// # Errors
    /// The newcomer is lost, where each of as many other networks as there is room has one.
    pub(super) fn offer(&mut self, network: Share, item: T) -> Result<Option<T>, T> {
        let is_full = self.waiting >= self.room;
        let own = self.by_network.get(&network).copied();
        if is_full && own.is_none() && self.by_length.len() <= 1 {
            return Err(item);
        }
        let own = own.unwrap_or_else(|| self.open(network));
        self.lanes[own].waiting.push_back(item);
        self.waiting += 1;
        let length = self.lanes[own].waiting.len();
        self.file(own, length - 1, length);
        if !is_full {
            return Ok(None);
        }
        let is_longest = length == self.by_length.len();
        let longest = self.by_length.last().and_then(|lanes| lanes.last()).copied();
        Ok(self.pop(if is_longest { own } else { longest.unwrap_or(own) }))
    }

    /// What is served next.
    pub(super) fn take(&mut self) -> Option<T> {
        let lane = self.turns.pop_front()?;
        let item = self.pop(lane);
        if self.lanes[lane].waiting.is_empty() {
            self.by_network.remove(&self.lanes[lane].network);
            self.lanes[lane].waiting = VecDeque::new();
            self.unused.push(lane);
        } else {
            self.turns.push_back(lane);
        }
        item
    }

    /// A lane for a network that has none; it is served last.
    fn open(&mut self, network: Share) -> usize {
        let fresh = Lane { network, waiting: VecDeque::new(), place: 0 };
        let lane = if let Some(lane) = self.unused.pop() {
            self.lanes[lane] = fresh;
            lane
        } else {
            self.lanes.push(fresh);
            self.lanes.len() - 1
        };
        self.by_network.insert(network, lane);
        self.turns.push_back(lane);
        lane
    }

    /// Takes the oldest of a lane.
    fn pop(&mut self, lane: usize) -> Option<T> {
        let item = self.lanes[lane].waiting.pop_front()?;
        self.waiting -= 1;
        let length = self.lanes[lane].waiting.len();
        self.file(lane, length + 1, length);
        Some(item)
    }

    /// Files a lane whose length has changed.
    fn file(&mut self, lane: usize, before: usize, now: usize) {
        if let Some(at) = before.checked_sub(1) {
            let (place, filed) = (self.lanes[lane].place, &mut self.by_length[at]);
            filed.swap_remove(place);
            if let Some(moved) = filed.get(place) {
                self.lanes[*moved].place = place;
            }
        }
        if let Some(at) = now.checked_sub(1) {
            if self.by_length.len() <= at {
                self.by_length.resize_with(now, Vec::new);
            }
            self.lanes[lane].place = self.by_length[at].len();
            self.by_length[at].push(lane);
        }
        while self.by_length.last().is_some_and(Vec::is_empty) {
            self.by_length.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The network of a number.
    fn network(number: u8) -> Share {
        Share::of([192, 0, number, 1].into())
    }

    /// All that waits, in the order in which it is served.
    fn drain<T>(fair: &mut Fair<T>) -> Vec<T> {
        std::iter::from_fn(|| fair.take()).collect()
    }

    #[test]
    fn networks_are_served_in_turns() {
        let mut fair = Fair::new(10);
        for item in [(1, 'a'), (1, 'b'), (1, 'c'), (2, 'd'), (3, 'e'), (3, 'f')] {
            assert_eq!(fair.offer(network(item.0), item.1), Ok(None));
        }
        assert_eq!(drain(&mut fair), ['a', 'd', 'e', 'b', 'f', 'c']);
        assert_eq!(fair.waiting, 0);
    }

    #[test]
    fn who_has_the_most_waiting_loses_the_oldest() {
        let mut fair = Fair::new(4);
        for item in 0..4 {
            assert_eq!(fair.offer(network(1), item), Ok(None));
        }
        // Of itself, then of another, which keeps as many as the first has then.
        assert_eq!(fair.offer(network(1), 4), Ok(Some(0)));
        assert_eq!(fair.offer(network(2), 20), Ok(Some(1)));
        assert_eq!(fair.offer(network(2), 21), Ok(Some(2)));
        assert_eq!(fair.offer(network(2), 22), Ok(Some(20)));
        assert_eq!(drain(&mut fair), [3, 21, 4, 22]);
    }

    #[test]
    fn where_each_has_one_the_newcomer_is_lost() {
        let mut fair = Fair::new(2);
        assert_eq!((fair.offer(network(1), 1), fair.offer(network(2), 2)), (Ok(None), Ok(None)));
        assert_eq!(fair.offer(network(3), 3), Err(3));
        assert_eq!(fair.offer(network(2), 4), Ok(Some(2)));
        assert_eq!(drain(&mut fair), [1, 4]);
    }

    #[test]
    fn a_flood_does_not_cost_another_network_anything() {
        let mut fair = Fair::new(100);
        let mut lost = Vec::new();
        for item in 0..10_000 {
            lost.extend(fair.offer(network(1), (1, item)).unwrap());
            if item % 100 == 0 {
                lost.extend(fair.offer(network(2), (2, item)).unwrap());
            }
            if item % 10 == 0 {
                fair.take();
            }
        }
        assert!(lost.len() > 8_000 && lost.iter().all(|(network, _)| *network == 1));
    }

    proptest! {
        /// The same as a look at everything that waits would say, and nothing is left behind.
        #[test]
        fn it_is_as_a_look_at_all_would_have_it(
            steps in prop::collection::vec(prop::option::weighted(0.7, 0_u8..5), 0..200),
            room in 1_usize..12,
        ) {
            let mut fair = Fair::new(room);
            let mut lanes: Vec<(u8, Vec<usize>)> = Vec::new();
            for (item, step) in steps.into_iter().enumerate() {
                let Some(number) = step else {
                    let next = (!lanes.is_empty()).then(|| lanes.remove(0));
                    let taken = next.map(|(number, mut lane)| {
                        let item = lane.remove(0);
                        if !lane.is_empty() {
                            lanes.push((number, lane));
                        }
                        item
                    });
                    prop_assert_eq!(fair.take(), taken);
                    continue;
                };
                let had: usize = lanes.iter().map(|(_, lane)| lane.len()).sum();
                let Ok(lost) = fair.offer(network(number), item) else {
                    let others = lanes.iter().all(|(it, lane)| lane.len() == 1 && *it != number);
                    prop_assert!(had == room && others);
                    continue;
                };
                match lanes.iter_mut().find(|(it, _)| *it == number) {
                    Some((_, lane)) => lane.push(item),
                    None => lanes.push((number, vec![item])),
                }
                prop_assert_eq!(lost.is_some(), had == room);
                if let Some(lost) = lost {
                    let most = lanes.iter().map(|(_, lane)| lane.len()).max();
                    let of = lanes.iter_mut().find(|(_, lane)| lane[0] == lost);
                    let (_, lane) = of.expect("the oldest of a network");
                    prop_assert_eq!(Some(lane.len()), most);
                    lane.remove(0);
                }
            }
            let left: usize = lanes.iter().map(|(_, lane)| lane.len()).sum();
            prop_assert_eq!(drain(&mut fair).len(), left);
            prop_assert!(fair.by_network.is_empty() && fair.by_length.is_empty());
            prop_assert!(fair.turns.is_empty() && fair.lanes.len() == fair.unused.len());
        }
    }
}
